/** Finding, making, starting and restarting the server, and what the user is told of it. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { Client } from './client.ts';
import { coalesced } from './coalesce.ts';
import { documentSelector, looksLikePrompt } from './documents.ts';
import { Environment } from './environment.ts';
import { locate, type Machine, type Search, type Server } from './locate.ts';
import { withLogs } from './notify.ts';
import type { StatusMessage } from './protocol.ts';
import { Cancelled, onPath, run } from './run.ts';
import { chatHints, machineSettings, preferences } from './settings.ts';
import { shortened } from './status.ts';

export type ServerState =
  | { name: 'starting' }
  | { name: 'running'; server: Server }
  | { name: 'failed'; message: string; command: vscode.Command };

const RESTART: vscode.Command = { title: 'Restart', command: 'devrouter.restart' };

export class Lifecycle {
  /** Restarts that are asked for while one is under way become one. */
  readonly restart = coalesced(() => this.startAnew());
  private wanted = false;
  client: Client | undefined;
  state: ServerState = { name: 'starting' };

  private readonly environment: Environment;
  private readonly minimum: string;
  private readonly stateChanged = new vscode.EventEmitter<ServerState>();
  private readonly statusReceived = new vscode.EventEmitter<StatusMessage>();
  readonly onState = this.stateChanged.event;
  readonly onStatus = this.statusReceived.event;
  private search: Search | undefined;
  private offered = false;
  private startedWith = '';

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly channel: vscode.LogOutputChannel,
  ) {
    const { version, minimumServer } = context.extension.packageJSON;
    this.minimum = minimumServer;
    const wheel = path.join(context.extensionPath, 'server', `devrouter_ls-${version}-py3-none-any.whl`);
    const log = (line: string) => channel.info(line);
    this.environment = new Environment(context.globalStorageUri.fsPath, wheel, version, { run, onPath, log });
    context.subscriptions.push(
      this.stateChanged,
      this.statusReceived,
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration('devrouter')) return;
        if (!this.wanted) this.startWhenRead(...vscode.workspace.textDocuments);
        else if (this.startedWith !== this.fingerprint()) this.restart();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.wanted && this.restart()),
      vscode.workspace.onDidOpenTextDocument((document) => this.startWhenRead(document)),
      vscode.window.onDidChangeActiveTextEditor(() => this.offerOnce()),
    );
  }

  /** Start the server with the first of the documents that it is there to read. */
  startWhenRead(...documents: readonly vscode.TextDocument[]): void {
    const selector = this.wanted ? [] : documentSelector();
    if (documents.some((document) => vscode.languages.match(selector, document) > 0)) this.start();
  }

  /** Start the server, unless that was done before. */
  start(): void {
    if (!this.wanted) this.restart();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    // A server that crashed too often rejects to be stopped; it is gone all the same.
    await client?.stop().catch((error) => this.channel.debug(`Stopping the server: ${error}`));
  }

  /** The client once the server runs. Where it does not, the user is told and this rejects with the reason. */
  async running(): Promise<Client> {
    this.start();
    while (this.state.name === 'starting') await once(this.onState);
    if (this.state.name === 'running' && this.client) return this.client;
    const failed = this.state.name === 'failed' ? this.state : undefined;
    const message = failed?.message ?? 'The DevRouter server does not run.';
    const { title, command, arguments: given = [] } = failed?.command ?? RESTART;
    void withLogs('error', message, { [title]: () => vscode.commands.executeCommand(command, ...given) });
    throw new Error(message);
  }

  /** Make the environment of our own, with progress and cancel, and start its server. */
  async install(): Promise<void> {
    if (await this.makeEnvironment()) await this.restart();
  }

  private async startAnew(): Promise<void> {
    this.wanted = true;
    await this.stop();
    this.become({ name: 'starting' });
    this.startedWith = this.fingerprint();
    this.search = await this.find();
    // Who said yes to the environment of an earlier version has it renewed.
    const renew = !this.search.server && this.search.next === 'install' && this.environment.hasEarlier();
    if (renew && (await this.makeEnvironment())) this.search = await this.find();
    if (this.search.server) await this.launch(this.search.server);
    else this.missing(this.search);
  }

  private find(): Promise<Search> {
    const storage = this.context.extensionPath;
    const machine: Machine = {
      onPath,
      versionOf: (command) => run([...command, '--version'], { cwd: storage, timeout: 10_000 }),
      ownServer: () => this.environment.server(),
    };
    return locate(preferences(), machine, this.minimum, (line) => this.channel.info(line));
  }

  private async launch(server: Server): Promise<void> {
    const client = new Client(server, this.context, this.channel, {
      status: (message) => this.statusReceived.fire(message),
      running: () => this.become({ name: 'running', server }),
      lost: () => this.become({ name: 'starting' }),
      gaveUp: () => this.failedToRun('The DevRouter server ended several times in a row.'),
    });
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.client = undefined;
      this.channel.error(`Starting ${server.command.join(' ')}: ${error}`);
      this.failedToRun('The DevRouter server could not be started.');
    }
  }

  private failedToRun(message: string): void {
    this.become({ name: 'failed', message, command: RESTART });
    void withLogs('error', message, { Restart: () => this.restart() });
  }

  private missing({ failures, next }: Search): void {
    const message = `No DevRouter server was found: ${failures.join('; ')}.`;
    const command =
      next === 'settings'
        ? {
            title: 'Open Settings',
            command: 'workbench.action.openSettings',
            arguments: ['devrouter.server.path'],
          }
        : { title: 'Set Up', command: 'devrouter.installServer' };
    this.become({ name: 'failed', message, command });
    this.offerOnce();
  }

  /** Speak of a missing server once, and not before a prompt is open. */
  private offerOnce(): void {
    const editor = vscode.window.activeTextEditor;
    if (this.state.name !== 'failed' || this.offered || !editor || !looksLikePrompt(editor.document)) return;
    this.offered = true;
    if (this.search?.next === 'settings') {
      const open = () =>
        vscode.commands.executeCommand('workbench.action.openSettings', 'devrouter.server.path');
      void withLogs('error', this.state.message, { 'Open Settings': open });
      return;
    }
    const question =
      'DevRouter needs its server to check prompts. Set it up now? It is part of this extension and gets a ' +
      'Python environment of its own; the Python packages it needs come from your package index.';
    void withLogs('info', question, { 'Set Up': () => this.install() });
  }

  private async makeEnvironment(): Promise<boolean> {
    const progress = {
      location: vscode.ProgressLocation.Notification,
      title: 'Setting up the DevRouter server',
      cancellable: true,
    };
    return vscode.window.withProgress(progress, async (report, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      const { trusted, interpreter } = preferences();
      try {
        await this.environment.create(trusted ? interpreter : '', abort.signal, (line) => {
          this.channel.info(line);
          report.report({ message: shortened(line, 60) });
        });
        return true;
      } catch (error) {
        if (error instanceof Cancelled) return false;
        const message = error instanceof Error ? error.message : String(error);
        void withLogs('error', `The DevRouter server could not be set up: ${message}`, {
          'Try Again': () => this.install(),
        });
        return false;
      }
    });
  }

  private become(state: ServerState): void {
    this.state = state;
    this.stateChanged.fire(state);
  }

  /** What the server is started with: a change of it needs a new one. */
  private fingerprint(): string {
    const { agentPatterns, include } = vscode.workspace.getConfiguration('devrouter.prompts');
    const read = [agentPatterns, include, chatHints()];
    return JSON.stringify([machineSettings(this.context.extension), preferences(), ...read]);
  }
}

function once<T>(event: vscode.Event<T>): Promise<T> {
  return new Promise((resolve) => {
    const listening = event((value) => {
      listening.dispose();
      resolve(value);
    });
  });
}
