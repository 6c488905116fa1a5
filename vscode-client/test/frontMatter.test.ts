import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelChange, modelReference } from '../src/frontMatter.ts';

/** [what it shows, before, model, after] */
const CASES: [string, string, string, string][] = [
  ['a file without front matter gets one', 'Fix it.\n', 'GPT-5', '---\nmodel: GPT-5\n---\n\nFix it.\n'],
  ['an empty file too', '', 'GPT-5', '---\nmodel: GPT-5\n---\n\n'],
  [
    'the key is added to what is there',
    '---\ndescription: x\n---\nFix it.\n',
    'Qwen 7B (ollama)',
    '---\ndescription: x\nmodel: Qwen 7B (ollama)\n---\nFix it.\n',
  ],
  ['to an empty header as well', '---\n---\nFix it.', 'a', '---\nmodel: a\n---\nFix it.'],
  [
    'a former model is replaced, its neighbours stay',
    '---\nmode: ask\nmodel: old\ntools: [a]\n---\nFix it.\n',
    'new',
    '---\nmode: ask\nmodel: new\ntools: [a]\n---\nFix it.\n',
  ],
  [
    'a list of models is replaced as a whole',
    '---\nmodel:\n  - a\n  - b\ntools: []\n---\nFix it.\n',
    'new',
    '---\nmodel: new\ntools: []\n---\nFix it.\n',
  ],
  ['line ends stay', '---\r\nmode: ask\r\n---\r\nx', 'm', '---\r\nmode: ask\r\nmodel: m\r\n---\r\nx'],
  [
    'a key that only ends so is another',
    '---\nsubmodel: a\n---\nx',
    'm',
    '---\nsubmodel: a\nmodel: m\n---\nx',
  ],
  [
    'the word in the prompt is no key',
    '---\nmode: ask\n---\nmodel: x',
    'm',
    '---\nmode: ask\nmodel: m\n---\nmodel: x',
  ],
  ['a tag with a colon stays plain', 'x', 'qwen2.5-coder:7b', '---\nmodel: qwen2.5-coder:7b\n---\n\nx'],
  ['what YAML would misread is quoted', 'x', "it's: #1", "---\nmodel: 'it''s: #1'\n---\n\nx"],
  ['so is a word that YAML takes for a value', 'x', 'true', "---\nmodel: 'true'\n---\n\nx"],
];

for (const [name, before, model, after] of CASES) {
  test(name, () => {
    const change = modelChange(before, model);
    assert.ok(change);
    assert.equal(before.slice(0, change.start) + change.text + before.slice(change.end), after);
  });
}

test('a header that is still being typed is left alone', () => {
  assert.equal(modelChange('---\nmodel: a\n\nFix it.', 'b'), undefined);
});

test('the vendor stands in brackets, but for Copilot', () => {
  assert.equal(modelReference('Qwen 7B', 'ollama'), 'Qwen 7B (ollama)');
  assert.equal(modelReference('GPT-5', 'copilot'), 'GPT-5');
});
