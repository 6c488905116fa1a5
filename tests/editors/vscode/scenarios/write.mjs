/** Write a prompt: findings, hover, a filled gap, the rewrite with preview and undo, the tier, other files. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATUS_ITEM, TIERS } from '../workbench.mjs';

const FILE = 'ask.prompt.md';

export default async function (workbench) {
  const written = readFileSync(join(workbench.folder, FILE), 'utf8');
  await workbench.open(FILE);
  await workbench.status(TIERS);
  await findings(workbench);
  await fill(workbench, written);
  await rewrite(workbench, written);
  await tier(workbench);
  await elsewhere(workbench);
}

/** One squiggle and exactly one entry in Problems for each gap, and a hover that says what was read. */
async function findings(workbench) {
  const { page } = workbench;
  const squiggle = page.locator('.monaco-editor .squiggly-info').first();
  await squiggle.waitFor();
  const problems = await workbench.problems();
  assert.equal(new Set(problems).size, problems.length, problems.join('\n'));
  await page.locator(STATUS_ITEM).click();
  await page.locator('.quick-input-titlebar', { hasText: `${problems.length} item` }).waitFor();
  await page.keyboard.press('Escape');
  await squiggle.hover({ force: true });
  await page.locator('.monaco-hover:not(.hidden) .hover-contents', { hasText: 'Answered by' }).waitFor();
  await workbench.shot('findings');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+J');
}

/** A quick fix adds a line for what is missing; one undo takes it back. */
async function fill(workbench, written) {
  const { page } = workbench;
  await page.locator('.monaco-editor .squiggly-info').first().click({ force: true });
  await page.keyboard.press('Control+.');
  const fix = page.locator('.action-widget .monaco-list-row', { hasText: 'Add a line for' }).first();
  await fix.waitFor();
  await workbench.shot('quick-fix');
  await fix.click();
  await page.locator('.tab.active.dirty').waitFor();
  assert.ok((await workbench.saved(FILE)).length > written.length);
  await page.keyboard.press('Control+Z');
  assert.equal(await workbench.saved(FILE), written);
}

/** The preview shows both texts, the key applies the rewrite as one edit, and one undo takes it back. */
async function rewrite(workbench, written) {
  const { page } = workbench;
  await workbench.command('DevRouter: Preview Rewrite');
  await page.locator('.monaco-diff-editor .char-insert').first().waitFor();
  await workbench.shot('rewrite');
  await workbench.command('View: Close Editor');
  await page.locator('.monaco-diff-editor').waitFor({ state: 'detached' });
  await workbench.focusEditor();
  await page.keyboard.press('Shift+Alt+R');
  await page.locator('.tab.active.dirty').waitFor();
  const rewritten = await workbench.saved(FILE);
  assert.notEqual(rewritten, written);
  assert.match(rewritten, /when I upload the big file/);
  await page.keyboard.press('Control+Z');
  assert.equal(await workbench.saved(FILE), written);
}

/** The chosen tier wins, shows its model, sticks to the document, and can be written to its front matter. */
async function tier(workbench) {
  const { page } = workbench;
  await page.locator(STATUS_ITEM).click();
  const large = workbench.picker().filter({ hasText: 'large_api' });
  await large.waitFor();
  await workbench.shot('tiers');
  await large.click();
  await workbench.status(/large_api · fake-large/);
  await workbench.command('DevRouter: Restart the Server');
  await page.locator(STATUS_ITEM).waitFor({ state: 'hidden' });
  await workbench.status(/large_api · fake-large/);
  await workbench.focusEditor();
  await workbench.command("DevRouter: Write the Tier's Model to the Front Matter");
  await page.locator('.tab.active.dirty').waitFor();
  assert.match(await workbench.saved(FILE), /^---\nmodel: Large \(fake\)\n---\n/);
}

/** A file without a prompt shows nothing, and the prompt's status is back with the prompt. */
async function elsewhere(workbench) {
  const { page } = workbench;
  await workbench.open('notes.md');
  await page.locator(STATUS_ITEM).waitFor({ state: 'hidden' });
  assert.equal(await page.locator('.monaco-editor .squiggly-info').count(), 0);
  await workbench.open('block.md');
  await workbench.status(TIERS);
  await workbench.open(FILE);
  await workbench.status(/large_api/);
}
