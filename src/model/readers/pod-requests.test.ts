import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { podRequestsOf } from './pod-requests.ts';
import { type ApiObject, maybeRecord } from './read-object.ts';

const Mi = 2 ** 20;

/** A container with requests. */
function container(requests: Record<string, string>, more: Record<string, unknown> = {}): ApiObject {
  return { name: 'c', resources: { requests }, ...more };
}

const SIDECAR = { restartPolicy: 'Always' };

/** Hand-counted: name, spec, milli, bytes, others. */
const CASES: [string, ApiObject, number, number, Record<string, number>?][] = [
  ['no containers', {}, 0, 0],
  ['a container without resources', { containers: [{ name: 'c' }] }, 0, 0],
  ['one container', { containers: [container({ cpu: '100m', memory: '500Mi' })] }, 100, 500 * Mi],
  [
    'containers add up',
    { containers: [container({ cpu: '1', memory: '1Gi' }), container({ cpu: '0.5', memory: '1e6' })] },
    1500,
    1024 * Mi + 1_000_000,
  ],
  [
    'an init container that needs more than all others together',
    { containers: [container({ cpu: '1' })], initContainers: [container({ cpu: '3', memory: '1Mi' })] },
    3000,
    Mi,
  ],
  [
    'init containers run one after the other',
    {
      containers: [container({ cpu: '1', memory: '3Mi' })],
      initContainers: [container({ cpu: '2', memory: '1Mi' }), container({ cpu: '2', memory: '3Mi' })],
    },
    2000,
    3 * Mi,
  ],
  [
    'a sidecar counts with the containers and with the init containers after it, not before it',
    {
      containers: [container({ cpu: '1' })],
      initContainers: [
        container({ cpu: '1500m' }),
        container({ cpu: '200m' }, SIDECAR),
        container({ cpu: '1400m' }),
      ],
    },
    1600,
    0,
  ],
  [
    'two sidecars: the containers decide',
    {
      containers: [container({ cpu: '2' })],
      initContainers: [
        container({ cpu: '1' }, SIDECAR),
        container({ cpu: '1' }),
        container({ cpu: '1' }, SIDECAR),
      ],
    },
    4000,
    0,
  ],
  [
    'overhead comes on top of the larger of both',
    {
      containers: [container({ cpu: '1' })],
      initContainers: [container({ cpu: '2' })],
      overhead: { cpu: '250m', memory: '120Mi' },
    },
    2250,
    120 * Mi,
  ],
  [
    'requests of the pod as a whole replace cpu and memory, less or more',
    {
      containers: [container({ cpu: '1', memory: '1Gi', 'example.com/fpga': '1' })],
      resources: { requests: { cpu: '500m', memory: '2Gi', 'example.com/fpga': '9' } },
      overhead: { cpu: '100m' },
    },
    600,
    2048 * Mi,
    { 'example.com/fpga': 1 },
  ],
  [
    'requests of the pod for one resource leave the others',
    {
      containers: [container({ cpu: '1', memory: '1Mi' })],
      resources: { requests: { memory: '5Mi' }, limits: { cpu: '9' } },
    },
    1000,
    5 * Mi,
  ],
  [
    'huge pages of the pod as a whole',
    {
      containers: [container({ 'hugepages-2Mi': '2Mi' })],
      resources: { requests: { 'hugepages-2Mi': '8Mi' } },
    },
    0,
    0,
    { 'hugepages-2Mi': 8 * Mi },
  ],
  [
    'halves of millis are rounded once, not one by one',
    { containers: [container({ cpu: '0.5m' }), container({ cpu: '500u' })] },
    1,
    0,
  ],
  ['fractions of a milli are rounded up', { containers: [container({ cpu: '1n' })] }, 1, 0],
  [
    'fractions of bytes, too',
    { containers: [container({ memory: '500m' }), container({ memory: '500m' })] },
    0,
    1,
  ],
  ['values that floating point cannot hold', { containers: [container({ memory: '0.1Gi' })] }, 0, 107374183],
  [
    'further resources: names with a domain, huge pages, ephemeral storage; no others, no zeros',
    {
      containers: [
        container({
          'nvidia.com/gpu': '1',
          'ephemeral-storage': '2Gi',
          'hugepages-1Gi': '1Gi',
          'example.com/none': '0',
          'attachable-volumes-x': '3',
          storage: '7',
          pods: '4',
          'requests.example.com/a': '1',
          '-bad.example.com/a': '1',
        }),
        container({ 'nvidia.com/gpu': '1' }),
      ],
    },
    0,
    0,
    {
      'attachable-volumes-x': 3,
      'ephemeral-storage': 2048 * Mi,
      'hugepages-1Gi': 1024 * Mi,
      'nvidia.com/gpu': 2,
    },
  ],
  [
    'numbers instead of texts',
    { containers: [{ resources: { requests: { cpu: 2, memory: 1e21 / 1e18 } } }] },
    2000,
    1000,
  ],
];

