/**
 * Gangs of unlike members: an arrangement among few possible ones is found, within a stated number of checks, and each
 * member gets its own reason.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import {
  bindings,
  group,
  node,
  pod,
  refusals,
  requests,
  selector,
  TestCluster,
} from '../scheduler.fixtures.ts';

const KEY = 'core:default/g';
const member = (
  name: string,
  cpuMilli: number,
  of: Parameters<typeof pod>[1] = {},
  more = {},
): PodDescription => pod(name, { requests: requests(cpuMilli), ...of }, { group: KEY, ...more });

describe('a head and its workers', () => {
  /** Workers that came first, and would be packed onto the only node that the head may use. */
  function ray(): { cluster: TestCluster; pods: PodDescription[] } {
    const cluster = new TestCluster().nodes(
      node('a-head', { cpuMilli: 5000, labels: { pool: 'head' } }),
      node('b', { cpuMilli: 4000 }),
    );
    cluster.others('daemon', 'a-head', { requests: requests(500) });
    cluster.group(group('g', 3));
    const head = member('head', 4000, { nodeSelector: { pool: 'head' } }, { createdSeconds: 9 });
    return { cluster, pods: [member('w0', 2000), member('w1', 2000), head] };
  }

  test('that fit in one way only are placed', () => {
    const { cluster, pods } = ray();
    cluster.pods(...pods);
    expect(bindings(cluster.decide())).toEqual({ w0: 'b', w1: 'b', head: 'a-head' });
  });

  test('that do not fit each get their own reason, with the members left without room', () => {
    const { cluster, pods } = ray();
    cluster.others('x', 'a-head', { requests: requests(1000) });
    cluster.pods(...pods);
    const told = refusals(cluster.decide());
    const needs = 'pod group default/g needs 3 pods at once, 2 of 3 fit, not head.';
    expect(told).toEqual({
      w0: `0/2 nodes are available: room is needed for several pods at once. ${needs}`,
      w1: `0/2 nodes are available: room is needed for several pods at once. ${needs}`,
      head: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector. ${needs}`,
    });
    expect(cluster.scheduler.explain('w0')?.group?.text).toBe(
      'room for 3 of its pods at once; at the last attempt 2 of 3 fit, not head',
    );
  });
});

test('the largest first, where the order of age does not fit', () => {
  const cluster = new TestCluster({ gangSearchChecksMax: 0 }).nodes(node('a'), node('b', { cpuMilli: 3000 }));
  cluster.group(group('g', 3));
  cluster.pods(member('s', 1000), member('m', 2000), member('l', 4000));
  expect(bindings(cluster.decide())).toEqual({ s: 'b', m: 'b', l: 'a' });
});

test('the most constrained first, where neither the order of age nor that of size fits', () => {
  // Just enough to count the nodes of each: too few are left for a search.
  const cluster = new TestCluster({ gangSearchChecksMax: 5 }).nodes(
    node('a', { labels: { pool: 'head' } }),
    node('b'),
  );
  // Packing prefers nodes that are in use.
  cluster.others('daemon', 'a', { requests: requests(500) });
  cluster.group(group('g', 2));
  cluster.pods(member('worker', 3000), member('head', 1000, { nodeSelector: { pool: 'head' } }));
  expect(bindings(cluster.decide())).toEqual({ worker: 'b', head: 'a' });
});

test('members that attract each other are begun in another zone where the cheapest one is too small', () => {
  const cluster = new TestCluster();
  for (const [zone, nodes] of [
    ['x', 1],
    ['y', 3],
    ['z', 2],
  ] as const) {
    for (let i = 0; i < nodes; i++) cluster.nodes(node(`${zone}${i}`, { labels: { zone } }));
  }
  // Packing prefers nodes that are in use.
  cluster.others('o', 'x0', { requests: requests(1000) });
  const near = {
    topologyKey: 'zone',
    selector: selector('job', 'g'),
    namespaces: ['default'],
    namespaceSelector: undefined,
  };
  cluster.group(group('g', 3));
  for (const name of ['a', 'b', 'c']) {
    cluster.pods(member(name, 3000, { labels: { job: 'g' }, affinity: [near] }));
  }
  const nodes = Object.values(bindings(cluster.decide()));
  expect(new Set(nodes)).toEqual(new Set(['y0', 'y1', 'y2']));
});

/** A gang for which brute force searches a placement. */
interface Puzzle {
  readonly nodes: readonly NodeDescription[];
  readonly pods: readonly PodDescription[];
  readonly minCount: number;
}

/**
 * Up to six unlike members on up to five nodes that they nearly fill: mostly cut out of the nodes, so that they just
 * fit.
 */
function puzzle(seed: number): Puzzle {
  const random = new Random(seed);
  const draw = (n: number): number => Math.floor(random.nextFloat() * n);
  const nodes = Array.from({ length: 1 + draw(5) }, (_, i) =>
    node(`n${i}`, {
      cpuMilli: 1000 * (1 + draw(8)),
      memoryBytes: 1000 * (1 + draw(8)),
      labels: { pool: `p${draw(2)}` },
    }),
  );
  const left = nodes.map(({ cpuMilli, memoryBytes }) => ({ cpuMilli, memoryBytes }));
  const pods = Array.from({ length: 2 + draw(5) }, (_, i) => {
    const at = draw(nodes.length);
    const room = left[at] as { cpuMilli: number; memoryBytes: number };
    const share = (amount: number): number =>
      500 * Math.ceil((amount * (0.3 + 0.7 * random.nextFloat())) / 500);
    const cpuMilli = Math.max(500, Math.min(room.cpuMilli, share(room.cpuMilli)));
    const memoryBytes = Math.max(500, Math.min(room.memoryBytes, share(room.memoryBytes)));
    room.cpuMilli -= cpuMilli;
    room.memoryBytes -= memoryBytes;
    const { pool = '' } = (nodes[at] as NodeDescription).labels;
    const bound = draw(3) === 0 ? { pool } : {};
    const port = draw(4) === 0 ? [{ ip: '', protocol: 'TCP' as const, port: 80 }] : [];
    return member(`m${i}`, 0, {
      requests: requests(cpuMilli, memoryBytes),
      nodeSelector: bound,
      hostPorts: port,
    });
  });
  return { nodes, pods, minCount: Math.max(2, pods.length - draw(2)) };
}

/** @returns True if `minCount` members fit, by exhaustive search. */
function fits({ nodes, pods, minCount }: Puzzle): boolean {
  const free = nodes.map(({ cpuMilli, memoryBytes }) => ({ cpuMilli, memoryBytes, port: false }));
  const place = (i: number, placed: number): boolean => {
    if (placed >= minCount) return true;
    const one = pods[i];
    if (one === undefined || placed + pods.length - i < minCount) return false;
    const { requests: asked, nodeSelector, hostPorts } = one.template;
    const wantsPort = hostPorts.length > 0;
    return (
      nodes.some(({ labels }, n) => {
        const room = free[n] as (typeof free)[number];
        if (nodeSelector.pool !== undefined && labels.pool !== nodeSelector.pool) return false;
        if (room.cpuMilli < asked.cpuMilli || room.memoryBytes < asked.memoryBytes) return false;
        if (wantsPort && room.port) return false;
        const before = { ...room };
        room.cpuMilli -= asked.cpuMilli;
        room.memoryBytes -= asked.memoryBytes;
        room.port ||= wantsPort;
        const found = place(i + 1, placed + 1);
        Object.assign(room, before);
        return found;
      }) || place(i + 1, placed)
    );
  };
  return place(0, 0);
}

/** A scheduler with the puzzle's nodes and pods, none of them decided. */
function clusterOf({ nodes, pods, minCount }: Puzzle, options = {}): TestCluster {
  const cluster = new TestCluster(options).nodes(...nodes);
  cluster.group(group('g', minCount));
  cluster.pods(...pods);
  return cluster;
}

test('whatever fits of six unlike members on five nodes is placed within the limit', () => {
  let fitting = 0;
  let searched = 0;
  for (let seed = 0; seed < 600; seed++) {
    const each = puzzle(seed);
    const cluster = clusterOf(each);
    const placed = Object.keys(bindings(cluster.step({ kind: 'decide', max: 1 }))).length;
    const possible = fits(each);
    expect(placed >= each.minCount, `seed ${seed}`).toBe(possible);
    if (!possible) continue;
    fitting++;
    const plain = clusterOf(each, { gangSearchChecksMax: 0 }).step({ kind: 'decide', max: 1 });
    if (Object.keys(bindings(plain)).length === 0) searched++;
  }
  // Of those that fit, the orders alone do not place all: otherwise the search would not be tested.
  expect(fitting).toBeGreaterThan(150);
  expect(searched).toBeGreaterThan(5);
}, 120_000);

describe('the limit of the search', () => {
  /**
   * Thirteen unlike members, of which three fit on a node, on four nodes with room enough in sum: proving that takes
   * very long.
   */
  function hard(options: object): TestCluster {
    const cluster = new TestCluster(options);
    for (let i = 0; i < 4; i++) cluster.nodes(node(`n${i}`, { cpuMilli: 10_000 }));
    cluster.group(group('g', 13));
    for (let i = 0; i < 13; i++) cluster.pods(member(`m${i}`, 2600 + i));
    return cluster;
  }

  test.each([0, 1, 500, 20_000])('at most %i checks are made, and nothing is left behind', (most) => {
    const cluster = hard({ gangSearchChecksMax: most });
    const { state } = cluster.scheduler.internals;
    let asked = 0;
    const { accepts } = state;
    state.accepts = (...args) => {
      asked++;
      return accepts.apply(state, args);
    };
    const before = state.anyVersion;
    expect(bindings(cluster.step({ kind: 'decide', max: 1 }))).toEqual({});
    expect(state.anyVersion).toBe(before);
    // The three orders make checks, too: each member once on each node.
    expect(asked).toBeLessThanOrEqual(most + 3 * 13 * 4 + 1);
    if (most > 0) expect(asked).toBeGreaterThanOrEqual(Math.min(most, 3000) / 2);
  });

  test('a search with many checks waits longer for its next attempt', () => {
    const pauses = [0, 20_000].map((gangSearchChecksMax) => {
      const cluster = hard({ gangSearchChecksMax });
      cluster.step({ kind: 'decide', max: 1 });
      const [one] = cluster.scheduler.internals.groups.groups.values();
      return (one?.notBeforeSeconds ?? 0) - cluster.timeSeconds;
    });
    expect(pauses[0]).toBeCloseTo(0.0165, 6);
    expect(pauses[1]).toBeGreaterThan(0.2);
    expect(pauses[1]).toBeLessThanOrEqual(1);
  });
});
