import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import type { PodSchedulerOptions } from '../pod-events.ts';
import { bindings, GIB, node, pod, requests, TestCluster, taint } from '../scheduler.fixtures.ts';

/** Names and sizes of the zones. */
function zonesOf(cluster: TestCluster): [string, number][] {
  return cluster.scheduler.internals.state.zones.zones
    .map(({ name, nodes }): [string, number] => [name, nodes])
    .sort(([x], [y]) => (x < y ? -1 : 1));
}

function inZone(name: string, zone: string): NodeDescription {
  return node(name, { labels: { zone } });
}

describe('zones', () => {
  test('are those of a label; nodes without it make zones by size', () => {
    const cluster = new TestCluster({ zoneLabel: 'zone', zoneNodesMax: 2 }).nodes(
      inZone('a', 'west'),
      inZone('b', 'west'),
      inZone('c', 'east'),
      node('d'),
      node('e'),
      node('f'),
      inZone('g', 'zone-0'),
    );
    cluster.decide();
    expect(zonesOf(cluster)).toEqual([
      ['#0', 2],
      ['#1', 1],
      ['east', 1],
      ['west', 2],
      ['zone-0', 1],
    ]);
  });

  test('never share a name, also after one is gone', () => {
    const cluster = new TestCluster({ zoneNodesMax: 1 }).nodes(node('a'), node('b'), node('c'));
    cluster.decide();
    cluster.step({ kind: 'node-gone', name: 'b' });
    cluster.nodes(node('d'));
    expect(zonesOf(cluster).map(([name]) => name)).toEqual(['#0', '#2', '#3']);
  });

  test('follow the label, and end with their last node', () => {
    const cluster = new TestCluster({ zoneLabel: 'zone' }).nodes(inZone('a', 'west'), inZone('b', 'west'));
    cluster.decide();
    cluster.nodes(inZone('a', 'east'));
    expect(zonesOf(cluster)).toEqual([
      ['east', 1],
      ['west', 1],
    ]);
    cluster.nodes(inZone('b', 'east'));
    expect(zonesOf(cluster)).toEqual([['east', 2]]);
    cluster.nodes(node('a'));
    expect(zonesOf(cluster)).toEqual([
      ['#0', 1],
      ['east', 1],
    ]);
    cluster.step({ kind: 'node-gone', name: 'a' });
    cluster.step({ kind: 'node-gone', name: 'b' });
    expect(zonesOf(cluster)).toEqual([]);
    cluster.nodes(inZone('a', 'west'));
    cluster.pods(pod('p'));
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });

  test('are at most 256, however many values the label has', () => {
    const cluster = new TestCluster({ zoneLabel: 'zone', zoneNodesMax: 10 });
    for (let i = 0; i < 300; i++) {
      cluster.scheduler.step({ kind: 'node', node: inZone(`n${i}`, `z${i}`) }, 0);
    }
    cluster.decide();
    const zones = zonesOf(cluster);
    expect(zones.length).toBe(257);
    expect(zones.reduce((sum, [, nodes]) => sum + nodes, 0)).toBe(300);
  });

  test('use the place of a node that is gone for the next of its kind', () => {
    const cluster = new TestCluster();
    const field = () => cluster.scheduler.internals.state.zones.zones[0]?.cluster.nodeCount;
    cluster.nodes(node('keep'));
    cluster.decide();
    for (let i = 0; i < 10; i++) {
      cluster.nodes(
        node(`n${i}`, { cpuMilli: 1000 + i }),
        node(`g${i}`, { extended: { 'nvidia.com/gpu': 2 } }),
      );
      cluster.decide();
      cluster.step({ kind: 'node-gone', name: `n${i}` });
      cluster.step({ kind: 'node-gone', name: `g${i}` });
    }
    expect(field()).toBeLessThanOrEqual(3);
  });

  test('are made again for much larger nodes, not for slightly larger ones', () => {
    const cluster = new TestCluster().nodes(node('a'));
    const { zones } = cluster.scheduler.internals.state;
    cluster.decide();
    cluster.nodes(node('b', { cpuMilli: 4500 }));
    cluster.decide();
    expect(zones.made).toBe(1);
    cluster.nodes(node('c', { cpuMilli: 64_000 }));
    cluster.pods(pod('p', { requests: requests(60_000) }), pod('q', { requests: requests(4400) }));
    expect(bindings(cluster.decide())).toMatchObject({ p: 'c', q: 'b' });
    expect(zones.made).toBe(2);
  });
});

