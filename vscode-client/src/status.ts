/** What the status shows for a message of the server: pure, without VS Code. */

import type { StatusMessage, TierChoiceMessage } from './protocol.ts';

export const ROUTES = ['small_local', 'medium_api', 'large_api'] as const;

const ICONS: Record<string, string> = { small_local: 'zap', medium_api: 'cloud', large_api: 'sparkle' };

/** Characters that fit beside the command; the tooltip has the whole sentence. */
const HEALTH_LENGTH = 44;

export interface StatusBarView {
  text: string;
  /** Said by screen readers. */
  label: string;
  /** Plain sentences, one a line. */
  tooltip: string[];
}

type Tiers = Pick<StatusMessage, 'tiers'>;

export interface HealthView {
  severity: 'information' | 'warning' | 'error';
  detail: string;
  /** The command that mends it, for a terminal. */
  mend: string | undefined;
}

/** The status bar item; undefined where the document holds no prompt. */
export function statusBarView(status: StatusMessage): StatusBarView | undefined {
  if (status.tier === null) return undefined;
  const route = effectiveRoute(status);
  const parts = [tierName(status, route), tierChoice(status, route)?.models[0], confidence(status)];
  const words = parts.filter(Boolean).join(' · ');
  const icon = status.busy ? 'loading~spin' : status.chosen ? 'pinned' : iconOf(route);
  const trouble = status.health === 'ok' ? '' : ' $(warning)';
  return {
    text: `$(${icon}) ${escapeIcons(words)}${trouble}`,
    label: `Tier of this prompt: ${words}`,
    tooltip: tooltip(status),
  };
}

export function healthView(status: StatusMessage): HealthView {
  const severity = status.health === 'error' || status.health === 'warning' ? status.health : 'information';
  return {
    severity,
    detail: shortened(status.message, HEALTH_LENGTH),
    mend: status.mend ?? undefined,
  };
}

/** What the user chose, else what is suggested. */
export function effectiveRoute(status: StatusMessage): string {
  return status.chosen ?? status.tier?.route ?? '';
}

export function tierChoice(status: Tiers, route: string): TierChoiceMessage | undefined {
  return status.tiers.find((tier) => tier.route === route);
}

export function tierName(status: Tiers, route: string): string {
  return tierChoice(status, route)?.name || route;
}

/** What a tier stands for: "qwen · up to 4,096 tokens · 0.5 a million tokens". */
export function tierDetail(status: StatusMessage, route: string): string {
  const choice = tierChoice(status, route);
  const models = choice?.models ?? [];
  const parts = [models.length > 0 ? models.join(', ') : 'No model is set for this tier.'];
  if (choice?.contextLimit != null) parts.push(`up to ${grouped(choice.contextLimit)} tokens`);
  if (choice?.price != null) parts.push(`${choice.price} a million tokens`);
  return parts.join(' · ');
}

/** About how long the draft is; empty where the document holds no prompt. */
export function length({ tokens }: StatusMessage): string {
  return tokens === null ? '' : `About ${grouped(tokens)} tokens.`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

export function iconOf(route: string): string {
  return ICONS[route] ?? 'circle-large-outline';
}

export function missing(count: number): string {
  return count === 0
    ? 'Nothing is missing.'
    : count === 1
      ? '1 item is missing.'
      : `${count} items are missing.`;
}

export function shortened(line: string, length: number): string {
  const words = line.trim();
  return words.length > length ? `${words.slice(0, length - 1)}…` : words;
}

function tooltip(status: StatusMessage): string[] {
  const { tier, chosen, prompts } = status;
  const lines = [`${status.intent}, ${status.complexity} complexity.`];
  if (chosen)
    lines.push(`You chose ${tierName(status, chosen)}; suggested: ${tierName(status, tier?.route ?? '')}.`);
  if (tier) lines.push(`${tier.reason} ${length(status)}`.trim());
  lines.push(
    prompts > 1
      ? `${prompts} prompts here; this is the first. ${missing(status.gaps)}`
      : missing(status.gaps),
  );
  if (status.busy) lines.push('The model is being asked.');
  lines.push(status.message);
  return lines;
}

function confidence({ confidence: value, chosen }: StatusMessage): string {
  return value === null || chosen ? '' : `${Math.floor(value * 100 + 1e-9)}%`;
}

/** A name that the user set must not become an icon. */
function escapeIcons(words: string): string {
  return words.replace(/\$\(/g, '$ (');
}
