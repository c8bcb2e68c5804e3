import { describe, expect, test } from 'vitest';
import type { PodEffect, UnschedulableEffect } from '../pod-events.ts';
import {
  bindings,
  group,
  members,
  node,
  pod,
  refusals,
  requests,
  TestCluster,
} from '../scheduler.fixtures.ts';
import { DeviceClasses } from './device-classes.ts';

const GPU = 'example.com/gpu';
const ONE = { requests: requests(100, 0, { [GPU]: 1 }) };
const OWN = `node(s) have no ${GPU} of their own: it is backed by DeviceClass gpu.example.com, which TEG does not allocate`;
const VAIN = (nodes: number): string =>
  `preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;

function backed(cluster: TestCluster, resource = GPU, name = 'gpu.example.com'): readonly PodEffect[] {
  return cluster.step({ kind: 'device-class', name, resource });
}

describe('an extended resource that a DeviceClass stands for', () => {
  test('is named as the reason, by the plugin that would have to allocate it', () => {
    const cluster = new TestCluster().nodes(node('a'));
    backed(cluster);
    cluster.pods(pod('p', ONE));
    const [effect] = cluster.decide() as UnschedulableEffect[];
    expect(effect?.message).toBe(`0/1 nodes are available: 1 ${OWN}. ${VAIN(1)}`);
    expect(effect?.plugins).toEqual(['DynamicResources']);
    const explained = cluster.scheduler.explain('p');
    expect(explained?.refusals).toEqual([
      { reason: OWN, plugin: 'DynamicResources', nodes: 1, resolvable: false },
    ]);
    expect(explained?.nearest[0]?.lacks[0]?.text).toBe(
      `1 ${GPU} from a device plugin (TEG does not allocate devices of DeviceClass gpu.example.com)`,
    );
  });

  test('is judged as ever on nodes that have it from a device plugin', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b', { extended: { [GPU]: 1 } }));
    backed(cluster);
    cluster.pods(pod('first', ONE));
    expect(cluster.settle()).toEqual({ first: 'b' });
    cluster.pods(pod('second', ONE));
    expect(refusals(cluster.decide()).second).toContain(
      `0/2 nodes are available: 1 Insufficient ${GPU}, 1 ${OWN}.`,
    );
    cluster.nodes(node('a', { extended: { [GPU]: 1 } }));
    expect(bindings(cluster.decide())).toEqual({ second: 'a' });
  });

  test('a class that comes, changes or goes is reported at every pod that waits for the resource, and at no other', () => {
    const cluster = new TestCluster().nodes(node('a'));
    const other = { requests: requests(100, 0, { 'example.com/nic': 1 }) };
    cluster.pods(pod('p', ONE), pod('q', ONE), pod('r', ONE), pod('other', other));
    cluster.group(group('g', 2));
    cluster.pods(...members('g', 2, ONE));
    expect(refusals(cluster.decide()).q).toContain(`1 Insufficient ${GPU}.`);
    const attempts = cluster.attempts('other');
    cluster.wait(60);
    backed(cluster);
    const told = refusals(cluster.decide());
    expect(Object.keys(told).sort()).toEqual(['g-0', 'g-1', 'p', 'q', 'r']);
    for (const message of Object.values(told)) expect(message).toContain(OWN);
    expect(cluster.attempts('other')).toBe(attempts);
    cluster.wait(60);
    backed(cluster, 'example.com/fpga');
    for (const message of Object.values(refusals(cluster.decide())))
      expect(message).toContain(`1 Insufficient ${GPU}.`);
    cluster.wait(60);
    backed(cluster);
    cluster.decide();
    cluster.wait(60).step({ kind: 'device-class-gone', name: 'gpu.example.com' });
    const last = refusals(cluster.decide());
    expect(Object.keys(last).sort()).toEqual(['g-0', 'g-1', 'p', 'q', 'r']);
    for (const message of Object.values(last)) expect(message).not.toContain('DeviceClass');
  });

  test('nothing is tried again where a class is reported unchanged', () => {
    const cluster = new TestCluster().nodes(node('a'));
    backed(cluster);
    cluster.pods(pod('p', ONE));
    cluster.decide();
    backed(cluster);
    expect(cluster.scheduler.hasWork).toBe(false);
    backed(cluster, '', 'without-a-resource');
    expect(cluster.scheduler.hasWork).toBe(false);
  });
});

test('of several classes of a resource one is named, and the resource is backed until the last of them goes', () => {
  const classes = new DeviceClasses();
  expect(classes.set('b', GPU)).toEqual([GPU]);
  expect(classes.set('a', GPU)).toEqual([GPU]);
  expect(classes.set('a', GPU)).toEqual([]);
  expect(classes.classOf(GPU)).toBe('a');
  expect(classes.set('a', 'example.com/fpga')).toEqual([GPU, 'example.com/fpga']);
  expect(classes.classOf(GPU)).toBe('b');
  expect(classes.set('b', '')).toEqual([GPU]);
  expect(classes.classOf(GPU)).toBeUndefined();
  expect(classes.set('never-seen', '')).toEqual([]);
});
