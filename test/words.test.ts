/**
 * Words that this project does not use: paraphrases for which the field has a term. Held in the comments, texts and test
 * names of all sources, and in the pages.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
/** Read besides the pages; sources at any depth. */
const SOURCES = ['src', 'lab', 'test', 'bench', 'bin'];
/** Sources, and the launcher, which has no ending. */
const IS_SOURCE = /\.m?ts$|\.mjs$|^teg$/;
/** Read as text, from `test`: transcripts and the tools of the control plane. */
const IS_TEXT = /\.(?:txt|go)$/;
/** This file, which has to name the words. */
const ITSELF = join('test', 'words.test.ts');
/** Pages at the root; those in `docs` are all read. */
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'];

/** Each with the words to use instead. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\b(?:told|tells)\b/gi, 'reported, said, called with; reports, says, distinguishes'],
  [/\banew\b/gi, 'again'],
  [/\bwhoever\b/gi, 'the caller, the reader'],
  [/\bso many\b/gi, 'n, that many'],
  // `there is no …`, `is no longer …` and `is no deeper than …` are plain English.
  [/(?<!\bthere )\bis no (?!longer\b|\w+er\b|worse\b|more \w+ than\b)/gi, 'is not a …'],
];

/** @returns Comments and texts of a source, without code in backticks. */
function wordsOf(path: string, text: string): string[] {
  const { program, comments } = parseSync(path, text);
  const found = comments.map(({ value }) => value.replaceAll(/`[^`]*`/g, ''));
  new Visitor({
    Literal: ({ value }) => {
      if (typeof value === 'string' && value.includes(' ')) found.push(value);
    },
    TemplateElement: ({ value }) => void found.push(value.cooked ?? value.raw),
  }).visit(program);
  return found;
}

/** @returns `file: word (instead: …)` for each banned word. */
function offences(path: string, words: readonly string[]): string[] {
  return words.flatMap((text) =>
    BANNED.flatMap(([pattern, instead]) =>
      [...text.replaceAll(/\s*\n\s*(?:\* ?|\/\/ ?)?/g, ' ').matchAll(pattern)].map(
        ([word]) => `${path}: "${word.trim()}" (instead: ${instead})`,
      ),
    ),
  );
}

/** @returns Paths of files below a folder whose names match, from the root. */
function filesIn(folder: string, name: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path))
    .map((path) => join(folder, path));
}

/** @returns Comments and texts of a Go source; of any other file everything. */
function proseOf(path: string, text: string): string[] {
  return path.endsWith('.go') ? (text.match(/\/\/.*|"(?:[^"\\\n]|\\.)*"/g) ?? []) : [text];
}

test('the rule sees a paraphrase in a comment, a text and a template, and leaves code and plain English alone', () => {
  const source = [
    '/** What is told',
    ' * anew. See `told`. */',
    "const told = 'it is no pod';",
    `const text = \`\${told} tells \${1}\`;`,
    '// There is no node; it is no longer there, and is no larger than before.',
  ].join('\n');
  expect(offences('a.ts', wordsOf('a.ts', source)).map((line) => line.split(' (')[0])).toEqual([
    'a.ts: "told"',
    'a.ts: "anew"',
    'a.ts: "is no"',
    'a.ts: "tells"',
  ]);
});

test('sources use the terms of the field', () => {
  const files = SOURCES.flatMap((folder) => filesIn(folder, IS_SOURCE)).filter((path) => path !== ITSELF);
  expect(files.length).toBeGreaterThan(500);
  for (const folder of SOURCES) expect(files.some((path) => path.startsWith(folder))).toBe(true);
  expect(
    files.flatMap((path) => offences(path, wordsOf(path, readFileSync(join(ROOT, path), 'utf8')))),
  ).toEqual([]);
});

test('transcripts and the tools of the control plane use the terms of the field', () => {
  const files = filesIn('test', IS_TEXT);
  expect(files.length).toBeGreaterThan(10);
  expect(
    files.flatMap((path) => offences(path, proseOf(path, readFileSync(join(ROOT, path), 'utf8')))),
  ).toEqual([]);
});

test('pages use the terms of the field', () => {
  const here = new Set(readdirSync(ROOT));
  const files = [...PAGES.filter((name) => here.has(name)), ...filesIn('docs', /\.md$/)];
  expect(files.length).toBeGreaterThan(20);
  expect(
    files.flatMap((path) =>
      offences(path, [readFileSync(join(ROOT, path), 'utf8').replaceAll(/`[^`]*`/g, '')]),
    ),
  ).toEqual([]);
});
