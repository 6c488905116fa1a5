/** Answer Locally: the prompt goes to the local tier's model, and the answer grows in a document of its own. */

import * as vscode from 'vscode';
import { currentPrompt } from './current.ts';
import type { Lifecycle } from './lifecycle.ts';
import { withLogs } from './notify.ts';
import type { AnswerPartMessage } from './protocol.ts';

const MODELS = 'devrouter.tiers.smallLocal.models';

export async function answerLocally(lifecycle: Lifecycle): Promise<void> {
  const current = await currentPrompt(lifecycle, { selection: true });
  if (!current) return;
  const { document, prompt } = current;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: 'Answering locally',
    cancellable: true,
  };
  await vscode.window.withProgress(options, async (progress, cancelled) => {
    const source = new vscode.CancellationTokenSource();
    const answer = new Answer(() => source.cancel());
    const cancelling = cancelled.onCancellationRequested(() => source.cancel());
    const hear = (part: AnswerPartMessage) => {
      progress.report({ message: part.model });
      answer.add(part);
    };
    try {
      await lifecycle.client?.answer(document, prompt.text, hear, source.token);
      await answer.end();
    } catch (error) {
      if (source.token.isCancellationRequested) await answer.end('*You cancelled this answer.*');
      else {
        await answer.end('*This answer is not whole: the model failed.*');
        tell(error);
      }
    } finally {
      cancelling.dispose();
      answer.dispose();
      source.dispose();
    }
  });
}

/** An untitled document that grows at its end, whatever the user does in it; closing it calls `closed`. */
class Answer implements vscode.Disposable {
  private document: vscode.TextDocument | undefined;
  private waiting = '';
  private writing: Promise<void> = Promise.resolve();
  private readonly closing: vscode.Disposable;

  constructor(closed: () => void) {
    this.closing = vscode.workspace.onDidCloseTextDocument((document) => {
      if (document === this.document) closed();
    });
  }

  add({ model, text }: AnswerPartMessage): void {
    const idle = this.waiting === '';
    this.waiting += text;
    // What comes while a piece is being written goes with the next.
    if (idle) this.writing = this.writing.then(() => this.write(model));
  }

  /** Everything is in the document, and below it the remark, if there is a document to hold one. */
  async end(remark?: string): Promise<void> {
    await this.writing;
    if (!remark || !this.document) return;
    this.waiting = `\n\n${remark}`;
    await this.write('');
  }

  dispose(): void {
    this.closing.dispose();
  }

  private async write(model: string): Promise<void> {
    const text = this.waiting;
    this.waiting = '';
    if (!this.document) {
      const content = `# Answer by ${model}\n\n${text}`;
      this.document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
      const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: false };
      await vscode.window.showTextDocument(this.document, beside);
      return;
    }
    if (this.document.isClosed) return;
    const edit = new vscode.WorkspaceEdit();
    edit.insert(this.document.uri, this.document.lineAt(this.document.lineCount - 1).range.end, text);
    await vscode.workspace.applyEdit(edit);
  }
}

/** Say what failed, with what helps: the server's command, or the setting that names the model. */
function tell(error: unknown): void {
  const { message, data } = error as { message?: string; data?: { mend?: string | null } };
  const mend = data?.mend;
  const settings = () => vscode.commands.executeCommand('workbench.action.openSettings', MODELS);
  const help: Record<string, () => unknown> = mend
    ? { Mend: () => vscode.commands.executeCommand('devrouter.mend', mend) }
    : { 'Open Settings': settings };
  void withLogs('error', `No local answer: ${message ?? error}`, help);
}
