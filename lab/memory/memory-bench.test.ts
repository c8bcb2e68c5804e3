import { describe, expect, test } from 'vitest';
import { type MemoryRow, memoryPlan, runMemoryBench } from './memory-bench.ts';
import { generateMemoryJobs, type MemoryJob, neededMib } from './memory-jobs.ts';
import { type MemoryLaw, MemoryNode, NODE_MIB } from './memory-node.ts';
import { runMemoryTrial } from './memory-trial.ts';

const HOUR = 3600;

function quantileOf(values: readonly number[], level: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(level * values.length)] as number;
}

describe('the jobs', () => {
  const overcommit = 2;
  const jobs = generateMemoryJobs(1, overcommit, 0.9, 50 * NODE_MIB, 24 * HOUR);

  test('use memory as the pods of the trace do', () => {
    expect(jobs.length).toBeGreaterThan(5000);
    const uses = jobs.map(({ baseMib, requestMib }) => baseMib / (overcommit * requestMib));
    const ratios = jobs.map(({ baseMib, surplusMib }) => 1 + surplusMib / baseMib);
    expect([0.1, 0.5, 0.9].map((level) => quantileOf(uses, level))).toEqual([
      expect.closeTo(0.06, 1),
      expect.closeTo(0.57, 1),
      expect.closeTo(0.82, 1),
    ]);
    expect(quantileOf(ratios, 0.5)).toBeCloseTo(1.06, 1);
    // Peaks end at the limit, which takes from the tail: 2.09 in the trace, where high use and high peaks exclude each other.
    expect(quantileOf(ratios, 0.9)).toBeGreaterThan(1.4);
    expect(quantileOf(ratios, 0.9)).toBeLessThan(2.1);
  });

  test('stay within their limits, and pass their requests', () => {
    let beyond = 0;
    for (const job of jobs) {
      const most = job.baseMib + job.surplusMib;
      expect(most).toBeLessThanOrEqual(overcommit * (job.requestMib + 0.5));
      if (most > job.requestMib) beyond++;
      expect(neededMib(job, 0)).toBeLessThanOrEqual(most);
      expect(neededMib(job, job.peakAt + job.riseSeconds + job.peakSeconds / 2)).toBeGreaterThanOrEqual(
        job.surplusMib,
      );
    }
    expect(beyond / jobs.length).toBeGreaterThan(0.5);
  });

  test('book what they are to, and are the same for the same seed', () => {
    const booked = jobs.reduce((sum, job) => sum + job.requestMib * job.workSeconds, 0);
    expect(booked / (50 * NODE_MIB * 24 * HOUR)).toBeCloseTo(0.9, 2);
    expect(generateMemoryJobs(1, overcommit, 0.9, NODE_MIB, HOUR)).toEqual(
      generateMemoryJobs(1, overcommit, 0.9, NODE_MIB, HOUR),
    );
  });
});

/** Two jobs that together want 1.2 × the node, for a while. @param later Seconds by which the second's peak is later. */
function twoJobs(
  law: MemoryLaw,
  later: number,
): Record<'lost' | 'moved' | 'finished' | 'frozenSeconds', number> {
  const spec: MemoryJob = {
    arrivalSeconds: 0,
    workSeconds: 2000,
    requestMib: NODE_MIB / 4,
    baseMib: 0.3 * NODE_MIB,
    surplusMib: 0.3 * NODE_MIB,
    peakAt: 300,
    peakSeconds: 200,
    riseSeconds: 100,
  };
  const node = new MemoryNode(law);
  for (const id of [1, 2]) {
    const peakAt = id === 1 ? 300 : 300 + later;
    node.add({ spec: { ...spec, peakAt }, id, progress: 0, usage: 0, isRestoring: false }, id);
  }
  const seen = { lost: 0, moved: 0, finished: 0 };
  for (let time = 3; time < 5000; time++) {
    const { killed, evicted, moved, finished } = node.step(time);
    seen.lost += killed.length + evicted.length;
    seen.moved += moved.length;
    seen.finished += finished.length;
    expect(node.usage).toBeLessThanOrEqual(NODE_MIB);
  }
  return { ...seen, frozenSeconds: node.frozenSeconds };
}

describe('a node whose two jobs want 1.2 × its memory', () => {
  test.each(['kernel', 'eviction'] as const)('%s: loses one', (law) => {
    for (const later of [0, 150]) expect(twoJobs(law, later)).toMatchObject({ lost: 1, finished: 1 });
  });

  test('airlock without moves, one peak after the other: one waits, both finish', () => {
    const { frozenSeconds, ...seen } = twoJobs('airlock-stay', 150);
    expect(seen).toEqual({ lost: 0, moved: 0, finished: 2 });
    expect(frozenSeconds).toBeGreaterThan(50);
  });

  test('airlock, both peaks at once: neither can give memory back before it got more; a move solves it', () => {
    expect(twoJobs('airlock-stay', 0)).toMatchObject({ lost: 0, moved: 0, finished: 0 });
    expect(twoJobs('airlock', 0)).toMatchObject({ lost: 0, moved: 1, finished: 1 });
  });
});

describe('the bars of the bench, in its short form', () => {
  const rows = runMemoryBench(memoryPlan(true), [1, 2]);
  const row = (law: MemoryLaw): MemoryRow => rows.find((each) => each.law === law) as MemoryRow;

  test.each(['airlock-stay', 'airlock-silent', 'airlock'] as const)(
    '%s: a tenth of the losses at most, no less useful work in any seed',
    (law) => {
      const { killed, evicted, usefulRatioLeast } = row(law);
      for (const other of ['kernel', 'eviction'] as const) {
        const losses = row(other).killed + row(other).evicted;
        expect(losses).toBeGreaterThan(20);
        expect(10 * (killed + evicted)).toBeLessThanOrEqual(losses);
      }
      expect(usefulRatioLeast).toBeGreaterThanOrEqual(1);
    },
  );

  test('a scheduler that learns of shortages sends fewer jobs where they have to leave again', () => {
    expect(row('airlock').moved).toBeLessThan(0.8 * row('airlock-silent').moved);
  });

  test('a trial is the same each time', () => {
    const trial = { law: 'airlock', overcommit: 2.25, seed: 3, nodes: 2, hours: 4 } as const;
    expect(runMemoryTrial(trial)).toEqual(runMemoryTrial(trial));
  });

  test('with room for all limits nothing happens', () => {
    const trial = { overcommit: 1, seed: 1, nodes: 2, hours: 6 } as const;
    const outcomes = (['kernel', 'airlock'] as const).map((law) => runMemoryTrial({ ...trial, law }));
    expect(outcomes[0]).toEqual(outcomes[1]);
    expect(outcomes[0]).toMatchObject({ killed: 0, moved: 0, missedHours: 0 });
  });
});
