/** Explanations are read-only: they change no later answer of any policy. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import { DemandTable } from '../../model/demand.ts';
import type { NodeSpec } from '../../model/node.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { POLICIES, policyByName } from '../inputs/policies.ts';
import { runSimulation } from './simulator.ts';

/** Requests a policy's reasons before and after each of its choices, for the current pod and for the one before. */
class Explaining implements PlacementPolicy {
  readonly name: string;
  private readonly inner: PlacementPolicy;
  private before: Parameters<PlacementPolicy['choose']>[0] | undefined;

  constructor(inner: PlacementPolicy) {
    this.inner = inner;
    this.name = inner.name;
  }

  get gpuMask(): number {
    return this.inner.gpuMask;
  }

  get nodesExamined(): number {
    return this.inner.nodesExamined;
  }

  demandSeen(...args: Parameters<NonNullable<PlacementPolicy['demandSeen']>>): void {
    this.inner.demandSeen?.(...args);
  }

  choose(demand: Parameters<PlacementPolicy['choose']>[0]): number {
    this.inner.explain?.(demand);
    const node = this.inner.choose(demand);
    const { nodesExamined, gpuMask } = this;
    const told = this.inner.explain?.(demand, node);
    if (this.before !== undefined) this.inner.explain?.(this.before);
    expect([this.nodesExamined, this.gpuMask]).toEqual([nodesExamined, gpuMask]);
    expect(told?.node === '').toBe(node < 0);
    this.before = demand;
    return node;
  }

  nodeChanged(node: number): void {
    this.inner.nodeChanged?.(node);
  }
}

/** Amounts just beside the steps that classes of nodes are rounded to, so that rounding hides room. */
const drawnJob = fc.record({
  gap: fc.constantFrom(0, 1, 3),
  seconds: fc.integer({ min: 1, max: 60 }),
  cpuMilli: fc.constantFrom(300, 970, 1010, 1999, 2001, 3300, 5100),
  memoryMib: fc.constantFrom(100, 1000, 1025, 2047, 3000),
  gpu: fc.constantFrom<[number, number]>([0, 0], [1, 130], [1, 333], [1, 501], [1, 1000], [2, 1000]),
  pods: fc.constantFrom(1, 1, 1, 3),
  model: fc.constantFrom<string[]>([], [], ['T4'], ['A100', 'T4']),
  spread: fc.boolean(),
});

const nodes: NodeSpec[] = Array.from({ length: 9 }, (_, i) => ({
  name: `n${i}`,
  cpuMilli: [7000, 8000, 9100][i % 3] as number,
  memoryMib: [7000, 8192, 6001][(i >> 1) % 3] as number,
  gpuCount: i % 4,
  gpuModel: i % 4 === 0 ? '' : i < 5 ? 'T4' : 'A100',
  podsMax: 20,
}));

test.each(POLICIES.map(({ name }) => name))(
  '%s: a run with explanations gives the same bytes as without',
  (name) => {
    const policy = policyByName(name);
    const explaining = { name, create: (context: PolicyContext) => new Explaining(policy.create(context)) };
    checkProperty(
      fc.property(fc.array(drawnJob, { minLength: 20, maxLength: 70, size: 'max' }), (drawn) => {
        const builder = new JobTableBuilder(new DemandTable());
        let at = 0;
        drawn.forEach(({ gap, seconds, gpu, pods, model, spread, ...amounts }, i) => {
          at += gap;
          builder.add({
            ...amounts,
            id: `j${i}`,
            tenant: '',
            priority: 0,
            gpuCount: gpu[0],
            gpuMilli: gpu[1],
            gpuModels: gpu[0] > 0 ? model : [],
            submitSeconds: at,
            durationSeconds: seconds,
            requestedSeconds: Number.NaN,
            podCount: pods,
            gangMin: pods,
            ...(spread ? { podsPerNodeMax: 2, spreadGroup: `g${i % 3}` } : {}),
          });
        });
        const options = { nodes, jobs: builder.build(), seed: 7, samples: 20, withEquilibrium: false };
        const plain = JSON.stringify(runSimulation({ ...options, policy }));
        expect(JSON.stringify(runSimulation({ ...options, policy: explaining }))).toBe(plain);
        // The effect of `--explain`: the same, and the reasons beside it.
        const { explained, ...rest } = runSimulation({ ...options, policy, explainJob: drawn.length >> 1 });
        expect(explained?.turns.length).toBeGreaterThan(1);
        expect(JSON.stringify(rest)).toBe(plain);
      }),
      { numRuns: 16 },
    );
  },
);
