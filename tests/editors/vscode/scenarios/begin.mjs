/** Other ways to begin: a new prompt, any selection read as one, and again after a crash of the server. */

import { processOf } from '../processes.mjs';
import { STATUS_ITEM, TIERS } from '../workbench.mjs';

const ASKED = 'Why does my flask app crash when i upload a file?';

export default async function (workbench, plan) {
  const { page } = workbench;
  await fromNothing(workbench);
  await fromCheckedText(workbench);
  await fromOtherText(workbench);
  await afterCrash(workbench, plan);
  await workbench.command('DevRouter: Run the Doctor');
  await page.getByText('The instant engine is ready').waitFor();
  await workbench.shot('doctor');
}

/** An untitled prompt is checked while it is typed. */
async function fromNothing(workbench) {
  const { page } = workbench;
  await workbench.command('DevRouter: New Prompt');
  await page.locator('.tab.active', { hasText: 'Untitled-1' }).waitFor();
  await page.keyboard.type(ASKED);
  await workbench.status(TIERS);
  await page.locator('.monaco-editor .squiggly-info').first().waitFor();
}

/** In Markdown, which the server sees, the selection is answered where it stands. */
async function fromCheckedText(workbench) {
  const { page } = workbench;
  await workbench.open('notes.md');
  await workbench.focusEditor();
  await page.keyboard.press('Control+A');
  await workbench.command('DevRouter: Triage Selection as Prompt');
  await workbench.picker().filter({ hasText: 'Open as a Prompt of Its Own' }).waitFor();
  await page.locator('.quick-input-titlebar', { hasText: TIERS }).waitFor();
  await workbench.shot('selection');
  await page.keyboard.press('Escape');
}

/** Anywhere else it becomes a prompt of its own. */
async function fromOtherText(workbench) {
  const { page } = workbench;
  await workbench.open('comment.py');
  await workbench.focusEditor();
  await page.keyboard.press('Control+A');
  await workbench.command('DevRouter: Triage Selection as Prompt');
  await page.locator('.tab.active', { hasText: 'Untitled-2' }).waitFor();
  await workbench.status(TIERS);
}

/** A server that dies is started again by itself. */
async function afterCrash(workbench, plan) {
  const hidden = workbench.page.locator(STATUS_ITEM).waitFor({ state: 'hidden' });
  process.kill(Number(processOf(plan.data, '-m devrouter serve')), 'SIGKILL');
  await hidden;
  await workbench.status(TIERS);
}
