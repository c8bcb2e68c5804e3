/** Headroom of quotas and limits, kept for gangs of pods: who waits for it, who does not, and what is given back. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { podTenantSpec } from '../../../market/tenants/economy-description.ts';
import { tenantSpec } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { group, selector } from '../scheduler.fixtures.ts';
import { ChampionLife } from './champion-life.fixtures.ts';
import { PodHeadroom } from './pod-headroom.ts';

const AFTER = 60;

/** Two nodes of 8 GPUs. Lender's 12 are lent to all; `limited` may hold 8. */
function lifeOf(mode: 'enforce' | 'observe' = 'enforce', trueSeconds?: (pod: PodDescription) => number) {
  const life = new ChampionLife(trueSeconds);
  life.cluster.nodes(gpuNode('n0', 'a'), gpuNode('n1', 'a'));
  const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: 'Never' as const };
  setEconomy(life.cluster, mode, { ...labelledMarket('a'), champion }, [
    teamTenant('lender', { a: 12 }),
    teamTenant('gang', {}),
    teamTenant('small', {}),
    podTenantSpec(tenantSpec('limited', { limit: { a: { gpuMilli: 8000 } } }), selector('team', 'limited')),
  ]);
  return life;
}

function addGang(life: ChampionLife, namespace: string, pods: number, seconds: number): void {
  const key = `core:${namespace}/g`;
  life.cluster.group(group('g', pods, { key }));
  const of = { group: key, expectedSeconds: seconds };
  life.add(...Array.from({ length: pods }, (_, i) => gpuPodOf(`g-${i}`, namespace, 1, {}, of)));
}

let count = 0;
function addSmall(life: ChampionLife, namespace: string, pods: number, seconds: number, more = {}): string[] {
  const names = Array.from({ length: pods }, () => `s${count++}`);
  life.add(...names.map((name) => gpuPodOf(name, namespace, 1, {}, { expectedSeconds: seconds, ...more })));
  return names;
}

/** Small pods of 100 s keep coming, some more than there is headroom for, before and behind a gang. @returns When it started. */
function crowd(namespace: string, gangIn: string, pods: number): number | undefined {
  const life = lifeOf();
  for (let turn = 0; turn < 100; turn++) {
    addSmall(life, namespace, 4, 100);
    if (turn === 10) addGang(life, gangIn, pods, 50);
    life.runUntil(1000 + 20 * (turn + 1));
  }
  return life.started.get('g-0');
}

const reasonOf = (life: ChampionLife, uid: string | undefined): string =>
  life.cluster.scheduler.internals.state.pods.get(uid ?? '')?.notAdmitted?.code ?? '';

