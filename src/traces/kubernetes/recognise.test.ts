import { describe, expect, test } from 'vitest';
import { detectHead } from '../detect.ts';
import { readText } from '../specs.fixtures.ts';

const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] } };
const { apiVersion: _, kind: __, ...ITEM } = POD;
const LONG = 'x'.repeat(70_000);

function formatOf(text: string): string | undefined {
  return detectHead(Buffer.from(text));
}

describe('JSON', () => {
  test.each([
    ['an object', POD],
    ['one without an apiVersion', { kind: 'Pod', metadata: {} }],
    ['a list, its kind after the items', { apiVersion: 'v1', items: [POD, LONG], kind: 'List' }],
    ['a list of the API, whose items have no kind', { kind: 'PodList', apiVersion: 'v1', items: [ITEM] }],
    ['items alone', { items: [ITEM] }],
    ['an empty list', { kind: 'List', items: [] }],
    ['an array of objects', [POD]],
    [
      'one whose annotations are longer than the beginning',
      { ...POD, metadata: { annotations: { a: LONG } } },
    ],
  ])('%s is Kubernetes', (_name, value) => {
    expect(formatOf(JSON.stringify(value))).toBe('kubernetes');
    expect(formatOf(`\n${JSON.stringify(value, null, 2)}`)).toBe('kubernetes');
  });

  test.each([
    ['items of something', { items: [{ id: 1, name: 'a' }] }],
    ['metadata of something', { metadata: { kernelspec: {} }, cells: [], nbformat: 4 }],
    ['a kind of another API', { kind: 'youtube#videoListResponse', items: [{ kind: 'youtube#video' }] }],
    ['a kind alone', { kind: 'Square', sides: 4 }],
    ['objects deeper inside', { data: { items: [POD], kind: 'List', metadata: {} } }],
    ['a kind that is not a text', { kind: { name: 'Pod' }, metadata: {} }],
    ['a text that looks like an object', { text: JSON.stringify(POD) }],
    ['a list of texts', ['kind', 'Pod', 'metadata']],
    ['a value', 5],
  ])('%s is not', async (_name, value) => {
    const text = JSON.stringify(value, null, 1);
    expect(formatOf(text)).toBeUndefined();
    await expect(readText(text)).rejects.toMatchObject({ code: 'TEG_INPUT_UNKNOWN_FORMAT' });
  });

  test("the error lists the file's fields and those of the nearest formats", async () => {
    await expect(readText('{"items": [{"id": 1, "cpu": 4}]}')).rejects.toThrow(
      /JSON with the keys items, id, cpu, but not Kubernetes objects \(with kind, metadata, spec\) and not Philly's/,
    );
  });

  test('named as Kubernetes all the same, it is said that nothing in it is an object', async () => {
    await expect(readText('{"items": [{"id": 1}]}', { format: 'kubernetes' })).rejects.toMatchObject({
      code: 'TEG_INPUT_UNKNOWN_FORMAT',
    });
  });
});

test.each(['\n', '{', '"', '- ', "'kind' ", 'items:\n', '{"kind": '])(
  'many of %j are looked at in linear time',
  (part) => {
    const began = performance.now();
    formatOf(part.repeat(65_536 / part.length));
    expect(performance.now() - began).toBeLessThan(2_000);
  },
);

describe('YAML', () => {
  test.each([
    'apiVersion: v1\nkind: Pod\n',
    '# a comment\n---\n---\n"kind": "Pod" # of one container\n',
    "'kind': 'Pod'\r\nmetadata:\r\n",
    'items:\n- kind: Pod\n  metadata: {}\n',
    'items:\n- metadata: {}\n  kind: Pod\n',
    `apiVersion: v1\nitems:\n- metadata:\n    annotations: {a: ${LONG}}\n`,
    '---\n{"apiVersion": "v1", "kind": "Pod"}\n',
    '--- {kind: Pod}\n',
    'items: []\nkind: List\n',
  ])('%j is Kubernetes', (text) => {
    expect(formatOf(text)).toBe('kubernetes');
  });

  test.each([
    '---\n- hosts: all\n  tasks: []\n',
    '---\ntitle: A page\n---\n# Text\n',
    'items:\n- name: a\n',
    'metadata:\n  a: b\n',
    'kind of text: yes\n',
    'services:\n  web:\n    kind: Pod\n',
  ])('%j is not', async (text) => {
    expect(formatOf(text)).toBeUndefined();
    await expect(readText(text)).rejects.toMatchObject({ code: 'TEG_INPUT_UNKNOWN_FORMAT' });
  });
});
