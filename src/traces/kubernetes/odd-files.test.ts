/**
 * Files from the field: every one is read correctly, or refused with the place of the error, and one odd object does
 * not affect the others.
 */
import { describe, expect, test } from 'vitest';
import { type ReadResult, readText } from '../specs.fixtures.ts';

const POD = `apiVersion: v1
kind: Pod
metadata:
  name: p
spec:
  containers:
  - name: c
    resources:
      requests:
        cpu: 1
`;
const NODE = `apiVersion: v1
kind: Node
metadata:
  name: n
status:
  allocatable:
    cpu: 4
    memory: 1Gi
    pods: 10
`;

function names({ jobs, nodes }: ReadResult): unknown {
  return [
    ...jobs.map(({ id, cpuMilli }) => [id, cpuMilli]),
    ...nodes.map((node) => [node.name, node.cpuMilli]),
  ];
}

const BOTH = [
  ['default/p', 1000],
  ['n', 4000],
];

describe('a pod and a node in several documents', () => {
  test.each([
    ['plain', `${POD}---\n${NODE}`],
    ['lines that end as on Windows', `---\n${POD}---\n${NODE}...\n`.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${POD}---\n${NODE}`],
    ['a byte order mark where two files were joined', `${POD}---\n\uFEFF${NODE}`],
    ['UTF-16', Buffer.from(`\uFEFF${POD}---\n${NODE}`, 'utf16le')],
    ['comments after separators', `--- # one\n${POD}--- # two\n${NODE}`],
    ['blanks after a separator', `${POD}---  \n${NODE}`],
    ['a tab after a separator', `${POD}---\t\n${NODE}`],
    ['an end of document with a comment', `${POD}... # end\n---\n${NODE}`],
    ['empty documents', `---\n---\n# nothing\n---\n${POD}---\n\n---\n${NODE}---\n`],
    ['blank lines before', `\n\n  \n${POD}---\n${NODE}`],
    ['a version of YAML', `%YAML 1.2\n---\n${POD}---\n${NODE}`],
    ['quantities as texts', `${POD.replace('cpu: 1', "cpu: '1'")}---\n${NODE.replace('cpu: 4', 'cpu: "4"')}`],
    [
      'an anchor and its alias',
      `${POD.replace('cpu: 1', '&cpu cpu: &one 1\n      limits: {*cpu : *one}')}---\n${NODE}`,
    ],
    [
      'a merged mapping',
      `${POD.replace('    resources:', '    x: &r {cpu: 1}\n    resources:').replace('        cpu: 1', '        <<: *r')}---\n${NODE}`,
    ],
  ])('%s', async (_name, text) => {
    const result = await readText(text);
    expect(names(result)).toEqual(BOTH);
    expect(result.warnings).toEqual([]);
  });

  test.each([
    ['a tab as indentation', `${POD.replace('  name: p', '\tname: p')}---\n${NODE}`, /^sample:4: .*Tabs/],
    ['a template', `${POD}---\n{{- if .Values.x }}\n${NODE}`, /^sample:12: .*not YAML/],
    [
      'an alias of an anchor in another item',
      'apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec: &s {}\n- kind: Pod\n  spec: *s\n',
      /^sample:6: .*anchors count within one object: convert the file to JSON/,
    ],
    [
      'JSON that ends too early',
      '{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","meta',
      /^sample:1: .*JSON/,
    ],
  ])('%s is refused with its line', async (_name, text, message) => {
    await expect(readText(text)).rejects.toThrow(message);
  });
});

describe('one odd object', () => {
  const odd = (pod: string): string => `${pod}---\n${POD}---\n${NODE}`;

  test.each([
    [
      'a template in a quantity',
      POD.replace('cpu: 1', 'cpu: {{ .Values.cpu }}'),
      'requests[cpu] is an object',
    ],
    ['no amount', POD.replace('cpu: 1', 'cpu:'), 'requests[cpu] is ""'],
    ['more than there can be', POD.replace('cpu: 1', 'cpu: 10E'), 'cpu in thousandths of a core is'],
    ['less than nothing', NODE.replace('cpu: 4', 'cpu: -4'), 'status.allocatable.cpu is "-4"'],
    ['another base', NODE.replace('cpu: 4', 'cpu: 0x10'), 'status.allocatable.cpu is "0x10"'],
    ['a node of 10 PiB', NODE.replace('1Gi', '10Pi'), 'memory in MiB is'],
    ['a node without room for pods', NODE.replace('pods: 10', 'pods: 0'), 'pods is 0'],
    [
      'a time that is none',
      POD.replace('name: p', 'name: o\n  creationTimestamp: then'),
      'is "then", expected a time',
    ],
    [
      'no container',
      'kind: Pod\nmetadata: {name: o}\nspec: {containers: [null]}\n',
      'spec.containers[] is "null"',
    ],
    [
      'GPUs of two makes',
      'kind: Pod\nmetadata: {name: o}\nspec: {containers: [{resources: {limits: {amd.com/gpu: 1, nvidia.com/gpu: 1}}}]}\n',
      'GPUs asked for is "amd.com/gpu and nvidia.com/gpu"',
    ],
  ])('%s is left out, and the others are read', async (_name, text, message) => {
    const result = await readText(odd(text.replace('name: p', 'name: o').replace('name: n\n', 'name: o\n')));
    expect(names(result)).toEqual(BOTH);
    expect(result.warnings).toEqual([{ message: expect.stringContaining(message), count: 1 }]);
    expect(result.warnings[0]?.message).toMatch(/^(Pod|Node) o cannot be used and is left out \(sample:1\)/);
  });

  test('objects that are there twice count once', async () => {
    const result = await readText([POD, NODE, POD, NODE, NODE].join('---\n'));
    expect(names(result)).toEqual(BOTH);
    expect(result.warnings).toEqual([
      { message: 'pods of a name that the file had before are left out', count: 1 },
      { message: 'nodes of a name that the file had before are left out', count: 2 },
    ]);
  });

  test('names are distinguished among many', async () => {
    const items = Array.from({ length: 20_000 }, (_, i) => ({
      kind: 'Pod',
      metadata: { name: `p${i % 15_000}` },
    }));
    const { jobs, warnings } = await readText(JSON.stringify({ kind: 'List', items }));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(15_000);
    expect(jobs).toHaveLength(15_000);
    expect(warnings).toEqual([{ message: expect.stringContaining('of a name'), count: 5_000 }]);
  });

  test('a waiting pod that is being deleted is not placed; a running one keeps its resources', async () => {
    const deleted = POD.replace('name: p', 'name: p\n  deletionTimestamp: "2026-01-01T00:00:00Z"');
    const waiting = await readText(deleted);
    expect(waiting.jobs).toEqual([]);
    expect(waiting.warnings).toEqual([{ message: expect.stringContaining('being deleted'), count: 1 }]);
    expect((await readText(deleted.replace('spec:', 'spec:\n  nodeName: n'))).jobs).toHaveLength(1);
  });

  test('of GPUs of several makes on a node those with most count', async () => {
    const { nodes, warnings } = await readText(
      NODE.replace('pods: 10', 'pods: 10\n    gpu.intel.com/i915: 1\n    nvidia.com/gpu: 4'),
    );
    expect(nodes).toMatchObject([{ gpuCount: 4, gpuResource: 'nvidia.com/gpu' }]);
    expect(warnings).toEqual([{ message: expect.stringContaining('several makes'), count: 1 }]);
  });
});
