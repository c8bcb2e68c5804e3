import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { ShardMetrics } from './shard-metrics.ts';

const JOBS = 50;
const events = fc.array(
  fc.record({
    what: fc.constantFrom('started', 'placed', 'ended', 'sent'),
    job: fc.nat(JOBS - 1),
    seconds: fc.double({ min: 0, max: 1e4, noNaN: true }),
  }),
  { maxLength: 80 },
);

/** Numbers and quantiles; the sketch's sum of fractions depends on the order of adding, and is in no result. */
function facts(metrics: ShardMetrics): object {
  const { numbers, hosts, traffic } = metrics.toPlain();
  return { numbers, hosts, traffic, waits: [0, 0.25, 0.5, 0.9, 1].map((q) => metrics.waitQuantile(q)) };
}

function apply(metrics: ShardMetrics, what: string, job: number, seconds: number): void {
  if (what === 'started') metrics.started(1 + job);
  if (what === 'placed') metrics.placed(job, seconds);
  if (what === 'ended') metrics.jobEnded();
  if (what === 'sent') {
    metrics.traffic.messages++;
    metrics.traffic.jobBytes += 48;
    metrics.hosts.place(1 + (job % 3), job);
  }
}

test('shards add up to what one shard that saw everything has, in any order, also across threads', () => {
  checkProperty(
    fc.property(events, (all) => {
      const whole = new ShardMetrics(JOBS);
      const parts = [0, 1, 2].map(() => new ShardMetrics(JOBS));
      for (const { what, job, seconds } of all) {
        // A job has one host, so one shard sees it placed.
        apply(parts[job % 3] as ShardMetrics, what, job, seconds);
        apply(whole, what, job, seconds);
      }
      const forwards = new ShardMetrics(0);
      for (const part of parts) forwards.merge(part);
      const plain = new ShardMetrics(0);
      for (const part of [...parts].reverse()) plain.mergePlain(structuredClone(part.toPlain()));
      expect(facts(forwards)).toEqual(facts(whole));
      expect(facts(plain)).toEqual(facts(whole));
    }),
  );
});

test('the wait of a job is that for its first start, however often it starts', () => {
  const metrics = new ShardMetrics(2);
  metrics.placed(0, 1.5);
  metrics.placed(0, 99);
  metrics.placed(1, 0.5);
  expect(metrics).toMatchObject({ firstStarts: 2, waitMicros: 2_000_000 });
  expect(metrics.waitQuantile(1)).toBeCloseTo(1.5, 1);
});

test('a start that is not to be counted is a start without a wait', () => {
  const metrics = new ShardMetrics(1);
  metrics.placed(0, Number.NaN);
  expect(metrics).toMatchObject({ firstStarts: 1, waitMicros: 0 });
  expect(metrics.waits.count).toBe(0);
});
