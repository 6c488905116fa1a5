/** What the user chose not to see: listed, and shown again by picking it. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle.ts';
import { withLogs } from './notify.ts';
import { type IgnoredMessage, LIST_IGNORED, SHOW_AGAIN } from './protocol.ts';

interface IgnoredItem extends vscode.QuickPickItem {
  key: string;
}

export async function showIgnored(lifecycle: Lifecycle): Promise<void> {
  if (!lifecycle.client) {
    void withLogs('info', 'The DevRouter server does not run.');
    return;
  }
  // The project is that of the prompt being looked at.
  const uri = vscode.window.activeTextEditor?.document.uri.toString() ?? null;
  const ignored = await vscode.commands.executeCommand<IgnoredMessage[]>(LIST_IGNORED, uri);
  if (ignored.length === 0) {
    void withLogs('info', 'You ignore no findings.');
    return;
  }
  const picked = await vscode.window.showQuickPick(ignored.map(item), {
    title: 'Ignored findings',
    placeHolder: 'Pick those to show again',
    canPickMany: true,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  for (const { key } of picked ?? []) {
    await vscode.commands.executeCommand(SHOW_AGAIN, uri, key);
  }
}

function item({ key, kind, uri, phrase, since }: IgnoredMessage): IgnoredItem {
  const place = uri ? vscode.workspace.asRelativePath(vscode.Uri.parse(uri)) : 'everywhere';
  const day = since === null ? '' : `, since ${new Date(since * 1000).toLocaleDateString()}`;
  return { key, label: kind, description: what(phrase), detail: `${place}${day}` };
}

function what(phrase: string | null): string {
  if (phrase === null) return 'one finding';
  return phrase === '*' ? 'all of this kind' : phrase;
}
