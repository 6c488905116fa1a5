/**
 * Drive one scenario in Chromium: `node drive.mjs PLAN`, where PLAN is a JSON file of what conftest.py knows.
 * Prints the scenario's measurements as JSON; a failure leaves a screenshot and ends with its reason.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Workbench } from './workbench.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { chromium } = createRequire(`${plan.client}/`)('playwright-core');

const browser = await chromium.launch({
  executablePath: plan.chromium,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
context.setDefaultTimeout(plan.timeout);
await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(plan.url).origin });
const page = await context.newPage();
const workbench = new Workbench(page, plan);
try {
  const { default: scenario } = await import(`./scenarios/${plan.scenario}.mjs`);
  await page.goto(plan.url);
  await page.locator('.monaco-workbench .part.editor').waitFor();
  const measured = await scenario(workbench, plan);
  console.log(JSON.stringify(measured ?? {}));
} catch (error) {
  await workbench.shot(`${plan.scenario}-failed`);
  throw error;
} finally {
  await browser.close();
}
