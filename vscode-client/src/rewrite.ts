/** The rewrite: applied by the server as one edit, or shown beside the document first. */

import * as vscode from 'vscode';
import { currentPrompt, rangeOf } from './current.ts';
import type { Lifecycle } from './lifecycle.ts';
import { APPLY_REWRITE, TELL_USE } from './protocol.ts';

const SCHEME = 'devrouter-rewrite';

/** Documents as they would be once rewritten, and which prompt of which document each is for. */
export class Rewrites implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();

  constructor(private readonly lifecycle: Lifecycle) {}

  register(): vscode.Disposable {
    return vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.texts.delete(uri.toString())),
    );
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  /** Apply the rewrite of the prompt at the cursor, or of the preview `uri`. */
  async apply(uri?: vscode.Uri): Promise<void> {
    const previewed = uri ?? vscode.window.activeTextEditor?.document.uri;
    if (previewed?.scheme === SCHEME) {
      const { original, index } = JSON.parse(previewed.query) as { original: string; index: number };
      await vscode.commands.executeCommand(APPLY_REWRITE, original, index);
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      return;
    }
    const current = await currentPrompt(this.lifecycle, { selection: false });
    if (!current) return;
    await vscode.commands.executeCommand(APPLY_REWRITE, current.document.uri.toString(), current.index);
  }

  /** Show the document beside itself with the prompt rewritten. */
  async preview(): Promise<void> {
    const current = await currentPrompt(this.lifecycle, { selection: false });
    if (!current) return;
    const { document, prompt, index } = current;
    const rewrite = String(prompt.decision.rewrite);
    if (rewrite === prompt.text) {
      void vscode.window.showInformationMessage('This prompt needs no rewrite.');
      return;
    }
    const query = JSON.stringify({ original: document.uri.toString(), index, version: document.version });
    const uri = vscode.Uri.from({ scheme: SCHEME, path: document.uri.path, query });
    const range = rangeOf(prompt.range);
    const text = document.getText();
    const before = text.slice(0, document.offsetAt(range.start));
    this.texts.set(uri.toString(), before + rewrite + text.slice(document.offsetAt(range.end)));
    const name = vscode.workspace.asRelativePath(document.uri);
    await vscode.commands.executeCommand('vscode.diff', document.uri, uri, `${name}: rewrite`);
    await vscode.commands.executeCommand(TELL_USE, document.uri.toString(), index, 'previewed');
  }
}
