/** DevRouter (auto): each conversation goes to the model of its tier, stays there, and can be cancelled. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const SMALL = 'Write a docstring for this function: def double(x): return 2 * x';
const MEDIUM = 'Why does my flask app crash when i upload a file?';
const LARGE =
  'Design the architecture of a payment system for ten countries: services, data, failure modes, migration.';

export default async function (workbench, plan) {
  const { page } = workbench;
  await workbench.open('plain.txt');
  await workbench.typeInChat(SMALL);
  await workbench.pickChatModel('DevRouter (auto)');
  await page.locator('.interactive-input-editor').click();
  await page.keyboard.press('Control+End');
  await workbench.send(/DevRouter → Small \(small_local\): documentation · low\. Suggested small_local at [^]*Noted\./);
  await workbench.typeInChat('continue');
  await page.keyboard.press('Enter');
  await stays(plan);
  await page.locator('.interactive-input-part .codicon-stop-circle').waitFor({ state: 'detached' });
  await workbench.shot('auto', { x: 980, y: 60, width: 300, height: 710 });
  await workbench.newChat();
  await workbench.typeInChat(LARGE);
  await workbench.send(/DevRouter → Large \(large_api\): architecture[^]*Noted\./);
  assert.equal(calls(plan).at(-1).model, 'large');
  await secret(workbench, plan);
  await tools(workbench, plan);
  await silent(workbench, plan);
  await cancel(workbench, plan);
  await nothingThere(workbench, plan);
}

/** The second request carries the whole conversation, without the line that names the model. */
async function stays(plan) {
  await until(() => calls(plan).length > 1);
  const [first, second] = calls(plan);
  assert.deepEqual([first.model, second.model], ['small', 'small']);
  assert.deepEqual(
    second.sent.map(({ role, text }) => [role, text]),
    [
      [1, SMALL],
      [2, 'Noted.'],
      [1, 'continue'],
    ],
  );
}

/** What goes to a larger tier's model goes without secrets, unless the user says so. */
async function secret(workbench, plan) {
  const { page } = workbench;
  const before = calls(plan).length;
  await workbench.typeInChat(`The key is ghp_${'a1B2c3D4e5'.repeat(3)}f6G7h8.`);
  await page.keyboard.press('Enter');
  const dialog = page.locator('.monaco-dialog-box', { hasText: 'seems to hold a secret' });
  await dialog.locator('.monaco-button', { hasText: 'Cancel' }).click();
  await workbench.answerInChat('Nothing was sent');
  assert.equal(calls(plan).length, before);
}

/** A tool call and its result pass through, and the model is named once, with the rule that decided. */
async function tools(workbench, plan) {
  await workbench.newChat();
  await workbench.typeInChat('Which files are here?');
  await workbench.page.keyboard.press('Enter');
  const answer = await workbench.answerInChat('Noted.');
  assert.equal(answer.match(/DevRouter →/g).length, 1);
  assert.match(answer, /Your rule for .* says small_local/);
  const [asked, told] = calls(plan).slice(-2);
  assert.deepEqual(asked.tools, ['list_files']);
  assert.deepEqual(
    told.sent.slice(1).map(({ parts }) => parts),
    [['tool call'], ['tool result']],
  );
}

/** Where an answer held nothing but our line, nothing of it is sent on: many models refuse an empty text. */
async function silent(workbench, plan) {
  const { page } = workbench;
  await workbench.newChat();
  await workbench.typeInChat('Write a docstring, in silence: def third(x): return x / 3');
  await workbench.send('DevRouter → Small');
  await page.locator('.interactive-input-part .codicon-stop-circle').waitFor({ state: 'detached' });
  await workbench.typeInChat('continue');
  await workbench.send('Noted.');
  const { model, sent } = calls(plan).at(-1);
  assert.equal(model, 'small');
  assert.deepEqual(sent.map(({ role }) => role), [1, 1]);
}

/** Stopping the answer stops the model that writes it. */
async function cancel(workbench, plan) {
  await workbench.newChat();
  await workbench.typeInChat('Write a docstring, with patience: def half(x): return x / 2');
  await workbench.send('It begins.');
  const { model } = calls(plan).at(-1);
  await workbench.page.locator('.interactive-input-part .codicon-stop-circle').click();
  await until(() => calls(plan).at(-1).cancelled);
  assert.equal(calls(plan).at(-1).model, model);
}

/** Without a model for the tier nothing is sent until the user says where to. */
async function nothingThere(workbench, plan) {
  const { page } = workbench;
  const before = calls(plan).length;
  const dialog = page.locator('.monaco-dialog-box', { hasText: 'The chat offers none of the models of medium_api' });
  await workbench.newChat();
  await workbench.typeInChat(MEDIUM);
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await workbench.shot('no-model');
  await dialog.locator('.monaco-button', { hasText: 'Cancel' }).click();
  await workbench.answerInChat('Nothing was sent');
  assert.equal(calls(plan).length, before);
  await workbench.newChat();
  await workbench.typeInChat(MEDIUM);
  await page.keyboard.press('Enter');
  await dialog.locator('.monaco-button', { hasText: 'Use Large (large_api)' }).click();
  await workbench.answerInChat(/DevRouter → Large \(large_api, for medium_api has no model\)[^]*Noted\./);
  assert.equal(calls(plan).at(-1).model, 'large');
}

function calls(plan) {
  return readFileSync(plan.chat, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
}

/** The models write to a file, and a file tells nobody. */
async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
}
