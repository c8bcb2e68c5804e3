import { describe, expect, it } from 'vitest';
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { runPacking } from './packing.ts';
import { roundHalfEven } from './packing-metrics.ts';

const JOB: JobSpec = {
  id: '',
  tenant: '',
  priority: 0,
  submitSeconds: 0,
  durationSeconds: 1,
  requestedSeconds: 1,
  podCount: 1,
  gangMin: 1,
  cpuMilli: 1000,
  memoryMib: 10,
  gpuCount: 1,
  gpuMilli: 1000,
  gpuModels: [],
};

/** Ten GPUs on five nodes; each pod is 10 % of them. */
const NODES: NodeSpec[] = Array.from({ length: 5 }, (_, i) => ({
  name: `n${i}`,
  cpuMilli: 4000,
  memoryMib: 100,
  gpuCount: 2,
  gpuModel: 'T4',
  podsMax: 9,
}));

const order = (count: number): Int32Array => new Int32Array(count);

describe('runPacking', () => {
  it('bins allocation by arrived load, by hand', () => {
    const result = runPacking({
      nodes: NODES,
      jobs: [JOB],
      order: order(13),
      createPolicy: createFirstFitPolicy,
    });
    expect(result.alloc[10]).toBe(10);
    expect(result.alloc[70]).toBe(70);
    expect(result.alloc[100]).toBe(100);
    expect(result.alloc[130]).toBe(100);
    // An empty bin takes the events of its neighbours; without any it is unknown.
    expect(result.alloc[71]).toBe(70);
    expect(result.alloc[69]).toBe(70);
    expect(result.alloc[75]).toBeNaN();
    expect({ arrivals: result.arrivals, dropped: result.dropped }).toEqual({ arrivals: 13, dropped: 3 });
    expect(result.finalGpuPercent).toBe(100);
    expect(result.finalCpuPercent).toBe(50);
    expect(result.finalMemoryPercent).toBe(20);
  });

  it('measures fragmentation towards the list', () => {
    const small = { ...JOB, gpuMilli: 600 };
    const jobs = [small, JOB];
    const result = runPacking({
      nodes: NODES.slice(0, 1),
      jobs,
      order: Int32Array.of(0),
      createPolicy: createFirstFitPolicy,
    });
    // Of 1,400 idle, 400 fit neither half of the workload; they are 20 % of all GPUs.
    expect(result.fragRatio[30]).toBeCloseTo(28.57, 10);
    expect(result.fragAmount[30]).toBe(20);
  });

  it('times decisions with the clock it is given, and only then', () => {
    let now = 0;
    const clockMicros = (): number => {
      now += 7;
      return now;
    };
    const options = { nodes: NODES, jobs: [JOB], order: order(10), createPolicy: createFirstFitPolicy };
    expect(runPacking({ ...options, clockMicros })).toMatchObject({
      decisionMicrosP50: 7,
      decisionMicrosP99: 7,
    });
    expect(runPacking(options).decisionMicrosP50).toBeNaN();
  });

  it('gives policies the list, or only the arrivals', () => {
    const seen: (number | undefined)[] = [];
    const spy = (context: PolicyContext): PlacementPolicy => {
      seen.push(context.typical?.demands.length);
      return createFirstFitPolicy(context);
    };
    const jobs = [JOB, { ...JOB, gpuCount: 2 }];
    const options = { nodes: NODES, jobs, order: order(3), createPolicy: spy };
    runPacking(options);
    runPacking({ ...options, typical: 'list' });
    runPacking({ ...options, typical: 'learned' });
    expect(seen).toEqual([2, 2, undefined]);
  });

  it.each([
    ['a node without room', () => 0, () => 0b01, /chose node 0, where the pod does not fit/],
    ['a node that is not there', () => 99, () => 0b01, /chose node 99/],
    ['half a node', () => 0.5, () => 0b01, /chose node 0.5/],
    ['no GPU', (i: number) => i, () => 0, /chose GPUs 0b0 of node 0; expected a mask of 1/],
    ['too many GPUs', (i: number) => i, () => 0b11, /chose GPUs 0b11/],
    ['a GPU that is not there', (i: number) => i, () => 0b100, /chose GPUs 0b100/],
  ])('refuses a policy that chooses %s', (_, nodeOf, maskOf, message) => {
    const createPolicy = (): PlacementPolicy => {
      let calls = 0;
      return {
        name: 'broken',
        get gpuMask() {
          return calls > 2 ? 0b10 : maskOf();
        },
        nodesExamined: 0,
        choose: () => nodeOf(calls++),
      };
    };
    const nodes = [{ ...NODES[0]!, gpuCount: 2, podsMax: 1 }, ...NODES.slice(1)];
    expect(() => runPacking({ nodes, jobs: [JOB], order: order(5), createPolicy })).toThrow(
      expect.objectContaining({ code: 'TEG_POLICY_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses two nodes of one name', () => {
    const nodes = [NODES[0]!, NODES[0]!];
    expect(() =>
      runPacking({ nodes, jobs: [JOB], order: order(1), createPolicy: createFirstFitPolicy }),
    ).toThrow(/two nodes are named 'n0'/);
  });
});

describe('roundHalfEven', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [2.4999, 2],
    [2.5001, 3],
    [129.5, 130],
    [-0.5, 0],
    [-1.5, -2],
  ])('%f is %i', (x, rounded) => {
    expect(roundHalfEven(x) + 0).toBe(rounded + 0);
  });
});
