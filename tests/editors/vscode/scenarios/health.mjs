/** The model server is down, then up: the health says so, and offers what mends it. */

import { createServer } from 'node:http';
import { STATUS_ITEM, TIERS } from '../workbench.mjs';

const HEALTH = '#status\\.languageStatus';
const MODEL = { name: 'tiny:latest', digest: '0123456789abcdef' };
const REPLY = { rewrite: 'My Flask app crashes when I upload the big file. How do I fix it?', missing: ['full stack trace'] };

export default async function (workbench, plan) {
  const { page } = workbench;
  await workbench.open('ask.prompt.md');
  await workbench.status(TIERS);
  await page.locator(`${STATUS_ITEM} .codicon-warning`).waitFor();
  await page.locator(HEALTH).click();
  const health = page.locator('.hover-language-status', { hasText: 'DevRouter' });
  await health.filter({ hasText: 'Ollama at' }).filter({ hasText: 'Mend' }).waitFor();
  await workbench.shot('health');
  await page.keyboard.press('Escape');

  const ollama = createServer(answer).listen(plan.port, '127.0.0.1');
  try {
    await workbench.focusEditor();
    await page.keyboard.type('Hello. ');
    await page.locator(`${STATUS_ITEM} .codicon-warning`).waitFor({ state: 'detached' });
    await page.locator(HEALTH).click();
    await health.filter({ hasText: 'tiny (Ollama)' }).waitFor();
  } finally {
    ollama.close();
    ollama.closeAllConnections();
  }
}

/** As much of Ollama as is asked for. */
function answer(request, response) {
  const say = (body) => response.end(`${JSON.stringify(body)}\n`);
  if (request.url === '/api/tags') return say({ models: [MODEL] });
  if (request.url === '/api/show') return say({ template: '', system: '', modelfile: '', details: {} });
  if (request.url === '/api/chat') {
    const message = { role: 'assistant', content: JSON.stringify(REPLY) };
    const ending = { done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count: 10 };
    return say({ model: 'tiny', created_at: new Date().toISOString(), message, ...ending });
  }
  response.statusCode = 404;
  return say({ error: 'not found' });
}
