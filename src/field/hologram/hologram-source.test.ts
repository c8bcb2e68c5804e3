import { describe, expect, test } from 'vitest';
import { randomDemands, stream } from '../../../test/support/random-cluster.ts';
import type { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { GPU_MILLI, type NodeSpec } from '../../model/node.ts';
import { plainHologramOf, randomZone, type TestZone, zoneOn } from './hologram.fixtures.ts';
import type { Hologram } from './hologram.ts';
import type { HologramExtended } from './hologram-classes.ts';

const NODE: NodeSpec = {
  name: 'n',
  cpuMilli: 96_000,
  memoryMib: 393_216,
  gpuCount: 8,
  gpuModel: 'A',
  podsMax: 110,
};
/** Draws 1: `zoneOn` then takes no node down. */
const NO_ONE_DOWN = { nextInt: () => 1 } as unknown as Random;

/** A zone of given nodes with pods on the first. */
function zoneOf(nodes: readonly NodeSpec[], onFirst: readonly Partial<Demand>[] = []): TestZone {
  const cluster = new ClusterState(new DemandTable());
  for (const [i, node] of nodes.entries()) cluster.addNode({ ...node, name: `n${i}` });
  for (const pod of onFirst) {
    const demand = cluster.demands.intern({
      cpuMilli: 0,
      memoryMib: 0,
      gpuCount: 0,
      gpuMilli: 0,
      gpuModels: [],
      ...pod,
    } as never);
    cluster.place(0, demand, cluster.bestFitGpus(0, demand));
  }
  return zoneOn(cluster, [], NO_ONE_DOWN);
}

/** Classes as rows: fresh, whole, partial, memory, CPU, pods free, nodes. */
function rows({ classes }: Hologram): number[][] {
  return Array.from({ length: classes.count }, (_, i) =>
    [
      classes.fresh,
      classes.whole,
      classes.partialMilli,
      classes.memoryMib,
      classes.cpuMilli,
      classes.podsFree,
      classes.nodeCounts,
    ].map((column) => column[i] as number),
  );
}

describe('takeHologram', () => {
  test('counts empty nodes with their exact capacities', () => {
    const odd = { ...NODE, cpuMilli: 95_999, memoryMib: 393_001 };
    expect(rows(plainHologramOf(zoneOf([NODE, odd, NODE])))).toEqual([
      [1, 8, 0, 393_001, 95_999, 110, 1],
      [1, 8, 0, 393_216, 96_000, 110, 2],
    ]);
  });

  test("rounds others down on its lattice, from their free resources and not from their class's", () => {
    const pods = [
      { cpuMilli: 40_100, memoryMib: 150_000, gpuCount: 1, gpuMilli: 345 },
      { cpuMilli: 0, memoryMib: 0, gpuCount: 2, gpuMilli: 1000 },
    ];
    const zone = zoneOf([NODE], pods);
    expect([zone.cluster.freeCpuMilli[0], zone.cluster.freeMemoryMib[0]]).toEqual([55_900, 243_216]);
    expect(rows(plainHologramOf(zone))).toEqual([[0, 5, 650, 229_376, 48_000, 108, 1]]);
    expect(rows(plainHologramOf(zone, { coarseness: 0.125, partialStepMilli: 100 }))).toEqual([
      [0, 5, 600, 229_376, 52_000, 108, 1],
    ]);
  });

  test('leaves out nodes that are down or full of pods', () => {
    const zone = zoneOf([{ ...NODE, podsMax: 1 }, NODE, NODE], [{ cpuMilli: 1 }]);
    zone.cluster.setUp(1, false);
    zone.classes.update(1);
    expect(rows(plainHologramOf(zone))).toEqual([[1, 8, 0, 393_216, 96_000, 110, 1]]);
  });

  test('keeps further resources by name: exact on empty nodes, rounded down on others', () => {
    const nodes = [9, 9, 0.5].map((nic) => ({ ...NODE, extended: { nic, disk: 1e12 } }));
    const zone = zoneOf(nodes, [{ extended: { nic: 0.5 } } as never]);
    const { classes } = plainHologramOf(zone);
    const shown = Array.from({ length: classes.count }, (_, i) => [
      classes.fresh[i],
      ...(classes.extended[classes.extendedIndexes[i] as number]?.amounts ?? []),
    ]);
    const rounded = 2 ** Math.floor(Math.log2(1e12 / 4)) * 7;
    expect(rounded).toBeLessThan(1e12);
    expect(shown).toEqual([
      [1, ['disk', 1e12], ['nic', 9]],
      [1, ['disk', 1e12]],
      [0, ['disk', rounded], ['nic', 8]],
    ]);
  });

  test('distinguishes nodes by model and labels, not by capacities that no longer matter', () => {
    const nodes = [NODE, { ...NODE, cpuMilli: 128_000 }, { ...NODE, gpuModel: 'B' }];
    const zone = zoneOf([...nodes, { ...NODE, labels: { zone: 'east' } }]);
    const { classes } = plainHologramOf(zone);
    expect(classes.flavors.map(({ gpuModel, labels }) => [gpuModel, { ...labels }])).toEqual([
      ['A', { zone: 'east' }],
      ['A', {}],
      ['B', {}],
    ]);
  });

  test('lists the models with the inputs of their rents', () => {
    const zone = zoneOf([NODE, NODE, { ...NODE, gpuModel: 'B', gpuCount: 2 }, { ...NODE, gpuCount: 0 }]);
    const pod = { cpuMilli: 1, memoryMib: 1, gpuCount: 1, gpuMilli: 1000 };
    zone.rent.demandSeen(zone.cluster.demands.intern({ ...pod, gpuModels: ['B'] }), 3);
    zone.rent.demandSeen(zone.cluster.demands.intern({ ...pod, gpuModels: [] }), 5);
    const { models, demandMilli } = plainHologramOf(zone);
    expect(demandMilli).toBe(8000);
    expect(models).toEqual([
      { gpuModel: 'A', freeMilli: 16_000, capacityMilli: 16_000, boundMilli: 0 },
      { gpuModel: 'B', freeMilli: 2000, capacityMilli: 2000, boundMilli: 3000 },
    ]);
  });
});

/** True if class `i` shows room for one pod, by its amounts alone. */
function shows({ classes }: Hologram, i: number, demand: Demand): boolean {
  const whole = classes.whole[i] as number;
  const parts =
    demand.gpuMilli < GPU_MILLI ? Math.max(whole > 0 ? 1000 : 0, classes.partialMilli[i] as number) : 0;
  const gpus = demand.gpuMilli === GPU_MILLI ? whole >= demand.gpuCount : parts >= demand.gpuMilli;
  return (
    (demand.gpuCount === 0 || gpus) &&
    (classes.cpuMilli[i] as number) >= demand.cpuMilli &&
    (classes.memoryMib[i] as number) >= demand.memoryMib
  );
}

describe('conservative and complete (theory §3)', () => {
  test('every class is below each of as many nodes as it counts, and no node is counted twice', () => {
    const random = stream(11);
    for (let round = 0; round < 60; round++) {
      const { cluster, ...zone } = randomZone(60, random);
      const { classes } = plainHologramOf({ cluster, ...zone });
      const below: number[][] = Array.from({ length: classes.count }, () => []);
      let open = 0;
      for (let node = 0; node < cluster.nodeCount; node++) {
        if ((zone.classes.classOf[node] as number) < 0) continue;
        open++;
        for (let i = 0; i < classes.count; i++) if (isBelow(cluster, node, classes, i)) below[i]?.push(node);
      }
      const counted = classes.nodeCounts.reduce((sum, nodes) => sum + nodes, 0);
      expect(counted).toBe(open);
      for (let i = 0; i < classes.count; i++)
        expect(below[i]?.length).toBeGreaterThanOrEqual(classes.nodeCounts[i] as number);
    }
  });

  test('a node with (1 + e) times the demand, one lattice unit at least, is always shown', () => {
    const random = stream(12);
    let checked = 0;
    let missed = 0;
    for (let round = 0; round < 400; round++) {
      const table = new DemandTable();
      const zone = randomZone(1, random, table);
      const { cluster } = zone;
      if ((zone.classes.classOf[0] as number) < 0) continue;
      const hologram = plainHologramOf(zone, { coarseness: 0.25, partialStepMilli: 10 });
      expect(hologram.classes.count).toBe(1);
      for (const demand of randomDemands(30, random, table)) {
        const plain = { ...demand, constraintId: 0, extended: [] };
        if (!cluster.fits(0, plain)) continue;
        const shown = shows(hologram, 0, plain);
        const idle = Math.max(...cluster.gpuIdleMilli.subarray(0, cluster.gpuOffsets[1]), 0);
        const ample =
          (cluster.freeCpuMilli[0] as number) >= Math.max(1.25 * demand.cpuMilli, demand.cpuMilli + 125) &&
          (cluster.freeMemoryMib[0] as number) >= Math.max(1.25 * demand.memoryMib, demand.memoryMib + 64) &&
          (demand.gpuMilli === GPU_MILLI || demand.gpuCount === 0 || idle >= demand.gpuMilli + 10);
        if (ample) {
          expect(shown).toBe(true);
          checked++;
        } else if (!shown) missed++;
      }
    }
    expect(checked).toBeGreaterThan(1000);
    // The bound is needed: with less than that, rounding does hide nodes.
    expect(missed).toBeGreaterThan(10);
  });
});

/** True if class `i` promises no more than a node's free resources. */
function isBelow(cluster: ClusterState, node: number, classes: Hologram['classes'], i: number): boolean {
  const flavor = cluster.flavorOf(node);
  const idle = [...cluster.gpuIdleMilli.subarray(cluster.gpuOffsets[node], cluster.gpuOffsets[node + 1])];
  const whole = idle.filter((part) => part === GPU_MILLI).length;
  const partial = Math.max(0, ...idle.filter((part) => part < GPU_MILLI));
  const { amounts } = classes.extended[classes.extendedIndexes[i] as number] as HologramExtended;
  return (
    classes.flavors[classes.flavorIndexes[i] as number]?.gpuModel === flavor.gpuModel &&
    (classes.fresh[i] as number) <= (cluster.podCounts[node] === 0 ? 1 : 0) &&
    (classes.whole[i] as number) <= whole &&
    (classes.partialMilli[i] as number) <= partial &&
    (classes.memoryMib[i] as number) <= (cluster.freeMemoryMib[node] as number) &&
    (classes.cpuMilli[i] as number) <= (cluster.freeCpuMilli[node] as number) &&
    (classes.podsFree[i] as number) <= flavor.podsMax - (cluster.podCounts[node] as number) &&
    amounts.every(
      ([name, amount]) => amount <= (cluster.freeExtended[cluster.demands.findResource(name)]?.[node] ?? 0),
    )
  );
}
