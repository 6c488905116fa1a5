/** The tier picker: three tiers, why one was suggested, what was chosen last, and what is missing. */

import * as vscode from 'vscode';
import { chatModel } from './chatModel.ts';
import { modelChange, modelReference } from './frontMatter.ts';
import { withLogs } from './notify.ts';
import type { StatusMessage } from './protocol.ts';
import {
  effectiveRoute,
  iconOf,
  length,
  missing,
  ROUTES,
  tierChoice,
  tierDetail,
  tierName,
} from './status.ts';
import type { StatusView } from './statusView.ts';
import type { TierChoices } from './tierChoices.ts';

interface TierItem extends vscode.QuickPickItem {
  /** Undefined: follow the suggestion. */
  route: string | undefined;
}

const WRITE_MODEL: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('edit'),
  tooltip: 'Choose it and write its model to the front matter',
};

export async function pickTier(statuses: StatusView, choices: TierChoices): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const status = document && statuses.of(document);
  if (!document || !status?.tier) {
    void withLogs('info', 'There is no prompt here.');
    return;
  }
  const picked = await ask(status, choices.last, holdsFrontMatter(document));
  if (!picked) return;
  await choices.choose(document, picked.route);
  if (picked.writeModel && picked.route) await writeModel(document, status, picked.route);
}

/** Write the model of the tier in force to the front matter of the prompt in the active editor. */
export async function writeModelOfTier(statuses: StatusView): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const status = document && statuses.of(document);
  if (document && status?.tier) await writeModel(document, status, effectiveRoute(status));
}

function ask(
  status: StatusMessage,
  last: string | undefined,
  writable: boolean,
): Promise<{ route: string | undefined; writeModel: boolean } | undefined> {
  const pick = vscode.window.createQuickPick<TierItem>();
  pick.title = `Tier for this prompt · ${missing(status.gaps)} ${length(status)}`;
  pick.placeholder = status.tier?.reason ?? '';
  pick.matchOnDescription = true;
  pick.items = items(status, last, writable);
  pick.activeItems = pick.items.filter((item) => item.route === effectiveRoute(status));
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      resolve(item && { route: item.route, writeModel: false });
      pick.hide();
    });
    pick.onDidTriggerItemButton(({ item }) => {
      resolve({ route: item.route, writeModel: true });
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

function items(status: StatusMessage, last: string | undefined, writable: boolean): TierItem[] {
  const tiers = ROUTES.map((route): TierItem => {
    const models = tierChoice(status, route)?.models ?? [];
    const notes = [
      status.tier?.route === route ? 'suggested' : '',
      status.chosen === route ? 'your choice' : last === route ? 'chosen last' : '',
    ].filter(Boolean);
    return {
      route,
      label: `$(${iconOf(route)}) ${tierName(status, route)}`,
      description: notes.join(', '),
      detail: tierDetail(status, route),
      buttons: writable && models.length > 0 ? [WRITE_MODEL] : [],
    };
  });
  if (!status.chosen) return tiers;
  const follow = { route: undefined, label: '$(discard) Follow the suggestion' };
  return [...tiers, { route: undefined, label: '', kind: vscode.QuickPickItemKind.Separator }, follow];
}

async function writeModel(
  document: vscode.TextDocument,
  status: StatusMessage,
  route: string,
): Promise<void> {
  const models = tierChoice(status, route)?.models ?? [];
  const [first] = models;
  if (first === undefined) {
    const open = () => vscode.commands.executeCommand('workbench.action.openSettings', 'devrouter.tiers');
    void withLogs('info', `No model is set for ${tierName(status, route)}.`, { 'Open Settings': open });
    return;
  }
  const found = await chatModel(models);
  const change = modelChange(document.getText(), found ? modelReference(found.name, found.vendor) : first);
  if (!change) {
    void vscode.window.showWarningMessage('The front matter is not closed: end it with a line of ---.');
    return;
  }
  const range = new vscode.Range(document.positionAt(change.start), document.positionAt(change.end));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, change.text);
  await vscode.workspace.applyEdit(edit);
}

/** Only a document that is a prompt as a whole has front matter; in Markdown the prompt is a block. */
function holdsFrontMatter(document: vscode.TextDocument): boolean {
  return document.languageId === 'prompt';
}