/** Random nodes and pods of all sizes, GPUs and taints included. */
function randomCluster(seed: number): { nodes: NodeDescription[]; pods: PodDescription[] } {
  const random = new Random(seed);
  const draw = (n: number): number => random.nextInt(n);
  const nodes = Array.from({ length: 3 + draw(15) }, (_, i) => {
    const gpus = [0, 0, 1, 4, 8][draw(5)] as number;
    return node(`n${i}`, {
      cpuMilli: 1 + draw(9000),
      memoryBytes: draw(2 * GIB) * 4,
      podsMax: 1 + draw(12),
      labels: draw(3) === 0 ? {} : { zone: `z${draw(4)}` },
      taints: draw(4) === 0 ? [taint('dedicated')] : [],
      unschedulable: draw(10) === 0,
      extended: gpus > 0 ? { 'nvidia.com/gpu': gpus } : {},
    });
  });
  const pods = Array.from({ length: 10 + draw(60) }, (_, i) => {
    const gpus = [0, 0, 0, 1, 2, 8][draw(6)] as number;
    const tolerations =
      draw(4) === 0
        ? [{ key: 'dedicated', operator: 'Exists' as const, value: '', effect: '' as const }]
        : [];
    const extended: Record<string, number> = gpus > 0 ? { 'nvidia.com/gpu': gpus } : {};
    return pod(`p${i}`, { requests: requests(draw(3000), draw(2 * GIB), extended), tolerations });
  });
  return { nodes, pods };
}

describe('a pod that fits a node is placed, for any division into zones', () => {
  const ZONES: Partial<PodSchedulerOptions>[] = [
    {},
    { zoneNodesMax: 1 },
    { zoneNodesMax: 3, zoneLabel: 'zone' },
    { zoneLabel: 'kubernetes.io/hostname' },
  ];
  test.each(ZONES)('%o', (options) => {
    let placed = 0;
    let refused = 0;
    for (let seed = 0; seed < 25; seed++) {
      const { nodes, pods } = randomCluster(seed);
      const cluster = new TestCluster(options).nodes(...nodes);
      const free = new Map(
        nodes.map((each) => [each.name, { ...each, gpus: each.extended['nvidia.com/gpu'] ?? 0 }]),
      );
      for (const each of pods) {
        const { cpuMilli, memoryBytes, extended } = each.template.requests;
        const gpus = extended['nvidia.com/gpu'] ?? 0;
        const isTolerant = each.template.tolerations.length > 0;
        // By hand, from the descriptions alone.
        const fits = [...free.values()].some(
          (room) =>
            room.cpuMilli >= cpuMilli &&
            room.memoryBytes >= memoryBytes &&
            room.gpus >= gpus &&
            room.podsMax > 0 &&
            !room.unschedulable &&
            (room.taints.length === 0 || isTolerant),
        );
        cluster.pods(each);
        const on = bindings(cluster.decide())[each.uid];
        expect(on !== undefined, `seed ${seed}, ${each.uid}`).toBe(fits);
        if (on === undefined) {
          refused++;
          continue;
        }
        placed++;
        const room = free.get(on);
        if (room === undefined) throw new Error(`no node ${on}`);
        const left = {
          ...room,
          cpuMilli: room.cpuMilli - cpuMilli,
          memoryBytes: room.memoryBytes - memoryBytes,
          gpus: room.gpus - gpus,
          podsMax: room.podsMax - 1,
        };
        expect(Math.min(left.cpuMilli, left.memoryBytes, left.gpus, left.podsMax)).toBeGreaterThanOrEqual(0);
        free.set(on, left);
      }
    }
    expect(placed).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(40);
  });
});

describe('a cluster of more nodes than pods with preferences are compared on', () => {
  test('is looked at in parts, and as a whole where a part has no room', () => {
    const cluster = new TestCluster();
    for (let i = 0; i < 4100; i++) {
      const cpuMilli = i === 4000 ? 4000 : 100;
      cluster.scheduler.step({ kind: 'node', node: node(`n${i}`, { cpuMilli }) }, 0);
    }
    const term = { expressions: [{ key: 'disk', operator: 'Exists' as const, values: [] }], fields: [] };
    cluster.pods(
      ...['p', 'q', 'r', 's'].map((name) => pod(name, { preferredNodeTerms: [{ weight: 1, term }] })),
    );
    expect(bindings(cluster.decide())).toEqual({ p: 'n4000', q: 'n4000', r: 'n4000', s: 'n4000' });
  });
});
