/** Send to Chat: the model of the tier hears exactly the prompt's text. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { TIERS } from '../workbench.mjs';

export default async function (workbench, plan) {
  await workbench.open('ask.prompt.md');
  await workbench.status(TIERS);
  await workbench.command('DevRouter: Send to Chat');
  await workbench.page.locator('.interactive-response', { hasText: 'Noted.' }).waitFor();
  await workbench.shot('send');
  const calls = readFileSync(plan.chat, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const asked = calls.find(({ sent }) => sent.at(-1).text.includes(plan.prompt));
  assert.ok(asked, JSON.stringify(calls, null, 1));
  assert.equal(asked.model, plan.model);
}
