/** Hints in the chat's input box: the tier and its model, and the model switched before sending. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { CHAT_INPUT, TIERS } from '../workbench.mjs';

const CHAT_ITEM = '#devrouter\\.devrouter\\.chatTier';

export default async function (workbench, plan) {
  const { page } = workbench;
  await workbench.open('plain.txt');
  assert.equal(await page.locator(CHAT_ITEM).isVisible(), false);
  await workbench.typeInChat(plan.prompt);
  await page.locator(`${CHAT_INPUT} .squiggly-info`).first().waitFor();
  const item = page.locator(CHAT_ITEM, { hasText: TIERS });
  await item.waitFor();
  const model = /fake-(\w+)/.exec(await item.innerText())[1];
  const name = model[0].toUpperCase() + model.slice(1);
  await switchByHover(workbench, name);
  await switchByStatusBar(workbench, item, name);
  assert.equal((await typed(page)).trim(), plan.prompt);
  await page.locator(CHAT_INPUT).click();
  await workbench.send('Noted.');
  const [call] = readFileSync(plan.chat, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(call.model, model);
  assert.equal(call.sent.at(-1).text, plan.prompt);
  await item.waitFor({ state: 'hidden' });
}

/** The link above the server's hover switches the chat, whatever it used before. */
async function switchByHover(workbench, name) {
  const { page } = workbench;
  await workbench.pickChatModel('DevRouter (auto)');
  await page.locator(`${CHAT_INPUT} .view-line`).first().hover({ position: { x: 80, y: 8 } });
  const hover = page.locator('.monaco-hover:not(.hidden)');
  const link = hover.locator('a', { hasText: 'Switch the chat' });
  await link.waitFor();
  await hover.filter({ hasText: 'Suggested' }).waitFor();
  await workbench.shot('chat', { x: 540, y: 380, width: 740, height: 420 });
  await link.click();
  await workbench.chatModel(name);
}

async function switchByStatusBar(workbench, item, name) {
  await workbench.pickChatModel('DevRouter (auto)');
  await item.locator('a').first().click();
  await workbench.chatModel(name);
}

async function typed(page) {
  const lines = await page.locator(`${CHAT_INPUT} .view-line`).allInnerTexts();
  return lines.join('').replaceAll('\u00a0', ' ');
}
