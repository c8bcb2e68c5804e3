/**
 * The simulator job by job: against the plain simulator for first-fit, and for every policy against the capacity of nodes
 * kept by hand and the rule of the queue.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { EffectKind } from '../../governor/zone/zone-events.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec, PodSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { policyByName } from '../inputs/policies.ts';
import { PlainCluster, type PlainOutcome, type PlainPod, simulatePlainly } from './plain-simulator.oracle.ts';
import { runSimulation } from './simulator.ts';

type Queue = 'best-effort' | 'strict-fifo';

const NODE: NodeSpec = {
  name: '',
  cpuMilli: 8000,
  memoryMib: 8000,
  gpuCount: 0,
  gpuModel: '',
  podsMax: 1000,
};
const NODES: readonly NodeSpec[] = [
  NODE,
  { ...NODE, cpuMilli: 4000, podsMax: 3 },
  { ...NODE, gpuCount: 2, gpuModel: 'T4', labels: { zone: 'a' } },
  { ...NODE, gpuCount: 4, gpuModel: 'A100', labels: { zone: 'b', tier: '2' } },
  { ...NODE, gpuCount: 1, gpuModel: 'A100', extended: { 'example.com/rdma': 2 } },
];

const POD: PodSpec = { cpuMilli: 1000, memoryMib: 100, gpuCount: 0, gpuMilli: 0, gpuModels: [] };
const PODS: readonly PodSpec[] = [
  POD,
  { ...POD, cpuMilli: 3000 },
  { ...POD, memoryMib: 3000 },
  { ...POD, gpuCount: 1, gpuMilli: 300 },
  { ...POD, gpuCount: 1, gpuMilli: 700 },
  { ...POD, gpuCount: 1, gpuMilli: 1000, gpuModels: ['A100'] },
  { ...POD, cpuMilli: 500, gpuCount: 2, gpuMilli: 1000 },
  { ...POD, cpuMilli: 500, podsPerNodeMax: 1, spreadGroup: 'service' },
  { ...POD, cpuMilli: 500, extended: { 'example.com/rdma': 1 } },
  { ...POD, affinity: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
  { ...POD, affinity: [{ key: 'tier', operator: 'Exists', values: [] }] },
];

/** Few instants and few durations, so that many events coincide. */
const drawnJob = fc.record({
  gap: fc.constantFrom<number>(0, 0, 0, 1, 2, 0.5),
  seconds: fc.constantFrom(0, 1, 2, 5, 5, 9, 40, Number.POSITIVE_INFINITY),
  pod: fc.oneof(fc.constant(0), fc.nat(PODS.length - 1)),
  pods: fc.oneof(fc.constant(1), fc.constant(2), fc.integer({ min: 2, max: 12 })),
  least: fc.nat(10),
  priority: fc.constantFrom<number>(0, 0, 0, 100, -3),
});
type DrawnJob = typeof drawnJob extends fc.Arbitrary<infer T> ? T : never;

const clusters = fc.array(fc.nat(NODES.length - 1), { minLength: 1, maxLength: 5 });
const traces = fc.array(drawnJob, { minLength: 1, maxLength: 60, size: 'max' });
const queues = fc.constantFrom<Queue>('best-effort', 'strict-fifo');

function nodesOf(kinds: readonly number[]): NodeSpec[] {
  return kinds.map((kind, i) => ({ ...(NODES[kind] as NodeSpec), name: `n${i}` }));
}

function jobsOf(drawn: readonly DrawnJob[], firstSeconds = 0): JobSpec[] {
  let at = firstSeconds;
  return drawn.map(({ gap, seconds, pod, pods, least, priority }, i) => {
    if (i > 0) at += gap;
    return {
      ...(PODS[pod] as PodSpec),
      id: `j${i}`,
      tenant: '',
      priority,
      submitSeconds: at,
      durationSeconds: seconds,
      requestedSeconds: Number.NaN,
      podCount: pods,
      // Most gangs start whole, some with less; a minimum of 1 would make an array of single jobs of it.
      gangMin: pods === 1 || least > 2 ? pods : Math.max(2, pods - least),
    };
  });
}

