import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import { PREEMPTION_DEFAULTS } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { group, refusals, TestCluster, victims } from '../scheduler.fixtures.ts';
import { ChampionLife } from './champion-life.fixtures.ts';

const AFTER = 60;

/** Nodes of 8 GPUs, and a tenant that may use all of them. */
function lifeOf(
  nodes: number,
  trueSeconds?: (pod: PodDescription) => number,
  unknown: 'Predict' | 'Never' = 'Never',
) {
  const life = new ChampionLife(trueSeconds);
  for (let i = 0; i < nodes; i++) life.cluster.nodes(gpuNode(`n${i}`, 'a'));
  setLifeEconomy(life, unknown);
  return life;
}

function setLifeEconomy(life: ChampionLife, unknown: 'Predict' | 'Never' | 'Tenant' = 'Never'): void {
  const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: unknown };
  setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, [
    teamTenant('all', { a: 80 }, { defaultRuntimeSeconds: 500 }),
  ]);
}

function of(
  name: string,
  gpus: number,
  expectedSeconds?: number,
  more: Partial<PodDescription> = {},
): PodDescription {
  const expected = expectedSeconds === undefined ? {} : { expectedSeconds };
  return gpuPodOf(name, 'all', gpus, {}, { ...expected, ...more });
}

function gang(life: ChampionLife, name: string, pods: number, gpus: number, seconds: number): void {
  life.cluster.group(group(name, pods));
  const key = `core:default/${name}`;
  life.add(...Array.from({ length: pods }, (_, i) => of(`${name}-${i}`, gpus, seconds, { group: key })));
}

