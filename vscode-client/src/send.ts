/** Send to chat: exactly the prompt's text, to the tier's model where the editor allows, else by clipboard. */

import * as vscode from 'vscode';
import { chatModel } from './chatModel.ts';
import { currentPrompt, rangeOf } from './current.ts';
import type { Lifecycle } from './lifecycle.ts';
import { type PromptMessage, TELL_USE } from './protocol.ts';
import { effectiveRoute, tierChoice } from './status.ts';
import type { StatusView } from './statusView.ts';

const OPEN_CHAT = 'workbench.action.chat.open';

export async function sendToChat(
  lifecycle: Lifecycle,
  statuses: StatusView,
  channel: vscode.LogOutputChannel,
): Promise<void> {
  const current = await currentPrompt(lifecycle, { selection: true });
  if (!current) return;
  const { document, prompt } = current;
  const text = prompt.secrets > 0 ? await withoutSecrets(document, prompt) : prompt.text;
  if (text === undefined) return;
  const status = statuses.of(document);
  // The status speaks of the first prompt; what the user chose holds for the document.
  const route =
    status?.chosen ?? (current.index === 0 && status ? effectiveRoute(status) : prompt.tier.route);
  const models = (status && tierChoice(status, route)?.models) ?? [];
  await send(text, prompt.destination, models, channel);
  if (current.index !== undefined) {
    await vscode.commands.executeCommand(TELL_USE, document.uri.toString(), current.index, 'sent');
  }
}

async function send(
  text: string,
  destination: string,
  models: string[],
  channel: vscode.LogOutputChannel,
): Promise<void> {
  if (!(await chatIsThere())) {
    await copy(text, 'This editor has no chat that can be opened.');
    return;
  }
  const model = await chatModel(models);
  const query = { query: text, ...(destination === 'agent' ? { mode: 'agent' } : {}) };
  try {
    if (model) {
      const { vendor, family, version, id } = model;
      await vscode.commands.executeCommand(OPEN_CHAT, {
        ...query,
        modelSelector: { vendor, family, version, id },
      });
    } else {
      await vscode.commands.executeCommand(OPEN_CHAT, query);
    }
  } catch (error) {
    // Not a public contract: whatever goes wrong in there, the prompt is not lost.
    channel.warn(`The chat did not open: ${error}`);
    await copy(text, 'The chat did not take the prompt.');
    return;
  }
  if (models.length > 0 && !model) {
    vscode.window.setStatusBarMessage(`DevRouter: the chat offers none of ${models.join(', ')}`, 8000);
  }
}

async function chatIsThere(): Promise<boolean> {
  if (vscode.workspace.getConfiguration('chat').get('disableAIFeatures') === true) return false;
  return (await vscode.commands.getCommands(true)).includes(OPEN_CHAT);
}

async function copy(text: string, why: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
  void vscode.window.showInformationMessage(
    `${why} The prompt is in the clipboard: paste it where you want it.`,
  );
}

/** The text to send of a prompt that holds secrets, masked or as it is; undefined where the user stays here. */
async function withoutSecrets(
  document: vscode.TextDocument,
  prompt: PromptMessage,
): Promise<string | undefined> {
  const holds = prompt.secrets === 1 ? 'a secret' : `${prompt.secrets} secrets`;
  const answer = await vscode.window.showWarningMessage(
    `This prompt seems to hold ${holds}.`,
    { modal: true, detail: 'Whoever runs the model will see what you send.' },
    'Mask and Send',
    'Send',
  );
  if (answer === 'Send') return prompt.text;
  if (answer === undefined) return undefined;
  const range = rangeOf(prompt.range);
  // The text may have changed while the question stood; what is sent is masked all the same.
  if (document.getText(range) === prompt.text) {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, prompt.masked);
    await vscode.workspace.applyEdit(edit);
  }
  return prompt.masked;
}
