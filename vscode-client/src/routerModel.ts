/**
 * "DevRouter (auto)": a chat model that reads the first request of a conversation, on this machine, and hands
 * the conversation to the model of its tier. It stays there, for a later "continue" says nothing of the work.
 */

import * as vscode from 'vscode';
import { chatModels, VENDOR } from './chatModel.ts';
import {
  announcement,
  announces,
  canProvideModels,
  estimatedTokens,
  firstAnnouncement,
  firstRequest,
  isAnswered,
  keyOf,
  lastRequest,
  withoutAnnouncement,
  wordsOf,
} from './conversation.ts';
import type { Lifecycle } from './lifecycle.ts';
import { matchModel } from './models.ts';
import type { TextTriageMessage } from './protocol.ts';
import { ROUTES, tierChoice, tierName } from './status.ts';

type Message = vscode.LanguageModelChatRequestMessage;
type Parts = vscode.LanguageModelChatMessage['content'];

const AUTO: vscode.LanguageModelChatInformation & { isUserSelectable: boolean } = {
  id: 'auto',
  name: 'DevRouter (auto)',
  family: 'devrouter-auto',
  version: '1',
  tooltip: 'Each conversation goes to the model of the smallest of your tiers that will do.',
  // Asking the other models for theirs would ask us in turn.
  maxInputTokens: 128_000,
  maxOutputTokens: 16_000,
  capabilities: { toolCalling: true, imageInput: true },
  isUserSelectable: true,
};
const MOST_CONVERSATIONS = 200;
const [LOCAL] = ROUTES;

/** The model that a conversation goes to, its tier if that is still known, and the line that says why. */
interface Choice {
  model: vscode.LanguageModelChat;
  route: string | undefined;
  line: string;
}

/** Offer the model where the editor lets extensions do that; elsewhere nothing happens. */
export function registerRouterModel(lifecycle: Lifecycle): vscode.Disposable {
  if (!canProvideModels(vscode.lm)) return new vscode.Disposable(() => {});
  const registered = vscode.lm.registerLanguageModelChatProvider(VENDOR, new RouterModel(lifecycle));
  // The chat's picker shows the models that somebody has asked for.
  void vscode.lm.selectChatModels({ vendor: VENDOR });
  return registered;
}

class RouterModel implements vscode.LanguageModelChatProvider {
  private readonly choices = new Map<string, Choice>();
  private last: vscode.LanguageModelChat | undefined;

  constructor(private readonly lifecycle: Lifecycle) {}

  provideLanguageModelChatInformation(): vscode.LanguageModelChatInformation[] {
    return [AUTO];
  }

  async provideLanguageModelChatResponse(
    _model: vscode.LanguageModelChatInformation,
    messages: readonly Message[],
    { modelOptions, tools, toolMode }: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const { model, route, line } = await this.choose(messages, token);
    this.last = model;
    const request = lastRequest(messages).trim();
    if (request) {
      if (route !== LOCAL) await this.guardSecrets(request, token);
      progress.report(new vscode.LanguageModelTextPart(`${line}\n\n`));
    }
    const options: vscode.LanguageModelChatRequestOptions = {
      justification: 'DevRouter (auto) hands this conversation to the model of its tier.',
      ...(modelOptions ? { modelOptions } : {}),
      ...(tools ? { tools: [...tools], toolMode } : {}),
    };
    const response = await model.sendRequest(messages.flatMap(forwarded), options, token);
    for await (const part of response.stream) progress.report(part as vscode.LanguageModelResponsePart);
  }

  async provideTokenCount(
    _model: vscode.LanguageModelChatInformation,
    text: string | Message,
    token: vscode.CancellationToken,
  ): Promise<number> {
    const words = typeof text === 'string' ? text : wordsOf(text);
    return this.last ? this.last.countTokens(words, token) : estimatedTokens(words);
  }

  /** The model of the conversation: the one it went to before, else that of its tier. */
  private async choose(messages: readonly Message[], token: vscode.CancellationToken): Promise<Choice> {
    const offered = await chatModels();
    const request = firstRequest(messages);
    const key = keyOf(request);
    const before = isAnswered(messages) ? this.before(messages, key, offered) : undefined;
    if (before) return before;
    const triage = await this.triage(request, token);
    if (!triage) throw new Error('The conversation begins without words: say what you want.');
    const { route } = triage.tier;
    const its = modelOf(triage, route, offered);
    const choice = its
      ? { model: its, route, line: announcement(its.name, tierName(triage, route), triage) }
      : await ask(triage, offered, token);
    this.remember(key, choice);
    return choice;
  }

