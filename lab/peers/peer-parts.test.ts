import { describe, expect, it } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { DemandTable } from '../../src/model/demand.ts';
import { EligibleNodes } from './eligible-nodes.ts';
import { FeasibleNodes } from './feasible-nodes.ts';
import { testNodes } from './peers.fixtures.ts';
import { ReservationQueues } from './reservation-queues.ts';
import { StaleBoard } from './stale-board.ts';
import { WaitingLines } from './waiting-lines.ts';

function emptyCluster(nodes: number, gpus: number, models?: readonly string[]) {
  const demands = new DemandTable();
  const cluster = new ClusterState(demands);
  for (const node of testNodes(nodes, gpus, models)) cluster.addNode(node);
  const demandOf = (gpuCount: number, gpuModels: string[] = []) =>
    demands.intern({ cpuMilli: 1000, memoryMib: 1, gpuCount, gpuMilli: 1000, gpuModels });
  return { cluster, demandOf };
}

describe('EligibleNodes', () => {
  it('draws every node that could hold the pod alike, and no other', () => {
    const { cluster, demandOf } = emptyCluster(90, 2, ['A', 'B', 'C']);
    const eligible = new EligibleNodes(cluster);
    const set = eligible.of(demandOf(1, ['A', 'C']));
    const random = new Random(1);
    const counts = new Map<number, number>();
    for (let i = 0; i < 30_000; i++) {
      const node = eligible.draw(set, random);
      counts.set(node, (counts.get(node) ?? 0) + 1);
    }
    expect(counts.size).toBe(60);
    expect([...counts.keys()].some((node) => node % 3 === 1)).toBe(false);
    expect(Math.min(...counts.values())).toBeGreaterThan(400);
    expect(Math.max(...counts.values())).toBeLessThan(600);
    expect(eligible.of(demandOf(2, ['C', 'A']))).toBe(set);
    expect(eligible.of(demandOf(3)).count).toBe(0);
  });
});

describe('FeasibleNodes', () => {
  it('finds a node whenever one fits, under changes, and only fitting ones', () => {
    const { cluster, demandOf } = emptyCluster(3000, 4, ['A', 'A', 'B']);
    const demands = [demandOf(1), demandOf(4), demandOf(2, ['B']), demandOf(3, ['A']), demandOf(5)];
    const feasible = new FeasibleNodes(cluster, new EligibleNodes(cluster), 8);
    const random = new Random(2);
    const pods: { node: number; gpus: number; mask: number }[] = [];
    let empty = 0;
    for (let step = 0; step < 30_000; step++) {
      const isFilling = step < 15_000 || random.nextInt(2) === 0;
      const demand = demands[random.nextInt(5)] as (typeof demands)[number];
      const isWalk = random.nextInt(2) === 0;
      const got = isWalk ? feasible.walk(demand, random.nextU32(), 8) : feasible.draw(demand, random, 3);
      for (let i = 0; i < got; i++) expect(cluster.fits(feasible.found[i] as number, demand)).toBe(true);
      if (got === 0) {
        empty++;
        for (let node = 0; node < 3000; node++) {
          if (cluster.fits(node, demand))
            throw new Error(`node ${node} fits demand ${demand.id} at step ${step}`);
        }
      }
      if (isFilling && got > 0) {
        const node = feasible.found[0] as number;
        const mask = cluster.bestFitGpus(node, demand);
        cluster.place(node, demand, mask);
        pods.push({ node, gpus: demand.id, mask });
      } else if (pods.length > 0 && random.nextInt(3) === 0) {
        const at = random.nextInt(pods.length);
        const pod = pods[at] as (typeof pods)[number];
        pods[at] = pods[pods.length - 1] as (typeof pods)[number];
        pods.pop();
        cluster.release(pod.node, demands[pod.gpus] as (typeof demands)[number], pod.mask);
        feasible.freed(pod.node);
      }
    }
    // The run has covered the critical case: nothing fits, again and again.
    expect(empty).toBeGreaterThan(1000);
  });

  it('gives a list up when its demand is scarce no more', () => {
    const { cluster, demandOf } = emptyCluster(40_000, 1);
    const demand = demandOf(1);
    const feasible = new FeasibleNodes(cluster, new EligibleNodes(cluster), 2);
    for (let node = 0; node < 40_000; node++) cluster.place(node, demand, 1);
    expect(feasible.walk(demand, 0, 2)).toBe(0);
    for (let node = 0; node < 40_000; node++) {
      cluster.release(node, demand, 1);
      feasible.freed(node);
    }
    const seen = new Set<number>();
    const random = new Random(3);
    for (let i = 0; i < 2000; i++) {
      expect(feasible.draw(demand, random, 2)).toBe(2);
      seen.add(feasible.found[0] as number).add(feasible.found[1] as number);
    }
    // Drawn from all nodes, not from a cached part of them.
    expect(seen.size).toBeGreaterThan(3700);
  });
});

