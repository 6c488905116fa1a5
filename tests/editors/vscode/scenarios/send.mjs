/** Send to Chat: the model of the tier hears exactly the prompt's text. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { TIERS } from '../workbench.mjs';

export default async function (workbench, plan) {
  await workbench.open('ask.prompt.md');
  const model = /fake-(\w+)/.exec(await workbench.status(TIERS))[1];
  await workbench.command('DevRouter: Send to Chat');
  await workbench.park();
  await workbench.page.locator('.interactive-response', { hasText: 'Noted.' }).waitFor();
  await workbench.shot('send');
  const calls = readFileSync(plan.chat, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(
    calls.map(({ sent }) => sent.map(({ text }) => text)),
    [[plan.prompt]],
  );
  assert.equal(calls[0].model, model);
}
