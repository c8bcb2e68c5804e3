import { describe, expect, test } from 'vitest';
import { churn, randomCluster, randomDemands, stream } from '../../test/support/random-cluster.ts';
import type { PlacementPolicy } from '../governor/policy/policy.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { CLASS_MINOR_STEP_MILLI, CLASS_PARTIAL_STEP_MILLI, ClassTable } from './class-table.ts';
import { latticeOf } from './prices.ts';

/** First fit that keeps a class table up to date. */
function firstFit(cluster: ClusterState, classes: ClassTable): PlacementPolicy & { gpuMask: number } {
  return {
    name: 'first-fit',
    gpuMask: 0,
    nodesExamined: 0,
    choose(demand: Demand): number {
      for (let node = 0; node < cluster.nodeCount; node++) {
        if (!cluster.fits(node, demand)) continue;
        this.gpuMask = cluster.bestFitGpus(node, demand);
        return node;
      }
      return -1;
    },
    nodeChanged(node: number): void {
      classes.update(node);
    },
  };
}

/** Every invariant of the table, checked against the cluster. */
function check(cluster: ClusterState, classes: ClassTable): void {
  const counts = new Map<number, number>();
  for (let node = 0; node < cluster.nodeCount; node++) {
    const id = classes.classOf[node] as number;
    const open =
      cluster.up[node] === 1 && (cluster.podCounts[node] as number) < cluster.flavorOf(node).podsMax;
    expect(id >= 0, `node ${node} is in a class iff it takes pods`).toBe(open);
    if (id < 0) continue;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(classes.flavorIds[id]).toBe(cluster.flavorIds[node]);
    expect(classes.cpuMilli[id]).toBeLessThanOrEqual(cluster.freeCpuMilli[node] as number);
    expect(classes.memoryMib[id]).toBeLessThanOrEqual(cluster.freeMemoryMib[node] as number);
    expect(2 * (classes.memoryMib[id] as number) + 1).toBeGreaterThan(cluster.freeMemoryMib[node] as number);
    const idle = [...cluster.gpuIdleMilli.subarray(cluster.gpuOffsets[node], cluster.gpuOffsets[node + 1])];
    expect(classes.whole[id]).toBe(idle.filter((p) => p === 1000).length);
    const partial = idle.filter((p) => p < 1000).sort((x, y) => y - x);
    for (let k = 0; k < 3; k++) {
      const step = k === 0 ? CLASS_PARTIAL_STEP_MILLI : CLASS_MINOR_STEP_MILLI;
      expect(classes.partials[3 * id + k]).toBe(Math.floor((partial[k] ?? 0) / step) * step);
    }
    const floors = classes.extendedFloors[classes.extendedIds[id] as number] as number[];
    for (let r = 0; r < floors.length; r++) {
      expect(floors[r]).toBeLessThanOrEqual(cluster.freeExtended[r]?.[node] ?? 0);
    }
  }
  expect(classes.occupiedCount).toBe(counts.size);
  for (const [id, count] of counts) {
    expect(classes.nodeCounts[id]).toBe(count);
    let listed = 0;
    for (let node = classes.heads[id] as number; node >= 0; node = classes.nextNode(node)) listed++;
    expect(listed).toBe(count);
  }
  const occupied = [...classes.occupied.subarray(0, classes.occupiedCount)].sort((x, y) => x - y);
  expect(occupied).toEqual([...counts.keys()].sort((x, y) => x - y));
}

/** Occupied classes as they stand, each with its nodes as they stand. */
function listed(classes: ClassTable): number[][] {
  return Array.from(classes.occupied.slice(0, classes.occupiedCount), (id) => {
    const nodes = [id];
    for (let node = classes.heads[id] as number; node >= 0; node = classes.nextNode(node)) nodes.push(node);
    return nodes;
  });
}

