/** From a key to its character on the screen, in the chat's input box: without hints and with them, by turns. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHAT_INPUT, TIERS } from '../workbench.mjs';

const KEYS = 'My flask app crash when i upload teh big file and it throw some error, how do i fix it? ';
const ROUNDS = 2;
const CHAT_ITEM = '#devrouter\\.devrouter\\.chatTier';

export default async function (workbench, plan) {
  const times = { without: [], with: [] };
  for (let turn = 0; turn < ROUNDS; turn++) {
    await begin(workbench, plan, false);
    times.without.push(...(await round(workbench)));
    await begin(workbench, plan, true);
    await workbench.typeInChat(KEYS);
    await workbench.page.locator(CHAT_ITEM, { hasText: TIERS }).waitFor();
    times.with.push(...(await round(workbench)));
  }
  return { ...times, keys: KEYS.length };
}

/** Milliseconds for each key of one writing; the box is empty before and after. */
async function round(workbench) {
  const { page } = workbench;
  await clear(workbench);
  await page.evaluate(watch, `${CHAT_INPUT} .view-lines`);
  await page.keyboard.type(KEYS, { delay: 40 });
  const times = await page.evaluate(() => window.stopWatching());
  await clear(workbench);
  return times;
}

async function clear(workbench) {
  const { page } = workbench;
  await workbench.focusChat();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
}

/** In the page: the time from each key to the next change of what the editor shows. */
function watch(selector) {
  const times = [];
  let pressed;
  const onKey = () => {
    pressed = performance.now();
  };
  const observer = new MutationObserver(() => {
    if (pressed !== undefined) times.push(performance.now() - pressed);
    pressed = undefined;
  });
  window.addEventListener('keydown', onKey, true);
  observer.observe(document.querySelector(selector), { childList: true, subtree: true, characterData: true });
  window.stopWatching = () => {
    window.removeEventListener('keydown', onKey, true);
    observer.disconnect();
    return times;
  };
}

/** Change the user's setting, and begin anew: what a window has open does not follow the file. */
async function begin(workbench, { data }, hints) {
  const file = join(data, 'User', 'settings.json');
  const settings = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...settings, 'devrouter.chat.hints': hints }));
  await workbench.page.reload();
  await workbench.page.locator('.monaco-workbench .part.editor').waitFor();
  await workbench.open('ask.prompt.md');
  await workbench.status(TIERS);
  await workbench.typeInChat('warm up ');
}
