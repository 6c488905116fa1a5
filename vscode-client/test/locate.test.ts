import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOlder, locate, type Machine, type Preferences } from '../src/locate.ts';

const NOTHING: Preferences = { trusted: true, serverPath: '', interpreter: '' };
const OWN = ['/storage/bin/python', '-I', '-m', 'devrouter'];

/** A machine with these programs; each prints this for `--version`, or fails with it. */
function machine(programs: Record<string, string | Error>, path?: string, own?: string[]): Machine {
  return {
    onPath: () => path,
    ownServer: () => own && { command: own, version: '0.2.0' },
    versionOf: async (command) => {
      const answer = programs[command[0] ?? ''] ?? new Error('is not there');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

async function search(preferences: Partial<Preferences>, on: Machine) {
  const log: string[] = [];
  const found = await locate({ ...NOTHING, ...preferences }, on, '0.2.0', (line) => log.push(line));
  return { ...found, log };
}

test('the path setting comes first', async () => {
  const on = machine(
    { '/mine': 'devrouter 0.3.0\n', '/usr/bin/devrouter': 'devrouter 0.2.0\n' },
    '/usr/bin/devrouter',
  );
  const { server } = await search({ serverPath: '/mine', interpreter: '/python' }, on);
  assert.deepEqual(server, { command: ['/mine'], version: '0.3.0', source: 'setting' });
});

test('then the interpreter, with the package by its name and not a file of the folder', async () => {
  const on = machine({ '/python': 'devrouter 0.2.1' }, '/usr/bin/devrouter');
  const { server } = await search({ interpreter: '/python' }, on);
  assert.deepEqual(server?.command, ['/python', '-P', '-m', 'devrouter']);
});

test('then PATH, then the environment of our own', async () => {
  const both = machine({ '/usr/bin/devrouter': 'devrouter 0.2.0' }, '/usr/bin/devrouter', OWN);
  assert.equal((await search({}, both)).server?.source, 'path');
  const own = machine({}, undefined, OWN);
  assert.deepEqual((await search({}, own)).server, { command: OWN, version: '0.2.0', source: 'own' });
});

test('a setting that fails ends the search and is named', async () => {
  const on = machine({ '/usr/bin/devrouter': 'devrouter 0.2.0' }, '/usr/bin/devrouter');
  const { server, next, failures } = await search({ serverPath: '/gone' }, on);
  assert.equal(server, undefined);
  assert.equal(next, 'settings');
  assert.deepEqual(failures, ['devrouter.server.path (/gone) is not there']);
});

test('a server on PATH that is too old is passed over for our own', async () => {
  const on = machine({ '/usr/bin/devrouter': 'devrouter 0.1.9' }, '/usr/bin/devrouter', OWN);
  const { server, failures } = await search({}, on);
  assert.equal(server?.source, 'own');
  assert.match(failures[0] ?? '', /is version 0\.1\.9; this extension needs 0\.2\.0 or newer/);
});

test('a program of that name that is another one is not taken', async () => {
  const on = machine({ '/usr/bin/devrouter': 'usage: devrouter [options]' }, '/usr/bin/devrouter');
  const { server, failures } = await search({}, on);
  assert.equal(server, undefined);
  assert.match(failures[0] ?? '', /does not answer `--version`/);
});

test('in an untrusted workspace path settings do not count, and the log says so', async () => {
  const on = machine(
    { '/mine': 'devrouter 9.0.0', '/usr/bin/devrouter': 'devrouter 0.2.0' },
    '/usr/bin/devrouter',
  );
  const { server, log } = await search({ trusted: false, serverPath: '/mine', interpreter: '/python' }, on);
  assert.equal(server?.source, 'path');
  assert.match(log[0] ?? '', /step 1: devrouter\.server\.path is ignored, this workspace is not trusted/);
  assert.match(log[1] ?? '', /step 2: devrouter\.interpreter is ignored/);
});

test('with nothing anywhere every place is named and the next step is our own environment', async () => {
  const { server, failures, next, log } = await search({}, machine({}));
  assert.equal(server, undefined);
  assert.equal(next, 'install');
  assert.equal(failures.length, 2);
  assert.deepEqual(
    log.map((line) => /step (\d)/.exec(line)?.[1]),
    ['1', '2', '3', '4'],
  );
});

for (const [version, minimum, older] of [
  ['0.9', '0.10', true],
  ['0.10', '0.9', false],
  ['1.0', '1.0.0', false],
  ['1', '1.0.1', true],
  ['2.0.0rc1', '2.0.0', false],
] as const) {
  test(`${version} is ${older ? '' : 'not '}older than ${minimum}`, () => {
    assert.equal(isOlder(version, minimum), older);
  });
}
