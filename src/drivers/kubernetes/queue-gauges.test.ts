import { expect, test } from 'vitest';
import { group, members, node, pod, requests, TestCluster } from '../../governor/pods/scheduler.fixtures.ts';
import { gangsByState, pendingByQueue } from './queue-gauges.ts';

const NONE = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
const NO_GANGS = { waiting: 0, binding: 0, bound: 0, repairing: 0 };

test('members of a gang are in the queue that their gang is in', () => {
  const cluster = new TestCluster().nodes(node('a'));
  const { scheduler } = cluster;
  const large = members('large', 2, { requests: requests(3000) });
  cluster.group(group('large', 2));
  cluster.pods(large[0] as (typeof large)[number]);
  cluster.decide();
  expect(pendingByQueue(scheduler.view())).toEqual({ ...NONE, gated: 1 });
  cluster.pods(large[1] as (typeof large)[number]);
  expect(pendingByQueue(scheduler.view())).toEqual({ ...NONE, active: 2 });
  cluster.decide();
  expect(pendingByQueue(scheduler.view())).toEqual({ ...NONE, unschedulable: 2 });
  expect(gangsByState(scheduler.view())).toEqual({ ...NO_GANGS, waiting: 1 });
  cluster.nodes(node('b'));
  cluster.settle();
  cluster.wait(5).settle();
  expect(pendingByQueue(scheduler.view())).toEqual(NONE);
  expect(gangsByState(scheduler.view())).toEqual({ ...NO_GANGS, bound: 1 });
});

test('a gang that is not tried again before its pause is over backs off', () => {
  const cluster = new TestCluster().nodes(node('a'));
  cluster.group(group('g', 5));
  cluster.pods(...members('g', 5));
  cluster.decide();
  expect(pendingByQueue(cluster.scheduler.view())).toEqual({ ...NONE, unschedulable: 5 });
  cluster.nodes(node('b'));
  cluster.step({ kind: 'decide', max: 10 });
  expect(pendingByQueue(cluster.scheduler.view())).toEqual({ ...NONE, backoff: 5 });
});

test('pods alone, gated, refused, and more than may wait', () => {
  const cluster = new TestCluster({ waitingPodsMax: 1 }).nodes(node('a'));
  cluster.pods(pod('whale', { requests: requests(64_000) }), pod('gated', {}, { gates: ['x'] }));
  cluster.pods(pod('refused', { unsupported: ['this'] }), pod('excess'));
  cluster.decide();
  expect(pendingByQueue(cluster.scheduler.view())).toEqual({ ...NONE, unschedulable: 3, gated: 1 });
});

test('a gang is in repair if members of it could not be bound, and not if they have ended', () => {
  const cluster = new TestCluster().nodes(node('a', { cpuMilli: 3000 }));
  cluster.group(group('g', 3));
  cluster.pods(...members('g', 3));
  cluster.decide();
  expect(gangsByState(cluster.scheduler.view())).toEqual({ ...NO_GANGS, binding: 1 });
  cluster.bindDone('g-0');
  cluster.bindDone('g-1');
  cluster.others('x', 'a');
  cluster.bindDone('g-2', 'failed');
  expect(gangsByState(cluster.scheduler.view())).toEqual({ ...NO_GANGS, repairing: 1 });
  cluster.gone('x');
  cluster.wait(2).settle();
  expect(gangsByState(cluster.scheduler.view())).toEqual({ ...NO_GANGS, bound: 1 });
  cluster.step({ kind: 'member-ended', uid: 'g-2', group: 'core:default/g' });
  cluster.gone('g-1');
  expect(gangsByState(cluster.scheduler.view())).toEqual({ ...NO_GANGS, bound: 1 });
});
