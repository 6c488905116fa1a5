/** Send to Chat with a secret in the prompt: it asks, and what the model hears is masked. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { TIERS } from '../workbench.mjs';

export default async function (workbench, plan) {
  await workbench.open('ask.prompt.md');
  await workbench.status(TIERS);
  const dialog = workbench.page.locator('.monaco-dialog-box', { hasText: 'seems to hold a secret' });
  const answer = (name) => dialog.locator('.monaco-button', { hasText: new RegExp(`^${name}$`) }).click();

  await workbench.command('DevRouter: Send to Chat');
  await dialog.waitFor();
  await workbench.shot('send-secret');
  await answer('Cancel');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(existsSync(plan.chat), false, 'nothing may be sent before the user says so');

  // Typed a moment ago, and counted all the same.
  await workbench.focusEditor();
  await workbench.page.keyboard.type('Hi. ');
  await workbench.command('DevRouter: Send to Chat');
  await dialog.waitFor();
  await answer('Mask and Send');
  await workbench.page.locator('.interactive-response', { hasText: 'Noted.' }).waitFor();
  const calls = readFileSync(plan.chat, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(
    calls.map(({ sent }) => sent.map(({ text }) => text)),
    [[`Hi. ${plan.masked}`]],
  );
  await workbench.page.locator('.tab', { hasText: 'ask.prompt.md' }).first().click();
  assert.equal((await workbench.saved('ask.prompt.md')).trim(), `Hi. ${plan.masked}`);
}