describe('champions of the pod scheduler', () => {
  test('a gang is promised the time when enough pods have ended, and small pods flow around it', () => {
    const life = lifeOf(2);
    life.add(of('long', 8, 1000), of('half', 4, 300));
    life.runUntil(1010);
    gang(life, 'g', 2, 8, 100);
    life.runUntil(1100);
    expect(life.champions()).toMatchObject([
      { key: 'core:default/g', pods: 2, startsBySeconds: 2000, promisedSeconds: 2000, postponed: 0 },
    ]);
    // Ends before the gang starts; ends after it.
    life.add(of('stays', 4, 2000), of('short', 4, 500));
    life.runUntil(1100);
    expect([life.started.has('short'), life.started.has('stays')]).toEqual([true, false]);
    const report = life.cluster.scheduler.explain('stays');
    expect(report).toMatchObject({ reason: 'NotReadyForScheduling' });
    expect(report?.message).toContain('room-reserved (forJob default/g, startsBySeconds 2000)');
    life.runUntil(2100);
    expect(life.promises[0]).toEqual({ key: 'core:default/g', promisedSeconds: 2000, startedSeconds: 2000 });
    life.runUntil(2200);
    expect(life.started.get('stays')).toBe(2100);
  });

  test('is one for all that could use the same nodes, from afterSeconds on, and one for each flavour', () => {
    const life = new ChampionLife();
    life.cluster.nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'), gpuNode('n3', 'b'));
    const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: 'Never' } as const;
    setEconomy(life.cluster, 'enforce', { ...labelledMarket('a', 'b'), champion }, [
      teamTenant('all', { a: 80, b: 80 }),
    ]);
    const on = (kind: string, name: string, gpus: number, seconds: number): PodDescription =>
      gpuPodOf(name, 'all', gpus, { nodeSelector: { kind } }, { expectedSeconds: seconds });
    const keysAt = (timeSeconds: number): string[] => {
      life.runUntil(timeSeconds);
      return life.champions().map(({ key }) => key);
    };
    life.add(on('a', 'long', 5, 1000), on('a', 'longer', 5, 1500), on('b', 'long-b', 4, 2000));
    life.runUntil(1010);
    life.add(on('a', 'first', 8, 100), on('a', 'second', 7, 100));
    life.runUntil(1040);
    life.add(on('b', 'late', 8, 100));
    expect(keysAt(1069)).toEqual([]);
    // The review that makes the first one champion finds another that has not waited long enough.
    expect(keysAt(1071)).toEqual(['first']);
    expect(keysAt(1200)).toEqual(['first', 'late']);
    expect(keysAt(2001)).toEqual(['late', 'second']);
  });

  test('without an economy nobody is kept from room', () => {
    for (const mode of ['off', 'observe'] as const) {
      const life = lifeOf(2);
      setEconomy(life.cluster, mode, labelledMarket('a'), [teamTenant('all', { a: 16 })]);
      life.add(of('long', 8, 1000));
      life.runUntil(1010);
      gang(life, 'g', 2, 8, 100);
      life.runUntil(1200);
      life.add(of('stays', 4, 2000));
      life.runUntil(1201);
      expect([life.champions(), life.started.has('stays')]).toEqual([[], true]);
    }
  });

  test('room that a champion does not need is open to all', () => {
    const life = lifeOf(1);
    life.add(of('a', 4, 1000), of('b', 2, 3000));
    life.runUntil(1010);
    life.add(of('big', 4, 100), of('small', 1, 9000));
    life.runUntil(1200);
    // Of 8 GPUs 2 are b's; 4 are big's from 2000 on, and 2 more are needed by nobody.
    expect(life.champions()).toMatchObject([{ key: 'big', startsBySeconds: 2000 }]);
    life.add(of('one', 1, 9000), of('two', 1, 9000));
    life.runUntil(1201);
    expect(['small', 'one', 'two'].map((name) => life.started.has(name))).toEqual([true, true, false]);
  });

  test('an overrun postpones the champion, and nothing is evicted for it', () => {
    const life = lifeOf(1, ({ uid }) => (uid === 'liar' ? 1500 : 100));
    life.add(of('liar', 8, 1000));
    life.runUntil(1010);
    life.add(of('big', 8, 100));
    life.runUntil(2400);
    expect(life.champions()[0]?.promisedSeconds).toBe(2000);
    expect(life.champions()[0]?.startsBySeconds).toBeGreaterThan(2399);
    expect(life.champions()[0]?.postponed).toBeGreaterThan(0);
    life.runUntil(2600);
    expect(life.started.get('big')).toBe(2500);
    expect(life.cluster.scheduler.counters.victims).toBe(0);
  });

  test('pods of higher priority are not kept from the room of a champion', () => {
    const life = lifeOf(1);
    life.add(of('a', 4, 1000));
    life.runUntil(1010);
    life.add(of('big', 8, 100));
    life.runUntil(1100);
    life.add(of('low', 4, 9000), of('high', 4, 9000, { priority: 5 }));
    life.runUntil(1102);
    expect([life.started.has('low'), life.started.has('high')]).toEqual([false, true]);
  });

  test('one champion in a contention domain; flavours that share nothing have their own', () => {
    const life = new ChampionLife();
    life.cluster.nodes(gpuNode('a0', 'a'), gpuNode('b0', 'b'));
    const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: 'Never' as const };
    setEconomy(life.cluster, 'enforce', { ...labelledMarket('a', 'b'), champion }, [
      teamTenant('all', { a: 80, b: 80 }),
    ]);
    const on = (name: string, kind: string, gpus: number, seconds: number): PodDescription =>
      gpuPodOf(name, 'all', gpus, { nodeSelector: { kind } }, { expectedSeconds: seconds });
    life.add(on('ra', 'a', 4, 1000), on('rb', 'b', 4, 700));
    life.runUntil(1010);
    life.add(on('big-a', 'a', 8, 100), on('next-a', 'a', 8, 50), on('big-b', 'b', 8, 100));
    life.runUntil(1200);
    expect(life.champions().map(({ key, startsBySeconds }) => [key, startsBySeconds])).toEqual([
      ['big-a', 2000],
      ['big-b', 1700],
    ]);
    life.runUntil(2200);
    expect(
      life.promises.map(({ key, promisedSeconds, startedSeconds }) => [
        key,
        startedSeconds - promisedSeconds,
      ]),
    ).toEqual(
      expect.arrayContaining([
        ['big-a', 0],
        ['big-b', 0],
      ]),
    );
  });

  test('a claimant that goes, and a node that goes, leave no room kept', () => {
    const life = lifeOf(1);
    life.add(of('a', 4, 1000));
    life.runUntil(1010);
    life.add(of('big', 8, 100));
    life.runUntil(1100);
    life.add(of('stays', 4, 9000));
    life.runUntil(1101);
    expect([life.champions().length, life.started.has('stays')]).toEqual([1, false]);
    life.cluster.gone('big');
    life.runUntil(1140);
    expect([life.champions().length, life.started.has('stays')]).toEqual([0, true]);
  });

  test('unknown ends: by default of the tenant, by the last two runs, or no champion at all', () => {
    const starts = (['Never', 'Tenant', 'Predict'] as const).map((unknown) => {
      const life = lifeOf(1, () => 200);
      setLifeEconomy(life, unknown);
      life.add(of('first', 8));
      life.runUntil(1300);
      life.add(of('second', 4));
      life.runUntil(1310);
      life.add(of('big', 8));
      life.runUntil(1400);
      return life.champions()[0]?.promisedSeconds;
    });
    expect(starts).toEqual([undefined, 1300 + 500, 1300 + 200]);
  });

  test('gangs of unlike members are planned whole', () => {
    const life = lifeOf(2);
    life.add(of('a', 8, 1000), of('b', 8, 400));
    life.runUntil(1010);
    life.cluster.group(group('mixed', 3));
    const key = 'core:default/mixed';
    life.add(
      of('m0', 8, 100, { group: key }),
      of('m1', 5, 100, { group: key }),
      of('m2', 3, 100, { group: key }),
    );
    life.runUntil(1200);
    expect(life.champions()).toMatchObject([{ pods: 3, startsBySeconds: 2000 }]);
    life.runUntil(2050);
    expect(['m0', 'm1', 'm2'].map((name) => life.started.get(name))).toEqual([2000, 2000, 2000]);
  });

  test('a champion keeps its start while others borrow its quota', () => {
    const life = lifeOf(2);
    const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: 'Never' as const };
    setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, [
      teamTenant('all', { a: 10 }),
      teamTenant('own', { a: 6 }),
      teamTenant('borrower', {}, { weight: 1 }),
    ]);
    life.add(of('a', 5, 1000), of('b', 5, 1500));
    life.runUntil(1010);
    life.add(gpuPodOf('six', 'own', 6, {}, { expectedSeconds: 100 }));
    life.runUntil(1100);
    expect(life.champions()).toMatchObject([{ key: 'six', promisedSeconds: 2000 }]);
    const borrow = (name: string, seconds: number) =>
      life.add(gpuPodOf(name, 'borrower', 1, {}, { expectedSeconds: seconds }));
    for (let i = 0; i < 6; i++) borrow(`short-${i}`, 300);
    for (let i = 0; i < 6; i++) borrow(`long-${i}`, 9000);
    life.runUntil(1200);
    // All that is idle of the quota of 6 is lent.
    expect(life.champions()).toMatchObject([{ key: 'six', promisedSeconds: 2000 }]);
    life.runUntil(3000);
    expect([life.started.get('six'), life.cluster.scheduler.counters.victims]).toEqual([2000, 0]);
  });

  test('a champion whose victims leave after its planned start does not keep the scheduler busy', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 1));
    const champion = { afterSeconds: 10, reservationsMax: 1, unknownRuntime: 'Never' as const };
    const slow = { preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 60 } };
    setEconomy(cluster, 'enforce', { ...labelledMarket('a'), champion }, [
      teamTenant('nlp', { a: 2 }, slow),
      teamTenant('vision', {}, slow),
    ]);
    cluster.pods(gpuPodOf('v', 'vision', 1, {}, { expectedSeconds: 100 }));
    cluster.settle();
    cluster.update('v', { nodeName: 'n1', startedSeconds: cluster.timeSeconds });
    cluster.pods(gpuPodOf('p', 'nlp', 1, {}, { expectedSeconds: 50 }));
    cluster.decide();
    cluster.wait(20).decide();
    expect(cluster.scheduler.internals.champions.count).toBe(1);
    expect(victims(cluster.wait(45).decide())).toEqual(['v']);
    cluster.wait(60).decide();
    expect(cluster.scheduler.internals.champions.count).toBe(1);
    expect(cluster.scheduler.dueSeconds).toBeGreaterThan(cluster.timeSeconds);
  });

  test('with exact ends every first promise is kept, whatever arrives', () => {
    let promises = 0;
    for (let seed = 1; seed <= 60; seed++) promises += randomLife(seed);
    expect(promises).toBeGreaterThan(60);
  }, 60_000);
});

/** @returns Promises made; each is checked. */
function randomLife(seed: number): number {
  const random = new Random(seed);
  const nodes = 1 + random.nextInt(4);
  const life = lifeOf(nodes);
  for (let i = 0; i < 40; i++) {
    const seconds = 50 + random.nextInt(800);
    const gpus = 4 + 4 * random.nextInt(2);
    const most = (8 * nodes) / gpus;
    if (random.nextInt(4) === 0) gang(life, `g${i}`, 1 + random.nextInt(most), gpus, seconds);
    else life.add(of(`p${i}`, 1 + random.nextInt(4), seconds));
    life.runUntil(life.cluster.timeSeconds + random.nextInt(120));
  }
  life.runUntil(life.cluster.timeSeconds + 200_000);
  for (const { key, promisedSeconds, startedSeconds } of life.promises) {
    // A gang that was refused is tried again after at most a second.
    expect(startedSeconds - promisedSeconds, `seed ${seed}, ${key}`).toBeLessThanOrEqual(1);
  }
  expect(refusals(life.cluster.decide())).toEqual({});
  expect(life.cluster.scheduler.view().waitingCount, `seed ${seed}`).toBe(0);
  return life.promises.length;
}
