import { expect, test } from 'vitest';
import { parseSchedulerConfig } from './config/scheduler-config.ts';
import { serverTimes } from './writers.ts';

const HEAD = 'apiVersion: teg.dev/v1alpha1\nkind: SchedulerConfiguration\n';

test.each([
  ['{}', 5, 5],
  ['{leaseDurationSeconds: 60, renewDeadlineSeconds: 20}', 5, 30],
  ['{leaseDurationSeconds: 4, renewDeadlineSeconds: 2.5, retryPeriodSeconds: 1}', 1, 1],
  // The shortest that there is: the server takes whole seconds.
  ['{leaseDurationSeconds: 3, renewDeadlineSeconds: 2.5, retryPeriodSeconds: 1}', 1, 1],
  ['{enabled: false}', 5, 10],
])('leaderElection %s: the server has %i s for a binding, %i s at most', (election, serverSeconds, most) => {
  const config = parseSchedulerConfig(`${HEAD}leaderElection: ${election}`, 'x');
  expect(serverTimes(config)).toEqual({ serverSeconds, serverSecondsMax: most });
});
