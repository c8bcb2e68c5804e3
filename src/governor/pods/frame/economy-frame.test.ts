import { describe, expect, test } from 'vitest';
import { ChampionLife } from '../champion/champion-life.fixtures.ts';
import { createConstraints } from '../constraints/cluster-constraints.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { digestOf } from '../log/pod-effects-digest.ts';
import { PodScheduler } from '../pod-scheduler.ts';
import { randomOptions } from '../random-life.fixtures.ts';
import { group, TestCluster } from '../scheduler.fixtures.ts';
import { type EconomyFrame, WAITING_NAMED_MAX } from './economy-frame.ts';
import { EconomyLife } from './random-economy.fixtures.ts';

/** Two nodes of 8 GPUs, and two tenants below a third. */
function teams(mode: 'off' | 'observe' | 'enforce' = 'enforce'): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  setEconomy(cluster, mode, labelledMarket('a'), [
    teamTenant('labs', {}),
    teamTenant('nlp', { a: 8 }, { parent: 'labs', lend: { a: { gpuMilli: 4000 } } }),
    teamTenant('vision', { a: 8 }, { parent: 'labs' }),
  ]);
  return cluster;
}

function frameOf({ scheduler }: TestCluster): EconomyFrame {
  const frame = scheduler.view().economy();
  if (frame === undefined) throw new Error('there is no economy');
  return frame;
}

function tenant(cluster: TestCluster, name: string) {
  return frameOf(cluster).tenants.find((each) => each.name === name);
}

