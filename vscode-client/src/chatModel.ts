/** The editor's own chat models. */

import * as vscode from 'vscode';
import { matchModel } from './models.ts';

/** The chat model of the editor that the names of a tier's models stand for. */
export async function chatModel(wanted: readonly string[]): Promise<vscode.LanguageModelChat | undefined> {
  if (wanted.length === 0) return undefined;
  return matchModel(wanted, await vscode.lm.selectChatModels());
}
