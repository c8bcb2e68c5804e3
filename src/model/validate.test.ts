import { describe, expect, test } from 'vitest';
import type { JobSpec } from './job.ts';
import type { NodeSpec } from './node.ts';
import { findJobProblem, findNodeProblem, validateJob, validateNode } from './validate.ts';

const JOB: JobSpec = {
  id: 'j',
  tenant: '',
  priority: 0,
  submitSeconds: 0,
  durationSeconds: 1,
  requestedSeconds: Number.NaN,
  podCount: 4,
  gangMin: 4,
  cpuMilli: 0,
  memoryMib: 0,
  gpuCount: 0,
  gpuMilli: 0,
  gpuModels: [],
};

const NODE: NodeSpec = { name: 'n', cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuModel: '', podsMax: 1 };

const term = (operator: string, values: unknown): unknown => ({ affinity: [{ key: 'k', operator, values }] });

describe('jobs', () => {
  test.each([
    {},
    { durationSeconds: Infinity, requestedSeconds: Infinity, submitSeconds: -5.5, priority: -(2 ** 31) },
    { gpuCount: 1, gpuMilli: 1, gpuModels: ['a'] },
    { gpuCount: 30, gpuMilli: 1000 },
    { extended: { rdma: 0.5 }, affinity: [], podsPerNodeMax: 1, spreadGroup: 's' },
    { spreadGroup: '', podGroup: 'g', owner: 'o', nodeName: 'n' },
    term('In', []),
    term('Exists', []),
    term('Gt', ['-3']),
  ])('%j is good', (change) => {
    expect(findJobProblem({ ...JOB, ...(change as object) })).toBeUndefined();
    expect(() => validateJob({ ...JOB, ...(change as object) })).not.toThrow();
  });

  test.each([
    ['id', { id: '' }],
    ['tenant', { tenant: null }],
    ['priority', { priority: 2 ** 31 }],
    ['priority', { priority: 0.5 }],
    ['submitSeconds', { submitSeconds: Infinity }],
    ['submitSeconds', { submitSeconds: NaN }],
    ['durationSeconds', { durationSeconds: -1 }],
    ['durationSeconds', { durationSeconds: NaN }],
    ['durationSeconds', { durationSeconds: '5' }],
    ['requestedSeconds', { requestedSeconds: -1 }],
    ['requestedSeconds', { requestedSeconds: null }],
    ['podCount', { podCount: 0 }],
    ['gangMin', { gangMin: 5 }],
    ['gangMin', { gangMin: 0 }],
    ['cpuMilli', { cpuMilli: 2 ** 31 }],
    ['memoryMib', { memoryMib: -1 }],
    ['gpuCount', { gpuCount: 31 }],
    ['gpuMilli', { gpuMilli: 1 }],
    ['gpuMilli', { gpuCount: 1, gpuMilli: 0 }],
    ['gpuMilli', { gpuCount: 2, gpuMilli: 500 }],
    ['gpuModels', { gpuModels: 'a' }],
    ['gpuModels', { gpuModels: [1] }],
    ["extended['a']", { extended: { a: -1 } }],
    ["extended['a']", { extended: { a: '1' } }],
    ['extended name', { extended: { '': 1 } }],
    ['extended', { extended: [1] }],
    ['affinity', { affinity: {} }],
    ['affinity[0]', { affinity: [null] }],
    ['affinity[0].key', { affinity: [{ operator: 'In', values: [] }] }],
    ['affinity[0].operator', term('Near', [])],
    ['affinity[0].values', term('In', [1])],
    ['affinity[0].values', term('Gt', [])],
    ['affinity[0].values', term('Lt', ['1.5'])],
    ['podsPerNodeMax', { podsPerNodeMax: 0, spreadGroup: 's' }],
    ['spreadGroup', { podsPerNodeMax: 1 }],
    ['podGroup', { podGroup: 5 }],
    ['owner', { owner: 5 }],
    ['nodeName', { nodeName: 5 }],
  ])('%s is refused in %j', (field, change) => {
    const job = { ...JOB, ...(change as object) };
    expect(findJobProblem(job)?.field).toBe(field);
    expect(() => validateJob(job)).toThrow(
      expect.objectContaining({
        code: 'TEG_JOB_INVALID',
        message: expect.stringContaining(`: ${field}: got `),
      }),
    );
  });
});

describe('nodes', () => {
  test.each([{}, { gpuCount: 30, gpuModel: 'A', extended: {}, labels: { a: '' } }])(
    '%j is good',
    (change) => {
      expect(findNodeProblem({ ...NODE, ...change })).toBeUndefined();
      expect(() => validateNode({ ...NODE, ...change })).not.toThrow();
    },
  );

  test.each([
    ['name', { name: '' }],
    ['cpuMilli', { cpuMilli: 0.5 }],
    ['memoryMib', { memoryMib: NaN }],
    ['gpuCount', { gpuCount: -1 }],
    ['gpuModel', { gpuModel: undefined }],
    ['podsMax', { podsMax: 0 }],
    ["extended['r']", { extended: { r: Infinity } }],
    ['labels', { labels: 'a' }],
    ["labels['a']", { labels: { a: 1 } }],
    ['labels key', { labels: { '': 'a' } }],
  ])('%s is refused in %j', (field, change) => {
    const node = { ...NODE, ...(change as object) };
    expect(findNodeProblem(node)?.field).toBe(field);
    expect(() => validateNode(node)).toThrow(expect.objectContaining({ code: 'TEG_CLUSTER_INVALID' }));
  });
});

test('the message shows the received value unchanged', () => {
  expect(() => validateJob({ ...JOB, durationSeconds: NaN })).toThrow(
    "job 'j': durationSeconds: got NaN, expected a number ≥ 0, or Infinity; correct it",
  );
});
