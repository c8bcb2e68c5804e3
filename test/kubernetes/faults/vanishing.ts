/**
 * Nodes are deleted, cordoned and created again, and pods deleted, between decisions and bindings.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** How much goes on. */
interface Parameters {
  readonly pods: number;
  readonly nodes: number;
  /** Nodes deleted, and as many cordoned, and as many pods deleted, while pods are bound. */
  readonly each: number;
  readonly gangs: number;
}

const GANG = 8;

/** See the head of the file. */
export const VANISHING: Scenario<Parameters> = {
  name: 'nodes and pods vanish',
  what: 'nodes deleted, cordoned, created again, and pods deleted, while pods and gangs are bound; then the nodes come back',
  short: { pods: 600, nodes: 60, each: 15, gangs: 6 },
  full: { pods: 5000, nodes: 250, each: 150, gangs: 40 },
  play,
};

async function play(stage: Stage, parameters: Parameters, facts: Facts): Promise<void> {
  const { pods, nodes, each, gangs } = parameters;
  const { auditor, random } = stage;
  await stage.nodes(nodes);
  for (let gang = 0; gang < gangs; gang++) {
    await stage.group(`gang-${gang}`, GANG);
    await stage.pods(GANG, { prefix: `gang-${gang}`, group: `gang-${gang}`, cpu: '200m' });
  }
  await stage.pods(pods, { prefix: 'p' });
  stage.startTeg();
  await stage.until('it binds', () => auditor.bound > 0, 30);
  const deleted = new Set<number>();
  const counts = { nodes: 0, cordons: 0, pods: 0 };
  while (counts.nodes < each && auditor.unbound > 0) {
    const [gone, cordoned] = [random.nextInt(nodes), random.nextInt(nodes)];
    const unbound = [...auditor.pods.values()].filter((pod) => pod.node === '' && pod.group === '');
    const pod = unbound[random.nextInt(Math.max(1, unbound.length))];
    await Promise.all([
      stage.ask({ method: 'DELETE', path: `/api/v1/nodes/node-${gone}` }),
      stage.patch(`/api/v1/nodes/node-${cordoned}`, { spec: { unschedulable: true } }),
      pod === undefined ? undefined : stage.deletePod(pod.name.slice('default/'.length)),
    ]);
    deleted.add(gone);
    counts.nodes++;
    counts.cordons++;
    if (pod !== undefined) counts.pods++;
    await delay(random.nextFloat() * 20);
    if (counts.nodes % 3 !== 0) continue;
    await stage.nodes(1, {}, gone);
    deleted.delete(gone);
  }
  facts['deleted nodes, cordoned nodes, deleted pods'] = Object.values(counts).join(', ');
  for (const node of deleted) await stage.nodes(1, {}, node);
  await stage.each(nodes, (node) =>
    stage.patch(`/api/v1/nodes/node-${node}`, { spec: { unschedulable: null } }),
  );
  facts['all placed, s after the nodes are back'] = round(await stage.placed(60));
  for (const [name, { bound }] of auditor.gangs()) {
    if (bound < GANG) auditor.violations.push(`gang ${name}: ${bound} of ${GANG} bound`);
  }
  facts['bound to a node deleted in the 2 s before'] = auditor.boundToGone;
  facts['bound without an event'] = await stage.eventsAreThere(60);
}
