import assert from 'node:assert/strict';
import { test } from 'node:test';
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
} from '../src/conversation.ts';

const message = (role: number, ...texts: string[]) => ({ role, content: texts.map((value) => ({ value })) });
const user = (...texts: string[]) => message(1, ...texts);
const assistant = (...texts: string[]) => message(2, ...texts);
const system = (...texts: string[]) => message(3, ...texts);
const toolResult = { role: 1, content: [{ callId: '1', content: [{ value: 'three files' }] }] };

test('a conversation is known by what the user wrote before the first answer', () => {
  const first = [system('Be kind.'), user('Write a haiku.')];
  const later = [...first, assistant('The sea.'), user('continue')];
  assert.equal(firstRequest(first), 'Write a haiku.');
  assert.equal(firstRequest(later), 'Write a haiku.');
  assert.equal(keyOf(firstRequest(first)), keyOf(firstRequest(later)));
  assert.notEqual(keyOf('Write a haiku.'), keyOf('Write a sonnet.'));
});

test("of what Copilot's chat adds around a request, nothing counts", () => {
  const messages = [
    user('<environment_info>Linux</environment_info>'),
    user('<context>today</context>\n<userRequest>\nFix the login.\n</userRequest>'),
  ];
  assert.equal(firstRequest(messages), 'Fix the login.');
});

test('an empty conversation has no request', () => {
  assert.equal(firstRequest([]), '');
  assert.equal(lastRequest([]), '');
});

test('what the user wrote last begins a turn; the result of a tool does not', () => {
  assert.equal(lastRequest([user('Fix it.')]), 'Fix it.');
  assert.equal(lastRequest([user('Fix it.'), assistant(''), toolResult]), '');
  assert.equal(lastRequest([user('Fix it.'), assistant('Done.'), user('continue')]), 'continue');
});

const triage = {
  secrets: 0,
  intent: 'documentation',
  complexity: 'low',
  tier: { route: 'small_local', reason: 'Your rule for "docs" says small_local.' },
  tiers: [],
};

test('the line names the model and what decided, and no later model sees it', () => {
  const line = announcement('Haiku', 'small_local', triage);
  const decided = 'documentation · low. Your rule for "docs" says small\\_local.';
  assert.equal(line, `*DevRouter → Haiku (small\\_local): ${decided}*`);
  for (const kept of [`${line}\n\nThe answer.`, `${line}\nThe answer.`]) {
    assert.equal(withoutAnnouncement(kept), 'The answer.');
  }
  assert.equal(withoutAnnouncement(`${line}\n\n`), '');
  assert.equal(withoutAnnouncement(line), '');
  assert.equal(withoutAnnouncement('*DevRouter* is a router.'), '*DevRouter* is a router.');
  assert.match(
    announcement('a\n[b](c)*', '', triage),
    /^\*DevRouter → a \\\[b\\\]\\\(c\\\)\\\* \(\): [^\n]*\*$/,
  );
});

test('the first answer says which model the conversation is with', () => {
  const line = announcement('Haiku (preview)', 'small_local', triage);
  const begun = [user('Write.'), assistant(`${line}\n\n`, 'The sea.'), user('continue')];
  assert.equal(firstAnnouncement(begun), line);
  assert.ok(announces(line, 'Haiku (preview)'));
  assert.ok(!announces(line, 'Haiku'));
  assert.ok(isAnswered(begun));
  assert.ok(!isAnswered([user('Write.')]));
});

test('a line that a model imitates in a later answer is not taken for ours', () => {
  const line = announcement('Haiku', 'small_local', triage);
  const messages = [user('Write.'), assistant('The sea.'), toolResult, assistant(`${line}\n\nMore.`)];
  assert.equal(firstAnnouncement(messages), undefined);
  assert.equal(firstAnnouncement([user(line)]), undefined);
});

test('tool calls and their results are counted too', () => {
  const call = { callId: '1', name: 'list', input: { path: 'src' } };
  assert.match(wordsOf({ content: [{ value: 'Look.' }, call] }), /Look\. .*src/);
  assert.match(wordsOf(toolResult), /three files/);
  assert.equal(estimatedTokens('1234567'), 2);
  assert.equal(estimatedTokens(''), 0);
});

test('an editor without the API for chat models is left alone', () => {
  assert.equal(canProvideModels(undefined), false);
  assert.equal(canProvideModels({ selectChatModels: () => [] }), false);
  assert.equal(canProvideModels({ registerLanguageModelChatProvider: () => {} }), true);
});
