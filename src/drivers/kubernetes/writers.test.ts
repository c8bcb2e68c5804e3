import { expect, test } from 'vitest';
import { parseSchedulerConfig } from './config/scheduler-config.ts';
import { makeWriters, serverTimes } from './writers.ts';
import { answer, ScriptedClient, VirtualClock } from './writes/writes.fixtures.ts';

const HEAD = 'apiVersion: teg.dev/v1alpha1\nkind: SchedulerConfiguration\n';

test.each([
  ['{}', 5, 5],
  ['{leaseDuration: 1m, renewDeadline: 20s}', 5, 30],
  ['{leaseDuration: 4s, renewDeadline: 2.5s, retryPeriod: 1s}', 1, 1],
  // The shortest possible: the server takes whole seconds.
  ['{leaseDuration: 3s, renewDeadline: 2500ms, retryPeriod: 1s}', 1, 1],
  ['{leaderElect: false}', 5, 10],
])('leaderElection %s: the server has %i s for a binding, %i s at most', (election, serverSeconds, most) => {
  const config = parseSchedulerConfig(`${HEAD}leaderElection: ${election}`, 'x');
  expect(serverTimes(config)).toEqual({ serverSeconds, serverSecondsMax: most });
});

test('a status that is refused is tried again after the back-offs of the configuration', async () => {
  const clock = new VirtualClock();
  const patched: number[] = [];
  const client = new ScriptedClient(({ method }) => {
    if (method === 'PATCH') patched.push(clock.nowSeconds());
    return method === 'PATCH' ? answer(403) : answer(200, { metadata: { uid: 'u' } });
  });
  const config = parseSchedulerConfig(`${HEAD}podInitialBackoffSeconds: 16\npodMaxBackoffSeconds: 40`, 'x');
  const onWriteError = () => undefined;
  const { status } = makeWriters({
    client,
    clock,
    config,
    identity: 'x',
    mayWrite: () => true,
    onWriteError,
  });
  const pod = { namespace: 'a', name: 'p', uid: 'u' };
  status.setNotScheduled(pod, { reason: 'Unschedulable', message: 'no' });
  await clock.advance(1000);
  const waits = patched.slice(1).map((at, i) => at - (patched[i] as number));
  expect(waits.length).toBeGreaterThan(20);
  for (const [i, most] of [16, 32, ...waits.slice(2).map(() => 40)].entries()) {
    expect(waits[i]).toBeGreaterThanOrEqual(most / 2);
    expect(waits[i]).toBeLessThanOrEqual(most);
  }
});
