/** The preconditions of the model: the last value that a table accepts, and the first that it does not. */
import { expect, test } from 'vitest';
import { AssertionFailure } from '../kernel/assert.ts';
import { INT32_MAX } from '../kernel/limits.ts';
import { ClusterState } from './cluster-state.ts';
import { DemandTable } from './demand.ts';
import type { PodSpec } from './job.ts';
import type { NodeSpec } from './node.ts';

const NODE: NodeSpec = {
  name: 'a',
  cpuMilli: 1000,
  memoryMib: 1000,
  gpuCount: 0,
  gpuModel: '',
  podsMax: 10,
};
const POD: PodSpec = { cpuMilli: 1, memoryMib: 1, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

function cluster(more: Partial<NodeSpec> = {}): ClusterState {
  const state = new ClusterState(new DemandTable());
  state.addNode({ ...NODE, ...more });
  return state;
}

const intern = (more: Partial<PodSpec>): unknown => new DemandTable().intern({ ...POD, ...more });

test.each<readonly [what: string, taken: () => unknown, refused: () => unknown]>([
  [
    'a capacity of 33 bits',
    () => cluster({ cpuMilli: INT32_MAX }),
    () => cluster({ cpuMilli: INT32_MAX + 1 }),
  ],
  ['half a MiB', () => cluster({ memoryMib: 1 }), () => cluster({ memoryMib: 0.5 })],
  [
    'GPUs whose thousandths need 33 bits',
    () => cluster({ gpuCount: Math.floor(INT32_MAX / 1000) }),
    () => cluster({ gpuCount: Math.ceil(INT32_MAX / 1000) }),
  ],
  [
    'another description that is out of bounds',
    () => cluster().redescribe(0, { ...NODE, memoryMib: 0 }),
    () => cluster().redescribe(0, { ...NODE, memoryMib: -1 }),
  ],
  ['the state of a node before the first', () => cluster().setUp(0, false), () => cluster().setUp(-1, false)],
  ['the state of a node after the last', () => cluster().setUp(0, true), () => cluster().setUp(1, true)],
  [
    'a free amount that is not a number',
    () => cluster().setFree(0, Number.NEGATIVE_INFINITY, 0, 0, 0),
    () => cluster().setFree(0, Number.NaN, 0, 0, 0),
  ],
  ['the pods of no spread group', () => cluster().groupPods(0, 0), () => cluster().groupPods(0, -1)],
  [
    'a request of 33 bits',
    () => intern({ memoryMib: INT32_MAX }),
    () => intern({ memoryMib: INT32_MAX + 1 }),
  ],
  ['a negative request', () => intern({ cpuMilli: 0 }), () => intern({ cpuMilli: -1 })],
  [
    'more than a whole GPU',
    () => intern({ gpuCount: 1, gpuMilli: 1000 }),
    () => intern({ gpuCount: 1, gpuMilli: 1001 }),
  ],
  ['half a GPU too many', () => intern({ gpuCount: 1 }), () => intern({ gpuCount: 1.5 })],
])('the model does not take %s', (_, taken, refused) => {
  expect(taken).not.toThrow();
  expect(refused).toThrow(AssertionFailure);
});