/** A node that is full until many gangs wait for it: more of them than one step may try. */
function burst(drawn: readonly DrawnJob[]): JobSpec[] {
  const [blocker] = jobsOf([{ gap: 0, seconds: 30, pod: 0, pods: 64, least: 3, priority: 0 }]);
  const rest = jobsOf(
    drawn.map((job, i) => ({ ...job, gap: i < 25 ? 0 : job.gap, pod: 0, pods: i < 25 ? 2 : job.pods })),
    1,
  );
  return [{ ...(blocker as JobSpec), id: 'blocker' }, ...rest];
}

/** Runs the simulator and collects when each job started and ended, and where its pods were. */
function simulate(
  nodes: readonly NodeSpec[],
  jobs: readonly JobSpec[],
  queue: Queue,
  policy = 'first-fit',
): PlainOutcome[] {
  const builder = new JobTableBuilder(new DemandTable());
  for (const job of jobs) builder.add(job);
  const outcomes = jobs.map((): PlainOutcome => ({ startSeconds: NaN, endSeconds: NaN, pods: [] }));
  runSimulation({
    nodes,
    jobs: builder.build(),
    policy: policyByName(policy),
    seed: 1,
    queue,
    withEquilibrium: false,
    samples: 4,
    onEffects: (effects, now) => {
      let pods: PlainPod[] = [];
      for (let i = 0; i < effects.length; i++) {
        const outcome = outcomes[effects.jobs[i] as number] as PlainOutcome;
        if (effects.kinds[i] === EffectKind.PodPlaced) {
          const mask = effects.gpuMasks[i] as number;
          const gpus = Array.from({ length: 30 }, (_, gpu) => gpu).filter((gpu) => (mask >> gpu) & 1);
          pods.push({ node: effects.nodes[i] as number, gpus });
        } else if (effects.kinds[i] === EffectKind.JobStarted) {
          outcome.startSeconds = now;
          outcome.pods = pods;
          pods = [];
        } else if (effects.kinds[i] === EffectKind.JobReleased) outcome.endSeconds = now;
      }
    },
  });
  return outcomes;
}

/** Compares as text: NaN equals NaN, and a thousand comparisons cost little. */
function expectEqual(got: readonly PlainOutcome[], expected: readonly PlainOutcome[]): void {
  const text = (outcomes: readonly PlainOutcome[]): string =>
    outcomes
      .map((o, job) => `j${job} ${o.startSeconds}-${o.endSeconds} ${JSON.stringify(o.pods)}`)
      .join('\n');
  expect(text(got)).toBe(text(expected));
}

