import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { GuardMetrics } from './guard-metrics.ts';
import type { GuardStatus } from './guard-status.ts';

const STATUS: GuardStatus = {
  pid: 1,
  watchdogPid: 2,
  enforcing: true,
  backend: 'v1',
  isRealtime: false,
  faults: [],
  wallMib: 2,
  marginMib: 1,
  othersMib: 0,
  headroomMib: 0.5,
  isShort: true,
  exhausted: false,
  tickMicros: { count: 7, p50: 1, p99: 100, max: 200, lateMax: 3 },
  freezeMicros: { count: 0, p50: 0, p99: 0, max: 0, lateMax: 0 },
  standMicros: { count: 0, p50: 0, p99: 0, max: 0, lateMax: 0 },
  thawMicros: { count: 0, p50: 0, p99: 0, max: 0, lateMax: 0 },
  cpuSeconds: 1,
  upSeconds: 2,
  groups: [
    {
      path: '/jobs/a',
      priority: 0,
      gang: undefined,
      optedIn: true,
      usageMib: 1,
      growthMibPerSecond: 0,
      sharedMib: 0,
      limitMib: null,
      lineMib: null,
      softLimitMib: null,
      frozen: 'line',
      frozenForSeconds: 1,
      frozenSeconds: 4,
      freezes: 2,
      holds: 3,
      processes: 1,
      pressureSomeMicros: 0,
      oomKills: 0,
      refusal: undefined,
    },
  ],
  unusable: [],
};

test('a scrape reads the status once; groups that are gone leave', async () => {
  let reads = 0;
  let status = STATUS;
  const metrics = await GuardMetrics.listen(0, () => {
    reads++;
    return status;
  });
  const scrape = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${metrics.port}/metrics`)).text();
  const text = await scrape();
  expect(reads).toBe(1);
  for (const line of [
    'teg_guard_wall_bytes 2097152',
    'teg_guard_ticks_total 7',
    'teg_guard_group_freezes_total{group="/jobs/a"} 5',
    'teg_guard_group_frozen{group="/jobs/a"} 1',
  ])
    expect(text).toContain(`${line}\n`);
  status = { ...STATUS, groups: [] };
  expect(await scrape()).not.toContain('/jobs/a');
  expect((await fetch(`http://127.0.0.1:${metrics.port}/other`)).status).toBe(404);
  await metrics.close();
});

test('a port that is taken is an error with its number', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(GuardMetrics.listen(port, () => STATUS)).rejects.toMatchObject({
    code: 'TEG_LISTEN_FAILED',
    message: `metricsPort: got ${port} (EADDRINUSE), expected a free port of 127.0.0.1; 0 takes any`,
  });
  other.close();
});
