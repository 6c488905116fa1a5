/** Popups: only for what the user must act on, each with the way to the log. */

import * as vscode from 'vscode';

const SHOW = {
  error: vscode.window.showErrorMessage,
  warning: vscode.window.showWarningMessage,
  info: vscode.window.showInformationMessage,
};

/** Show a message with its actions and "Show Logs"; resolves when the user has answered. */
export async function withLogs(
  level: keyof typeof SHOW,
  message: string,
  actions: Record<string, () => unknown> = {},
): Promise<void> {
  const chosen = await SHOW[level](message, ...Object.keys(actions), 'Show Logs');
  if (chosen === 'Show Logs') await vscode.commands.executeCommand('devrouter.showLogs');
  else if (chosen) await actions[chosen]?.();
}
