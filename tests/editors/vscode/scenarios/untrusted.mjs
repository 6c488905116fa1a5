/** An untrusted folder: prompts are checked, by no server that a path names. */

import { STATUS_ITEM, TIERS } from '../workbench.mjs';

export default async function (workbench) {
  const { page } = workbench;
  await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
  await workbench.open('ask.prompt.md');
  await workbench.status(TIERS);
  await page.locator(STATUS_ITEM).hover();
  await page.locator('.workbench-hover, .monaco-hover', { hasText: 'Preview rewrite' }).first().waitFor();
  await workbench.shot('untrusted');
}
