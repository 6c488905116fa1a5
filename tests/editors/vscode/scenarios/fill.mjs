/** Fill gaps: with a fact of the workspace, with problems that the editor shows, with a line to complete. */

import assert from 'node:assert/strict';
import { TIERS } from '../workbench.mjs';

export default async function (workbench) {
  await fact(workbench);
  await problems(workbench);
  await line(workbench);
}

/** What a manifest says is offered with its source, and its origin shows on hover. */
async function fact(workbench) {
  const { page } = workbench;
  await workbench.open('tests.prompt.md');
  await workbench.status(TIERS);
  await page.locator('.monaco-editor .squiggly-info').first().waitFor();
  await choose(workbench, /Add test framework: Vitest 3\.1\.2 \(from package\.json\)/i, { shot: 'fill' });
  await page.locator('.tab.active.dirty').waitFor();
  assert.match(await workbench.saved('tests.prompt.md'), /\n\nContext:\n- Test framework: Vitest 3\.1\.2\n$/i);
  await page.locator('.view-line span', { hasText: 'framework' }).last().hover();
  await page.locator('.monaco-hover:not(.hidden) .hover-contents', { hasText: 'From package.json' }).waitFor();
  await page.keyboard.press('Escape');
}

/** The problems of a file that the prompt names, which only the editor knows. */
async function problems(workbench) {
  const { page } = workbench;
  await workbench.open('rates.json');
  await page.locator('.monaco-editor .squiggly-error').first().waitFor();
  await workbench.open('ask.prompt.md');
  await page.locator('.monaco-editor .squiggly-info').first().waitFor();
  await choose(workbench, /Add \d+ problems? of data\/rates\.json \(from the editor\)/, { shot: 'fill-problems' });
  await page.locator('.tab.active.dirty').waitFor();
  assert.match(await workbench.saved('ask.prompt.md'), /\n\nContext:\n- data\/rates\.json:2: error: \S/);
}

/** The cursor stands behind the label, so typing goes on there. */
async function line(workbench) {
  const { page } = workbench;
  await choose(workbench, /Add a line for/, { at: '.monaco-editor .squiggly-info' });
  await page.locator('.tab.active.dirty').waitFor();
  await page.keyboard.type('as typed');
  assert.match(await workbench.saved('ask.prompt.md'), /\n[A-Z][^\n]*: as typed\n$/);
}

/** Choose a quick fix in the first line, asked for again until the workspace has been read. */
async function choose(workbench, title, { at = '.editor-instance .view-line', shot }) {
  const { page } = workbench;
  const fix = page.locator('.action-widget .monaco-list-row', { hasText: title }).first();
  for (let attempt = 1; ; attempt++) {
    await page.locator(at).first().click({ force: true });
    await page.keyboard.press('Control+.');
    try {
      await fix.waitFor({ timeout: 4000 });
      break;
    } catch (error) {
      if (attempt === 8) throw error;
      await page.keyboard.press('Escape');
    }
  }
  if (shot) await workbench.shot(shot);
  await fix.click();
}