describe('requests of a pod that waits', () => {
  test.each(CASES)('%s', (_, spec, cpuMilli, memoryBytes, extended = {}) => {
    expect(podRequestsOf(spec, undefined)).toEqual({ cpuMilli, memoryBytes, extended });
  });

  test.each([
    ['-1', 'negative'],
    ['1 Gi', 'not a quantity'],
    ['', 'empty'],
    ['1e99', 'absurd'],
    ['0'.repeat(70), 'too long'],
  ])('%j is refused: %s', (memory) => {
    const spec = { containers: [container({ memory })] };
    expect(() => podRequestsOf(spec, undefined)).toThrow(
      expect.objectContaining({ code: 'TEG_KUBE_OBJECT', message: expect.stringContaining('memory') }),
    );
  });

  test.each([['9007199254740991'], ['9007199254740992'], ['10P'], ['16Ei']])(
    '%s and above count as the largest representable amount',
    (memory) => {
      const one = container({ memory });
      for (const containers of [[one], [one, one]])
        expect(podRequestsOf({ containers }, undefined).memoryBytes).toBe(2 ** 53 - 1);
    },
  );
});

/** Status of a running container. */
function running(requests: Record<string, string>, allocated?: Record<string, string>): ApiObject {
  return {
    containerStatuses: [
      { name: 'c', resources: { requests }, ...(allocated && { allocatedResources: allocated }) },
    ],
  };
}

const INFEASIBLE = { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] };
const DEFERRED = { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Deferred' }] };

describe('requests of a pod that runs and is resized', () => {
  const small = { containers: [container({ cpu: '1', memory: '1Mi' })] };

  test.each<[string, ApiObject, ApiObject, number]>([
    ['shrunk, not yet done: the allocated amount', small, running({ cpu: '2' }, { cpu: '2' }), 2000],
    [
      'grown, not yet done: the request',
      { containers: [container({ cpu: '4' })] },
      running({ cpu: '2' }, { cpu: '2' }),
      4000,
    ],
    ['allocated more than both', small, running({ cpu: '2' }, { cpu: '3' }), 3000],
    [
      'infeasible: the allocated amount',
      { containers: [container({ cpu: '64' })] },
      { ...running({ cpu: '2' }, { cpu: '2' }), ...INFEASIBLE },
      2000,
    ],
    [
      'deferred: the request',
      { containers: [container({ cpu: '64' })] },
      { ...running({ cpu: '2' }), ...DEFERRED },
      64_000,
    ],
    [
      'a status without resources is ignored',
      small,
      { containerStatuses: [{ name: 'c', allocatedResources: { cpu: '9' } }] },
      1000,
    ],
    [
      'a status of another container is ignored',
      small,
      { containerStatuses: [{ name: 'd', resources: { requests: { cpu: '9' } } }] },
      1000,
    ],
    [
      'sidecars are resized, init containers are not',
      {
        initContainers: [
          container({ cpu: '1' }, { ...SIDECAR, name: 's' }),
          container({ cpu: '1' }, { name: 'i' }),
        ],
      },
      {
        initContainerStatuses: [
          { name: 's', resources: { requests: { cpu: '2' } } },
          { name: 'i', resources: { requests: { cpu: '9' } } },
        ],
      },
      3000,
    ],
    [
      'the pod as a whole',
      { containers: [container({ cpu: '1' })], resources: { requests: { cpu: '2' } } },
      { resources: { requests: { cpu: '5' } }, allocatedResources: { cpu: '4' } },
      5000,
    ],
    [
      'the pod as a whole, infeasible',
      { containers: [container({ cpu: '1' })], resources: { requests: { cpu: '50' } } },
      { resources: { requests: { cpu: '5' } }, allocatedResources: { cpu: '4' }, ...INFEASIBLE },
      5000,
    ],
  ])('%s', (_, spec, status, cpuMilli) => {
    expect(podRequestsOf(spec, maybeRecord(status, 'status')).cpuMilli).toBe(cpuMilli);
  });
});

/**
 * Random pods and kube-scheduler 1.36.3's sums for them: `framework.NewPodInfo(pod).CalculateResource()` of assigned
 * pods, `SetMaxResource(PodRequests(pod))` of others. These are the first of 20,000 such pods.
 */
test('kube-scheduler counts the same', () => {
  const text = readFileSync(join(import.meta.dirname, 'pod-requests.reference.jsonl'), 'utf8');
  const lines = text.trimEnd().split('\n');
  expect(lines).toHaveLength(250);
  for (const line of lines) {
    const { spec, status, want } = JSON.parse(line);
    expect(podRequestsOf(spec, spec.nodeName === undefined ? undefined : status), line).toEqual(want);
  }
});
