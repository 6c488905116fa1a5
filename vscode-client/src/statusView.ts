/** The status bar item and the language status: the last status of each document, shown for the active one. */

import * as vscode from 'vscode';
import { looksLikePrompt } from './documents.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { StatusMessage } from './protocol.ts';
import { type HealthView, healthView, statusBarView } from './status.ts';

const SEVERITIES = {
  information: vscode.LanguageStatusSeverity.Information,
  warning: vscode.LanguageStatusSeverity.Warning,
  error: vscode.LanguageStatusSeverity.Error,
};
/** Commands that the tooltip offers as links. */
const LINKS: Record<string, string> = {
  'devrouter.previewRewrite': 'Preview rewrite',
  'devrouter.sendToChat': 'Send to chat',
  'devrouter.showLogs': 'Show logs',
};

const FAILED: HealthView = { severity: 'error', detail: 'The server does not run.', mend: undefined };

export class StatusView implements vscode.Disposable {
  private readonly statuses = new Map<string, StatusMessage>();
  private readonly item = vscode.window.createStatusBarItem('tier', vscode.StatusBarAlignment.Right, 100);
  private health: vscode.LanguageStatusItem | undefined;
  private inPrompt = false;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly lifecycle: Lifecycle) {
    this.item.name = 'DevRouter Tier';
    this.item.command = 'devrouter.pickTier';
    this.subscriptions = [
      this.item,
      lifecycle.onStatus((message) => {
        this.statuses.set(message.uri, message);
        this.render();
      }),
      lifecycle.onState((state) => {
        if (state.name !== 'running') this.statuses.clear();
        this.render();
      }),
      vscode.window.onDidChangeActiveTextEditor(() => this.render()),
      vscode.workspace.onDidCloseTextDocument((document) => this.statuses.delete(document.uri.toString())),
    ];
    this.render();
  }

  /** The last status of a document; undefined where the server said nothing of it. */
  of(document: vscode.TextDocument): StatusMessage | undefined {
    return this.statuses.get(document.uri.toString());
  }

  dispose(): void {
    this.health?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private render(): void {
    const document = vscode.window.activeTextEditor?.document;
    const status = document && this.of(document);
    this.renderItem(status);
    this.renderHealth(document, status);
    this.setInPrompt(Boolean(status?.tier));
  }

  private renderItem(status: StatusMessage | undefined): void {
    const view = status && statusBarView(status);
    if (!view) {
      this.item.hide();
      return;
    }
    this.item.text = view.text;
    this.item.accessibilityInformation = { label: view.label };
    this.item.tooltip = tooltip(view.tooltip);
    this.item.show();
  }

  private renderHealth(document: vscode.TextDocument | undefined, status: StatusMessage | undefined): void {
    const { state } = this.lifecycle;
    if (document && status?.tier) this.showHealth(document, healthView(status), mendCommand(status));
    else if (document && state.name === 'failed' && looksLikePrompt(document)) {
      this.showHealth(document, FAILED, state.command);
    } else {
      this.health?.dispose();
      this.health = undefined;
    }
  }

  private showHealth(document: vscode.TextDocument, view: HealthView, command: vscode.Command): void {
    this.health ??= vscode.languages.createLanguageStatusItem('health', []);
    // This very document: others of its language may hold no prompt.
    this.health.selector = { scheme: document.uri.scheme, pattern: document.uri.fsPath };
    this.health.name = 'DevRouter';
    this.health.severity = SEVERITIES[view.severity];
    this.health.text = 'DevRouter';
    this.health.detail = view.detail;
    this.health.command = command;
  }

  private setInPrompt(value: boolean): void {
    if (value === this.inPrompt) return;
    this.inPrompt = value;
    void vscode.commands.executeCommand('setContext', 'devrouter.inPrompt', value);
  }
}

function mendCommand({ mend }: StatusMessage): vscode.Command {
  if (mend) return { title: 'Mend', tooltip: mend, command: 'devrouter.mend', arguments: [mend] };
  return { title: 'Show Logs', command: 'devrouter.showLogs' };
}

function tooltip(lines: string[]): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString('', true);
  markdown.isTrusted = { enabledCommands: Object.keys(LINKS) };
  for (const line of lines) markdown.appendText(line).appendMarkdown('\n\n');
  const links = Object.entries(LINKS).map(([command, title]) => `[${title}](command:${command})`);
  return markdown.appendMarkdown(`---\n\n${links.join(' · ')}`);
}
