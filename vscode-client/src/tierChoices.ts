/** The tiers that the user chose: they stick to their documents, over restarts of server and editor. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle.ts';
import { SET_TIER, type StatusMessage } from './protocol.ts';

const KEY = 'tierChoices';
const LAST = 'lastTier';
const MOST = 200;

export class TierChoices {
  /** Of this session, untitled documents included. */
  private readonly chosen: Map<string, string>;

  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly memory: vscode.Memento,
  ) {
    this.chosen = new Map(memory.get<[string, string][]>(KEY, []));
  }

  register(): vscode.Disposable {
    return vscode.Disposable.from(
      this.lifecycle.onStatus((status) => this.follow(status)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        // The next untitled document may have the same name.
        if (uri.scheme === 'untitled') this.chosen.delete(uri.toString());
      }),
    );
  }

  /** What the user chose last, for any document. */
  get last(): string | undefined {
    return this.memory.get(LAST);
  }

  /** Choose a tier for the document; without one, go back to the suggestion. */
  async choose(document: vscode.TextDocument, route: string | undefined): Promise<void> {
    const uri = document.uri.toString();
    if (route === undefined) this.chosen.delete(uri);
    await this.remember(uri, route);
    await vscode.commands.executeCommand(SET_TIER, uri, route ?? null);
  }

  /** A server that starts knows nothing of earlier choices; one made by a quick fix is news to us. */
  private follow({ uri, chosen, tier }: StatusMessage): void {
    if (chosen) void this.remember(uri, chosen);
    else if (tier && this.chosen.has(uri)) {
      void vscode.commands.executeCommand(SET_TIER, uri, this.chosen.get(uri));
    }
  }

  private async remember(uri: string, route: string | undefined): Promise<void> {
    if (this.chosen.get(uri) === route) return;
    if (route !== undefined) {
      this.chosen.delete(uri);
      this.chosen.set(uri, route);
      await this.memory.update(LAST, route);
    }
    const files = [...this.chosen].filter(([key]) => !key.startsWith('untitled:'));
    await this.memory.update(KEY, files.slice(-MOST));
  }
}
