/** The prompt that a command is about: at the cursor, or the selection. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle.ts';
import { withLogs } from './notify.ts';
import type { PromptMessage, RangeMessage } from './protocol.ts';

export interface CurrentPrompt {
  document: vscode.TextDocument;
  prompt: PromptMessage;
  /** Its place among the document's prompts; undefined for a selection. */
  index: number | undefined;
}

/**
 * Ask the server for the prompt at the cursor, or with `selection` for the selected text where there is any.
 * Undefined where there is none, and the user was told.
 */
export async function currentPrompt(
  lifecycle: Lifecycle,
  { selection }: { selection: boolean },
): Promise<CurrentPrompt | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return tell('No editor is open that could hold a prompt.');
  const { client } = lifecycle;
  if (!client) return tell('The DevRouter server does not run.');
  const { document } = editor;
  const range = selection && !editor.selection.isEmpty ? editor.selection : undefined;
  const answer = await client.triage(document, range);
  const prompts = answer?.prompts ?? [];
  const index = range ? 0 : indexAt(prompts, editor.selection.active);
  const prompt = prompts[index];
  if (!prompt) return tell('There is no prompt here.');
  return { document, prompt, index: range ? undefined : index };
}

export function rangeOf({ start, end }: RangeMessage): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** The prompt that holds the position; the only one of a document wherever the cursor is. */
function indexAt(prompts: PromptMessage[], position: vscode.Position): number {
  if (prompts.length === 1) return 0;
  return prompts.findIndex((prompt) => rangeOf(prompt.range).contains(position));
}

function tell(message: string): undefined {
  void withLogs('info', message);
}
