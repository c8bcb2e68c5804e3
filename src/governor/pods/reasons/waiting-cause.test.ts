/**
 * Over random clusters at rest: what waits for accounts is `NotReadyForScheduling`, what waits for room `Unschedulable`, and what
 * could start has started. Expected from the quotas and nodes alone, by an oracle that shares no code with the scheduler.
 */
import { expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import { podTenantSpec } from '../../../market/tenants/economy-description.ts';
import {
  type FlavorAmounts,
  marketSpec,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, KIND_LABEL } from '../economy/economy.fixtures.ts';
import type { PodEffect } from '../pod-events.ts';
import { group, selector, TestCluster } from '../scheduler.fixtures.ts';
import { type PlainNode, type PlainPods, type WaitingCause, waitingCause } from './waiting-cause.oracle.ts';
import { stageOf, type WaitingStage } from './waiting-reason.ts';

const WORLDS = Number(process.env.TEG_CAUSE_WORLDS ?? 60);
const ROUNDS = 25;
/** In which a fault was found once. */
const FOUND: readonly number[] = [];
const FLAVORS = ['a', 'b'] as const;
const TEAMS = ['org', 'x', 'y', 'z'] as const;

/** A condition as it stands on a pod. */
interface Condition {
  readonly reason: string;
  readonly stage: WaitingStage;
  readonly text: string;
}

/** Pods that start together, or one. */
interface Batch extends PlainPods {
  readonly uids: readonly string[];
}

/** A cluster that is left in peace after each change. */
class CauseWorld {
  readonly random: Random;
  readonly cluster: TestCluster;
  readonly nodes = new Map<string, PlainNode>();
  readonly batches = new Map<string, Batch>();
  readonly placed = new Map<string, string>();
  readonly conditions = new Map<string, Condition>();
  tenants: TenantSpec[] = [];
  private named = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.cluster = new TestCluster({ preemption: false });
    for (const name of TEAMS) this.cluster.step({ kind: 'namespace', name, labels: { team: name } });
    this.setTenants();
    for (let i = 0; i < 2 + this.draw(3); i++) this.setNode(`n${i}`);
  }

  draw(n: number): number {
    return this.random.nextInt(n);
  }

  /** Something changes; then everything is tried that may be tried. */
  round(): void {
    const what = this.draw(10);
    if (what < 5) this.newBatch();
    else if (what < 8) this.endBatch();
    else if (what === 8) this.setNode(`n${this.draw(5)}`);
    else this.setTenants();
    // All is tried; then reports are renewed, one by one, now that nothing changes any more.
    for (let pass = 0; pass < 2; pass++) {
      this.cluster.wait(400);
      for (let effects = 1; effects > 0; this.cluster.wait(2)) effects = this.take(this.cluster.decide());
    }
  }

  /** A node is there, is another one, or is cordoned. */
  private setNode(name: string): void {
    const known = this.nodes.get(name);
    const flavor = known?.flavor ?? (FLAVORS[this.draw(2)] as string);
    const node: PlainNode = {
      name,
      flavor,
      gpus: known?.gpus ?? 2 + 2 * this.draw(4),
      isCordoned: this.draw(3) === 0,
    };
    this.nodes.set(name, node);
    const { gpus, isCordoned: unschedulable } = node;
    this.cluster.nodes({ ...gpuNode(name, flavor, gpus), unschedulable });
  }

  /** `org` has the children `x` and `y`; `z` stands alone. */
  private setTenants(): void {
    this.tenants = TEAMS.map((name) => {
      const isLeaf = name !== 'org';
      const quota = this.amounts(() => this.draw(isLeaf ? 7 : 4));
      const more = this.draw(3);
      return tenantSpec(name, {
        parent: name === 'x' || name === 'y' ? 'org' : '',
        quota: more === 2 && isLeaf ? {} : quota,
        ...(more === 0 && isLeaf ? { lend: this.amounts(() => 0) } : {}),
        // A limit has room for all quotas below it.
        ...(more === 2 ? { limit: isLeaf ? quota : this.amounts(() => 15 + this.draw(4)) } : {}),
        state: this.draw(8) === 0 ? 'Hold' : 'Open',
      });
    });
    const market = marketSpec({
      flavors: FLAVORS.map((name) => quotaFlavor(name, { nodeLabels: { [KIND_LABEL]: name } })),
      champion: { afterSeconds: 1e9, reservationsMax: 0, unknownRuntime: 'Never' },
    });
    const tenants = this.tenants.map((tenant) => podTenantSpec(tenant, selector('team', tenant.name)));
    this.cluster.step({ kind: 'economy', economy: { mode: 'enforce', market, tenants } });
  }

  private amounts(gpus: () => number): FlavorAmounts {
    return Object.fromEntries(FLAVORS.map((flavor) => [flavor, { gpuMilli: 1000 * gpus() }]));
  }

  private newBatch(): void {
    const name = `p${this.named++}`;
    const tenant = TEAMS[this.draw(TEAMS.length)] as string;
    const count = this.draw(3) === 0 ? 2 + this.draw(2) : 1;
    const each = 1 + this.draw(4);
    const isEven = this.draw(2) === 0;
    const gpus = Array.from({ length: count }, () => (isEven ? each : 1 + this.draw(5)));
    const only = this.draw(2) === 0 ? (FLAVORS[this.draw(2)] as string) : undefined;
    const template = only === undefined ? {} : { nodeSelector: { [KIND_LABEL]: only } };
    const more: Partial<PodDescription> = count > 1 ? { group: `core:default/${name}` } : {};
    const pods = gpus.map((n, i) => gpuPodOf(`${name}-${i}`, tenant, n, template, more));
    if (count > 1) this.cluster.group(group(name, count));
    const flavors = FLAVORS.filter((flavor) => only === undefined || flavor === only);
    this.batches.set(name, { tenant, gpus, flavors, uids: pods.map(({ uid }) => uid) });
    this.take(this.cluster.pods(...pods));
  }

  private endBatch(): void {
    const names = [...this.batches.keys()];
    if (names.length === 0) return;
    const name = names[this.draw(names.length)] as string;
    const { uids } = this.batches.get(name) as Batch;
    this.batches.delete(name);
    this.cluster.gone(...uids);
    if (uids.length > 1) this.cluster.step({ kind: 'group-gone', key: `core:default/${name}` });
    for (const uid of uids) {
      this.placed.delete(uid);
      this.conditions.delete(uid);
    }
  }

  /** @returns The number of effects. */
  private take(effects: readonly PodEffect[]): number {
    for (const effect of effects) {
      if (effect.kind === 'bind') {
        this.placed.set(effect.uid, effect.node);
        this.conditions.delete(effect.uid);
        this.take(this.cluster.bindDone(effect.uid));
        this.take(this.cluster.update(effect.uid, { nodeName: effect.node }));
      } else if (effect.kind === 'unschedulable') {
        const { uid, reason, why, message } = effect;
        this.conditions.set(uid, {
          reason,
          stage: stageOf(why?.code ?? ''),
          text: `${why?.code}: ${message}`,
        });
      } else throw new Error(`no ${effect.kind} was expected`);
    }
    return effects.length;
  }

  /** What the oracle says of a batch that waits. */
  causeOf(batch: Batch): WaitingCause {
    const placements = [...this.batches.values()].flatMap(({ tenant, gpus, uids }) =>
      uids.flatMap((uid, i) => {
        const node = this.placed.get(uid);
        return node === undefined ? [] : [{ tenant, gpus: gpus[i] as number, node }];
      }),
    );
    return waitingCause([...this.nodes.values()], this.tenants, placements, batch);
  }
}

