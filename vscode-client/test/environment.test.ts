import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Environment, type Tools } from '../src/environment.ts';
import { Cancelled, onPath, run } from '../src/run.ts';

let storage: string;
const SIGNAL = new AbortController().signal;
const QUIET = () => undefined;

beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), 'devrouter-'));
});
afterEach(() => rmSync(storage, { recursive: true }));

/** Tools that record what is run, and make the folder of an environment; `answer` may fail for a command or print something. */
function tools(programs: string[], answer: (command: readonly string[]) => string = () => '') {
  const ran: (readonly string[])[] = [];
  const recording: Tools = {
    log: QUIET,
    onPath: (name) => (programs.includes(name) ? `/bin/${name}` : undefined),
    run: async (command) => {
      ran.push(command);
      if (command.includes('venv')) mkdirSync(command.at(-1) ?? '');
      return answer(command);
    },
  };
  return { ran, recording };
}

const make = (recording: Tools, version = '1.0') =>
  new Environment(storage, '/x/server.whl', version, recording);

test('with uv where it is there', async () => {
  const { ran, recording } = tools(['uv', 'python3']);
  const environment = make(recording);
  assert.equal(environment.server(), undefined);
  await environment.create('', SIGNAL, QUIET);
  assert.deepEqual(
    ran.map((command) => command.slice(0, 3)),
    [
      ['/bin/uv', 'venv', '--no-project'],
      ['/bin/uv', 'pip', 'install'],
    ],
  );
  assert.ok(environment.server());
});

test('else with venv and pip of the first Python that is new enough', async () => {
  const versions: Record<string, string> = { '/bin/python3': '3.9.2', '/bin/python3.12': '3.12.1' };
  const { ran, recording } = tools(['python3', 'python3.12'], ([program]) => versions[program ?? ''] ?? '');
  await make(recording).create('', SIGNAL, QUIET);
  assert.deepEqual(ran[2]?.slice(0, 3), ['/bin/python3.12', '-m', 'venv']);
  assert.equal(ran[3]?.at(-1), '/x/server.whl');
});

test('without such a Python it says what it found and what to do', async () => {
  const { recording } = tools(['python3'], () => '3.9.2');
  await assert.rejects(
    make(recording).create('', SIGNAL, QUIET),
    /3\.11 or newer is needed \(\/bin\/python3 is 3\.9\.2\)/,
  );
});

test('half an environment is never used', async () => {
  const { recording } = tools(['uv'], (command) => {
    if (command.includes('install')) throw new Error('no network');
    return '';
  });
  const environment = make(recording);
  await assert.rejects(environment.create('', SIGNAL, QUIET), /no network/);
  assert.equal(environment.server(), undefined);
});

test('a newer version replaces an older one, which is the yes of the user to it', async () => {
  const { recording } = tools(['uv']);
  await make(recording).create('', SIGNAL, QUIET);
  const newer = make(recording, '2.0');
  assert.equal(newer.server(), undefined);
  assert.ok(newer.hasEarlier());
  await newer.create('', SIGNAL, QUIET);
  assert.deepEqual(readdirSync(storage), ['environment-2.0']);
});

test('a program that is called off ends, and says so', async () => {
  const node = process.execPath;
  const abort = new AbortController();
  const running = run([node, '-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
    cwd: storage,
    signal: abort.signal,
    onLine: () => abort.abort(),
  });
  await assert.rejects(running, Cancelled);
});

test('programs are found on PATH by their full path, and only there', () => {
  const before = process.env.PATH;
  process.env.PATH = ['.', join(process.execPath, '..')].join(process.platform === 'win32' ? ';' : ':');
  try {
    const found = onPath('node');
    assert.ok(found && existsSync(found));
    assert.equal(onPath('package.json'), undefined);
  } finally {
    process.env.PATH = before;
  }
});
