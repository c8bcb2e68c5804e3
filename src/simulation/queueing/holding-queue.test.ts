/** Gangs that hold room, on GPUs of two models. Runs of whole simulations are in `queues.test.ts`. */
import { describe, expect, it } from 'vitest';
import { type AccountsRefusal, FREE_ACCOUNTS } from '../../governor/accounts.ts';
import { FirstFit, makeCluster } from '../../governor/zone/zone.fixtures.ts';
import { Zone } from '../../governor/zone/zone.ts';
import { JobState, ZoneEventKind, type ZoneOptions } from '../../governor/zone/zone-events.ts';
import { HoldingQueue, type HoldingRule } from './holding-queue.ts';

const WOUND_WAIT: HoldingRule = {
  name: 'wound-wait',
  timeoutSeconds: Number.POSITIVE_INFINITY,
  gapMax: 1,
  wounds: true,
};
const PERMIT: HoldingRule = { name: 'permit', timeoutSeconds: 60, gapMax: 1, wounds: false };
/** Demands: one GPU of any model, and one A100. */
const ANY = 4;
const A100 = 6;
const REFUSAL: AccountsRefusal = { code: 'quota-used-up', data: {} };

/** Nodes of kind 1 have two T4s, of kind 2 four A100s. */
function world(kinds: readonly number[], rule: HoldingRule, options: ZoneOptions = {}) {
  const cluster = makeCluster(kinds);
  const refused = new Set<number>();
  const accounts = {
    ...FREE_ACCOUNTS,
    admit: ({ holder }: { holder: number }) => (refused.has(holder) ? REFUSAL : undefined),
  };
  const zone = new Zone(cluster, new FirstFit(cluster), options, accounts, new HoldingQueue(cluster, rule));
  const submit = (job: number, demandId: number, pods: number, priority = 0): void => {
    const event = {
      kind: ZoneEventKind.JobSubmitted,
      job,
      demandId,
      podCount: pods,
      gangMin: pods,
      priority,
    };
    zone.step(event, Math.max(0, zone.timeSeconds));
  };
  const tick = (timeSeconds: number): void => {
    zone.step({ kind: ZoneEventKind.Tick }, timeSeconds);
    zone.check();
  };
  /** Held pods by node. */
  const held = (): number[] => {
    const counts = kinds.map(() => 0);
    zone.forEachHeld((_, node) => {
      counts[node] = (counts[node] as number) + 1;
    });
    return counts;
  };
  return { zone, cluster, refused, submit, tick, held };
}

describe('wound-wait', () => {
  it('wounds the last in line first, and no more than needed', () => {
    const { zone, submit, tick, held } = world([1, 2, 2], WOUND_WAIT);
    submit(0, A100, 4);
    tick(0);
    submit(1, A100, 5);
    submit(2, ANY, 3);
    tick(1);
    expect(held()).toEqual([2, 0, 4]);
    submit(3, ANY, 2, 5);
    tick(2);
    expect(zone.stateOf(3)).toBe(JobState.Running);
    expect(held()).toEqual([0, 0, 4]);
  });

  it('leaves room that the first cannot use to those that held it', () => {
    const { zone, submit, tick, held } = world([1, 2], WOUND_WAIT);
    submit(0, A100, 4);
    tick(0);
    submit(1, ANY, 3);
    tick(1);
    expect(held()).toEqual([2, 0]);
    submit(2, A100, 2, 5);
    tick(2);
    expect(zone.stateOf(2)).toBe(JobState.Waiting);
    expect(held()).toEqual([2, 0]);
  });

  it('does not touch what runs, nor what goes before', () => {
    const { zone, submit, tick, held } = world([2], WOUND_WAIT);
    submit(0, ANY, 2);
    submit(1, ANY, 4, 1);
    submit(2, ANY, 1);
    zone.step({ kind: ZoneEventKind.Tick }, 0);
    // The gang goes first and takes all; nothing runs.
    expect(zone.stateOf(1)).toBe(JobState.Running);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 1 }, 1);
    tick(1);
    expect([zone.stateOf(0), zone.stateOf(2)]).toEqual([JobState.Running, JobState.Running]);
    submit(3, ANY, 4, 9);
    submit(4, ANY, 1, 1);
    tick(2);
    expect(held()).toEqual([1]);
    expect([0, 2, 3, 4].map((job) => zone.stateOf(job))).toEqual([
      JobState.Running,
      JobState.Running,
      JobState.Waiting,
      JobState.Waiting,
    ]);
  });
});

describe('holding until a timeout', () => {
  it('frees what a gang holds that is no longer admitted, for those behind it in the same pass', () => {
    const { zone, refused, submit, tick, held } = world([2], PERMIT);
    submit(0, ANY, 2);
    tick(0);
    submit(1, ANY, 3);
    tick(1);
    submit(2, A100, 3, 5);
    submit(3, A100, 1);
    refused.add(1);
    expect(held()).toEqual([2]);
    // The new first finds nothing; the gang behind it is refused, and the last one starts in its room.
    tick(2);
    expect(zone.stateOf(3)).toBe(JobState.Running);
    expect(zone.refusalOf(1)).toBe(REFUSAL);
    expect(held()).toEqual([0]);
    tick(3);
    expect(held()).toEqual([1]);
  });

  it('wants a tick at each timeout and at the end of each backoff, which doubles up to 10 s', () => {
    const { zone, submit, tick, held } = world([2], PERMIT);
    submit(0, ANY, 2);
    submit(1, ANY, 3);
    tick(0);
    const dues: number[] = [];
    for (let i = 0; i < 12; i++) {
      dues.push(zone.dueSeconds);
      tick(zone.dueSeconds);
      expect(held()).toEqual([i % 2 === 0 ? 0 : 2]);
    }
    expect(dues).toEqual([60, 61, 121, 123, 183, 187, 247, 255, 315, 325, 385, 395]);
    zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 400);
    tick(400);
    expect(zone.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(held()).toEqual([0]);
  });

  it('forgets what it held on a node that is lost', () => {
    const { zone, submit, tick, held } = world([1, 1], PERMIT);
    submit(0, ANY, 2);
    submit(1, ANY, 4);
    tick(0);
    expect(held()).toEqual([0, 2]);
    zone.step({ kind: ZoneEventKind.NodeDown, node: 1 }, 10);
    tick(10);
    expect(held()).toEqual([0, 0]);
    expect(zone.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    zone.step({ kind: ZoneEventKind.NodeUp, node: 1 }, 20);
    tick(20);
    expect(zone.dueSeconds).toBe(80);
  });
});

describe('gangs that lost a node and keep the rest', () => {
  it('hold their other pods where they were, start on them again, or give them back in time', () => {
    const { zone, submit, tick, held } = world([1, 1, 1], PERMIT, { onNodeLost: 'hold' });
    submit(0, ANY, 4);
    tick(0);
    zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, 10);
    zone.check();
    expect(zone.stateOf(0)).toBe(JobState.Waiting);
    expect(held()).toEqual([0, 2, 0]);
    tick(10);
    // The third node has room for the rest.
    expect(zone.stateOf(0)).toBe(JobState.Running);
    zone.step({ kind: ZoneEventKind.NodeDown, node: 1 }, 20);
    tick(20);
    expect(held()).toEqual([0, 0, 2]);
    tick(80);
    expect(held()).toEqual([0, 0, 0]);
  });
});
