/** Which documents the server is told about, and how a prompt is guessed where no server answers. */

import * as vscode from 'vscode';
import { chatHints } from './settings.ts';

const SCHEMES = ['file', 'untitled', 'vscode-userdata'];
/** The input box of VS Code's chat, which shows itself to extensions as a document. */
export const CHAT_INPUT = 'chatSessionInput';
const LANGUAGES = ['prompt', 'markdown'];
/** Drafts that may have any language; the rest are `prompt` or `markdown` by their names. */
const PATTERNS = ['**/*.prompt.md', '**/*.prompt', '**/*.prompt.txt', '**/*.pi.md'];
const AGENT_PATTERNS = ['**/claude-prompt-*.md', '**/gemini-edit-*/buffer.txt'];

interface Filter {
  scheme: string;
  language?: string;
  pattern?: string;
}

/** The selector of every document that may hold a prompt, the user's own patterns included. */
export function documentSelector(): Filter[] {
  const prompts = vscode.workspace.getConfiguration('devrouter.prompts');
  const own = [...prompts.get<string[]>('agentPatterns', []), ...prompts.get<string[]>('include', [])];
  const patterns = [
    ...PATTERNS,
    ...AGENT_PATTERNS,
    ...own.map((glob) => (glob.startsWith('/') ? glob : `**/${glob}`)),
  ];
  return [
    ...(chatHints() ? [{ scheme: CHAT_INPUT }] : []),
    ...SCHEMES.flatMap((scheme) => LANGUAGES.map((language) => ({ scheme, language }))),
    ...patterns.map((pattern) => ({ scheme: 'file', pattern })),
  ];
}

/** True for a document that surely holds a prompt: enough to speak of a missing server. */
export function looksLikePrompt(document: vscode.TextDocument): boolean {
  if (!SCHEMES.includes(document.uri.scheme)) return false;
  return document.languageId === 'prompt' || /^(?:```|~~~)[ \t]*prompt\b/im.test(document.getText());
}
