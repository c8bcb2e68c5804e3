import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { checkProperty } from '../../../test/support/properties.ts';
import { DEFAULT_LIMITS } from '../format.ts';
import { SAMPLES } from '../samples.fixtures.ts';
import { readText } from '../specs.fixtures.ts';
import { JsonSplitter } from './split-json.ts';
import { YamlSplitter } from './split-yaml.ts';

const SAMPLE = SAMPLES.kubernetes;

describe('cutting', () => {
  const key = fc.string({
    unit: fc.constantFrom('a', 'b', '-', ' ', '"', '#', ':', '\n', '{', 'é'),
    maxLength: 8,
  });
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      key,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(key, tie('node'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).node;
  const object = fc.dictionary(key, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
  const objects = fc.array(object, { minLength: 1, maxLength: 4 });

  test('YAML lists give their items, whatever is in them', () => {
    checkProperty(
      fc.property(objects, fc.boolean(), (items, indentSeq) => {
        const text = stringify({ items, kind: 'List', metadata: {} }, { indentSeq });
        const splitter = new YamlSplitter('x', DEFAULT_LIMITS);
        const cut = [...linesOf(text).flatMap((line) => splitter.push(line)), ...splitter.end()];
        // The library is the oracle: it does not read back every text that it writes.
        expect(cut.map((piece) => parse(piece.text))).toEqual(parse(text).items);
      }),
    );
  });

  test('YAML documents are cut at their separators', () => {
    checkProperty(
      fc.property(objects, (documents) => {
        const text = documents.map((document) => `---\n${stringify(document)}`).join('');
        const splitter = new YamlSplitter('x', DEFAULT_LIMITS);
        const cut = [...linesOf(text).flatMap((line) => splitter.push(line)), ...splitter.end()];
        expect(cut.map((piece) => parse(piece.text))).toEqual(parseAllDocuments(text).map((d) => d.toJS()));
      }),
    );
  });

  test('JSON gives items and single objects, however it is laid out and chunked', () => {
    checkProperty(
      fc.property(
        objects,
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        (items, indent, chunk, isList) => {
          const list = { metadata: { items: [1] }, kind: 'List', items, tail: { items: [{ no: 1 }] } };
          const text = isList
            ? JSON.stringify(list, null, indent)
            : items.map((item) => JSON.stringify(item, null, indent)).join('\n');
          if (!isList && items.some((item) => 'items' in item)) return;
          const splitter = new JsonSplitter('x', DEFAULT_LIMITS);
          const cut = [];
          for (let i = 0; i < text.length; i += chunk) cut.push(...splitter.push(text.slice(i, i + chunk)));
          cut.push(...splitter.end());
          expect(cut.map((piece) => JSON.parse(piece.text))).toEqual(items);
        },
      ),
    );
  });

  test('the line where an object begins is reported', async () => {
    const splitter = new YamlSplitter('x', DEFAULT_LIMITS);
    const cut = [...linesOf(SAMPLE).flatMap((line) => splitter.push(line)), ...splitter.end()];
    expect(cut.map((piece) => piece.line)).toEqual([3, 20, 68]);
  });
});

describe('hostile documents', () => {
  const bomb = [
    'kind: Pod',
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(10)}]`),
  ].join('\n');

  test.each([
    ['an alias bomb', bomb, 'TEG_TRACE_BAD_ROW'],
    ['deep brackets', `kind: Pod\nx: ${'['.repeat(5_000)}`, 'TEG_TRACE_BAD_ROW'],
    [
      'deep indentation',
      Array.from({ length: 1_500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      /^TEG_(TRACE_BAD_ROW|INPUT_UNKNOWN_FORMAT)$/,
    ],
    ['a huge object', `kind: Pod\n${'x: y\n'.repeat(500_000)}`, 'TEG_INPUT_TOO_LARGE'],
    ['a huge item', `items:\n- kind: Pod\n${'  x: y\n'.repeat(400_000)}`, 'TEG_INPUT_TOO_LARGE'],
    ['a huge JSON object', `{"kind":"Pod","x":"${'x'.repeat(3_000_000)}"}`, 'TEG_INPUT_TOO_LARGE'],
    ['half a JSON object', '{"kind":"Pod","metadata":{', 'TEG_TRACE_BAD_ROW'],
    ['half a JSON list', '{"kind":"List","items":[{"kind":"Pod"', 'TEG_TRACE_BAD_ROW'],
    ['a JSON list that is not closed', '{"kind":"List","items":[', 'TEG_TRACE_BAD_ROW'],
    ['bad YAML', 'kind: Pod\nmetadata: {name: [}\n', 'TEG_TRACE_BAD_ROW'],
    ['a list as document', 'kind:\n- a\n', 'TEG_INPUT_UNKNOWN_FORMAT'],
  ])('%s is refused', async (_name, text, code) => {
    await expect(readText(text, { format: 'kubernetes' })).rejects.toMatchObject({
      code: expect.stringMatching(code),
    });
  });

  test('many objects pass a limit that one would break', async () => {
    const filler = 'x'.repeat(1_000);
    const item = (i: number): string =>
      `- kind: Pod\n  metadata: {name: p${i}}\n  spec: {containers: [], note: ${filler}}\n`;
    const text = `items:\n${Array.from({ length: 50 }, (_, i) => item(i)).join('')}`;
    const { jobs } = await readText(text, { limits: { objectCharsMax: 2_000 } });
    expect(jobs).toHaveLength(50);
  });
});

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}
