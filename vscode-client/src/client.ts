/** The language client: one server process, its messages, and the restarts after a crash. */

import { randomUUID } from 'node:crypto';
import type * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  ProgressType,
  RevealOutputChannelOn,
  State,
} from 'vscode-languageclient/node';
import { documentSelector } from './documents.ts';
import type { Server } from './locate.ts';
import {
  ADD_CONTEXT,
  type AddContextParams,
  ANSWER,
  type AnswerParams,
  type AnswerPartMessage,
  type ContextEditMessage,
  type ProblemMessage,
  STATUS,
  type StatusMessage,
  type TextTriageMessage,
  TRIAGE,
  TRIAGE_TEXT,
  type TriageMessage,
  type TriageParams,
  type TriageTextParams,
} from './protocol.ts';
import { followLog } from './serverLog.ts';
import { machineSettings, resourceSettings } from './settings.ts';

const MOST_CRASHES = 4;
const CRASH_WINDOW = 3 * 60_000;

export interface ClientEvents {
  /** The server answers, for the first time or again. */
  running(): void;
  status(message: StatusMessage): void;
  /** The server ended too often to be started again. */
  gaveUp(): void;
  /** The server ended and is started again: what it said is void. */
  lost(): void;
}

export class Client {
  private readonly client: LanguageClient;

  constructor(
    server: Server,
    context: vscode.ExtensionContext,
    channel: vscode.LogOutputChannel,
    private readonly events: ClientEvents,
  ) {
    const [command = '', ...args] = server.command;
    // Never the workspace's folder: a file in it must not be taken for a part of the server.
    const options = { cwd: context.extensionPath };
    this.client = new LanguageClient(
      'devrouter',
      'DevRouter',
      { command, args: [...args, 'serve'], options },
      this.clientOptions(context, channel),
    );
    this.client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) events.running();
    });
    this.client.onNotification(STATUS, (message: StatusMessage) => events.status(message));
  }

  start(): Promise<void> {
    return this.client.start();
  }

  async stop(): Promise<void> {
    await this.client.dispose(2000);
  }

  /** The prompts of an open document, or its selection as one prompt; null where it is not open. */
  triage(document: vscode.TextDocument, selection?: vscode.Range): Promise<TriageMessage | null> {
    const converter = this.client.code2ProtocolConverter;
    const params: TriageParams = { textDocument: { uri: converter.asUri(document.uri) } };
    if (selection) params.range = converter.asRange(selection);
    return this.client.sendRequest<TriageMessage | null>(TRIAGE, params);
  }

  /** A text that no editor holds, read by the server's own engine; null for one without words. */
  triageText(text: string, token: vscode.CancellationToken): Promise<TextTriageMessage | null> {
    const params: TriageTextParams = { text };
    return this.client.sendRequest<TextTriageMessage | null>(TRIAGE_TEXT, params, token);
  }

  /** Have the local tier's model answer; `hear` gets each piece. Resolves when the answer is whole. */
  async answer(
    document: vscode.TextDocument,
    text: string,
    hear: (part: AnswerPartMessage) => void,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const partialResultToken = randomUUID();
    const uri = this.client.code2ProtocolConverter.asUri(document.uri);
    const params: AnswerParams = { textDocument: { uri }, text, partialResultToken };
    const hearing = this.client.onProgress(new ProgressType<AnswerPartMessage>(), partialResultToken, hear);
    try {
      await this.client.sendRequest(ANSWER, params, token);
    } finally {
      hearing.dispose();
    }
  }

  /** The edit that adds problems to the context of the prompt at this place; null where they are there. */
  addContext(
    document: vscode.TextDocument,
    place: vscode.Range,
    problems: ProblemMessage[],
  ): Promise<ContextEditMessage | null> {
    const converter = this.client.code2ProtocolConverter;
    const textDocument = { uri: converter.asUri(document.uri) };
    const params: AddContextParams = { textDocument, range: converter.asRange(place), problems };
    return this.client.sendRequest<ContextEditMessage | null>(ADD_CONTEXT, params);
  }

  private clientOptions(
    context: vscode.ExtensionContext,
    channel: vscode.LogOutputChannel,
  ): LanguageClientOptions {
    return {
      documentSelector: documentSelector(),
      initializationOptions: { status: true, ...machineSettings(context.extension) },
      outputChannel: channel,
      stdioOptions: { stdout: followLog, stderr: followLog },
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      errorHandler: this.errorHandler(),
      middleware: {
        workspace: {
          configuration: async (params, token, next) => {
            const values = await next(params, token);
            if (!Array.isArray(values)) return values;
            const ours = resourceSettings(context.extension);
            return params.items.map((item, index) => (item.section === 'devrouter' ? ours : values[index]));
          },
        },
      },
    };
  }

  private errorHandler(): ErrorHandler {
    const crashes: number[] = [];
    return {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        const now = Date.now();
        crashes.push(now);
        if (crashes.filter((time) => now - time < CRASH_WINDOW).length > MOST_CRASHES) {
          this.events.gaveUp();
          return { action: CloseAction.DoNotRestart, handled: true };
        }
        this.events.lost();
        return { action: CloseAction.Restart, handled: true };
      },
    };
  }
}
