import { describe, expect, test } from 'vitest';
import { MessageKind } from '../../governor/federation/messages.ts';
import type { NodeSpec } from '../../model/node.ts';
import { type FederationSetup, federation, jobsOf } from './federation.fixtures.ts';
import { compareEnvelopes, type Envelope } from './network.ts';
import { Shard, type ShardOptions } from './shard.ts';

const NODES: readonly NodeSpec[] = Array.from({ length: 12 }, (_, i) => ({
  name: `n${i}`,
  cpuMilli: 64_000,
  memoryMib: 262_144,
  gpuCount: 4,
  gpuModel: 'A100',
  podsMax: 110,
}));
const JOBS = jobsOf(
  Array.from({ length: 60 }, (_, i) => ({
    gpuCount: 1,
    gpuMilli: 1000,
    submitSeconds: i / 4,
    durationSeconds: 3,
  })),
);

/** Six zones of two nodes, two to a group; three shards have a group each. */
function shardsOf(count: number, setup: FederationSetup = {}): Shard[] {
  const parts: Omit<ShardOptions, 'index' | 'count'> = federation({
    nodes: NODES,
    jobs: JOBS,
    zones: 6,
    options: { fanOut: 2 },
    ...setup,
  });
  return Array.from({ length: count }, (_, index) => new Shard({ ...parts, index, count }));
}

/** Lets shards run in windows of the least delay; `visit` sees the envelopes that each window sent. */
function runAll(
  shards: readonly Shard[],
  untilSeconds: number,
  visit: (envelopes: Envelope[], from: number) => void,
): void {
  const window = 0.005;
  for (let now = 0; now < untilSeconds; now += window) {
    for (const shard of shards) shard.run(now + window);
    const all = shards.map((_, to) => shards.flatMap((shard) => shard.takeOutgoing(to)));
    all.forEach((envelopes, to) => {
      visit(envelopes, now);
      (shards[to] as Shard).deliver(envelopes.sort(compareEnvelopes));
    });
  }
}

describe('shards', () => {
  test('have all jobs between them, each in one', () => {
    for (const count of [1, 2, 3]) {
      const shares = shardsOf(count).map((shard) => shard.status().jobsToCome);
      expect(shares.reduce((a, b) => a + b, 0)).toBe(JOBS.count);
      expect(shares.filter((jobs) => jobs > 0)).toHaveLength(count);
    }
  });

  test('send no envelope that arrives in the window in which it was sent, or before', () => {
    let seen = 0;
    runAll(shardsOf(3), 8, (envelopes, windowBegin) => {
      for (const { arrivesAt } of envelopes) {
        seen++;
        expect(arrivesAt).toBeGreaterThanOrEqual(windowBegin + 0.005);
      }
    });
    expect(seen).toBeGreaterThan(200);
  });

  test('keep summaries of zones within the shard: only groups are known elsewhere', () => {
    const shards = shardsOf(3);
    for (let now = 0; now < 4; now += 0.005) {
      for (const shard of shards) shard.run(now + 0.005);
      shards.forEach((to, index) => {
        const envelopes = shards.flatMap((from) => {
          const sent = from.takeOutgoing(index);
          const abroad =
            from === to ? [] : sent.filter((envelope) => envelope.message.kind === MessageKind.Summary);
          for (const { message } of abroad) expect(message.from).toBeGreaterThanOrEqual(12);
          return sent;
        });
        to.deliver(envelopes.sort(compareEnvelopes));
      });
    }
  });

  test('do everything before the end of a window and nothing at it', () => {
    const [shard] = shardsOf(1) as [Shard];
    expect(shard.nextSeconds()).toBe(0);
    shard.run(0);
    expect(shard.status().jobsToCome).toBe(JOBS.count);
    shard.run(0.25);
    expect(shard.status().jobsToCome).toBe(JOBS.count - 1);
    expect(shard.nextSeconds()).toBeLessThanOrEqual(0.25);
    shard.run(0.2501);
    expect(shard.status().jobsToCome).toBe(JOBS.count - 2);
  });

  test('give an envelope out once', () => {
    const [shard] = shardsOf(1) as [Shard];
    shard.run(1.5);
    expect(shard.takeOutgoing(0).length).toBeGreaterThan(0);
    expect(shard.takeOutgoing(0)).toEqual([]);
  });

  test('know how many runs will end on their own, and the running jobs', () => {
    const jobs = jobsOf([
      { gpuCount: 2, gpuMilli: 1000, cpuMilli: 500, durationSeconds: Number.POSITIVE_INFINITY },
      { gpuCount: 1, gpuMilli: 500, durationSeconds: 6 },
    ]);
    const shards = shardsOf(2, { jobs });
    const sum = (key: 'finiteRuns' | 'runningGpuMilli' | 'runningCpuMilli' | 'jobsEnded'): number =>
      shards.reduce((total, shard) => total + shard.status()[key], 0);
    runAll(shards, 5, () => {});
    expect([sum('finiteRuns'), sum('runningGpuMilli'), sum('runningCpuMilli'), sum('jobsEnded')]).toEqual([
      1, 2500, 1500, 0,
    ]);
    const progressAt = Math.max(...shards.map((shard) => shard.status().progressAt));
    expect(progressAt).toBeGreaterThan(0);
    expect(progressAt).toBeLessThan(5);
    for (const shard of shards) shard.check();
  });

  test('whose nodes are all down hold nothing, and continue when they return', () => {
    const shards = shardsOf(1, { failures: { mtbfSeconds: 0.5, mttrSeconds: 1e9 } });
    runAll(shards, 14, () => {});
    const [shard] = shards as [Shard];
    expect(shard.status().runningGpuMilli).toBeLessThan(4000 * NODES.length);
    shard.check();
    const recovering = shardsOf(1, { failures: { mtbfSeconds: 5, mttrSeconds: 2 } });
    runAll(recovering, 60, () => {});
    expect((recovering[0] as Shard).status().jobsEnded).toBe(JOBS.count);
  });

  test('add up the counts of their hosts and zones', () => {
    const shards = shardsOf(3);
    runAll(shards, 30, () => {});
    const metrics = shards.map((shard) => shard.finish());
    const sum = (of: (m: (typeof metrics)[number]) => number): number =>
      metrics.reduce((n, m) => n + of(m), 0);
    expect(sum((m) => m.arrived)).toBe(JOBS.count);
    expect(sum((m) => m.ended)).toBe(JOBS.count);
    expect(sum((m) => m.hosts.placements)).toBe(JOBS.count);
    expect(sum((m) => m.zoneProposals)).toBe(JOBS.count + sum((m) => m.zoneRefusals));
    expect(sum((m) => m.traffic.messages)).toBeGreaterThan(6 * JOBS.count);
  });
});

test('a shard that is asked for an unknown process fails at once', () => {
  const [shard] = shardsOf(1) as [Shard];
  shard.run(1.5);
  const envelopes = shard.takeOutgoing(0);
  const envelope = envelopes[0] as Envelope;
  shard.deliver([{ ...envelope, message: { ...envelope.message, to: 4711 } }]);
  expect(() => shard.run(envelope.arrivesAt + 1)).toThrow('process of another shard');
});
