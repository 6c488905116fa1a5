/**
 * Finding the server: a numbered strategy that logs each decision and knows nothing of VS Code.
 *
 * 1. `devrouter.server.path`, in a trusted workspace.
 * 2. `devrouter.interpreter`, in a trusted workspace: that Python's `devrouter`.
 * 3. `devrouter` on PATH.
 * 4. The environment of our own, made from the wheel that the extension carries.
 *
 * What the user set by hand is not second-guessed: where 1 or 2 is set and fails, the search ends there.
 */

export interface Preferences {
  trusted: boolean;
  serverPath: string;
  interpreter: string;
}

/** What the strategy needs of the machine it runs on. */
export interface Machine {
  /** The full path of a program on PATH. */
  onPath(name: string): string | undefined;
  /** What `command --version` prints. Rejects with the reason where that fails. */
  versionOf(command: readonly string[]): Promise<string>;
  /** The server of our own environment, where there is one, and its version: we made it. */
  ownServer(): { command: readonly string[]; version: string } | undefined;
}

export interface Server {
  /** The program and its first arguments; `serve`, `doctor` and the like follow. */
  command: readonly string[];
  version: string;
  source: Source;
}

export type Source = 'setting' | 'interpreter' | 'path' | 'own';

export interface Search {
  server: Server | undefined;
  /** A sentence for each place that was tried in vain. */
  failures: string[];
  /** What can be done about it: mend a setting, or make an environment of our own. */
  next: 'settings' | 'install';
}

export async function locate(
  preferences: Preferences,
  machine: Machine,
  minimum: string,
  log: (line: string) => void,
): Promise<Search> {
  const failures: string[] = [];
  const say = (step: number, line: string) => log(`Finding the server, step ${step}: ${line}`);
  for (const place of places(preferences, machine)) {
    const { step, source, command } = place;
    if (command === undefined) {
      say(step, place.absent);
      if (source === 'path' || source === 'own') failures.push(place.absent);
      continue;
    }
    const shown = command.join(' ');
    try {
      const version = place.version ?? (await checkedVersion(command, machine, minimum));
      say(step, `${place.name} has ${version}: ${shown}`);
      return { server: { command, version, source }, failures, next: 'install' };
    } catch (error) {
      const failure = `${place.name} (${shown}) ${reason(error)}`;
      say(step, failure);
      failures.push(failure);
      if (source === 'setting' || source === 'interpreter') {
        return { server: undefined, failures, next: 'settings' };
      }
    }
  }
  return { server: undefined, failures, next: 'install' };
}

interface Place {
  step: number;
  source: Source;
  name: string;
  command: readonly string[] | undefined;
  /** Where it is known without asking, which takes a start of Python. */
  version?: string | undefined;
  /** Said where there is nothing to try. */
  absent: string;
}

function places({ trusted, serverPath, interpreter }: Preferences, machine: Machine): Place[] {
  const unset = (setting: string, value: string) =>
    value && !trusted ? `${setting} is ignored, this workspace is not trusted` : `${setting} is not set`;
  const onPath = machine.onPath('devrouter');
  const own = machine.ownServer();
  return [
    {
      step: 1,
      source: 'setting',
      name: 'devrouter.server.path',
      command: trusted && serverPath ? [serverPath] : undefined,
      absent: unset('devrouter.server.path', serverPath),
    },
    {
      step: 2,
      source: 'interpreter',
      name: 'devrouter.interpreter',
      // -P: a file in the current folder is never taken for the package.
      command: trusted && interpreter ? [interpreter, '-P', '-m', 'devrouter'] : undefined,
      absent: unset('devrouter.interpreter', interpreter),
    },
    {
      step: 3,
      source: 'path',
      name: 'devrouter on PATH',
      command: onPath ? [onPath] : undefined,
      absent: 'no `devrouter` on PATH',
    },
    {
      step: 4,
      source: 'own',
      name: "the extension's own environment",
      command: own?.command,
      version: own?.version,
      absent: "the extension's own environment has not been made",
    },
  ];
}

async function checkedVersion(
  command: readonly string[],
  machine: Machine,
  minimum: string,
): Promise<string> {
  const printed = await machine.versionOf(command);
  const version = /^devrouter (\d+(?:\.\d+)*\S*)/m.exec(printed)?.[1];
  if (version === undefined) throw new Error('does not answer `--version` as devrouter does');
  if (isOlder(version, minimum)) {
    throw new Error(`is version ${version}; this extension needs ${minimum} or newer`);
  }
  return version;
}

/** True where `version` comes before `minimum`; what follows the numbers does not count. */
export function isOlder(version: string, minimum: string): boolean {
  const [left, right] = [numbers(version), numbers(minimum)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbers(version: string): number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
