/** The editor's own chat models. */

import * as vscode from 'vscode';
import { matchModel } from './models.ts';

/** Who offers "DevRouter (auto)", which stands for no model of its own. */
export const VENDOR = 'devrouter';

/** The models that a prompt can be sent to; ours would only send it on. */
export async function chatModels(): Promise<vscode.LanguageModelChat[]> {
  return (await vscode.lm.selectChatModels()).filter(({ vendor }) => vendor !== VENDOR);
}

/** The chat model of the editor that the names of a tier's models stand for. */
export async function chatModel(wanted: readonly string[]): Promise<vscode.LanguageModelChat | undefined> {
  if (wanted.length === 0) return undefined;
  return matchModel(wanted, await chatModels());
}