describe('headroom for a gang of pods', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    ['of lent quota', 'small', 'gang', 10],
    ['below its limit', 'limited', 'limited', 8],
  ] as const)(
    '%s: it starts although small pods keep coming, and would not if none were kept',
    (_, small, gang, pods) => {
      const started = crowd(small, gang, pods);
      expect(started).toBeLessThan(1600);
      vi.spyOn(PodHeadroom.prototype, 'behind').mockReturnValue(undefined);
      expect(crowd(small, gang, pods)).toBeUndefined();
    },
  );

  test('holds up only those who would take of it: not lenders, nor who has returned it, nor a higher priority', () => {
    const life = lifeOf();
    addSmall(life, 'small', 6, 1000);
    addSmall(life, 'small', 4, 400);
    life.runUntil(1010);
    addGang(life, 'gang', 10, 50);
    life.runUntil(1000 + 10 + AFTER);
    const { champions } = life.cluster.scheduler.internals;
    expect(champions.headroom.isKeeping).toBe(true);
    // 16 − 10 are free: with 4 of those that run the gang would start when they end.
    const [held] = addSmall(life, 'small', 1, 5000);
    const [lender] = addSmall(life, 'lender', 1, 5000);
    const [short] = addSmall(life, 'small', 1, 200);
    const [high] = addSmall(life, 'small', 1, 5000, { priority: 5 });
    life.runUntil(1075);
    expect(reasonOf(life, held)).toBe('headroom-reserved');
    const report = life.cluster.scheduler.explain(held as string);
    expect(report).toMatchObject({ reason: 'NotReadyForScheduling' });
    expect(report?.message).toContain('headroom-reserved (forJob gang/g, expectedAtSeconds 1400)');
    expect([lender, short, high].map((uid) => life.started.has(uid as string))).toEqual([true, true, true]);
    // The lender and the higher priority took of it: the start is put off.
    life.runUntil(2000);
    expect(life.started.get('g-0')).toBe(2000);
    life.runUntil(2100);
    expect(life.started.has(held as string)).toBe(true);
    expect(champions.headroom.isKeeping).toBe(false);
  });

  test('what is spare at its start may be held for longer: it goes to who asks first, and the gang starts in time', () => {
    const life = lifeOf();
    addSmall(life, 'small', 10, 400);
    life.runUntil(1010);
    addGang(life, 'gang', 15, 50);
    life.runUntil(1000 + 10 + AFTER);
    // 6 of 16 are free. At 1400 all will be, and the gang needs 15.
    const [first, second] = addSmall(life, 'small', 2, 5000);
    life.runUntil(1080);
    expect(life.started.has(first as string)).toBe(true);
    expect(reasonOf(life, second)).toBe('headroom-reserved');
    // A plan that counts the first finds nothing spare either.
    life.runUntil(1200);
    expect(reasonOf(life, second)).toBe('headroom-reserved');
    life.runUntil(1500);
    expect(life.started.get('g-0')).toBe(1400);
  });

  test('is said to the gang, and given back when it is gone', () => {
    const life = lifeOf();
    addSmall(life, 'small', 10, 1000);
    life.runUntil(1010);
    addGang(life, 'gang', 16, 50);
    life.runUntil(1000 + 10 + AFTER);
    const { scheduler } = life.cluster;
    const [held] = addSmall(life, 'small', 1, 5000);
    life.runUntil(1080);
    expect(reasonOf(life, held)).toBe('headroom-reserved');
    expect(scheduler.internals.state.pods.get('g-1')?.told).toMatch(
      /^not admitted: quota-used-up .* headroom is kept for it: expected at 2000\.$/,
    );
    life.cluster.gone(...Array.from({ length: 16 }, (_, i) => `g-${i}`));
    life.runUntil(1110);
    expect(scheduler.internals.champions.headroom.isKeeping).toBe(false);
    expect(life.started.has(held as string)).toBe(true);
  });

  test('is given up when it lasts too long, and kept again later', () => {
    // They say 100 s, and run for ever.
    const life = lifeOf('enforce', (pod) => (pod.expectedSeconds === 100 ? 1e9 : (pod.expectedSeconds ?? 1)));
    addSmall(life, 'small', 10, 100);
    life.runUntil(1010);
    addGang(life, 'gang', 16, 50);
    const { headroom } = life.cluster.scheduler.internals.champions;
    life.runUntil(1000 + 10 + AFTER);
    expect(headroom.isKeeping).toBe(true);
    const [held] = addSmall(life, 'small', 1, 20_000);
    life.runUntil(1100);
    expect(life.started.has(held as string)).toBe(false);
    life.runUntil(1000 + 10 + AFTER + 3600 + 200);
    expect(life.started.has(held as string)).toBe(true);
  });

  test('is kept for nobody in mode observe, for ends that are unknown, or above a limit', () => {
    for (const mode of ['observe', 'enforce'] as const) {
      const life = lifeOf(mode);
      life.add(...Array.from({ length: 10 }, (_, i) => gpuPodOf(`u${i}`, 'small')));
      life.cluster.decide();
      addGang(life, 'gang', 10, 50);
      addGang(life, 'limited', 9, 50);
      for (let i = 0; i < 10; i++) {
        life.cluster.wait(60).decide();
        expect(life.cluster.scheduler.internals.champions.headroom.isKeeping).toBe(false);
      }
    }
  });

  test('ends with the economy, and follows tenants that change', () => {
    const life = lifeOf();
    addSmall(life, 'small', 10, 1000);
    life.runUntil(1010);
    addGang(life, 'gang', 16, 50);
    life.runUntil(1000 + 10 + AFTER);
    const { headroom } = life.cluster.scheduler.internals.champions;
    expect(headroom.isKeeping).toBe(true);
    const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: 'Never' as const };
    const tenants = ['other', 'gang', 'lender', 'small'].map((name) =>
      teamTenant(name, name === 'lender' ? { a: 12 } : {}),
    );
    setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, tenants);
    const [held] = addSmall(life, 'small', 1, 5000);
    life.runUntil(1075);
    expect(headroom.isKeeping).toBe(true);
    expect(reasonOf(life, held)).toBe('headroom-reserved');
    setEconomy(life.cluster, 'off', labelledMarket('a'), []);
    life.runUntil(1080);
    expect(headroom.isKeeping).toBe(false);
    expect(life.started.has(held as string)).toBe(true);
    expect(life.started.has('g-0')).toBe(false);
  });
});
