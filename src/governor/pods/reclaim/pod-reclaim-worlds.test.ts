/**
 * Invariants of evictions in the pod scheduler, after every decision of random lives: tenants in a hierarchy, pods and gangs of both kinds,
 * budgets, victims that come back at once, another scheduler. `TEG_POD_RECLAIM_WORLDS=1000` runs that many.
 */
import { expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import { PREEMPTION_DEFAULTS } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import type { EvictEffect } from '../pod-events.ts';
import { group, TestCluster } from '../scheduler.fixtures.ts';

const WORLDS = Number(process.env.TEG_POD_RECLAIM_WORLDS ?? 40);
const STEPS = 25;
const LEAVES = ['x', 'y', 'z'] as const;

interface Job {
  readonly key: string;
  readonly disruption: 'single' | 'all';
  readonly minCount: number;
}

/** One life on three nodes of 4 GPUs. */
class Life {
  readonly cluster = new TestCluster();
  evictions = 0;
  partial = 0;
  private readonly random: Random;
  /** A second scheduler binds pods without a look at claims. */
  private readonly hasRival: boolean;
  private readonly quotas = new Map<string, number>();
  private readonly pods = new Map<string, PodDescription>();
  private readonly jobs = new Map<string, Job>();
  private readonly evictedFor = new Map<string, Set<string>>();
  private count = 0;

  constructor(seed: number, hasRival: boolean) {
    this.random = new Random(seed);
    this.hasRival = hasRival;
    const { random, cluster } = this;
    cluster.nodes(gpuNode('n1', 'a', 4), gpuNode('n2', 'a', 4), gpuNode('n3', 'a', 4));
    const leaves = LEAVES.map((name) => {
      const quota = random.nextInt(4);
      this.quotas.set(name, quota);
      const parent = random.nextInt(2) === 0 ? 'top' : '';
      const preemption = { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: random.nextInt(2) * 20 };
      return teamTenant(name, { a: quota }, { parent, preemption });
    });
    setEconomy(cluster, 'enforce', labelledMarket('a'), [teamTenant('top', { a: 2 }), ...leaves]);
  }

  live(): void {
    for (let step = 0; step < STEPS; step++) {
      this.cluster.wait(7);
      const turn = this.random.nextInt(this.hasRival ? 5 : 4);
      if (turn < 2) this.submit();
      else if (turn === 2) this.end();
      else if (turn === 4) this.rival();
      for (let pass = 0; this.pass(); pass++) if (pass > 60) throw new Error('evictions do not stop');
    }
  }

  /** GPUs by tenant that run and are not leaving. */
  private held(): Map<string, number> {
    const held = new Map<string, number>();
    for (const pod of this.cluster.scheduler.internals.state.pods.values()) {
      if (pod.node < 0 || pod.evicted) continue;
      held.set(pod.namespace, (held.get(pod.namespace) ?? 0) + 1);
    }
    return held;
  }

  /** @returns True if pods were evicted. */
  private pass(): boolean {
    const { cluster } = this;
    const before = this.held();
    const effects = cluster.decide();
    const gone = effects.filter((effect): effect is EvictEffect => effect.kind === 'evict');
    for (const effect of effects) {
      if (effect.kind !== 'bind') continue;
      cluster.bindDone(effect.uid);
      cluster.update(effect.uid, { nodeName: effect.node, startedSeconds: cluster.timeSeconds });
    }
    this.checkQuotas(before, gone);
    this.checkGangs(gone);
    for (const victim of gone) this.leave(victim);
    return gone.length > 0;
  }

  private checkQuotas(before: ReadonlyMap<string, number>, gone: readonly EvictEffect[]): void {
    const lost = new Map<string, number>();
    for (const { namespace, why } of gone) {
      if (why === 'within') continue;
      lost.set(namespace, (lost.get(namespace) ?? 0) + 1);
    }
    for (const [name, pods] of lost) {
      const left = (before.get(name) ?? 0) - pods;
      if (left < (this.quotas.get(name) ?? 0))
        throw new Error(`${name} is left with ${left}, below its quota`);
    }
  }

  private checkGangs(gone: readonly EvictEffect[]): void {
    const { state, groups } = this.cluster.scheduler.internals;
    for (const { uid, byUid } of gone) {
      const by = state.pods.get(byUid);
      const claim = by === undefined || by.group === '' ? byUid : by.group;
      const name = this.jobOf(uid);
      const evicted = this.evictedFor.get(claim) ?? new Set();
      this.evictedFor.set(claim, evicted);
      // Pods of one gang go in one eviction: they are counted by pod.
      if (evicted.has(uid) || (name === uid && evicted.has(name))) throw new Error(`${uid} is evicted twice`);
      evicted.add(uid);
    }
    for (const job of this.jobs.values()) {
      const members = [...(groups.get(job.key)?.members ?? [])].filter((pod) => pod.node >= 0);
      const left = members.filter((pod) => !pod.evicted).length;
      if (left === members.length) continue;
      if (left > 0) this.partial++;
      if (left > 0 && (job.disruption === 'all' || left < job.minCount)) {
        throw new Error(`half of gang ${job.key} is left`);
      }
    }
    this.evictions += gone.length;
  }

  private jobOf(uid: string): string {
    return this.pods.get(uid)?.group || uid;
  }

  /** A victim goes; its owner creates it again at once, or not. */
  private leave({ uid }: EvictEffect): void {
    const pod = this.pods.get(uid);
    this.cluster.gone(uid);
    this.pods.delete(uid);
    if (pod === undefined || this.random.nextInt(2) === 0) return;
    this.add({ ...pod, uid: `${uid}'`, nodeName: '', createdSeconds: this.cluster.timeSeconds });
  }

  private submit(): void {
    const { random, cluster } = this;
    const namespace = LEAVES[random.nextInt(3)] as string;
    const name = `p${this.count++}`;
    const priority = random.nextInt(3);
    if (random.nextInt(2) === 0) {
      this.add(gpuPodOf(name, namespace, 1, {}, { priority }));
      return;
    }
    const size = 2 + random.nextInt(3);
    const minCount = 2 + random.nextInt(size - 1);
    const key = `core:${namespace}/${name}`;
    const disruption = random.nextInt(2) === 0 ? 'single' : 'all';
    this.jobs.set(key, { key, disruption, minCount });
    cluster.group(group(name, minCount, { key, disruption }));
    for (let i = 0; i < size; i++) {
      this.add(gpuPodOf(`${name}-${i}`, namespace, 1, {}, { priority, group: key }));
    }
  }

  private add(pod: PodDescription): void {
    this.pods.set(pod.uid, pod);
    this.cluster.pods(pod);
  }

  private end(): void {
    const running = [...this.pods.keys()].filter((uid) => this.cluster.nodeOf(uid) !== '');
    const uid = running[this.random.nextInt(Math.max(1, running.length))];
    if (uid === undefined || this.pods.get(uid)?.group !== '') return;
    this.cluster.gone(uid);
    this.pods.delete(uid);
  }

  private rival(): void {
    const { state } = this.cluster.scheduler.internals;
    const nodeName = `n${1 + this.random.nextInt(3)}`;
    const pods = state.slots.pods[state.slots.slotOf(nodeName)] ?? [];
    if (pods.length >= 4) return;
    this.add(gpuPodOf(`r${this.count++}`, LEAVES[0], 1, {}, { ours: false, nodeName }));
  }
}

test('random lives keep quotas and gangs, and waste nothing on a quiet cluster', () => {
  let evictions = 0;
  let partial = 0;
  for (let seed = 1; seed <= WORLDS; seed++) {
    const life = new Life(seed, seed % 2 === 0);
    try {
      life.live();
    } catch (error) {
      throw new Error(`world ${seed}: ${String(error)}`, { cause: error });
    }
    evictions += life.evictions;
    partial += life.partial;
    const { counts } = life.cluster.scheduler.internals.reclaim;
    if (seed % 2 === 1) expect(counts.taken, `world ${seed}`).toBe(0);
  }
  // The rules were put to the test.
  expect(evictions).toBeGreaterThan(WORLDS);
  expect(partial).toBeGreaterThan(0);
});
