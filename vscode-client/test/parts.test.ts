import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { coalesced } from '../src/coalesce.ts';
import { matchModel } from '../src/models.ts';
import { followLog } from '../src/serverLog.ts';

test('restarts asked for during a restart become one', async () => {
  let running = 0;
  let runs = 0;
  const restart = coalesced(async () => {
    assert.equal(++running, 1);
    runs++;
    await new Promise(setImmediate);
    running--;
  });
  await Promise.all([restart(), restart(), restart(), restart()]);
  assert.equal(runs, 2);
  await restart();
  assert.equal(runs, 3);
});

test('a restart that fails does not hold back the next', async () => {
  let runs = 0;
  const restart = coalesced(async () => {
    if (runs++ === 0) throw new Error('first');
  });
  const first = assert.rejects(restart());
  await restart();
  await first;
  assert.equal(runs, 2);
});

const OFFERED = [
  { vendor: 'copilot', id: 'gpt-5', family: 'gpt-5', version: '1', name: 'GPT-5' },
  { vendor: 'ollama', id: 'qwen2.5-coder:7b', family: 'qwen2.5', version: '1', name: 'Qwen 7B' },
];

for (const [wanted, id] of [
  [['qwen2.5-coder:7b'], 'qwen2.5-coder:7b'],
  [['Qwen 7B (ollama)'], 'qwen2.5-coder:7b'],
  [['ollama/qwen2.5-coder:7b'], 'qwen2.5-coder:7b'],
  [['unknown', 'gpt-5'], 'gpt-5'],
  [['gpt-5', 'Qwen 7B'], 'gpt-5'],
  [['unknown'], undefined],
  [[], undefined],
] as const) {
  test(`of the editor's models, [${wanted}] means ${id}`, () => {
    assert.equal(matchModel(wanted, OFFERED)?.id, id);
  });
}

test("each line of the server's stderr has its own level, a traceback that of an error", async () => {
  const lines: [string, string][] = [];
  const log = {
    error: (line: string) => lines.push(['error', line]),
    warn: (line: string) => lines.push(['warn', line]),
    info: (line: string) => lines.push(['info', line]),
    debug: (line: string) => lines.push(['debug', line]),
  };
  const stream = Readable.from([
    'INFO a: 1\nWARNING a: 2\n',
    'Traceback (most recent call last):\n  File\nDEBUG a: 3\n',
  ]);
  followLog(stream, log);
  await new Promise((resolve) => stream.once('close', () => setImmediate(resolve)));
  assert.deepEqual(
    lines.map(([level]) => level),
    ['info', 'warn', 'error', 'error', 'debug'],
  );
});
