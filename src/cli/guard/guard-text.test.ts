import { expect, test } from 'vitest';
import type { GuardStatus } from '../../drivers/guard/guard-status.ts';
import { doctorText } from './guard-doctor.ts';
import { eventText, statusText } from './guard-text.ts';

test('an event is a line with its fields; a change of state has names', () => {
  expect(eventText({ timeMs: 0, event: 'thawed', group: '/a b', seconds: 1.23456, list: [1] })).toBe(
    '00:00:00.000 thawed group="/a b" seconds=1.235 list=[1]',
  );
  expect(eventText({ timeMs: 0, event: 'state', unit: '/a', from: 1, to: 2, reason: 'no progress' })).toBe(
    '00:00:00.000 throttled → frozen unit=/a reason="no progress"',
  );
});

test('a status has a line for each group, and survives what could not be read', () => {
  const status = {
    pid: 1,
    enforcing: false,
    backend: 'v2',
    isRealtime: true,
    faults: [],
    wallMib: null,
    marginMib: 16,
    othersMib: null,
    headroomMib: null,
    isShort: true,
    exhausted: false,
    tickMicros: { count: 1, p50: 50, p99: 100, max: 100, lateMax: 0 },
    freezeMicros: { count: 0, p50: 0, p99: 0, max: 0, lateMax: 0 },
    standMicros: { count: 0, p50: 0, p99: 0, max: 0, lateMax: 0 },
    thawMicros: { count: 0, p50: 0, p99: 0, max: 0, lateMax: 0 },
    cpuSeconds: 1,
    upSeconds: 100,
    groups: [
      {
        path: '/a',
        priority: 3,
        optedIn: true,
        usageMib: 10,
        growthMibPerSecond: null,
        frozen: 'line',
        freezes: 1,
        holds: 2,
      },
      { path: '/b', priority: 0, optedIn: false, usageMib: 20, growthMibPerSecond: 1, freezes: 0, holds: 0 },
    ],
    unusable: [{ group: '/c', why: 'it is gone' }],
  } as unknown as GuardStatus;
  const text = statusText(status);
  expect(text).toContain('dry run: changes nothing; cgroups v2; SCHED_FIFO; pid 1, watchdog –');
  expect(text).toContain('memory short: wall – MiB, others –, headroom – above a margin of 16');
  expect(text).toMatch(/^\/a +3 +held +10 +–/m);
  expect(text).toMatch(/^\/b +0 +counted +20/m);
  expect(text.endsWith('/c: it is gone')).toBe(true);
});

test('the doctor says of what is missing what is lost, and how to get it', () => {
  const check = { isNeeded: false, found: 'none', lost: 'times', remedy: 'boot with psi=1' };
  const text = doctorText([
    { ...check, name: 'pressure (PSI)', isThere: false },
    { ...check, name: 'swap', isThere: true },
  ]);
  expect(text).toContain('pressure (PSI)\n  not promised: times\n  to get it: boot with psi=1');
  expect(text).not.toContain('swap\n  not');
  expect(doctorText([{ ...check, name: 'swap', isThere: true }])).toContain('everything is there');
});
