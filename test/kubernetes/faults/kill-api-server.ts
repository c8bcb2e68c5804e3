/**
 * The API server is killed and started again while pods are bound, and versions that watches stand at are compacted away.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { targetOf } from '../control-plane-fixture.ts';
import { compactEtcd, etcdRevision } from './etcd-log.ts';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import type { TegChild } from './teg-child.ts';

/** How often and among how many. */
interface KillParameters {
  readonly pods: number;
  readonly nodes: number;
  readonly kills: number;
}

/** kill -9 of the API server. */
export const KILL_API_SERVER: Scenario<KillParameters> = {
  name: 'kill -9 of the API server',
  what: 'killed while pods are bound, started again on the same port; the scheduler lives on',
  short: { pods: 600, nodes: 60, kills: 1 },
  full: { pods: 5000, nodes: 250, kills: 5 },
  play: killServer,
};

async function killServer(stage: Stage, parameters: KillParameters, facts: Facts): Promise<void> {
  const { pods, nodes, kills } = parameters;
  const { auditor, random, plane } = stage;
  await stage.nodes(nodes);
  await stage.pods(pods / 2, { prefix: 'p' });
  stage.startTeg();
  let longest = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const before = auditor.bindings.length;
    await stage.until('bindings go on', () => auditor.bindings.length > before, 60);
    await delay(random.nextFloat() * 500);
    await plane.restart('kube-apiserver', 'SIGKILL');
    const restarted = performance.now();
    const then = auditor.bindings.length;
    await stage.pods(Math.ceil(pods / 2 / kills), { prefix: `after-${kill}` });
    await stage.until('bindings go on after the restart', () => auditor.bindings.length > then, 60);
    longest = Math.max(longest, (performance.now() - restarted) / 1000);
  }
  facts.kills = kills;
  facts['longest from ready server and new pods to a binding, s'] = round(longest);
  facts['all placed, s'] = round(await stage.placed(90));
  facts['bound without an event'] = await stage.eventsAreThere(90);
}

/** How much goes on while watches are cut off. */
interface CompactionParameters {
  readonly pods: number;
  readonly nodes: number;
  readonly rounds: number;
}

/** Watches at a version that is compacted away. */
export const COMPACTION: Scenario<CompactionParameters> = {
  name: 'etcd compaction',
  what: 'watches cut off; pods come and go, etcd is compacted, the API server restarts; then every watch gets 410',
  short: { pods: 300, nodes: 40, rounds: 1 },
  full: { pods: 3000, nodes: 250, rounds: 5 },
  play: compact,
};

async function compact(stage: Stage, parameters: CompactionParameters, facts: Facts): Promise<void> {
  const { pods, nodes, rounds } = parameters;
  const { plane, auditor } = stage;
  const etcd = plane.processes.get('etcd')?.url ?? '';
  const proxy = await startFaultProxy({ upstream: targetOf(plane.kubeconfig) });
  try {
    await stage.nodes(nodes);
    const teg = stage.startTeg({ kubeconfig: proxy.kubeconfig });
    await stage.pods(pods, { prefix: 'first' });
    await stage.placed(60);
    let longest = 0;
    for (let turn = 0; turn < rounds; turn++) {
      const away = proxy.add({
        fault: { kind: 'answer', status: 503 },
        path: /[?&](watch|sendInitialEvents)=/,
      });
      proxy.cutWatches();
      const kept = turn === 0 ? 'first' : `turn-${turn - 1}`;
      await stage.each(Math.floor(pods / 2), (index) => stage.deletePod(`${kept}-${index}`));
      await stage.pods(Math.floor(pods / 2), { prefix: `turn-${turn}` });
      await compactEtcd(etcd, await etcdRevision(etcd));
      await plane.restart('kube-apiserver', 'SIGKILL');
      away.remove();
      longest = Math.max(longest, await stage.placed(90));
      const refused = await expired(teg);
      // The scenario is worth nothing otherwise.
      if (refused <= turn)
        auditor.violations.push(`${refused} watches were answered 410 in ${turn + 1} rounds`);
    }
    facts.compactions = rounds;
    facts['watches answered 410'] = await expired(teg);
    facts['longest from the end of the fault until all is placed, s'] = round(longest);
    facts['bound without an event'] = await stage.eventsAreThere(60);
  } finally {
    await proxy.stop();
  }
}

/** @returns How many watches were answered 410 so far. */
async function expired(teg: TegChild): Promise<number> {
  let count = 0;
  for (const [name, value] of await teg.metrics()) {
    if (name.startsWith('teg_reflector_total{') && name.includes('expired')) count += value;
  }
  return count;
}