describe('simulate --policy first-fit', () => {
  test('starts and ends every job when and where the plain simulator does', () => {
    let started = 0;
    let waited = 0;
    checkProperty(
      fc.property(clusters, traces, queues, (kinds, drawn, queue) => {
        const jobs = jobsOf(drawn);
        const expected = simulatePlainly(nodesOf(kinds), jobs, queue);
        expectEqual(simulate(nodesOf(kinds), jobs, queue), expected);
        expected.forEach(({ startSeconds }, job) => {
          if (startSeconds >= 0) started++;
          if (startSeconds > (jobs[job] as JobSpec).submitSeconds) waited++;
        });
      }),
      { numRuns: 300 },
    );
    expect(started).toBeGreaterThan(2000);
    expect(waited).toBeGreaterThan(500);
  });

  test('also where more gangs wait than one step may try', () => {
    const nodes = [{ ...NODE, name: 'n0', cpuMilli: 64_000, memoryMib: 100_000 }];
    checkProperty(
      fc.property(
        fc.array(drawnJob, { minLength: 30, maxLength: 45, size: 'max' }),
        queues,
        (drawn, queue) => {
          const jobs = burst(drawn);
          expectEqual(simulate(nodes, jobs, queue), simulatePlainly(nodes, jobs, queue));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('gangs of high priority go before singles of low priority, however many there are', () => {
    const gang = { gap: 0, seconds: 1000, pod: 0, pods: 2, least: 3, priority: 100 };
    const single = { ...gang, pods: 1, priority: 0 };
    const nodes = [{ ...NODE, name: 'n0', cpuMilli: 34_000 }];
    const [blocker] = jobsOf([{ ...gang, pods: 34, seconds: 10 }]);
    const jobs = [
      blocker as JobSpec,
      ...jobsOf(new Array<DrawnJob>(17).fill(gang), 1),
      ...jobsOf([single, single], 2),
    ];
    const starts = simulate(nodes, jobs, 'best-effort').map((job) => job.startSeconds);
    expect(starts).toEqual([0, ...new Array<number>(17).fill(10), 1010, 1010]);
  });
});

describe('events of one instant', () => {
  const wide = { gap: 0, seconds: 5, pod: 0, pods: 8, least: 3, priority: 0 };
  const half = { ...wide, pods: 4 };

  test('ends come before arrivals, one by one, and the queue is looked through after each', () => {
    // Two halves end at 5; a job of the whole node waits in front of one of half of it.
    const jobs = [
      ...jobsOf([half, half]),
      ...jobsOf([{ ...wide, priority: 1 }, half], 1),
      ...jobsOf([half], 5),
    ];
    const starts = (queue: Queue) => simulate(nodesOf([0]), jobs, queue).map((job) => job.startSeconds);
    // best-effort: the first end makes room for the half only; the second one for the half that arrives.
    expect(starts('best-effort')).toEqual([0, 0, 10, 5, 5]);
    expect(starts('strict-fifo')).toEqual([0, 0, 5, 10, 10]);
  });

  test('arrivals are taken in the order of the source: a priority does not reach back to a job that has started', () => {
    const jobs = jobsOf([wide, { ...wide, priority: 100 }]);
    expect(simulate(nodesOf([0]), jobs, 'best-effort').map((job) => job.startSeconds)).toEqual([0, 5]);
  });
});

describe.each(['teg', 'full-scan', 'fgd', 'best-fit', 'kube-scheduler', 'random'])(
  'simulate --policy %s',
  (policy) => {
    test('never places beyond a node, keeps gangs together, and leaves nothing waiting that fits', () => {
      checkProperty(
        fc.property(clusters, traces, (kinds, drawn) => {
          const nodes = nodesOf(kinds);
          const jobs = jobsOf(drawn);
          expectSound(nodes, jobs, simulate(nodes, jobs, 'best-effort', policy));
        }),
        { numRuns: 40 },
      );
    });
  },
);

/** Goes through all starts and ends in time. */
function expectSound(
  nodes: readonly NodeSpec[],
  jobs: readonly JobSpec[],
  outcomes: readonly PlainOutcome[],
): void {
  const cluster = new PlainCluster(nodes);
  const instants = new Set(outcomes.flatMap((o) => [o.startSeconds, o.endSeconds]).filter((at) => at >= 0));
  for (const at of [...instants].sort((a, b) => a - b)) {
    const here = jobs.map((spec, job) => ({ spec, ...(outcomes[job] as PlainOutcome) }));
    for (const { spec, endSeconds, startSeconds, pods } of here) {
      if (endSeconds !== at || startSeconds === at) continue;
      for (const { node, gpus } of pods) cluster.release(node, spec, gpus);
    }
    // Jobs of no duration that start now are gone when the instant ends.
    for (const { spec, startSeconds, endSeconds, pods } of here) {
      if (startSeconds !== at || endSeconds === at) continue;
      for (const { node, gpus } of pods) {
        expect(cluster.gpusFor(node, spec)?.length, `room for ${spec.id} on node ${node}`).toBe(
          spec.gpuCount,
        );
        for (const gpu of gpus) expect(cluster.idle(node)[gpu]).toBeGreaterThanOrEqual(spec.gpuMilli);
        cluster.place(node, spec, gpus);
      }
      expect(pods.length).toBeGreaterThanOrEqual(spec.gangMin);
    }
    for (const { spec, startSeconds, endSeconds } of here) {
      if (startSeconds >= 0) expect(endSeconds >= 0 || spec.durationSeconds === Infinity).toBe(true);
      const waits = spec.submitSeconds <= at && !(startSeconds <= at);
      if (waits)
        expect(roomFor(cluster, spec), `room for ${spec.id}, which waits`).toBeLessThan(spec.gangMin);
    }
  }
}

/** @returns How many pods of a job fit now. Equal pods: the order of the nodes does not matter. */
function roomFor(cluster: PlainCluster, spec: JobSpec): number {
  const placed: PlainPod[] = [];
  cluster.nodes.forEach((_, node) => {
    for (let gpus = cluster.gpusFor(node, spec); gpus !== undefined; gpus = cluster.gpusFor(node, spec)) {
      cluster.place(node, spec, gpus);
      placed.push({ node, gpus });
    }
  });
  for (const { node, gpus } of placed) cluster.release(node, spec, gpus);
  return placed.length;
}
