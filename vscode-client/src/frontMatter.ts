/** The `model:` key of a prompt file's YAML front matter: pure, without VS Code. */

export interface TextChange {
  start: number;
  end: number;
  text: string;
}

/**
 * The change that makes the front matter name the model. Everything else in it stays as it is.
 * Undefined where the front matter is not closed: the user is still typing it.
 */
export function modelChange(text: string, model: string): TextChange | undefined {
  const lineEnd = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';
  const line = `model: ${scalar(model)}`;
  const opening = /^\uFEFF?---[ \t]*(?:\r\n|\n|\r|$)/.exec(text)?.[0];
  if (opening === undefined) {
    const start = text.startsWith('\uFEFF') ? 1 : 0;
    return { start, end: start, text: ['---', line, '---', '', ''].join(lineEnd) };
  }
  const closing = /(?<=[\r\n])---[ \t]*(?:\r\n|\n|\r|$)/.exec(text.slice(opening.length - 1));
  if (closing === null) return undefined;
  const end = opening.length - 1 + closing.index;
  // The value may go on in indented lines, as a list does.
  const present = /(?<=^|[\r\n])model[ \t]*:[^\r\n]*(?:(?:\r\n|\n|\r)(?:[ \t]+|-[ \t])[^\r\n]*)*/.exec(
    text.slice(opening.length, end),
  );
  if (present) {
    const start = opening.length + present.index;
    return { start, end: start + present[0].length, text: line };
  }
  return { start: end, end, text: line + lineEnd };
}

/** The model as VS Code expects it in a prompt file: `Name (vendor)`, bare only for Copilot's own. */
export function modelReference(name: string, vendor: string): string {
  return vendor === 'copilot' ? name : `${name} (${vendor})`;
}

function scalar(value: string): string {
  const plain = /^[A-Za-z0-9][^\r\n]*$/.test(value) && !/: |:$| #/.test(value) && value === value.trim();
  const keyword = /^(true|false|yes|no|on|off|null|[\d.]+)$/i.test(value);
  return plain && !keyword ? value : `'${value.replace(/'/g, "''")}'`;
}