describe('StaleBoard', () => {
  it('stays as it was until it is refreshed, then is as the cluster is', () => {
    const { cluster, demandOf } = emptyCluster(4, 2);
    const copy = new ClusterState(cluster.demands);
    for (const node of testNodes(4, 2)) copy.addNode(node);
    const board = new StaleBoard(cluster, copy);
    const demand = demandOf(2);
    cluster.place(1, demand, 3);
    board.filledAt(1);
    expect(board.cluster.fits(1, demand)).toBe(true);
    board.refresh();
    expect(board.cluster.fits(1, demand)).toBe(false);
    expect(board.freedCount).toBe(0);
    cluster.release(1, demand, 3);
    board.freedAt(1);
    board.filledAt(1);
    board.refresh();
    expect(board.cluster.fits(1, demand)).toBe(true);
    expect([...board.freed.subarray(0, board.freedCount)]).toEqual([1]);
    expect([...copy.gpuIdleMilli.subarray(0, 8)]).toEqual([...cluster.gpuIdleMilli.subarray(0, 8)]);
    board.refresh();
    expect(board.freedCount).toBe(0);
  });
});

describe('WaitingLines', () => {
  it('is as a list for each demand', () => {
    const random = new Random(4);
    const lines = new WaitingLines(100, 5);
    const lists: number[][] = [[], [], [], [], []];
    for (let step = 0; step < 5000; step++) {
      const demand = random.nextInt(5);
      const job = demand * 20 + random.nextInt(20);
      const list = lists[demand] as number[];
      if (lines.has(job)) {
        lines.remove(demand, job);
        list.splice(list.indexOf(job), 1);
      } else {
        lines.push(demand, job);
        list.push(job);
      }
      const seen: number[] = [];
      for (let at = lines.first(demand); at >= 0; at = lines.after(at)) seen.push(at);
      expect(seen).toEqual(list);
      expect(lines.size).toBe(lists.reduce((sum, each) => sum + each.length, 0));
      const active = [...lines.active.subarray(0, lines.activeCount)].sort();
      expect(active).toEqual([0, 1, 2, 3, 4].filter((d) => (lists[d] as number[]).length > 0));
    }
  });
});

describe('ReservationQueues', () => {
  it('keeps the order of each queue, and its bound', () => {
    const random = new Random(5);
    const queues = new ReservationQueues(3, 10);
    const lists: number[][] = [[], [], []];
    for (let step = 0; step < 5000; step++) {
      const node = random.nextInt(3);
      const list = lists[node] as number[];
      if (random.nextInt(2) === 0) {
        const slot = queues.take(node, step);
        const isRoom = list.length < 10;
        expect(queues.push(slot)).toBe(isRoom);
        if (isRoom) list.push(slot);
        else queues.drop(slot);
      } else if (list.length > 0) {
        const at = random.nextInt(list.length);
        queues.remove(list[at] as number, at === 0 ? -1 : (list[at - 1] as number));
        queues.drop(list[at] as number);
        list.splice(at, 1);
      }
      const seen: number[] = [];
      for (let slot = queues.first(node); slot >= 0; slot = queues.after(slot)) seen.push(slot);
      expect(seen).toEqual(list);
    }
  });

  it('grows, and uses slots again', () => {
    const queues = new ReservationQueues(1, 5000);
    const slots = Array.from({ length: 3000 }, (_, i) => queues.take(0, i));
    for (const slot of slots) expect(queues.push(slot)).toBe(true);
    expect([0, 1023, 1024, 2999].map((i) => queues.owners[slots[i] as number])).toEqual([
      0, 1023, 1024, 2999,
    ]);
    queues.remove(slots[0] as number, -1);
    queues.drop(slots[0] as number);
    expect(queues.take(0, 7)).toBe(slots[0]);
  });
});
