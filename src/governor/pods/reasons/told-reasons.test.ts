/**
 * Over random lives: the condition's reason is that of the report's code, and the refusal's own figures bear it out.
 */
import { expect, test } from 'vitest';
import { createConstraints } from '../constraints/cluster-constraints.ts';
import { EconomyLife } from '../frame/random-economy.fixtures.ts';
import { PodScheduler } from '../pod-scheduler.ts';
import { randomOptions } from '../random-life.fixtures.ts';
import { stageOf, type WaitingStage } from './waiting-reason.ts';

const SEEDS = Number(process.env.TEG_REASON_LIVES ?? 40);
const STEPS = 1500;

/** Reasons of conditions by stage; of victims: the accounts may refuse until they are gone. */
const CONDITIONS: Readonly<Partial<Record<WaitingStage, readonly string[]>>> = {
  'beyond-limit': ['NotReadyForScheduling'],
  budget: ['NotReadyForScheduling'],
  quota: ['NotReadyForScheduling'],
  room: ['Unschedulable'],
  gang: ['Unschedulable'],
  victims: ['Unschedulable', 'NotReadyForScheduling'],
};

interface Seen {
  readonly stage: WaitingStage;
  readonly reason: string;
  readonly code: string;
  readonly message: string;
}

/** Reports of one life, each with the stage of its code. */
function reportsOf(seed: number): Seen[] {
  const seen: Seen[] = [];
  const life = new EconomyLife(seed, { nodes: 6, pods: 40, groups: 4, freshShapes: false });
  const scheduler = new PodScheduler(randomOptions(seed), createConstraints());
  for (let step = 0; step < STEPS; step++) {
    const effects = scheduler.step(life.next(), life.timeSeconds);
    for (const effect of effects) {
      if (effect.kind !== 'unschedulable' || effect.why === undefined) continue;
      const { reason, message, why } = effect;
      seen.push({ stage: stageOf(why.code), reason, code: why.code, message });
    }
    life.take(effects);
  }
  return seen;
}

/** True if the figures of a refusal say that it needs more than there is. */
function isShort(message: string): boolean {
  const figures = new Map(
    [...message.matchAll(/(\w+?)(Gpus|Cores|Gib) ([\d.]+)/g)].map(([, name, unit, n]) => [
      `${name}${unit}`,
      Number(n),
    ]),
  );
  return ['Gpus', 'Cores', 'Gib'].some((unit) => {
    const need = figures.get(`need${unit}`) ?? 0;
    const limit = figures.get(`limit${unit}`) ?? Number.POSITIVE_INFINITY;
    return (
      need > (figures.get(`available${unit}`) ?? Number.POSITIVE_INFINITY) ||
      need + (figures.get(`held${unit}`) ?? 0) > limit
    );
  });
}

test('the reason of the condition is that of the code, and the message has its code and figures that bear it out', () => {
  const counts: Partial<Record<WaitingStage, number>> = {};
  let figures = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const report of reportsOf(seed)) {
      const { stage, reason, code, message } = report;
      counts[stage] = (counts[stage] ?? 0) + 1;
      const said = `seed ${seed}: ${JSON.stringify(report)}`;
      const allowed = CONDITIONS[stage];
      if (allowed !== undefined) expect(allowed, said).toContain(reason);
      const [, refused] = /^not admitted: ([a-z-]+) /.exec(message) ?? [];
      if (refused === undefined || stage === 'misconfigured') continue;
      expect(code, said).toBe(refused);
      if (code !== 'quota-used-up' && code !== 'limit-reached' && code !== 'limit-exceeded') continue;
      figures++;
      expect(isShort(message), said).toBe(true);
    }
  }
  for (const stage of ['quota', 'room', 'gang', 'misconfigured'] as const) {
    expect(counts[stage], stage).toBeGreaterThan(20);
  }
  expect(figures).toBeGreaterThan(20);
}, 300_000);
