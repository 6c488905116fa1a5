/** The server's command line, run for the user: the doctor, and setting the model up. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle.ts';
import { withLogs } from './notify.ts';
import { Cancelled, run } from './run.ts';

export class Tools {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly context: vscode.ExtensionContext,
    private readonly channel: vscode.LogOutputChannel,
  ) {}

  /** Show what works, what does not, and how to mend it. */
  async doctor(): Promise<void> {
    this.channel.show(true);
    // The command line does not see the editor's settings.
    const engine = vscode.workspace.getConfiguration('devrouter').inspect<string>('engine')?.globalValue;
    try {
      await this.command(
        engine ? ['doctor', '--engine', engine] : ['doctor'],
        new AbortController().signal,
        () => undefined,
      );
    } catch (error) {
      // The report says what is broken; the exit status only that something is.
      this.channel.debug(`doctor ${error instanceof Error ? error.message : error}`);
    }
  }

  /** `devrouter model setup` with progress and cancel, never by itself. */
  async setUpModel(): Promise<void> {
    const progress = {
      location: vscode.ProgressLocation.Notification,
      title: 'Setting up the model',
      cancellable: true,
    };
    await vscode.window.withProgress(progress, async (report, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let reached = 0;
      try {
        await this.command(['model', 'setup'], abort.signal, (line) => {
          const percent = Number(/(\d{1,3})\s?%/.exec(line)?.[1] ?? reached);
          report.report({ message: line.trim().slice(0, 100), increment: Math.max(0, percent - reached) });
          reached = Math.max(reached, percent);
        });
      } catch (error) {
        if (error instanceof Cancelled) return;
        const message = error instanceof Error ? error.message : String(error);
        void withLogs('error', `Setting up the model ${message}`, { 'Try Again': () => this.setUpModel() });
        return;
      }
      void vscode.window.showInformationMessage('The model is set up.');
      await this.lifecycle.restart();
    });
  }

  /** Run what mends something: our own command here, any other in a terminal where the user presses Enter. */
  async mend(command: string): Promise<void> {
    if (/^devrouter model setup\b/.test(command)) return this.setUpModel();
    const terminal = vscode.window.createTerminal('DevRouter');
    terminal.show();
    terminal.sendText(command, false);
  }

  private async command(args: string[], signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
    const { state } = this.lifecycle;
    if (state.name !== 'running') throw new Error('needs the server, which does not run');
    await run([...state.server.command, ...args], {
      cwd: this.context.extensionPath,
      signal,
      onLine: (line) => {
        this.channel.info(line);
        onLine(line);
      },
    });
  }
}
