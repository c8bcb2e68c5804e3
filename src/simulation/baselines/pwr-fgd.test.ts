import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { ClusterPower, NodePower } from '../../field/node-power.ts';
import { TEG_POWER } from '../../governor/policy/teg-options.ts';
import { createTegPolicy, createTegPowerPolicy, TegPolicy } from '../../governor/policy/teg-policy.ts';
import { Random } from '../../kernel/random.ts';
import { type Demand, isSharing } from '../../model/demand.ts';
import { makeCluster, POD_KINDS, PolicyBench } from './baselines.fixtures.ts';
import { createFgdPolicy } from './fgd.ts';
import { createPwrFgdPolicy } from './pwr-fgd.ts';

const SHARE = 2;
const WHOLE = 4;

describe('the power of nodes', () => {
  test('by hand: idle, with a share of a GPU, with another share of the same GPU', () => {
    const bench = new PolicyBench(createFgdPolicy, [2]);
    const power = new ClusterPower(bench.cluster);
    // One socket of 48 threads, and two GPUs of 10 to 70 W.
    expect(power.watts).toBe(20 + 2 * 10);
    for (const [watts, kind] of [
      [165 + 70 + 10, SHARE],
      [165 + 70 + 10, SHARE],
      [165 + 70 + 70, WHOLE],
    ] as const) {
      bench.arrive(kind);
      power.nodeChanged(0);
      expect(power.watts).toBe(watts);
    }
    bench.leave(0);
    bench.leave(0);
    power.nodeChanged(0);
    expect(power.watts).toBe(165 + 70 + 10);
  });

  test('hardware of unknown power counts as 0', () => {
    const cluster = makeCluster([]);
    cluster.addNode({ name: 'x', cpuMilli: 9000, memoryMib: 9000, gpuCount: 1, gpuModel: 'Z9', podsMax: 9 });
    const demand = cluster.demands.intern(POD_KINDS[WHOLE]!);
    expect(new NodePower(cluster).wattsOf(0)).toBe(0);
    expect(new NodePower(cluster).wattsAdded(0, demand)).toBe(0);
    const policy = createTegPowerPolicy({ cluster, random: new Random(1) });
    expect(policy.choose(demand)).toBe(0);
  });

  const arrivals = fc.array(fc.nat(POD_KINDS.length - 1), { maxLength: 40 });

  test('what a pod adds is the difference of the node’s power with and without it', () => {
    checkProperty(
      fc.property(arrivals, (kinds) => {
        const bench = new PolicyBench(createPwrFgdPolicy, [3, 2, 1, 0]);
        const power = new NodePower(bench.cluster);
        for (const kind of kinds) {
          const watts = [0, 1, 2, 3].map((node) => power.wattsOf(node));
          const demand = bench.demands[kind] as Demand;
          const added = [0, 1, 2, 3].map((node) => power.wattsAdded(node, demand));
          const node = bench.arrive(kind);
          if (node < 0) continue;
          const grown = power.wattsOf(node) - (watts[node] as number);
          // FGD chooses the GPU, which may start one although a GPU in use has room.
          if (isSharing(demand)) expect(grown).toBeGreaterThanOrEqual(added[node] as number);
          else expect(grown).toBe(added[node]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the price of the field has exactly the price of those watts', () => {
    checkProperty(
      fc.property(arrivals, (kinds) => {
        const bench = new PolicyBench(createFgdPolicy, [3, 2, 1, 0]);
        for (const kind of kinds) bench.arrive(kind);
        const { cluster } = bench;
        const typical = { demands: bench.demands.slice(0, 6), weights: new Array<number>(6).fill(1 / 6) };
        const context = { cluster, random: new Random(1), typical };
        const plain = new TegPolicy(context);
        const priced = new TegPolicy(context, TEG_POWER);
        const power = new NodePower(cluster);
        for (const demand of bench.demands) {
          for (let node = 0; node < 4; node++) {
            if (!cluster.fits(node, demand)) continue;
            const difference = priced.costOn(demand, node) - plain.costOn(demand, node);
            const watts = 2 * power.wattsAdded(node, demand);
            if (!isSharing(demand)) expect(difference).toBeCloseTo(watts, 6);
            // Which GPU is shared may change: for the cheaper one with its power, at most for that of starting one.
            else expect(difference).toBeGreaterThanOrEqual(watts - 1e-6);
          }
        }
      }),
      { numRuns: 8 },
    );
  });
});

describe('placement by power', () => {
  /** Watts after pods that each take a GPU, on one node of eight G2 and four of two T4. */
  const wattsAfter = (create: typeof createTegPolicy, pods: number): number => {
    const bench = new PolicyBench(create, [3, 2, 2, 2, 2]);
    for (let i = 0; i < pods; i++) expect(bench.arrive(WHOLE)).toBeGreaterThanOrEqual(0);
    return new ClusterPower(bench.cluster).watts;
  };

  test('GPUs that draw less are taken first, by both; FGD and TEG without a price do not look', () => {
    for (const pods of [1, 4, 8]) {
      const least = Math.min(wattsAfter(createFgdPolicy, pods), wattsAfter(createTegPolicy, pods));
      expect(wattsAfter(createPwrFgdPolicy, pods)).toBeLessThanOrEqual(least);
      expect(wattsAfter(createTegPowerPolicy, pods)).toBeLessThanOrEqual(least);
    }
    expect(wattsAfter(createTegPowerPolicy, 8)).toBe(8 * 70 + 4 * 165 + 8 * 25 + 3 * 15);
  });

  test('power as a capacity of a node: no policy passes it', () => {
    for (const create of [createPwrFgdPolicy, createTegPowerPolicy, createTegPolicy, createFgdPolicy]) {
      const cluster = makeCluster([]);
      const pod = { ...POD_KINDS[WHOLE]!, extended: { power: 400 } };
      const node = { cpuMilli: 96_000, memoryMib: 256_000, gpuCount: 8, gpuModel: 'G2', podsMax: 99 };
      for (const name of ['a', 'b']) {
        cluster.demands.intern(pod);
        cluster.addNode({ ...node, name, extended: { power: 1000 } });
      }
      const demand = cluster.demands.intern(pod);
      const policy = create({ cluster, random: new Random(1) });
      let placed = 0;
      for (let i = 0; i < 9; i++) {
        const at = policy.choose(demand);
        if (at < 0) continue;
        cluster.place(at, demand, policy.gpuMask);
        policy.nodeChanged?.(at);
        placed++;
      }
      // Two of 400 W in 1,000 W, on each node, though GPUs are idle.
      expect(placed).toBe(4);
    }
  });

  test('all pods fit in the end, whatever power costs', () => {
    for (const create of [createPwrFgdPolicy, createTegPowerPolicy]) wattsAfter(create, 16);
  });

  test('the mixture is a tenth of power and nine tenths of fragmentation, by a plain computation', () => {
    checkProperty(
      fc.property(fc.array(fc.nat(POD_KINDS.length - 1), { maxLength: 30 }), (kinds) => {
        const bench = new PolicyBench(createPwrFgdPolicy, [3, 2, 2, 1, 0]);
        for (const kind of kinds) {
          const demand = bench.demands[kind] as Demand;
          const expected = plainChoice(bench, demand);
          const chosen = bench.policy.choose(demand);
          expect(chosen).toBe(expected);
          bench.arrive(kind);
        }
      }),
      { numRuns: 30 },
    );
  });
});

/** The first node of the best mixed score, −1 if none fits. */
function plainChoice(bench: PolicyBench, demand: Demand): number {
  const { cluster } = bench;
  const power = new NodePower(cluster);
  const fgd = bench.policy.explain?.(demand)?.candidates ?? [];
  const scoreOf = (node: number): number =>
    fgd.find(({ label }) => label === cluster.names[node])?.value ?? Number.NEGATIVE_INFINITY;
  const fitting = Array.from({ length: cluster.nodeCount }, (_, node) => node).filter((node) =>
    cluster.fits(node, demand),
  );
  const watts = fitting.map((node) => Math.trunc(-power.wattsAdded(node, demand)));
  const least = Math.min(...watts);
  const span = Math.max(...watts) - least;
  const mixed = fitting.map((node, i) => {
    const normal = span === 0 ? 100 : Math.trunc((((watts[i] as number) - least) * 100) / span);
    return 0.1 * normal + 0.9 * scoreOf(node);
  });
  const best = Math.max(...mixed);
  return fitting[mixed.indexOf(best)] ?? -1;
}
