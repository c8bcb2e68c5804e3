/**
 * Over random clusters with tenants, champions and evictions, pods that end and victims that are created again at once: who fits an
 * empty node starts in the end. Nobody is forgotten, and no two evict each other for ever.
 */
import { expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import type { PodEffect } from '../pod-events.ts';
import { group } from '../scheduler.fixtures.ts';
import { ChampionLife } from './champion-life.fixtures.ts';

const WORLDS = Number(process.env.TEG_START_WORLDS ?? 60);
const TEAMS = ['x', 'y', 'z'] as const;
const ARRIVALS = 40;
const NODE_GPUS = 8;
/** Evictions of one pod and its successors. */
const EVICTIONS_MAX = 20;
const LONG_SECONDS = 200_000;

/** Pods of one world. */
class StartWorld {
  readonly random: Random;
  readonly life: ChampionLife;
  readonly specs = new Map<string, PodDescription>();
  evictions = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const areLate = this.draw(2) === 0;
    this.life = new ChampionLife(({ expectedSeconds = 300 }) =>
      areLate && this.draw(4) === 0 ? 2 * expectedSeconds : expectedSeconds,
    );
    const { cluster } = this.life;
    for (let i = 2 + this.draw(3); i > 0; i--)
      cluster.nodes(gpuNode(`n${i}`, this.draw(3) === 0 ? 'b' : 'a'));
    cluster.nodes(gpuNode('last', 'a', NODE_GPUS));
    this.setTenants();
    const decide = cluster.decide.bind(cluster);
    cluster.decide = (max) => {
      const effects = decide(max);
      for (const effect of effects) this.evict(effect);
      return effects;
    };
  }

  draw(n: number): number {
    return this.random.nextInt(n);
  }

  /** Somebody arrives, who fits the empty last node. */
  arrive(name: string): void {
    const { life } = this;
    const team = TEAMS[this.draw(TEAMS.length)] as string;
    const known = this.draw(3) > 0 ? { expectedSeconds: 20 + this.draw(600) } : {};
    const more: Partial<PodDescription> = { ...known, priority: this.draw(6) === 0 ? 5 : 0 };
    const template = this.draw(3) === 0 ? { nodeSelector: { kind: 'a' } } : {};
    const count = this.draw(3) === 0 ? 2 + this.draw(2) : 1;
    const most = Math.floor(NODE_GPUS / count);
    if (count > 1) life.cluster.group(group(name, count));
    const own = count > 1 ? { ...more, group: `core:default/${name}` } : more;
    this.add(
      ...Array.from({ length: count }, (_, i) =>
        gpuPodOf(`${name}-${i}`, team, 1 + this.draw(most), template, own),
      ),
    );
    life.runUntil(life.cluster.timeSeconds + this.draw(120));
  }

  /** Names of those that never started and were not evicted, with what they wait for. */
  waiting(): string[] {
    const { started, cluster } = this.life;
    return [...this.specs.keys()]
      .filter((uid) => !started.has(uid))
      .map((uid) => `${uid}: ${cluster.scheduler.explain(uid)?.waitsFor?.text ?? 'unknown'}`);
  }

  private setTenants(): void {
    const unknownRuntime = (['Predict', 'Tenant', 'Never'] as const)[this.draw(3)] ?? 'Never';
    const champion = { afterSeconds: 50 * this.draw(3), reservationsMax: 1 + this.draw(4), unknownRuntime };
    const tenants = TEAMS.map((name) => {
      const a = this.draw(9);
      const limit = this.draw(3) === 0 ? { limit: { a: { gpuMilli: 1000 * (NODE_GPUS + a) } } } : {};
      return teamTenant(name, { a, b: this.draw(5) }, { defaultRuntimeSeconds: 200, ...limit });
    });
    setEconomy(this.life.cluster, 'enforce', { ...labelledMarket('a', 'b'), champion }, tenants);
  }

  private add(...pods: readonly PodDescription[]): void {
    for (const pod of pods) this.specs.set(pod.uid, pod);
    this.life.add(...pods);
  }

  /** The victim is gone, and its controller makes another one. */
  private evict(effect: PodEffect): void {
    if (effect.kind === 'evict') this.life.cluster.step({ kind: 'evict-done', uid: effect.uid, done: true });
    const uids = effect.kind === 'evict' ? [effect.uid] : effect.kind === 'gang-release' ? effect.uids : [];
    for (const uid of uids) {
      this.evictions++;
      const old = this.specs.get(uid) as PodDescription;
      this.specs.delete(uid);
      this.life.cluster.gone(uid);
      const [name, times = '0'] = uid.split('~');
      expect(Number(times), `evictions of ${uid}`).toBeLessThan(EVICTIONS_MAX);
      const next = `${name}~${Number(times) + 1}`;
      this.add({ ...old, uid: next, name: next });
    }
  }
}

test(`${WORLDS} worlds: everybody starts in the end`, () => {
  let evictions = 0;
  for (let seed = 1; seed <= WORLDS; seed++) {
    const world = new StartWorld(seed);
    for (let i = 0; i < ARRIVALS; i++) world.arrive(`j${i}`);
    world.life.runUntil(world.life.cluster.timeSeconds + LONG_SECONDS);
    expect(world.waiting(), `seed ${seed}`).toEqual([]);
    evictions += world.evictions;
  }
  expect(evictions).toBeGreaterThan(WORLDS / 20);
}, 600_000);
