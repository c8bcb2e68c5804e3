import { describe, expect, test } from 'vitest';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import { type ArbiterOrder, POSTPONED, REFUSED } from '../arbiter.ts';
import { createConstraints } from './constraints/cluster-constraints.ts';
import { PodArbiter } from './pod-arbiter.ts';
import { PodScheduler } from './pod-scheduler.ts';
import { node, pod, requests, SCHEDULER_OPTIONS, template } from './scheduler.fixtures.ts';
import { PodState } from './state/pod-records.ts';

const ORDER: ArbiterOrder = {
  demandId: 0,
  podCount: 1,
  gangMin: 1,
  priority: 0,
  tenant: 0,
  counts: true,
  waits: false,
};

/** An arbiter on nodes of four cores, and its reports. */
function make(nodes: readonly string[], postponedMax = 10): { arbiter: PodArbiter; said: string[] } {
  const scheduler = new PodScheduler(SCHEDULER_OPTIONS, createConstraints());
  const templates = [template(), template({ requests: requests(4000) })];
  const arbiter = new PodArbiter(scheduler, { name: 'held', templates, postponedMax });
  const said: string[] = [];
  arbiter.attach({
    granted: (job, demand, pods) => said.push(`granted ${job}: ${pods} of ${demand.cpuMilli}`),
    lost: (job) => said.push(`lost ${job}`),
    expired: (job) => said.push(`expired ${job}`),
  });
  for (const name of nodes) arbiter.step({ kind: 'node', node: node(name) }, 1);
  return { arbiter, said };
}

describe('the pod scheduler as an arbiter', () => {
  test('holds pods as those of others: its own decisions go around them', () => {
    const { arbiter, said } = make(['a', 'b']);
    expect(arbiter.hold(0, { ...ORDER, demandId: 1 }, 50, 2)).toBe(1);
    arbiter.step({ kind: 'pod', pod: pod('p', { requests: requests(4000) }) }, 3);
    arbiter.step({ kind: 'pod', pod: pod('q', { requests: requests(4000) }) }, 3);
    const effects = arbiter.step({ kind: 'decide', max: 10 }, 3);
    expect(effects).toMatchObject([
      { kind: 'bind', uid: 'p' },
      { kind: 'unschedulable', uid: 'q' },
    ]);
    arbiter.advance(50);
    expect(said).toEqual(['expired 0']);
    expect(arbiter.step({ kind: 'decide', max: 10 }, 51)).toMatchObject([{ kind: 'bind', uid: 'q' }]);
  });

  test('preempts no pod for a job, and reports one whose pods are preempted as lost', () => {
    const { arbiter, said } = make(['a']);
    arbiter.step({ kind: 'pod', pod: pod('other', {}, { ours: false, nodeName: 'a', priority: 20 }) }, 2);
    expect(arbiter.hold(0, { ...ORDER, demandId: 1, priority: 100 }, 50, 2)).toBe(REFUSED);
    expect(arbiter.place(1, { ...ORDER, podCount: 3, gangMin: 3 }, 2)).toBe(3);
    const urgent = pod('urgent', { requests: requests(3000) }, { priority: 10 });
    arbiter.step({ kind: 'pod', pod: urgent }, 3);
    const effects = arbiter.step({ kind: 'decide', max: 10 }, 3);
    expect(said).toEqual(['lost 1']);
    expect(effects.filter(({ kind }) => kind === 'evict')).toEqual([]);
    expect(arbiter.scheduler.view().podsIn(PodState.Bound)).toBe(1);
    expect(arbiter.step({ kind: 'decide', max: 10 }, 4)).toMatchObject([{ kind: 'bind', uid: 'urgent' }]);
  });

  test('refuses an order of a tenant that its table does not have, and holds nothing for it', () => {
    const { arbiter } = make(['a']);
    const order = { ...ORDER, tenant: 3 };
    expect(() => arbiter.hold(0, order, 50, 2)).toThrow('order has tenant 3; expected a number in use');
    expect(() => arbiter.quote(order, { pods: 0, price: 0 })).toThrow('order has tenant 3');
    expect(arbiter.tenantsInUse().size).toBe(0);
    expect(arbiter.hold(0, ORDER, 50, 2)).toBe(1);
    expect(arbiter.tenantsInUse()).toEqual(new Set([DEFAULT_TENANT]));
  });

  test('grants waiting jobs when room appears, in order, and up to the limit', () => {
    const { arbiter, said } = make(['a'], 2);
    const whole = { ...ORDER, demandId: 1, waits: true };
    expect(arbiter.place(0, whole, 2)).toBe(1);
    expect(arbiter.place(1, whole, 2)).toBe(POSTPONED);
    expect(arbiter.place(2, { ...whole, priority: 1 }, 2)).toBe(POSTPONED);
    expect(arbiter.place(3, whole, 2)).toBe(REFUSED);
    // All nodes together could not hold it.
    arbiter.release(1, 3);
    expect(arbiter.place(4, { ...whole, podCount: 2, gangMin: 2 }, 3)).toBe(REFUSED);
    expect(arbiter.place(5, whole, 3)).toBe(POSTPONED);
    arbiter.finish(0, 4);
    expect(said).toEqual(['granted 2: 1 of 4000']);
    arbiter.step({ kind: 'node', node: node('b') }, 5);
    expect(said).toEqual(['granted 2: 1 of 4000', 'granted 5: 1 of 4000']);
    arbiter.step({ kind: 'node-gone', name: 'a' }, 6);
    expect(said[2]).toBe('lost 2');
    expect(arbiter.postponedCount).toBe(0);
  });

  test('grants the job of higher priority first, and among equals the earlier', () => {
    const { arbiter, said } = make(['a']);
    const whole = { ...ORDER, demandId: 1, waits: true };
    arbiter.place(0, whole, 2);
    for (const [job, priority] of [0, 1, 2, 1].entries()) arbiter.place(job + 1, { ...whole, priority }, 2);
    for (const job of [0, 3, 2, 4]) arbiter.release(job, 3);
    expect(said.map((text) => text.slice(0, 9))).toEqual([
      'granted 3',
      'granted 2',
      'granted 4',
      'granted 1',
    ]);
  });

  test('grants a gang that fewer pods suffice for, behind one that needs more', () => {
    const { arbiter, said } = make(['a', 'b']);
    const whole = { ...ORDER, demandId: 1, waits: true };
    arbiter.place(0, whole, 2);
    arbiter.place(1, whole, 2);
    arbiter.place(2, { ...whole, podCount: 2, gangMin: 2 }, 2);
    arbiter.place(3, { ...whole, podCount: 2, gangMin: 1 }, 2);
    arbiter.release(0, 3);
    expect(said).toEqual(['granted 3: 1 of 4000']);
  });

  test('knows no price before the field is made', () => {
    const { arbiter } = make(['a']);
    const quote = { pods: -1, price: -1 };
    arbiter.quote(ORDER, quote);
    expect(quote).toEqual({ pods: 0, price: undefined });
    arbiter.step({ kind: 'decide', max: 1 }, 2);
    arbiter.quote(ORDER, quote);
    expect(quote.pods).toBe(1);
    expect(() => arbiter.quote({ ...ORDER, demandId: 7 }, quote)).toThrow(
      /demand 7; expected an index in \[0, 2\)/,
    );
  });
});