const EXPECTED: Readonly<
  Record<Exclude<WaitingCause, 'none'>, { reasons: readonly string[]; stages: readonly WaitingStage[] }>
> = {
  held: { reasons: ['NotReadyForScheduling'], stages: ['held', 'beyond-limit'] },
  accounts: { reasons: ['NotReadyForScheduling'], stages: ['quota', 'beyond-limit'] },
  room: { reasons: ['Unschedulable'], stages: ['room'] },
  unserved: {
    reasons: ['Unschedulable', 'NotReadyForScheduling'],
    stages: ['room', 'quota', 'beyond-limit'],
  },
  either: { reasons: ['Unschedulable', 'NotReadyForScheduling'], stages: ['room', 'quota', 'beyond-limit'] },
};

test(`${WORLDS} worlds: the condition is that of the cause, and nothing waits without one`, () => {
  const counts = { held: 0, unserved: 0, accounts: 0, room: 0, either: 0 };
  for (const seed of [...Array(WORLDS).keys(), ...FOUND]) {
    const world = new CauseWorld(seed);
    for (let round = 0; round < ROUNDS; round++) {
      world.round();
      for (const [name, batch] of world.batches) {
        const waiting = batch.uids.filter((uid) => !world.placed.has(uid));
        if (waiting.length === 0) continue;
        const said = `seed ${seed}, round ${round}, ${name}`;
        expect(waiting.length, `${said}: in part`).toBe(batch.uids.length);
        const cause = world.causeOf(batch);
        const conditions = waiting.map((uid) => world.conditions.get(uid));
        const shown = `${said}: ${cause}, ${JSON.stringify(conditions[0])}`;
        if (cause === 'none') expect.fail(`${shown}: could start`);
        counts[cause]++;
        for (const condition of conditions) {
          expect(EXPECTED[cause].reasons, shown).toContain(condition?.reason);
          expect(EXPECTED[cause].stages, shown).toContain(condition?.stage);
        }
      }
    }
  }
  for (const [cause, count] of Object.entries(counts)) expect(count, cause).toBeGreaterThan(WORLDS / 10);
}, 600_000);
