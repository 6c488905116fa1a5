/** The server's stderr as lines of the log, each with its own level. */

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Log {
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

const LEVELS: Record<string, keyof Log> = {
  CRITICAL: 'error',
  ERROR: 'error',
  WARNING: 'warn',
  INFO: 'info',
  DEBUG: 'debug',
};

/** Follow a stream of `LEVEL name: message` lines; lines of a traceback keep the level of their first. */
export function followLog(stream: Readable, log: Log): void {
  let level: keyof Log = 'info';
  createInterface({ input: stream }).on('line', (line) => {
    level = levelOf(line) ?? level;
    log[level](line);
  });
}

export function levelOf(line: string): keyof Log | undefined {
  if (line.startsWith('Traceback ')) return 'error';
  return LEVELS[/^([A-Z]+) /.exec(line)?.[1] ?? ''];
}
