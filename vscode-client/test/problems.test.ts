import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST_PROBLEMS, namedPaths, type Problem, problemLines, title } from '../src/problems.ts';

const PATHS = ['src/app.py', 'lib/app.py', 'web/src/index.ts', 'README.md'];

/** [what it shows, text, the paths it names] */
const NAMED: [string, string, string[]][] = [
  ['a whole path', 'why does src/app.py fail?', ['src/app.py']],
  ['with a line', 'see `src/app.py:42`.', ['src/app.py']],
  ['from the folder itself', 'open ./src/app.py', ['src/app.py']],
  ['by absolute path of the workspace', 'open /src/app.py', ['src/app.py']],
  ['the last parts', 'in src/index.ts', ['web/src/index.ts']],
  ['the name alone may be each of them', 'fix app.py', ['src/app.py', 'lib/app.py']],
  ['at the end of a sentence', 'Shorten README.md.', ['README.md']],
  ['another folder is another file', 'fix test/app.py', []],
  ['a longer name is another file', 'fix my-app.py, app.pyi, app.py.bak and README.mdx', []],
  ['no name', 'the app fails', []],
];

for (const [name, text, expected] of NAMED) {
  test(name, () => assert.deepEqual(namedPaths(text, PATHS), expected));
}

test('errors come before warnings, each in one line, and not too many', () => {
  const problems: Problem[] = Array.from({ length: 12 }, (_, line) => ({
    line: line + 1,
    severity: line === 11 ? 'error' : 'warning',
    message: `a\n  b ${'x'.repeat(400)}`,
  }));
  const lines = problemLines('src/app.py', problems);
  assert.equal(lines.length, MOST_PROBLEMS);
  assert.equal(lines[0]?.place, 'src/app.py:12');
  assert.equal(lines[1]?.place, 'src/app.py:1');
  assert.match(lines[0]?.text ?? '', /^error: a b x+…$/);
});

test('the title counts', () => {
  assert.equal(title('src/app.py', 1), 'Add 1 problem of src/app.py (from the editor)');
  assert.equal(title('src/app.py', 2), 'Add 2 problems of src/app.py (from the editor)');
});