describe('ClassTable', () => {
  test.each([1, 2, 3])('keeps its promises under random churn, nodes down and up (seed %i)', (seed) => {
    const random = stream(seed);
    const cluster = randomCluster(60, random);
    const classes = new ClassTable(cluster, latticeOf(cluster), 4096);
    const shapes = randomDemands(40, random, cluster.demands);
    const policy = firstFit(cluster, classes);
    check(cluster, classes);
    for (let round = 0; round < 5; round++) {
      churn(cluster, policy, random, 300, shapes);
      const node = random.nextInt(60);
      cluster.setUp(node, cluster.up[node] === 0);
      classes.update(node);
      check(cluster, classes);
    }
  });

  test.each([7, 8, 9])(
    'is after a trial what it was before: classes, ids, order of nodes (seed %i)',
    (seed) => {
      const random = stream(seed);
      const cluster = randomCluster(40, random);
      const classes = new ClassTable(cluster, latticeOf(cluster), 4096);
      const shapes = randomDemands(40, random, cluster.demands);
      churn(cluster, firstFit(cluster, classes), random, 200, shapes);
      let made = 0;
      for (let round = 0; round < 60; round++) {
        const before = listed(classes);
        const { count, epoch, journalEnd } = classes;
        const placed: { node: number; demand: Demand; gpuMask: number }[] = [];
        classes.beginTrial();
        for (let pod = 0; pod < 12; pod++) {
          const node = random.nextInt(cluster.nodeCount);
          const demand = shapes[random.nextInt(shapes.length)] as Demand;
          if (!cluster.fits(node, demand)) continue;
          const gpuMask = cluster.bestFitGpus(node, demand);
          cluster.place(node, demand, gpuMask);
          classes.update(node);
          placed.push({ node, demand, gpuMask });
        }
        made += classes.count - count;
        const isNew = classes.count > count;
        for (const { node, demand, gpuMask } of placed.reverse()) cluster.release(node, demand, gpuMask);
        classes.rollBack();
        expect(listed(classes)).toEqual(before);
        expect(classes.count).toBe(count);
        expect(classes.epoch).toBe(epoch + (isNew ? 1 : 0));
        for (let i = journalEnd; i < classes.journalEnd; i++) {
          expect(classes.journalEntry(i)).toBeLessThan(count);
        }
        check(cluster, classes);
        churn(cluster, firstFit(cluster, classes), random, 20, shapes);
        check(cluster, classes);
      }
      expect(made).toBeGreaterThan(20);
    },
  );

  test('drops unoccupied classes at its limit and keeps every node', () => {
    const random = stream(4);
    const cluster = randomCluster(40, random);
    const classes = new ClassTable(cluster, latticeOf(cluster), 96);
    const shapes = randomDemands(40, random, cluster.demands);
    churn(cluster, firstFit(cluster, classes), random, 3000, shapes);
    expect(classes.epoch).toBeGreaterThan(0);
    expect(classes.count).toBeLessThanOrEqual(96);
    check(cluster, classes);
  });

  test('says so when occupied classes alone pass half of the limit', () => {
    const random = stream(5);
    const cluster = randomCluster(60, random);
    const classes = new ClassTable(cluster, latticeOf(cluster), 24);
    const shapes = randomDemands(40, random, cluster.demands);
    expect(() => churn(cluster, firstFit(cluster, classes), random, 3000, shapes)).toThrow(/raise it/);
  });

  test('follows nodes that join later', () => {
    const random = stream(6);
    const cluster = randomCluster(10, random);
    const classes = new ClassTable(cluster, latticeOf(cluster), 4096);
    for (let i = 0; i < 100; i++) {
      const node = cluster.addNode({
        name: `late${i}`,
        cpuMilli: 48_000 + 1000 * (i % 3),
        memoryMib: 100_000,
        gpuCount: 2,
        gpuModel: 'D',
        podsMax: 110,
      });
      classes.update(node);
    }
    check(cluster, classes);
  });
});