  /**
   * What an answered conversation went to. Its first answer says so, over restarts of the editor, and where
   * another conversation began with the same words; a name that two models have says too little.
   */
  private before(
    messages: readonly Message[],
    key: string,
    offered: readonly vscode.LanguageModelChat[],
  ): Choice | undefined {
    const kept = this.choices.get(key);
    const line = firstAnnouncement(messages) ?? kept?.line;
    if (kept && line === kept.line) {
      const model = offered.find(({ vendor, id }) => vendor === kept.model.vendor && id === kept.model.id);
      return model && { ...kept, model };
    }
    const [model, ...others] = offered.filter(({ name }) => line && announces(line, name));
    return line && model && others.length === 0 ? { model, route: undefined, line } : undefined;
  }

  /** A first request with a secret stays local; one that comes later must not slip through behind it. */
  private async guardSecrets(request: string, token: vscode.CancellationToken): Promise<void> {
    const triage = await this.triage(request, token);
    if (!triage?.secrets || (await untilCancelled(confirmSecret(), token))) return;
    throw new Error('Nothing was sent: the message seems to hold a secret.');
  }

  private async triage(text: string, token: vscode.CancellationToken): Promise<TextTriageMessage | null> {
    const client = await untilCancelled(this.lifecycle.running(), token);
    return client.triageText(text, token);
  }

  private remember(key: string, choice: Choice): void {
    this.choices.set(key, choice);
    const [oldest] = this.choices.keys();
    if (this.choices.size > MOST_CONVERSATIONS && oldest !== undefined) this.choices.delete(oldest);
  }
}

function modelOf(
  triage: TextTriageMessage,
  route: string,
  offered: readonly vscode.LanguageModelChat[],
): vscode.LanguageModelChat | undefined {
  return matchModel(tierChoice(triage, route)?.models ?? [], offered);
}

/** The tier has no model here: the user decides, and until then the conversation goes nowhere. */
async function ask(
  triage: TextTriageMessage,
  offered: readonly vscode.LanguageModelChat[],
  token: vscode.CancellationToken,
): Promise<Choice> {
  const { route, reason } = triage.tier;
  const wanted = tierChoice(triage, route)?.models ?? [];
  const name = tierName(triage, route);
  const message =
    wanted.length > 0
      ? `The chat offers none of the models of ${name}: ${wanted.join(', ')}.`
      : `No model is set for ${name}.`;
  const tiers: readonly string[] = ROUTES;
  const [larger] = tiers.slice(tiers.indexOf(route) + 1).flatMap((tier) => {
    const model = modelOf(triage, tier, offered);
    return model ? [{ tier, name: tierName(triage, tier), model }] : [];
  });
  const use = larger && `Use ${larger.model.name} (${larger.name})`;
  const detail = `This conversation belongs there. ${reason}`;
  const buttons = [...(use ? [use] : []), 'Open Settings'];
  const asking = vscode.window.showWarningMessage(message, { modal: true, detail }, ...buttons);
  const answer = await untilCancelled(asking, token);
  if (larger && answer === use) {
    const tier = `${larger.name}, for ${name} has no model`;
    return { model: larger.model, route: larger.tier, line: announcement(larger.model.name, tier, triage) };
  }
  if (answer === 'Open Settings') {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'devrouter.tiers');
  }
  throw new Error(`${message} Nothing was sent: set one in the settings (devrouter.tiers) and send again.`);
}

async function confirmSecret(): Promise<boolean> {
  const answer = await vscode.window.showWarningMessage(
    'This message seems to hold a secret. Send it all the same?',
    { modal: true, detail: 'Whoever runs the model will see it.' },
    'Send',
  );
  return answer === 'Send';
}

function untilCancelled<T>(work: Thenable<T>, token: vscode.CancellationToken): Promise<T> {
  return new Promise((resolve, reject) => {
    const listening = token.onCancellationRequested(() => reject(new vscode.CancellationError()));
    work.then(resolve, reject).then(() => listening.dispose());
  });
}

/**
 * The message as it came, with every part; only our own line is taken out of earlier answers. What held nothing
 * else goes with it, for many models refuse an empty text.
 */
function forwarded({ role, content, name }: Message): vscode.LanguageModelChatMessage[] {
  const { Assistant, User } = vscode.LanguageModelChatMessageRole;
  if (role !== Assistant) {
    // VS Code lets extensions hear the system's role but not speak in it.
    return [new vscode.LanguageModelChatMessage(User, [...content] as Parts, name)];
  }
  const parts = content.flatMap((part) => {
    if (!(part instanceof vscode.LanguageModelTextPart)) return [part];
    const value = withoutAnnouncement(part.value);
    if (value === part.value) return [part];
    return value ? [new vscode.LanguageModelTextPart(value)] : [];
  });
  return parts.length > 0 ? [new vscode.LanguageModelChatMessage(Assistant, parts as Parts, name)] : [];
}
