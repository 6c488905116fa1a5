/** What a chat's messages say of their conversation: pure, without VS Code. */

import { createHash } from 'node:crypto';
import type { TextTriageMessage } from './protocol.ts';

/** As VS Code hands a message to a provider; a part of text has its text in `value`. */
export interface Message {
  role: number;
  content: readonly unknown[];
}

const USER = 1;
const ASSISTANT = 2;
/** Copilot's chat puts what the user typed between these, among much that they did not. */
const TYPED = /<userRequest>\s*([\s\S]*?)\s*<\/userRequest>/g;
/** Chats may keep our line without the empty one below it. */
const ANNOUNCEMENT = /^(\*DevRouter → [^\n]*\*)(?:\s*\n|\s*$)\s*/;

/** What the user wrote first, before any answer: this decides the tier of the whole conversation. */
export function firstRequest(messages: readonly Message[]): string {
  const answered = messages.findIndex(({ role }) => role === ASSISTANT);
  const text = messages
    .slice(0, answered < 0 ? undefined : answered)
    .filter(({ role }) => role === USER)
    .map(textOf)
    .join('\n\n');
  return typedIn(text);
}

/** What the user wrote last; empty where a tool spoke last. */
export function lastRequest(messages: readonly Message[]): string {
  const last = messages.at(-1);
  return last?.role === USER ? typedIn(textOf(last)) : '';
}

/** A key for the conversation: its first request's hash, for the text itself is not kept. */
export function keyOf(request: string): string {
  return createHash('sha256').update(request).digest('hex');
}

/** Whether the conversation has an answer: only then can it have a model to stay with. */
export function isAnswered(messages: readonly Message[]): boolean {
  return messages.some(({ role }) => role === ASSISTANT);
}

/** The line at the top of an answer: the model, its tier, and why it was taken. */
export function announcement(
  model: string,
  tier: string,
  { intent, complexity, tier: { reason } }: TextTriageMessage,
): string {
  return `${opening(model)}${inert(tier)}): ${inert(`${intent} · ${complexity}. ${reason}`)}*`;
}

/**
 * Our line at the top of the first answer; undefined where the chat has not kept it. Later answers do not
 * count: one that only follows a tool's result is all the model's own, and could imitate the line.
 */
export function firstAnnouncement(messages: readonly Message[]): string | undefined {
  const first = messages.find(({ role }) => role === ASSISTANT);
  return first && ANNOUNCEMENT.exec(textOf(first))?.[1];
}

/** Whether the line names this model. */
export function announces(line: string, model: string): boolean {
  return line.startsWith(opening(model));
}

/** The text of an earlier answer without our line, so that no model learns to write it. */
export function withoutAnnouncement(text: string): string {
  return text.replace(ANNOUNCEMENT, '');
}

/** About how many tokens a text has, counted as the server does: two for seven bytes. */
export function estimatedTokens(text: string): number {
  return Math.ceil((2 * Buffer.byteLength(text)) / 7);
}

/** Whether this editor lets extensions provide chat models, which came with VS Code 1.104. */
export function canProvideModels(lm: object | undefined): boolean {
  return typeof (lm as Record<string, unknown>)?.registerLanguageModelChatProvider === 'function';
}

/** All that a message has to say, tool calls and their results among it: for counting. */
export function wordsOf({ content }: Pick<Message, 'content'>): string {
  return content.map(words).join(' ');
}

function words(part: unknown): string {
  if (typeof part === 'string') return part;
  if (Array.isArray(part)) return part.map(words).join(' ');
  const { value, content, input, parameters } = (part ?? {}) as Record<string, unknown>;
  const call = input ?? parameters;
  return call === undefined ? words(value ?? content ?? '') : JSON.stringify(call);
}

function textOf({ content }: Pick<Message, 'content'>): string {
  return content
    .map((part) => (part as { value?: unknown })?.value)
    .filter((value) => typeof value === 'string')
    .join('');
}

function typedIn(text: string): string {
  return [...text.matchAll(TYPED)].at(-1)?.[1] ?? text;
}

function opening(model: string): string {
  return `*DevRouter → ${inert(model)} (`;
}

/** Words as a part of one line of Markdown; with brackets escaped no name is the beginning of another. */
function inert(words: string): string {
  return words.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>()]/g, '\\$&');
}
