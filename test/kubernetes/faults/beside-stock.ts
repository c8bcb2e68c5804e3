/**
 * The stock scheduler works on the same nodes at the same time, until nothing fits any more.
 */
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** How much goes on. */
interface Parameters {
  readonly nodes: number;
}

/** Pods of each scheduler a node: together they ask for a quarter more than there is. */
const PODS_A_NODE = 5;

/** See the head of the file. */
export const BESIDE_STOCK: Scenario<Parameters> = {
  name: 'beside the stock scheduler',
  what: 'both fill the same nodes at the same time, with a quarter more pods than fit; then pods of the stock scheduler go',
  short: { nodes: 60 },
  full: { nodes: 500 },
  stage: { others: true },
  play,
};

async function play(stage: Stage, { nodes }: Parameters, facts: Facts): Promise<void> {
  const { auditor } = stage;
  await stage.nodes(nodes);
  stage.startTeg();
  await stage.plane.startStockScheduler('profiles:\n  - schedulerName: default-scheduler\n');
  const pods = nodes * PODS_A_NODE;
  await Promise.all([
    stage.pods(pods, { prefix: 'teg', cpu: '500m' }),
    stage.pods(pods, { prefix: 'stock', cpu: '500m', schedulerName: 'default-scheduler' }),
  ]);
  const full = (): boolean => bound(stage) === nodes * 8 || room(stage) === 0;
  facts['full, s after the last pod was created'] = round(await stage.until('the nodes are full', full, 90));
  facts['placed by TEG'] = auditor.bound;
  facts['placed by stock'] = bound(stage) - auditor.bound;
  facts['nodes over capacity'] = over(stage);
  const stock = [...auditor.pods.values()].filter((pod) => !pod.ours && pod.node !== '');
  const going = stock.slice(0, auditor.unbound + over(stage) * 2);
  await stage.each(going.length, (index) => {
    const name = going[index]?.name ?? '';
    return stage.deletePod(name.slice(name.indexOf('/') + 1));
  });
  const done = (): boolean => room(stage) === 0 || auditor.unbound === 0;
  facts['room used again, s'] = round(await stage.until('room that was made is used', done, 60));
  const lost = await stage.eventsAreThere(60);
  facts['bound without an event'] = lost;
}

function bound(stage: Stage): number {
  let count = 0;
  for (const pod of stage.auditor.pods.values()) if (pod.node !== '') count++;
  return count;
}

/** Pods of 500m that there is room for. */
function room(stage: Stage): number {
  let count = 0;
  for (const { has, pods } of stage.auditor.nodes.values()) {
    count += Math.max(0, Math.floor(has.cpu / 500) - pods.size);
  }
  return count;
}

function over(stage: Stage): number {
  let count = 0;
  for (const { has, pods } of stage.auditor.nodes.values()) if (pods.size * 500 > has.cpu) count++;
  return count;
}
