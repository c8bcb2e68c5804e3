/** The slurm-like queue, and usage that decays. */
import { describe, expect, it } from 'vitest';
import { FirstFit, makeCluster } from '../../governor/zone/zone.fixtures.ts';
import { Zone } from '../../governor/zone/zone.ts';
import { ZoneEventKind } from '../../governor/zone/zone-events.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { DecayedUsage } from './decayed-usage.ts';
import { startsOf } from './queues.fixtures.ts';
import { SlurmLikeQueue } from './slurm-like-queue.ts';

describe('slurm-like', () => {
  it('keeps room for the second in line too, where EASY lets a long job by', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 600, slots: 2 },
      { submitSeconds: 0, durationSeconds: 1200, slots: 2 },
      { submitSeconds: 1, durationSeconds: 10_000, slots: 3 },
      { submitSeconds: 2, durationSeconds: 1000, slots: 3 },
      { submitSeconds: 3, durationSeconds: 5000, slots: 1 },
    ];
    // Two of six slots are free. The third job takes one of them at 600 s, and the fourth needs the other at 1200 s.
    expect(startsOf(jobs, 6, 'easy')).toEqual([0, 0, 600, 5003, 3]);
    expect(startsOf(jobs, 6, 'slurm-like')).toEqual([0, 0, 600, 1200, 2200]);
  });

  it('backfills every 30 s, and not beyond the start of a reservation', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 600, slots: 3 },
      { submitSeconds: 1, durationSeconds: 100, slots: 4 },
      { submitSeconds: 10, durationSeconds: 601, slots: 1 },
      { submitSeconds: 10, durationSeconds: 300, slots: 1 },
    ];
    // The backfill pass of 0 s was the first; the next one comes at 30 s, when the short job fits in.
    expect(startsOf(jobs, 4, 'slurm-like')).toEqual([0, 600, 700, 30]);
  });

  it('rounds reservations up to whole minutes', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 610, slots: 3 },
      { submitSeconds: 1, durationSeconds: 100, slots: 4 },
      { submitSeconds: 10, durationSeconds: 599, slots: 1 },
    ];
    // Ten minutes from the pass at 30 s on: the last job may end at 629 s, though the second could start at 610 s.
    expect(startsOf(jobs, 4, 'slurm-like')).toEqual([0, 629, 30]);
  });

  it.each([
    { ends: 86_430, starts: 86_530 },
    { ends: 86_431, starts: 30 },
  ])('reserves within a window of a day: for a start at $ends s a long job starts at $starts s', (world) => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: world.ends, slots: 3 },
      { submitSeconds: 1, durationSeconds: 100, slots: 4 },
      { submitSeconds: 10, durationSeconds: 100_000, slots: 1 },
    ];
    // Seen at 30 s, where one slot is free, which the second job needs when the first one ends.
    expect(startsOf(jobs, 4, 'slurm-like')[2]).toBe(world.starts);
  });

  it.each([
    { before: 99, starts: 30 },
    { before: 100, starts: 200_500 },
  ])('looks at 100 jobs of the line: behind $before that do not fit, one starts at $starts s', (world) => {
    const blocked = { submitSeconds: 1, durationSeconds: 10, slots: 2 };
    const jobs = [
      { submitSeconds: 0, durationSeconds: 200_000, slots: 3 },
      ...new Array<typeof blocked>(world.before).fill(blocked),
      { submitSeconds: 10, durationSeconds: 100, slots: 1 },
    ];
    // Once the first has ended, two of them at a time take all slots for 500 s.
    expect(startsOf(jobs, 4, 'slurm-like').at(-1)).toBe(world.starts);
  });

  it('counts no usage of a job that has ended', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 100, slots: 1, tenant: 'a' },
      { submitSeconds: 0, durationSeconds: 300, slots: 1, tenant: 'b' },
      { submitSeconds: 300, durationSeconds: 700, slots: 2, tenant: 'c' },
      { submitSeconds: 500, durationSeconds: 1000, slots: 2, tenant: 'b' },
      { submitSeconds: 500, durationSeconds: 1000, slots: 2, tenant: 'a' },
    ];
    expect(startsOf(jobs, 2, 'slurm-like')).toEqual([0, 0, 300, 2000, 1000]);
  });

  it('goes on with a backfill pass in which the effects of a step were full', () => {
    // Four GPUs. Demand 4: one GPU; 5: two. Two starts fill a step.
    const cluster = makeCluster([2]);
    const queue = new SlurmLikeQueue(new RuntimeEstimates());
    const zone = new Zone(cluster, new FirstFit(cluster), { membersMax: 2, effectsMax: 4 }, undefined, queue);
    const submit = (job: number, demandId: number, pods: number, expectedSeconds: number, time: number) =>
      zone.step(
        {
          ...{ kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: pods, gangMin: pods, priority: 0 },
          expectedSeconds,
        },
        time,
      );
    submit(0, 4, 1, 1000, 0);
    zone.step({ kind: ZoneEventKind.Tick }, 0);
    submit(1, 5, 2, 10, 31);
    for (const job of [2, 3, 4]) submit(job, 4, 1, 100, 31);
    zone.step({ kind: ZoneEventKind.Tick }, 31);
    expect(zone.runningJobs).toBe(3);
    expect(zone.hasPostponed).toBe(true);
    zone.step({ kind: ZoneEventKind.Tick }, 31);
    expect(zone.runningJobs).toBe(4);
    expect(zone.hasPostponed).toBe(false);
  });

  it('prefers the tenant, then the user, that used less', () => {
    const one = { submitSeconds: 0, durationSeconds: 1000, slots: 1 };
    const later = { submitSeconds: 500, durationSeconds: 1000, slots: 1 };
    const jobs = [
      { ...one, tenant: 'a', user: 'x' },
      { ...later, tenant: 'a', user: 'x' },
      { ...later, tenant: 'a', user: 'y' },
      { ...later, tenant: 'b', user: 'z' },
    ];
    expect(startsOf(jobs, 1, 'slurm-like')).toEqual([0, 3000, 2000, 1000]);
    expect(startsOf(jobs, 1, 'fifo')).toEqual([0, 1000, 2000, 3000]);
  });
});

describe('DecayedUsage', () => {
  it('is the sum over many small steps', () => {
    const usage = new DecayedUsage(100);
    const held = (t: number): number => (t < 50 ? 0 : t < 120 ? 3 : t < 300 ? 5 : 0);
    for (const t of [50, 120, 300]) usage.hold(7, held(t) - held(t - 1), t);
    let sum = 0;
    const step = 0.01;
    for (let t = 0; t < 400; t += step) sum = sum * 2 ** (-step / 100) + held(t + step / 2) * step;
    expect(usage.of(7, 400)).toBeCloseTo(sum, 0);
    expect(usage.of(8, 400)).toBe(0);
  });
});
