/** How long until the status shows, and the extension host's own time per keystroke. */

import { readFileSync } from 'node:fs';
import { processOf } from '../processes.mjs';
import { STATUS_ITEM, TIERS } from '../workbench.mjs';

const KEYS = 'The upload of a large file fails with an error and I do not know why. '.repeat(2);

export default async function (workbench, plan) {
  const cold = await timeToStatus(workbench, 'ask.prompt.md');
  const warm = await timeToStatus(workbench, 'second.prompt.md');
  const host = processOf(plan.data, '--type=extensionHost');
  const plain = await typing(workbench, host, 'plain.txt');
  const prompt = await typing(workbench, host, 'ask.prompt.md');
  return { cold, warm, plain, prompt, keys: KEYS.length };
}

/** Milliseconds from opening the file to the text in the status bar, which shows none before. */
async function timeToStatus(workbench, file) {
  const { page } = workbench;
  await workbench.open('plain.txt');
  await page.locator(STATUS_ITEM).waitFor({ state: 'hidden' });
  await workbench.quickInput('Control+P', file);
  await workbench.picker().filter({ hasText: file }).first().waitFor();
  const started = performance.now();
  await workbench.pick(file);
  await workbench.status(TIERS);
  return performance.now() - started;
}

/** Milliseconds of the host's main thread for typing, per keystroke. */
async function typing(workbench, host, file) {
  await workbench.open(file);
  await workbench.focusEditor();
  await workbench.page.keyboard.type('warm up ', { delay: 30 });
  const before = runTime(host);
  await workbench.page.keyboard.type(KEYS, { delay: 30 });
  return (runTime(host) - before) / KEYS.length;
}

/** Milliseconds that the main thread has run. */
function runTime(process) {
  return Number(readFileSync(`/proc/${process}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
