/** DevRouter in VS Code: what is made when the extension starts, and its commands. */

import * as vscode from 'vscode';
import { answerLocally } from './answerLocally.ts';
import { ChatInput } from './chatInput.ts';
import { EditorProblems } from './editorProblems.ts';
import { showIgnored } from './ignored.ts';
import { Lifecycle } from './lifecycle.ts';
import { pickTier, writeModelOfTier } from './pickTier.ts';
import { ASK_MODEL } from './protocol.ts';
import { Rewrites } from './rewrite.ts';
import { registerRouterModel } from './routerModel.ts';
import { sendToChat } from './send.ts';
import { StatusView } from './statusView.ts';
import { TierChoices } from './tierChoices.ts';
import { Tools } from './tools.ts';
import { newPrompt, triageSelection } from './triageSelection.ts';

let lifecycle: Lifecycle | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const channel = vscode.window.createOutputChannel('DevRouter', { log: true });
  const server = new Lifecycle(context, channel);
  lifecycle = server;
  const statuses = new StatusView(server);
  const choices = new TierChoices(server, context.workspaceState);
  const rewrites = new Rewrites(server);
  const tools = new Tools(server, context, channel);
  const chat = new ChatInput(server);
  context.subscriptions.push(channel, statuses, choices.register(), rewrites.register(), chat.register());
  context.subscriptions.push(registerRouterModel(server), new EditorProblems(server).register());

  const commands: Record<string, (...args: never[]) => unknown> = {
    'devrouter.newPrompt': () => newPrompt(),
    'devrouter.triageSelection': () => triageSelection(server),
    'devrouter.pickTier': () => pickTier(statuses, choices),
    'devrouter.writeModel': () => writeModelOfTier(statuses),
    'devrouter.sendToChat': () => sendToChat(server, statuses, channel),
    'devrouter.answerLocally': () => answerLocally(server),
    'devrouter.applyRewrite': (uri?: vscode.Uri) => rewrites.apply(uri),
    'devrouter.previewRewrite': () => rewrites.preview(),
    'devrouter.askModel': () => askModel(),
    'devrouter.showIgnored': () => showIgnored(server),
    'devrouter.setUpModel': () => tools.setUpModel(),
    'devrouter.doctor': () => tools.doctor(),
    'devrouter.mend': (command: string) => tools.mend(command),
    'devrouter.installServer': () => server.install(),
    'devrouter.restart': () => server.restart(),
    'devrouter.showLogs': () => channel.show(),
  };
  for (const [name, act] of Object.entries(commands)) {
    const run = (...given: never[]) => {
      server.start();
      return act(...given);
    };
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  }
  server.startWhenRead(...vscode.workspace.textDocuments);
}

export function deactivate(): Promise<void> | undefined {
  return lifecycle?.stop();
}

async function askModel(): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (document) await vscode.commands.executeCommand(ASK_MODEL, document.uri.toString());
}
