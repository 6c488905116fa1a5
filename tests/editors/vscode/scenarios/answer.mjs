/** Answer Locally: the answer grows in a document of its own, can be cancelled, and a failure looks like one. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { TIERS } from '../workbench.mjs';

const MODEL = { name: 'qwen:7b', digest: '0123456789abcdef' };
const PIECES = ['Read the file ', 'in pieces.\n\n', '1. Open it.'];

export default async function (workbench, plan) {
  const { page } = workbench;
  await workbench.open('ask.prompt.md');
  await workbench.status(TIERS);
  await workbench.command('DevRouter: Answer Locally');
  await workbench.notification('Ollama at').filter({ hasText: 'is not there' }).waitFor();
  await page.keyboard.press('Escape');

  const asked = [];
  const ollama = createServer((request, response) => answer(request, response, asked));
  ollama.listen(plan.port, '127.0.0.1');
  try {
    await whole(workbench);
    assert.deepEqual(asked[0].messages, [{ role: 'user', content: plan.prompt }]);
    await cancelled(workbench, ollama);
  } finally {
    ollama.close();
    ollama.closeAllConnections();
  }
}

async function whole(workbench) {
  const { page } = workbench;
  await workbench.command('DevRouter: Answer Locally');
  await page.locator('.tab', { hasText: 'Answer by qwen:7b' }).waitFor();
  await page.locator('.editor-instance .view-line', { hasText: '1. Open it.' }).waitFor();
  await workbench.notification('Answering locally').waitFor({ state: 'detached' });
  await workbench.park();
  await workbench.shot('answer');
}

/** The cancel reaches the socket, and what was said so far stays. */
async function cancelled(workbench, ollama) {
  const { page } = workbench;
  await workbench.open('endless.prompt.md');
  await workbench.status(TIERS);
  const left = once(ollama, 'left');
  await workbench.command('DevRouter: Answer Locally');
  await page.locator('.tab.active', { hasText: 'Untitled-2' }).waitFor();
  await page.locator('.editor-instance .view-line', { hasText: '1. Open it.' }).waitFor();
  await workbench.answer('Answering locally', 'Cancel');
  await left;
  await page.locator('.view-line', { hasText: 'You cancelled this answer.' }).waitFor();
}

/** As much of Ollama as is asked for; a prompt without end gets an answer without end. */
async function answer(request, response, asked) {
  const say = (body) => response.write(`${JSON.stringify(body)}\n`);
  if (request.url === '/api/tags') {
    say({ models: [MODEL] });
    return response.end();
  }
  const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
  asked.push(body);
  const part = (content) => ({ model: body.model, message: { role: 'assistant', content }, done: false });
  for (const piece of PIECES) say(part(piece));
  if (body.messages[0].content.includes('endless')) {
    response.on('close', () => request.socket.server.emit('left'));
    return;
  }
  say({ ...part(''), done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count: 10 });
  response.end();
}