describe('the frame of an economy', () => {
  test('has what tenants hold, borrow and lend, with those below them', () => {
    const cluster = teams();
    cluster.pods(...Array.from({ length: 14 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
    cluster.settle();
    const gpus = (gpuMilli: number) => expect.objectContaining({ gpuMilli });
    expect(tenant(cluster, 'vision')).toMatchObject({
      parent: 'labs',
      state: 'Open',
      running: 12,
      waiting: 2,
      unitsPerHour: 12,
      tokens: undefined,
      flavors: [{ flavor: 'a', quota: gpus(8000), used: gpus(12_000), borrowed: gpus(4000), lent: gpus(0) }],
    });
    expect(tenant(cluster, 'nlp')).toMatchObject({
      running: 0,
      waiting: 0,
      levelShare: Number.POSITIVE_INFINITY,
      flavors: [{ quota: gpus(8000), lent: gpus(4000), available: gpus(4000) }],
    });
    expect(tenant(cluster, 'labs')).toMatchObject({ running: 12, waiting: 2 });
    expect(frameOf(cluster).flavors).toMatchObject([
      { name: 'a', capacity: gpus(16_000), used: gpus(12_000), utilisation: 0.75, price: 4, slope: 1 },
    ]);
  });

  test('names the first waiting jobs of a namespace with their reasons, gangs as one', () => {
    const cluster = teams();
    cluster.pods(...Array.from({ length: 36 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
    cluster.group({ ...group('g', 3), key: 'core:vision/g' });
    const gang = { group: 'core:vision/g', priority: 9 };
    cluster.pods(...[0, 1].map((i) => gpuPodOf(`g${i}`, 'vision', 2, {}, gang)));
    cluster.settle();
    const [labs, nlp, vision] = frameOf(cluster).namespaces;
    expect([labs, nlp]).toMatchObject([
      { name: 'labs', running: 0, waiting: 0, jobs: [] },
      { name: 'nlp', tenant: 'nlp' },
    ]);
    expect(vision).toMatchObject({ tenant: 'vision', problem: undefined, running: 12, waiting: 25 });
    expect(vision?.jobs).toHaveLength(WAITING_NAMED_MAX);
    expect(vision?.jobs[0]).toMatchObject({
      job: 'g',
      pods: 3,
      priority: 9,
      reason: { code: 'gang-incomplete' },
    });
    expect(vision?.jobs[1]).toMatchObject({
      job: 'v12',
      pods: 1,
      needs: { cpuMilli: 1000, memoryMib: 0, gpuMilli: 1000 },
      reason: { code: 'quota-used-up' },
      startsBySeconds: undefined,
    });
  });

  test('counts no pod that has gates, until they are gone', () => {
    const cluster = teams();
    cluster.pods(gpuPodOf('g', 'nlp', 1, {}, { gates: ['kueue.x-k8s.io/admission'] }));
    cluster.settle();
    const seen = () => {
      const { running, waiting } = tenant(cluster, 'nlp') ?? {};
      return { running, waiting, account: frameOf(cluster).namespaces[1]?.waiting };
    };
    expect(seen()).toEqual({ running: 0, waiting: 0, account: 0 });
    cluster.pods(gpuPodOf('g', 'nlp', 9));
    cluster.settle();
    expect(seen()).toEqual({ running: 0, waiting: 1, account: 1 });
  });

  test('has the champion, what it needs, and when it starts', () => {
    const life = new ChampionLife();
    const { cluster } = life;
    cluster.nodes(gpuNode('n1', 'a'));
    const champion = { afterSeconds: 60, reservationsMax: 1, unknownRuntime: 'Never' } as const;
    setEconomy(cluster, 'enforce', { ...labelledMarket('a'), champion }, [teamTenant('nlp', { a: 80 })]);
    life.add(gpuPodOf('small', 'nlp', 2, {}, { expectedSeconds: 1000 }));
    life.runUntil(1100);
    life.add(gpuPodOf('large', 'nlp', 8, {}, { expectedSeconds: 50 }));
    life.runUntil(1200);
    expect(frameOf(cluster).champions).toMatchObject([
      {
        job: 'nlp/large',
        tenant: 'nlp',
        pods: 1,
        needs: { gpuMilli: 8000 },
        holdsNodes: ['n1'],
        startsBySeconds: 2000,
      },
    ]);
    expect(frameOf(cluster).namespaces[0]?.jobs).toMatchObject([{ job: 'large', startsBySeconds: 2000 }]);
  });

  test('off: there is none; observe: it says what would be refused', () => {
    expect(teams('off').scheduler.view().economy()).toBeUndefined();
    const cluster = teams('observe');
    cluster.pods(...Array.from({ length: 16 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
    cluster.settle();
    expect(tenant(cluster, 'vision')).toMatchObject({ running: 16, wouldRefuse: { code: 'quota-used-up' } });
    expect(tenant(cluster, 'nlp')).toMatchObject({ wouldRefuse: undefined });
  });

  test('has the tokens of a market that asks for them', () => {
    const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
    setEconomy(cluster, 'enforce', { ...labelledMarket('a'), tokens: true }, [teamTenant('nlp', { a: 8 })]);
    cluster.pods(gpuPodOf('p', 'nlp', 4));
    cluster.settle();
    expect(tenant(cluster, 'nlp')?.tokens).toMatchObject({ balance: 192, mintPerHour: 8 });
    cluster.wait(3600).step({ kind: 'device-class-gone', name: 'x' });
    const later = tenant(cluster, 'nlp')?.tokens;
    expect(later?.spendPerHour).toBeGreaterThan(0);
    expect(later?.balance).toBeCloseTo(192 + 8 - (later?.spendPerHour ?? 0), -1);
  });

  test('what a budget has spent is read up to now, and nothing is changed by it', () => {
    const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
    const budget = { tokens: 100, periodSeconds: 1e9, onEmpty: 'Wait' } as const;
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 8 }, { budget, defaultRuntimeSeconds: 7200 }),
    ]);
    cluster.pods(gpuPodOf('p', 'nlp', 8));
    cluster.settle();
    cluster.wait(3600).step({ kind: 'device-class-gone', name: 'x' });
    expect(tenant(cluster, 'nlp')?.budget).toMatchObject({ tokens: 100, spent: 8, reserved: 8 });
    cluster.wait(7200).step({ kind: 'device-class-gone', name: 'x' });
    expect(tenant(cluster, 'nlp')?.budget).toMatchObject({ spent: 24, reserved: 0 });
  });

  test.each([1, 2, 3])(
    'decisions of a random life (seed %i) are the same with and without frames',
    (seed) => {
      const live = (look: (scheduler: PodScheduler) => void): number => {
        const life = new EconomyLife(seed, { nodes: 6, pods: 40, groups: 4, freshShapes: false });
        const scheduler = new PodScheduler(randomOptions(seed), createConstraints());
        let digest = 0;
        for (let step = 0; step < 1200; step++) {
          const effects = scheduler.step(life.next(), life.timeSeconds);
          digest = digestOf(effects, digest);
          life.take(effects);
          if (step % 4 === 0) look(scheduler);
        }
        return digest;
      };
      let [frames, jobs] = [0, 0];
      const looked = live((scheduler) => {
        const frame = scheduler.view().economy();
        if (frame === undefined) return;
        frames++;
        for (const { waiting, jobs: named } of frame.namespaces) {
          expect(named).toHaveLength(Math.min(waiting, WAITING_NAMED_MAX));
          jobs += named.length;
        }
      });
      expect(looked).toBe(live(() => {}));
      expect(frames).toBeGreaterThan(100);
      expect(jobs).toBeGreaterThan(300);
    },
  );
});
