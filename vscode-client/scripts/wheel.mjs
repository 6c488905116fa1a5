/** Build the server's wheel into `server/`, from where the VSIX carries it. PYTHON names another Python. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const client = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(client, 'server');
const python = process.env.PYTHON ?? (process.platform === 'win32' ? 'python' : 'python3');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const pip = ['-m', 'pip', '--disable-pip-version-check', 'wheel', '--quiet', '--no-deps'];
const { status, error } = spawnSync(python, [...pip, '--wheel-dir', folder, dirname(client)], {
  stdio: 'inherit',
});
if (status !== 0) {
  console.error(`The wheel could not be built with ${python}${error ? `: ${error.message}` : ''}.`);
  process.exit(1);
}
console.log(`server/${readdirSync(folder).join(' ')}`);
