/**
 * What a champion's plan costs in the pod scheduler: milliseconds of CPU time of one review that elects a champion, on a
 * cluster of 5,000 nodes with 50,000 pods. Seeded; prints JSON: the median and the largest of the reviews.
 *
 *     node bench/pod-champion.bench.ts [nodes] [pods a node] [reviews]
 */
import { createConstraints } from '../src/governor/pods/constraints/cluster-constraints.ts';
import { labelledMarket, teamTenant } from '../src/governor/pods/economy/economy.fixtures.ts';
import { tenantKey } from '../src/governor/pods/economy/tenant-keys.ts';
import { PodScheduler } from '../src/governor/pods/pod-scheduler.ts';
import { group, node, pod, requests, SCHEDULER_OPTIONS } from '../src/governor/pods/scheduler.fixtures.ts';
import { Random } from '../src/kernel/random.ts';
import type { PodDescription } from '../src/model/kubernetes/pod.ts';

const [nodes = 5000, podsPerNode = 10, reviews = 7] = process.argv.slice(2).map(Number);
const START = 100_000;
/** Members of a gang, each a whole node. */
const GANG = 64;

function cpuMillis(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function of(name: string, cpuMilli: number, more: Partial<PodDescription>): PodDescription {
  const template = { namespace: 'all', requests: requests(cpuMilli) };
  return pod(name, template, { namespace: 'all', tenant: tenantKey('all', ''), ...more });
}

/** A full cluster: every node has its pods, which end at random. */
function fullCluster(random: Random): PodScheduler {
  const scheduler = new PodScheduler(SCHEDULER_OPTIONS, createConstraints());
  const champion = { afterSeconds: 0, reservationsMax: 1, unknownRuntime: 'Never' as const };
  const market = { ...labelledMarket('a'), champion };
  scheduler.step({ kind: 'namespace', name: 'all', labels: { team: 'all' } }, START);
  const tenants = [teamTenant('all', { a: 0 })];
  scheduler.step({ kind: 'economy', economy: { mode: 'enforce', market, tenants } }, START);
  for (let i = 0; i < nodes; i++) {
    const described = node(`n${i}`, { cpuMilli: 1000 * podsPerNode, labels: { kind: 'a' } });
    scheduler.step({ kind: 'node', node: described }, START);
    for (let j = 0; j < podsPerNode; j++) {
      const startedSeconds = START - random.nextInt(3600);
      const expectedSeconds = 3600 + random.nextInt(86_400);
      const placed = of(`p${i}-${j}`, 1000, { nodeName: `n${i}`, startedSeconds, expectedSeconds });
      scheduler.step({ kind: 'pod', pod: placed }, START);
    }
  }
  return scheduler;
}

const scheduler = fullCluster(new Random(1));
const millis: number[] = [];
let nodesKept = 0;
for (let i = 0; i < reviews; i++) {
  const key = `core:default/g${i}`;
  const time = START + 10 * i;
  scheduler.step({ kind: 'group', group: group(`g${i}`, GANG) }, time);
  const uids = Array.from({ length: GANG }, (_, n) => `g${i}-${n}`);
  for (const uid of uids)
    scheduler.step({ kind: 'pod', pod: of(uid, 1000 * podsPerNode, { group: key }) }, time);
  // Refused: nothing fits. Due for a review.
  scheduler.step({ kind: 'decide', max: 1000 }, time);
  const { champions } = scheduler.internals;
  millis.push(cpuMillis(() => scheduler.step({ kind: 'decide', max: 1000 }, time + 2)));
  champions.forEach(({ slots }) => {
    nodesKept = slots.length;
  });
  if (champions.count !== 1) throw new Error(`${champions.count} champions, expected 1`);
  for (const uid of uids) scheduler.step({ kind: 'pod-gone', uid }, time + 3);
  scheduler.step({ kind: 'group-gone', key }, time + 3);
  for (let at = 4; at < 10; at++) scheduler.step({ kind: 'decide', max: 1000 }, time + at);
}
millis.sort((x, y) => x - y);
const row = { nodes, pods: nodes * podsPerNode, gang: GANG, nodesKept, reviews };
const medianMillis = millis[Math.floor(millis.length / 2)];
console.log(JSON.stringify({ ...row, medianMillis, largestMillis: millis.at(-1) }));
