import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusMessage } from '../src/protocol.ts';
import { effectiveRoute, healthView, statusBarView, tierDetail } from '../src/status.ts';

const STATUS: StatusMessage = {
  uri: 'file:///ask.prompt.md',
  version: 3,
  health: 'ok',
  message: 'The instant engine answers.',
  mend: null,
  busy: false,
  prompts: 1,
  gaps: 2,
  engine: 'instant',
  intent: 'debug',
  complexity: 'low',
  tier: { route: 'small_local', reason: 'A small model is enough for a debug prompt of low complexity.' },
  confidence: 0.874,
  tokens: 1234,
  chosen: null,
  tiers: [
    { route: 'small_local', name: '', models: ['qwen2.5-coder:7b', 'phi4'], contextLimit: 4096, price: 0 },
    { route: 'medium_api', name: 'Team model', models: [], contextLimit: null, price: 0.25 },
    { route: 'large_api', name: '', models: [], contextLimit: null, price: null },
  ],
};

const view = (change: Partial<StatusMessage>) => statusBarView({ ...STATUS, ...change });

test('tier, its preferred model and confidence', () => {
  assert.equal(view({})?.text, '$(zap) small_local · qwen2.5-coder:7b · 87%');
});

test('without models the tier stands alone, by the name that the user gave it', () => {
  const tier = { route: 'medium_api', reason: '' };
  assert.equal(view({ tier, confidence: null })?.text, '$(cloud) Team model');
});

test('a document without a prompt shows nothing', () => {
  assert.equal(view({ tier: null, intent: null, complexity: null, prompts: 0 }), undefined);
});

test('what the user chose wins, is marked, and needs no confidence', () => {
  const chosen = view({ chosen: 'large_api' });
  assert.equal(chosen?.text, '$(pinned) large_api');
  assert.ok(chosen?.tooltip.includes('You chose large_api; suggested: small_local.'));
  assert.equal(effectiveRoute({ ...STATUS, chosen: 'large_api' }), 'large_api');
});

test('busy while the model runs', () => {
  assert.match(view({ busy: true })?.text ?? '', /^\$\(loading~spin\) small_local/);
});

test('the reason and what is missing stand in the tooltip', () => {
  const lines = view({})?.tooltip ?? [];
  assert.ok(lines.includes(`${STATUS.tier?.reason} About 1,234 tokens.`));
  assert.ok(lines.includes('2 items are missing.'));
});

test('of several prompts it says which one it speaks of', () => {
  const lines = view({ prompts: 3, gaps: 1 })?.tooltip ?? [];
  assert.ok(lines.includes('3 prompts here; this is the first. 1 item is missing.'));
});

test('trouble is marked, and the health says what mends it', () => {
  const trouble = { health: 'error', message: 'Ollama is not running.', mend: 'ollama serve' };
  assert.match(view(trouble)?.text ?? '', /\$\(warning\)$/);
  assert.deepEqual(healthView({ ...STATUS, ...trouble }), {
    severity: 'error',
    detail: 'Ollama is not running.',
    mend: 'ollama serve',
  });
  assert.equal(healthView(STATUS).severity, 'information');
});

test('a long sentence of the health leaves room for its command; the tooltip has it whole', () => {
  const message = 'Ollama at http://127.0.0.1:11434 is not there: nothing listens at that address.';
  assert.ok(healthView({ ...STATUS, message }).detail.length < 60);
  assert.ok(view({ message })?.tooltip.includes(message));
});

test('a name in the settings cannot bring in an icon', () => {
  const tiers = [{ route: 'small_local', name: '$(bug) mine', models: [], contextLimit: null, price: null }];
  assert.equal(view({ tiers, confidence: null })?.text, '$(zap) $ (bug) mine');
});

test('a tier says its models, its context and its price', () => {
  assert.equal(
    tierDetail(STATUS, 'small_local'),
    'qwen2.5-coder:7b, phi4 · up to 4,096 tokens · 0 a million tokens',
  );
  assert.equal(tierDetail(STATUS, 'medium_api'), 'No model is set for this tier. · 0.25 a million tokens');
  assert.equal(tierDetail(STATUS, 'large_api'), 'No model is set for this tier.');
});
