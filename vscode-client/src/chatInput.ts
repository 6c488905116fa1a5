/**
 * The input box of VS Code's chat, where the user turned that on: the tier of what is typed there, and a link
 * that switches the chat to the tier's model before sending. Findings and hover are the server's.
 * How VS Code shows its input box is undocumented: where it never appears as a document, nothing happens.
 */

import * as vscode from 'vscode';
import { chatModel } from './chatModel.ts';
import { CHAT_INPUT } from './documents.ts';
import type { Lifecycle } from './lifecycle.ts';
import { withLogs } from './notify.ts';
import type { StatusMessage } from './protocol.ts';
import { effectiveRoute, statusBarView, tierChoice, tierName } from './status.ts';

const SWITCH = 'devrouter.switchChatModel';
const OPEN_SETTINGS = 'workbench.action.openSettings';
const CHANGE_MODEL = 'workbench.action.chat.changeModel';
const OPEN_CHAT = 'workbench.action.chat.open';

export class ChatInput implements vscode.HoverProvider {
  private readonly item = vscode.window.createStatusBarItem('chatTier', vscode.StatusBarAlignment.Right, 101);
  /** The last status of each input box that holds words; the newest is the last. */
  private readonly statuses = new Map<string, StatusMessage>();
  private hovering: vscode.Disposable | undefined;

  constructor(private readonly lifecycle: Lifecycle) {
    this.item.name = 'DevRouter Chat Tier';
    this.item.command = SWITCH;
  }

  register(): vscode.Disposable {
    return vscode.Disposable.from(
      this.item,
      new vscode.Disposable(() => this.hovering?.dispose()),
      vscode.commands.registerCommand(SWITCH, () => this.switchModel()),
      this.lifecycle.onStatus((status) => this.follow(status)),
      this.lifecycle.onState(({ name }) => {
        if (name === 'running') return;
        this.statuses.clear();
        this.hovering?.dispose();
        this.hovering = undefined;
        this.render();
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (this.statuses.delete(uri.toString())) this.render();
      }),
    );
  }

  /** The link beside the server's hover: only what is ours is trusted to run a command. */
  async provideHover(document: vscode.TextDocument): Promise<vscode.Hover | undefined> {
    const status = this.statuses.get(document.uri.toString());
    if (!status) return undefined;
    const route = effectiveRoute(status);
    const model = await chatModel(tierChoice(status, route)?.models ?? []);
    const markdown = new vscode.MarkdownString();
    markdown.isTrusted = { enabledCommands: [SWITCH, OPEN_SETTINGS] };
    if (model) {
      markdown.appendMarkdown(`[Switch the chat to this tier's model](command:${SWITCH}): `);
      markdown.appendText(model.name);
    } else {
      const setting = encodeURIComponent(JSON.stringify('devrouter.tiers'));
      markdown.appendText(`The chat has no model for ${tierName(status, route)}: `);
      markdown.appendMarkdown(`[set your models](command:${OPEN_SETTINGS}?${setting})`);
    }
    return new vscode.Hover(markdown);
  }

  private follow(status: StatusMessage): void {
    if (!status.uri.startsWith(`${CHAT_INPUT}:`)) return;
    // The editor shows the hover of the provider that came last above the others: ours above the server's.
    this.hovering ??= vscode.languages.registerHoverProvider({ scheme: CHAT_INPUT }, this);
    const uri = vscode.Uri.parse(status.uri).toString();
    this.statuses.delete(uri);
    if (status.tier) this.statuses.set(uri, status);
    this.render();
  }

  private render(): void {
    // How the model is says nothing here: it is never asked about a chat's input.
    const view = this.newest && statusBarView({ ...this.newest, health: 'ok', message: '' });
    if (!view) {
      this.item.hide();
      return;
    }
    this.item.text = `$(comment-discussion) ${view.text}`;
    this.item.accessibilityInformation = { label: `In the chat. ${view.label}` };
    const lines = [...view.tooltip, "Click to switch the chat to this tier's model."];
    this.item.tooltip = lines.filter(Boolean).join('\n\n');
    this.item.show();
  }

  private get newest(): StatusMessage | undefined {
    return [...this.statuses.values()].at(-1);
  }

  /** Switch the chat to the model of the tier of what was typed last; what was typed stays. */
  private async switchModel(): Promise<void> {
    const status = this.newest;
    if (!status) {
      void withLogs('info', 'There is no prompt in the chat.');
      return;
    }
    const route = effectiveRoute(status);
    const model = await chatModel(tierChoice(status, route)?.models ?? []);
    if (!model) {
      const open = () => vscode.commands.executeCommand(OPEN_SETTINGS, 'devrouter.tiers');
      const message = `The chat has no model for ${tierName(status, route)}.`;
      void withLogs('info', message, { 'Open Settings': open });
      return;
    }
    try {
      await switchTo(model);
    } catch (error) {
      // Neither command is a public contract.
      void withLogs('warning', `The chat did not switch to ${model.name}: ${error}`);
      return;
    }
    vscode.window.setStatusBarMessage(`DevRouter: the chat now uses ${model.name}`, 5000);
  }
}

async function switchTo({ vendor, id, family, version }: vscode.LanguageModelChat): Promise<void> {
  if ((await vscode.commands.getCommands(true)).includes(CHANGE_MODEL)) {
    await vscode.commands.executeCommand(CHANGE_MODEL, { vendor, id, family });
  } else {
    const modelSelector = { vendor, id, family, version };
    await vscode.commands.executeCommand(OPEN_CHAT, { query: '', modelSelector });
  }
}
