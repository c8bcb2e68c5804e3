import { expect, test } from 'vitest';
import { parseSchedulerConfig } from './config/scheduler-config.ts';
import { serverTimes } from './writers.ts';

const HEAD = 'apiVersion: teg.dev/v1alpha1\nkind: SchedulerConfiguration\n';

test.each([
  ['{}', 5, 5],
  ['{leaseDuration: 1m, renewDeadline: 20s}', 5, 30],
  ['{leaseDuration: 4s, renewDeadline: 2.5s, retryPeriod: 1s}', 1, 1],
  // The shortest that there is: the server takes whole seconds.
  ['{leaseDuration: 3s, renewDeadline: 2500ms, retryPeriod: 1s}', 1, 1],
  ['{leaderElect: false}', 5, 10],
])('leaderElection %s: the server has %i s for a binding, %i s at most', (election, serverSeconds, most) => {
  const config = parseSchedulerConfig(`${HEAD}leaderElection: ${election}`, 'x');
  expect(serverTimes(config)).toEqual({ serverSeconds, serverSecondsMax: most });
});
