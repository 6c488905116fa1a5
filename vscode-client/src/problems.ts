/** The problems of files that a prompt names: pure, without VS Code. */

import type { ProblemMessage } from './protocol.ts';

export const MOST_PROBLEMS = 10;
const LONGEST = 300;

/** `line` counts from one. */
export interface Problem {
  line: number;
  severity: 'error' | 'warning';
  message: string;
}

/** The paths that the text names, whole or by their last parts; of files with the same name the better named. */
export function namedPaths(text: string, paths: string[]): string[] {
  const named = paths
    .map((path) => ({ path, parts: namedParts(text, path) }))
    .filter(({ parts }) => parts > 0);
  const best = new Map<string, number>();
  for (const { path, parts } of named) best.set(base(path), Math.max(best.get(base(path)) ?? 0, parts));
  return named.filter(({ path, parts }) => parts === best.get(base(path))).map(({ path }) => path);
}

/** The worst problems of a file, each as a line of the context list. */
export function problemLines(path: string, problems: Problem[]): ProblemMessage[] {
  const rank = ({ severity }: Problem) => (severity === 'error' ? 0 : 1);
  return [...problems]
    .sort((left, right) => rank(left) - rank(right) || left.line - right.line)
    .slice(0, MOST_PROBLEMS)
    .map(({ line, severity, message }) => {
      const words = message.replace(/\s+/g, ' ').trim();
      const short = words.length > LONGEST ? `${words.slice(0, LONGEST - 1)}…` : words;
      return { place: `${path}:${line}`, text: `${severity}: ${short}` };
    });
}

export function title(path: string, count: number): string {
  return `Add ${count} problem${count === 1 ? '' : 's'} of ${path} (from the editor)`;
}

/** How many of the path's last parts the text names; 0 where it does not name the file. */
function namedParts(text: string, path: string): number {
  if (!text.includes(base(path))) return 0;
  const parts = path.split('/');
  for (let count = parts.length; count > 0; count--) {
    const written = parts
      .slice(-count)
      .join('/')
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    if (new RegExp(`(?<![\\w.-]|[\\w.-]/)(?:\\.?/)?${written}(?![\\w-]|\\.\\w|/)`).test(text)) return count;
  }
  return 0;
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
