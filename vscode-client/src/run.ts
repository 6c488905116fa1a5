/** Running programs: never through a shell, never in the workspace's folder. */

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import * as path from 'node:path';

export interface RunOptions {
  cwd: string;
  /** Milliseconds until the program is ended. */
  timeout?: number;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
}

/** A program and its arguments; resolves with what it printed, rejects with a sentence's end. */
export type Run = (command: readonly string[], options: RunOptions) => Promise<string>;

export const run: Run = (command, { cwd, timeout, signal, onLine }) =>
  new Promise((resolve, reject) => {
    const [program, ...args] = command;
    if (program === undefined) throw new Error('no program to run');
    const child = spawn(program, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PYTHONUTF8: '1', PYTHONUNBUFFERED: '1' },
    });
    let output = '';
    let rest = '';
    const take = (part: Buffer) => {
      output += part;
      const lines = (rest + part).split(/\r\n|\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const interrupt = () => child.kill('SIGINT');
    signal?.addEventListener('abort', interrupt, { once: true });
    const timer = timeout === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeout);
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new Error(error.code === 'ENOENT' ? 'is not there' : `cannot be run (${error.message})`));
    });
    child.on('close', (status, killedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', interrupt);
      if (rest) onLine?.(rest);
      if (signal?.aborted) reject(new Cancelled());
      else if (killedBy === 'SIGKILL' && timeout !== undefined)
        reject(new Error(`gave no answer in ${timeout / 1000} seconds`));
      else if (status !== 0) reject(new Error(failure(status, output)));
      else resolve(output);
    });
  });

/** The user called it off. */
export class Cancelled extends Error {}

/** The full path of a program on PATH. Entries that are not absolute are passed over, as the workspace's. */
export function onPath(name: string): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, file))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  if (!existsSync(file) || !statSync(file).isFile()) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function failure(status: number | null, output: string): string {
  const last = output.trim().split('\n').at(-1)?.trim();
  return `failed with status ${status ?? 'unknown'}${last ? `: ${last}` : ''}`;
}
