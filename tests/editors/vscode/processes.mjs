/** The processes of one profile, by what Linux says of them. */

import { readdirSync, readFileSync } from 'node:fs';

/** The process whose command line holds the words and which belongs to the profile in `data`. */
export function processOf(data, words) {
  for (const process of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${process}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const environment = readFileSync(`/proc/${process}/environ`, 'utf8');
      if (command.includes(words) && environment.includes(data)) return process;
    } catch {
      // The process has ended, or is another user's.
    }
  }
  throw new Error(`There is no process of "${words}".`);
}
