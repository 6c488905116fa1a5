/** Send to chat: exactly the prompt's text, to the tier's model where the editor allows, else by clipboard. */

import * as vscode from 'vscode';
import { chatModel } from './chatModel.ts';
import { currentPrompt, rangeOf } from './current.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { PromptMessage } from './protocol.ts';
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
  if (holdsSecret(document, prompt) && !(await confirmSecret())) return;
  const status = statuses.of(document);
  // The status speaks of the first prompt; what the user chose holds for the document.
  const route =
    status?.chosen ?? (current.index === 0 && status ? effectiveRoute(status) : prompt.tier.route);
  const models = (status && tierChoice(status, route)?.models) ?? [];
  await send(prompt, models, channel);
}

async function send(
  prompt: PromptMessage,
  models: string[],
  channel: vscode.LogOutputChannel,
): Promise<void> {
  if (!(await chatIsThere())) {
    await copy(prompt.text, 'This editor has no chat that can be opened.');
    return;
  }
  const model = await chatModel(models);
  const query = { query: prompt.text, ...(prompt.destination === 'agent' ? { mode: 'agent' } : {}) };
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
    await copy(prompt.text, 'The chat did not take the prompt.');
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

/** True where a secret was found in the prompt and is still there. */
function holdsSecret(document: vscode.TextDocument, prompt: PromptMessage): boolean {
  const range = rangeOf(prompt.range);
  return vscode.languages
    .getDiagnostics(document.uri)
    .some(
      ({ source, code, range: at }) => source === 'devrouter' && code === 'secret' && at.intersection(range),
    );
}

/** Whether the user sends a prompt on although it seems to hold a secret. */
export async function confirmSecret(): Promise<boolean> {
  const answer = await vscode.window.showWarningMessage(
    'This prompt seems to hold a secret. Send it all the same?',
    { modal: true, detail: 'Whoever runs the model will see it.' },
    'Send',
  );
  return answer === 'Send';
}
