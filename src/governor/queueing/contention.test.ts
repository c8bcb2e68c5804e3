/** Contention domains: which demands contend, the bound on their number, and champions of several domains. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import { makeCluster, NODE_KINDS } from '../zone/zone.fixtures.ts';
import { CONTENTION_DOMAINS_MAX, Contention } from './contention.ts';
import type { TegQueueOptions } from './teg-queue-options.ts';
import { World } from './teg-world.fixtures.ts';

/** Numbers of `POD_KINDS`. */
const CPU = 0;
const ANY_GPU = 4;
const A100 = 6;
const RDMA = 8;
/** Numbers of `NODE_KINDS`. */
const CPU_NODE = 0;
const T4_NODE = 1;
const A100_NODE = 2;
const RDMA_NODE = 3;

describe('demands', () => {
  it('contend if a flavour could serve both and both need GPUs or neither does', () => {
    const cluster = makeCluster([CPU_NODE, T4_NODE, A100_NODE, RDMA_NODE]);
    const t4 = demandOf(cluster, { gpuCount: 1, gpuMilli: 1000, gpuModels: ['T4'] });
    const contention = new Contention();
    contention.refresh(cluster);
    const of = (demand: number | Demand): number =>
      contention.domainOf(
        cluster,
        typeof demand === 'number' ? (cluster.demands.demands[demand] as Demand) : demand,
      );
    expect(contention.contend(of(A100), of(t4))).toBe(false);
    expect(contention.contend(of(A100), of(A100))).toBe(true);
    expect(contention.contend(of(A100), of(ANY_GPU))).toBe(true);
    expect(contention.contend(of(t4), of(ANY_GPU))).toBe(true);
    expect(contention.contend(of(CPU), of(ANY_GPU))).toBe(false);
    expect(contention.contend(of(CPU), of(RDMA))).toBe(true);
  });

  it('are in one of a bounded number of domains, and those beyond contend with all of their kind', () => {
    const demands = new DemandTable();
    const cluster = new ClusterState(demands);
    const [node] = NODE_KINDS as [(typeof NODE_KINDS)[0]];
    for (let i = 0; i < 12; i++) cluster.addNode({ ...node, name: `n${i}`, labels: { at: String(i) } });
    const contention = new Contention();
    contention.refresh(cluster);
    const domains = new Set<number>();
    let last = 0;
    for (let set = 1; set < 1 << 12; set++) {
      const values = Array.from({ length: 12 }, (_, i) => i).filter((i) => ((set >> i) & 1) === 1);
      const affinity = [{ key: 'at', operator: 'In' as const, values: values.map(String) }];
      last = contention.domainOf(cluster, demandOf(cluster, { cpuMilli: 1, affinity }));
      domains.add(last);
    }
    expect(domains.size).toBe(CONTENTION_DOMAINS_MAX + 1);
    expect([...domains].every((domain) => contention.contend(domain, last))).toBe(true);
  });

  it('are looked at again when nodes of a new flavour join', () => {
    const cluster = makeCluster([T4_NODE]);
    const contention = new Contention();
    const of = (demand: number): number =>
      contention.domainOf(cluster, cluster.demands.demands[demand] as Demand);
    contention.refresh(cluster);
    expect(contention.contend(of(A100), of(ANY_GPU))).toBe(false);
    cluster.addNode({ ...(NODE_KINDS[A100_NODE] as (typeof NODE_KINDS)[0]), name: 'new' });
    contention.refresh(cluster);
    expect(contention.contend(of(A100), of(ANY_GPU))).toBe(true);
  });
});

