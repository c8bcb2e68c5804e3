/**
 * Each alert rule of `deploy/` holds when what it is for has happened, and does not otherwise: evaluated on the page that the
 * scheduler serves.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SchedulerMetrics } from '../src/drivers/kubernetes/server/scheduler-metrics.ts';
import { evaluate } from './support/promql.ts';

const FILE = join(import.meta.dirname, '..', 'deploy', 'helm', 'teg', 'monitoring', 'alerts.yaml');
const { groups } = parse(readFileSync(FILE, 'utf8')) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
const RULES = new Map(groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as const)));
/** Between the two scrapes of a test. */
const SECONDS = 300;

type Happening = (metrics: SchedulerMetrics) => void;
const EVENTS = { created: 0, merged: 0, dropped: 0, refused: 0, failed: 0 };

function times(count: number, happening: Happening): Happening {
  return (metrics) => {
    for (let i = 0; i < count; i++) happening(metrics);
  };
}

/** A leader at work, as every collection of its metrics shows it. */
function healthy(metrics: SchedulerMetrics): void {
  metrics.leading(true);
  metrics.leaseAge(1);
  metrics.synced(true);
  for (const queue of ['active', 'backoff', 'unschedulable', 'gated'] as const) metrics.pending(queue, 0);
  metrics.gangs(Object.entries({ waiting: 3, binding: 1, bound: 5, repairing: 0 }));
  metrics.events(EVENTS, 0);
  metrics.reflector('pods', 10, { failures: 0 });
  metrics.malformed('pods', 0);
}

/** What is there when the scheduler has worked for a while: series that come with their first event. */
const USUAL = times(100, (metrics) => {
  metrics.attempt('scheduled', 0.01);
  metrics.bind('bound', 0.01);
  metrics.bound(1, 0.1);
});

/** By alert: what makes it hold, and what must not. */
const CASES: Record<string, readonly [Happening, Happening]> = {
  TegNoLeader: [(metrics) => metrics.leading(false), () => undefined],
  TegLeaseOld: [(metrics) => metrics.leaseAge(11), (metrics) => metrics.leaseAge(9)],
  TegNotSynced: [(metrics) => metrics.synced(false), () => undefined],
  TegSchedulingSlow: [
    times(50, (metrics) => metrics.bound(1, 200)),
    times(50, (metrics) => metrics.bound(1, 5)),
  ],
  TegSchedulingErrors: [
    times(20, (metrics) => metrics.attempt('error', 0.1)),
    times(20, (metrics) => metrics.attempt('unschedulable', 0.1)),
  ],
  TegPodsUnschedulable: [
    (metrics) => metrics.pending('unschedulable', 2),
    (metrics) => {
      metrics.pending('gated', 2);
      metrics.pending('active', 2);
    },
  ],
  TegBindsFail: [
    times(40, (metrics) => metrics.bind('failed', 0.1)),
    times(40, (metrics) => metrics.bind('conflict', 0.1)),
  ],
  TegWatchesFail: [
    (metrics) => metrics.reflector('pods', 10, { failures: 11 }),
    (metrics) => metrics.reflector('pods', 10, { failures: 9, expired: 20 }),
  ],
  TegGangsStuck: [
    (metrics) => metrics.gangs(Object.entries({ waiting: 3, binding: 1, bound: 5, repairing: 1 })),
    (metrics) => metrics.gangs(Object.entries({ waiting: 9, binding: 9, bound: 9, repairing: 0 })),
  ],
  TegEventsDropped: [
    (metrics) => metrics.events({ ...EVENTS, dropped: 1 }, 5),
    (metrics) => metrics.events({ ...EVENTS, created: 500, merged: 9 }, 5),
  ],
  TegMalformedObjects: [(metrics) => metrics.malformed('pods'), () => undefined],
};

async function holds(alert: string, happening: Happening): Promise<boolean> {
  const metrics = new SchedulerMetrics('teg', '1.0.0');
  healthy(metrics);
  USUAL(metrics);
  const before = await metrics.text();
  USUAL(metrics);
  happening(metrics);
  const now = await metrics.text();
  return evaluate(RULES.get(alert) as string, { before, now, seconds: SECONDS }).length > 0;
}

test.each(Object.entries(CASES))('%s holds when it has to, and only then', async (alert, [bad, good]) => {
  expect(await holds(alert, () => undefined)).toBe(false);
  expect(await holds(alert, good)).toBe(false);
  expect(await holds(alert, bad)).toBe(true);
});

test('TegDown and TegSeveralLeaders, which are about pages that are missing or too many', async () => {
  const metrics = new SchedulerMetrics('teg', '1.0.0');
  healthy(metrics);
  const page = await metrics.text();
  const asks = (alert: string, now: string) =>
    evaluate(RULES.get(alert) as string, { before: '', now, seconds: SECONDS }).length > 0;
  expect([asks('TegDown', page), asks('TegDown', '')]).toEqual([false, true]);
  // Replicas scraped under one job.
  expect([asks('TegSeveralLeaders', page), asks('TegSeveralLeaders', page + page)]).toEqual([false, true]);
  expect([...RULES.keys()].sort()).toEqual([...Object.keys(CASES), 'TegDown', 'TegSeveralLeaders'].sort());
});
