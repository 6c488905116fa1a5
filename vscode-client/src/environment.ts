/**
 * The server's own environment: made from the wheel that the extension carries, in the extension's storage,
 * so that client and server never differ in version. Made only after a yes from the user.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { isOlder } from './locate.ts';
import type { Run } from './run.ts';

const OLDEST_PYTHON = '3.11';
const PYTHONS = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'];

export interface Tools {
  run: Run;
  onPath(name: string): string | undefined;
  log(line: string): void;
}

export class Environment {
  private readonly folder: string;

  constructor(
    private readonly storage: string,
    private readonly wheel: string,
    private readonly version: string,
    private readonly tools: Tools,
  ) {
    this.folder = path.join(storage, `environment-${version}`);
  }

  /** The server's command and version; undefined where the environment is not complete. */
  server(): { command: readonly string[]; version: string } | undefined {
    if (!existsSync(this.marker)) return undefined;
    return { command: [this.python, '-I', '-m', 'devrouter'], version: this.version };
  }

  /** True where the user said yes to an environment of an earlier version of the extension. */
  hasEarlier(): boolean {
    return existsSync(this.storage) && this.environments().some((name) => this.isComplete(name));
  }

  /** Make it anew: with uv where it is there, else with venv and pip. Rejects with a sentence. */
  async create(interpreter: string, signal: AbortSignal, report: (line: string) => void): Promise<void> {
    mkdirSync(this.storage, { recursive: true });
    rmSync(this.folder, { recursive: true, force: true });
    for (const command of await this.commands(interpreter)) {
      this.tools.log(`Making the environment: ${command.join(' ')}`);
      try {
        await this.tools.run(command, { cwd: this.storage, signal, onLine: report });
      } catch (error) {
        rmSync(this.folder, { recursive: true, force: true });
        throw error;
      }
    }
    // Written last, so that half an environment is never used.
    writeFileSync(this.marker, this.wheel);
    this.removeOthers();
  }

  private async commands(interpreter: string): Promise<string[][]> {
    const uv = this.tools.onPath('uv');
    if (uv) {
      return [
        [uv, 'venv', '--no-project', '--python', interpreter || `>=${OLDEST_PYTHON}`, this.folder],
        [uv, 'pip', 'install', '--python', this.python, this.wheel],
      ];
    }
    const python = await this.findPython(interpreter);
    return [
      [python, '-m', 'venv', this.folder],
      [
        this.python,
        '-m',
        'pip',
        '--disable-pip-version-check',
        'install',
        '--progress-bar',
        'off',
        this.wheel,
      ],
    ];
  }

  private async findPython(interpreter: string): Promise<string> {
    const candidates = interpreter ? [interpreter] : PYTHONS.map((name) => this.tools.onPath(name));
    const tried: string[] = [];
    for (const python of candidates.filter((candidate) => candidate !== undefined)) {
      try {
        const printed = await this.tools.run(
          [python, '-I', '-c', 'import platform; print(platform.python_version())'],
          { cwd: this.storage, timeout: 10_000 },
        );
        const version = printed.trim();
        if (!isOlder(version, OLDEST_PYTHON)) return python;
        tried.push(`${python} is ${version}`);
      } catch (error) {
        tried.push(`${python} ${error instanceof Error ? error.message : error}`);
      }
    }
    const what = tried.length ? tried.join('; ') : 'there is none on PATH';
    throw new Error(
      `Python ${OLDEST_PYTHON} or newer is needed (${what}). Install it, or set devrouter.interpreter to one.`,
    );
  }

  private get python(): string {
    const windows = process.platform === 'win32';
    return path.join(this.folder, windows ? 'Scripts' : 'bin', windows ? 'python.exe' : 'python');
  }

  private get marker(): string {
    return path.join(this.folder, 'complete');
  }

  private environments(): string[] {
    return readdirSync(this.storage).filter((name) => name.startsWith('environment-'));
  }

  private isComplete(name: string): boolean {
    return existsSync(path.join(this.storage, name, 'complete'));
  }

  private removeOthers(): void {
    for (const name of this.environments()) {
      const folder = path.join(this.storage, name);
      if (folder !== this.folder) rmSync(folder, { recursive: true, force: true });
    }
  }
}
