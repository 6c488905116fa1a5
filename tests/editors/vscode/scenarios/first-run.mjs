/** Nothing is installed: opening a prompt asks once, and a yes brings the server up. */

import { TIERS } from '../workbench.mjs';

export default async function (workbench) {
  await workbench.open('ask.prompt.md');
  await workbench.notification('DevRouter needs its server').waitFor();
  await workbench.shot('first-run');
  await workbench.answer('DevRouter needs its server', 'Set Up');
  await workbench.status(TIERS);
}
