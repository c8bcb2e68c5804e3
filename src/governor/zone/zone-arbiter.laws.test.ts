import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { type Accounts, FREE_ACCOUNTS } from '../accounts.ts';
import { type ArbiterWorld, describeArbiterLaws } from '../arbiter.laws.ts';
import { POSTPONED } from '../arbiter.ts';
import { PinnedPolicy } from '../policy/pinned-policy.ts';
import { SharedPrices } from '../policy/shared-prices.ts';
import { TEG_DEFAULTS } from '../policy/teg-options.ts';
import { TegPolicy } from '../policy/teg-policy.ts';
import { makeCluster, NODE_KINDS, POD_KINDS } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { ZoneArbiter } from './zone-arbiter.ts';
import type { ZoneOptions } from './zone-events.ts';

type ZoneQueue = NonNullable<ZoneOptions['queue']>;

/** The same for all worlds, because making them takes a while. */
let shared: SharedPrices | undefined;

function prices(): SharedPrices {
  const all = makeCluster(NODE_KINDS.map((_, kind) => kind));
  shared ??= new SharedPrices(all, {
    demands: all.demands.demands.slice(0, 6),
    weights: [0.2, 0.1, 0.2, 0.2, 0.2, 0.1],
  });
  return shared;
}

function makeWorld(
  queue: ZoneQueue,
  nodes: readonly number[],
  accounts: Accounts = FREE_ACCOUNTS,
): ArbiterWorld {
  const cluster = makeCluster(nodes.map((kind) => kind % NODE_KINDS.length));
  const policy = new TegPolicy({ cluster, random: new Random(1) }, TEG_DEFAULTS, prices());
  const pinned = new PinnedPolicy(policy);
  const zone = new Zone(cluster, pinned, { queue, onNodeLost: 'fail', gangAttemptsPerEventMax: 2 }, accounts);
  const arbiter = new ZoneArbiter(zone, pinned, policy);
  const room = (): unknown => [
    [...cluster.freeCpuMilli],
    [...cluster.freeMemoryMib],
    [...cluster.gpuIdleMilli],
    [...cluster.podCounts],
    cluster.freeExtended.map((column) => [...column]),
    nodes.map((_, node) => cluster.groupPods(node, 0)),
  ];
  const classes = (): unknown => {
    const { classes: table, rent } = policy;
    const lists = Array.from(table.occupied.slice(0, table.occupiedCount), (id) => {
      const members = [id];
      for (let node = table.heads[id] as number; node >= 0; node = table.nextNode(node)) members.push(node);
      return members;
    });
    return [table.count, lists, Array.from({ length: rent.groupCount }, (_, group) => rent.sumsOf(group))];
  };
  return {
    arbiter,
    accountOf: (tenant) => tenant,
    demandCount: POD_KINDS.length,
    nodeCount: nodes.length,
    room,
    digest: () => [room(), classes(), { ...zone.counters }, zone.steps, policy.gpuMask, zone.timeSeconds],
    check: () => zone.check(),
    isUp: (node) => cluster.up[node] === 1,
    nodeDown: (node, timeSeconds) => arbiter.nodeDown(node, timeSeconds),
    nodeUp: (node, timeSeconds) => arbiter.nodeUp(node, timeSeconds),
  };
}

describeArbiterLaws('a zone', (nodes, accounts) => makeWorld('best-effort', nodes, accounts));
describeArbiterLaws('a strict zone', (nodes, accounts) => makeWorld('strict-fifo', nodes, accounts), 0.5);

test('a job behind one that blocks it is postponed, not refused', () => {
  const { arbiter } = makeWorld('strict-fifo', [0]);
  arbiter.attach({ granted: () => {}, lost: () => {}, expired: () => {} });
  const order = { demandId: 0, podCount: 4, gangMin: 4, priority: 0, tenant: 0, counts: false, waits: true };
  expect(arbiter.place(0, order, 1)).toBe(4);
  expect(arbiter.place(1, order, 1)).toBe(POSTPONED);
  expect(arbiter.place(2, { ...order, podCount: 1, gangMin: 1 }, 1)).toBe(POSTPONED);
});

test('a running job is adopted past a waiting one that blocks all others, and pins no later job', () => {
  const { arbiter } = makeWorld('strict-fifo', [0, 0]);
  arbiter.attach({ granted: () => {}, lost: () => {}, expired: () => {} });
  const order = { demandId: 0, podCount: 6, gangMin: 6, priority: 0, tenant: 0, counts: false, waits: true };
  expect(arbiter.place(0, order, 1)).toBe(6);
  expect(arbiter.place(1, { ...order, podCount: 4, gangMin: 4 }, 1)).toBe(POSTPONED);
  const pods = [0, 0];
  arbiter.pods(0, (_, node) => {
    pods[node] = (pods[node] as number) + 1;
  });
  const roomy = pods.findIndex((count) => count < 4);
  const one = { ...order, podCount: 1, gangMin: 1 };
  expect(arbiter.place(2, one, 1)).toBe(POSTPONED);
  expect(arbiter.adopt(3, one, [roomy], [0], 1)).toBe(1);
  expect(() =>
    arbiter.adopt(4, { ...one, podCount: 9 }, new Array(9).fill(roomy), new Array(9).fill(0), 1),
  ).toThrow('has no room there');
  // More pins than the failed adoption used would place this one on a full node.
  arbiter.release(1, 2);
  arbiter.release(0, 3);
  expect(arbiter.postponedCount).toBe(0);
  expect(arbiter.place(5, { ...one, podCount: 5, gangMin: 5, waits: false }, 3)).toBe(5);
});
