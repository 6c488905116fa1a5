/** Any selection as a prompt, and an empty prompt to begin with. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle.ts';
import { withLogs } from './notify.ts';
import type { PromptMessage } from './protocol.ts';

export async function newPrompt(content = ''): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: 'prompt', content });
  await vscode.window.showTextDocument(document);
}

/** Show what the selection would be as a prompt. Where the server does not see the document, open it as one. */
export async function triageSelection(lifecycle: Lifecycle): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.selection.isEmpty) {
    void withLogs('info', 'Select the text that shall be read as a prompt.');
    return;
  }
  const { document, selection } = editor;
  const answer = await lifecycle.client?.triage(document, selection);
  if (!answer) {
    await newPrompt(document.getText(selection));
    return;
  }
  const [prompt] = answer.prompts;
  if (prompt) await show(prompt);
}

interface ActionItem extends vscode.QuickPickItem {
  act?: () => unknown;
}

async function show(prompt: PromptMessage): Promise<void> {
  const { intent, complexity, rewrite } = prompt.decision;
  const clearer = String(rewrite);
  const separator = (label: string): ActionItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: ActionItem[] = [
    {
      label: '$(comment-discussion) Send to Chat',
      act: () => vscode.commands.executeCommand('devrouter.sendToChat'),
    },
    { label: '$(new-file) Open as a Prompt of Its Own', act: () => newPrompt(prompt.text) },
  ];
  if (clearer !== prompt.text) {
    items.push({ label: '$(copy) Copy the Rewrite', detail: oneLine(clearer), act: () => copy(clearer) });
  }
  if (prompt.gaps.length > 0) {
    items.push(
      separator('missing'),
      ...prompt.gaps.map((gap) => ({ label: gap.phrase, description: gap.kind })),
    );
  }
  const chosen = await vscode.window.showQuickPick(items, {
    title: `${intent} · ${complexity} → ${prompt.tier.route}`,
    placeHolder: prompt.tier.reason,
  });
  await chosen?.act?.();
}

function copy(text: string): Thenable<void> {
  return vscode.env.clipboard.writeText(text);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200);
}
