/**
 * The API server is away for longer than the lease lasts, and nobody else takes it meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** How long, how often and among how many. */
interface Parameters {
  readonly seconds: number;
  readonly rounds: number;
  readonly nodes: number;
  readonly pods: number;
}

/** See the head of the file. */
export const AWAY: Scenario<Parameters> = {
  name: 'API server away beyond the lease',
  what: 'killed while pods are bound and one is found to fit nowhere, and started again when the lease (4 s) is over; then the same scheduler leads again',
  short: { seconds: 6, rounds: 1, nodes: 60, pods: 300 },
  full: { seconds: 20, rounds: 4, nodes: 250, pods: 1000 },
  play,
};

const ELECTION = { leaderElect: true, leaseDuration: '4s', renewDeadline: '3s', retryPeriod: '0.5s' };

async function play(stage: Stage, { seconds, rounds, nodes, pods }: Parameters, facts: Facts): Promise<void> {
  const { auditor, plane } = stage;
  const server = plane.processes.get('kube-apiserver');
  await stage.nodes(nodes);
  const teg = stage.startTeg({ config: { leaderElection: ELECTION } });
  await stage.until('it leads', () => teg.said('leading').length > 0, 30);
  let longest = 0;
  for (let turn = 0; turn < rounds; turn++) {
    const before = auditor.bindings.length;
    await stage.pods(pods / 2, { prefix: `before-${turn}`, cpu: '50m' });
    await stage.until('it binds', () => auditor.bindings.length > before, 30);
    await stage.pods(1, { prefix: `large-${turn}`, cpu: '5' });
    await server?.stop('SIGKILL');
    await delay(seconds * 1000);
    await plane.restart('kube-apiserver', 'SIGKILL');
    const began = performance.now();
    await stage.pods(pods / 2, { prefix: `after-${turn}`, cpu: '50m' });
    await stage.until('all but those that fit nowhere are placed', () => auditor.unbound === turn + 1, 60);
    longest = Math.max(longest, (performance.now() - began) / 1000);
    if (teg.said('not leading').length <= turn)
      auditor.violations.push('it did not see that its lease was over');
    const isTold = (): Promise<boolean> => isUnschedulable(stage, `large-${turn}-0`);
    await stage.until('the pod that fits nowhere says so', isTold, 30);
  }
  facts['longest from the server being back until all is placed, s'] = round(longest);
  facts['times that it led'] = teg.said('leading').length;
  // Nothing was killed but the server: an event may wait for its next try, but none may be lost.
  facts['bound without an event'] = await stage.eventsAreThere(60);
}

async function isUnschedulable(stage: Stage, name: string): Promise<boolean> {
  const answer = await stage.ask({ method: 'GET', path: `/api/v1/namespaces/default/pods/${name}` });
  const { conditions = [] } = (answer.body as { status: { conditions?: Record<string, string>[] } }).status;
  return conditions.some(
    ({ type, status, reason, message = '' }) =>
      type === 'PodScheduled' &&
      status === 'False' &&
      reason === 'Unschedulable' &&
      message.includes('Insufficient cpu'),
  );
}