describe('champions of domains that do not contend', () => {
  it('are made at one time, reserve nothing of each other, and both start by their startsBy', () => {
    const world = flavorWorld();
    const { a100, t4 } = world.submitBoth();
    expect(world.queue.startsBy(a100)).toBe(100);
    expect(world.queue.startsBy(t4)).toBe(60);
    // Ends after the start of the one, but needs the other’s model: it flows around.
    world.submit(20, 1, 35, { demand: t4Demand(world) });
    world.submit(21, 1, 80, { demand: A100 });
    world.tick();
    expect([...world.starts.keys()]).toEqual(expect.arrayContaining([20, 21]));
    world.runTo(1000);
    expect(world.starts.get(t4)).toBe(60);
    expect(world.starts.get(a100)).toBe(100);
    expect(world.queue.promises).toMatchObject({ made: 2, kept: 2 });
  });

  it('leave room to a job without GPUs that waits for CPUs', () => {
    const world = new World({ nodes: [CPU_NODE, A100_NODE], savingRate: 1e6 });
    world.submit(0, 4, 60, { demand: CPU });
    world.submit(1, 3, 100);
    world.tick();
    world.submit(2, 4, 50);
    world.tick();
    world.runTo(5);
    // Five CPUs are free beside the GPUs, and would not be free again in time.
    world.submit(3, 4, 200, { demand: CPU });
    world.tick();
    world.runTo(10);
    expect([2, 3].map((job) => world.queue.startsBy(job))).toEqual([100, 60]);
    world.runTo(1000);
    expect([2, 3].map((job) => world.starts.get(job))).toEqual([100, 60]);
    expect(world.queue.promises).toMatchObject({ made: 2, kept: 2 });
  });

  it('are one at a time where they contend, and who can use all nodes is not passed for ever', () => {
    const world = flavorWorld();
    const { a100, t4 } = world.submitBoth();
    world.submit(30, 6, 10);
    world.tick();
    expect(world.queue.startsBy(30)).toBeUndefined();
    world.submit(31, 2, 500, { demand: t4Demand(world) });
    world.submit(32, 4, 500, { demand: A100 });
    // The first of the two champions leaves: the one behind both comes before any further one of a model.
    world.runTo(60);
    expect(world.starts.has(t4)).toBe(true);
    expect(world.queue.startsBy(31)).toBeUndefined();
    world.runTo(100);
    expect(world.starts.has(a100)).toBe(true);
    expect(world.queue.startsBy(30)).toBeDefined();
    world.runTo(5000);
    expect(world.starts.has(30) && world.starts.has(31) && world.starts.has(32)).toBe(true);
  });

  it('keep every promise in random worlds with exact run times', () => {
    let together = 0;
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const world = flavorWorld({ savingRate: 10, replanSeconds: seed % 2 });
      const demands = [A100, t4Demand(world), ANY_GPU, CPU];
      for (let job = 0; job < 60; job++) {
        world.runTo(world.time + random.nextInt(12));
        const demand = demands[random.nextInt(demands.length)] as number;
        world.submit(job, 1 + random.nextInt(2), 1 + random.nextInt(80), { demand });
        world.tick();
        world.zone.check();
        const promised = Array.from({ length: job }, (_, at) => at).filter(
          (at) => world.queue.startsBy(at) !== undefined,
        );
        if (promised.length > 1) together++;
      }
      world.runTo(1e6);
      expect(world.starts.size).toBe(60);
      expect(world.queue.promises.kept).toBe(world.queue.promises.made);
    }
    expect(together).toBeGreaterThan(50);
  });
});

function demandOf(cluster: ClusterState, more: Partial<PodSpec>): Demand {
  const pod = { cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [], ...more };
  return cluster.demands.intern(pod);
}

function t4Demand({ cluster }: World): number {
  return demandOf(cluster, { gpuCount: 1, gpuMilli: 1000, gpuModels: ['T4'] }).id;
}

/** Two GPUs of one model and four of the other. */
function flavorWorld(
  options: TegQueueOptions = {},
): World & { submitBoth: () => { a100: number; t4: number } } {
  const world = new World({ nodes: [T4_NODE, A100_NODE], savingRate: 1e6, ...options });
  /** All but one GPU of each model run, and a gang of each waits for all of them. */
  const submitBoth = (): { a100: number; t4: number } => {
    world.submit(0, 1, 60, { demand: t4Demand(world) });
    world.submit(1, 3, 100, { demand: A100 });
    world.tick();
    world.submit(2, 4, 50, { demand: A100 });
    world.submit(3, 2, 50, { demand: t4Demand(world) });
    world.tick();
    world.runTo(10);
    return { a100: 2, t4: 3 };
  };
  return Object.assign(world, { submitBoth });
}
