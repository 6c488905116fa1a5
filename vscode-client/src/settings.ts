/**
 * The settings that the user set, as the server wants them. Defaults are left out: the server has its own,
 * and other sources, such as `.devrouter.toml`, that a default of ours would hide.
 */

import * as vscode from 'vscode';
import type { Preferences } from './locate.ts';

interface Property {
  scope?: string;
}

/** The client's own settings; the server does not know them. */
const CLIENT_SETTINGS = ['devrouter.server.path', 'devrouter.interpreter', 'devrouter.chat.hints'];

/** Settings of scope `machine`, which only the user can set: for `initializationOptions`. */
export function machineSettings(extension: vscode.Extension<unknown>): Record<string, unknown> {
  return settings(extension, 'machine', (values) => values.globalValue);
}

/** Settings that a repository may set as well: for `workspace/configuration`. */
export function resourceSettings(extension: vscode.Extension<unknown>): Record<string, unknown> {
  return settings(
    extension,
    'resource',
    (values) => values.workspaceFolderValue ?? values.workspaceValue ?? values.globalValue,
  );
}

export function preferences(): Preferences {
  const own = vscode.workspace.getConfiguration('devrouter');
  return {
    trusted: vscode.workspace.isTrusted,
    serverPath: own.get('server.path', '').trim(),
    interpreter: own.get('interpreter', '').trim(),
  };
}

/** Whether the user wants findings in the chat's input box. */
export function chatHints(): boolean {
  return vscode.workspace.getConfiguration('devrouter').get('chat.hints', false);
}

type Inspected = NonNullable<ReturnType<vscode.WorkspaceConfiguration['inspect']>>;

function settings(
  extension: vscode.Extension<unknown>,
  scope: string,
  value: (values: Inspected) => unknown,
): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration();
  const result: Record<string, unknown> = {};
  for (const key of keys(extension, scope)) {
    const values = configuration.inspect(key);
    const set = values && value(values);
    if (set !== undefined) result[key] = set;
  }
  return result;
}

function keys(extension: vscode.Extension<unknown>, scope: string): string[] {
  const groups: { properties: Record<string, Property> }[] = extension.packageJSON.contributes.configuration;
  const properties = groups.flatMap((group) => Object.entries(group.properties));
  return properties
    .filter(([key, property]) => property.scope === scope && !CLIENT_SETTINGS.includes(key))
    .map(([key]) => key);
}
