import { describe, expect, test } from 'vitest';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { policyByName } from '../inputs/policies.ts';
import { type SimulationResult, simulationResultSchema } from '../metrics/result.ts';
import { runSimulation } from './simulator.ts';

function job(id: string, submitSeconds: number, durationSeconds: number, more: Partial<JobSpec>): JobSpec {
  return {
    id,
    tenant: '',
    priority: 0,
    cpuMilli: 1000,
    memoryMib: 0,
    gpuCount: 1,
    gpuMilli: 1000,
    gpuModels: [],
    submitSeconds,
    durationSeconds,
    requestedSeconds: Number.NaN,
    podCount: 1,
    gangMin: 1,
    ...more,
  };
}

/** Runs on three nodes of four GPUs and returns the life of one job. */
function explain(jobs: readonly JobSpec[], id: string, mtbfSeconds?: number) {
  const builder = new JobTableBuilder(new DemandTable());
  for (const spec of jobs) builder.add(spec);
  const table = builder.build();
  const nodes = [0, 1, 2].map((i) => ({
    name: `n${i}`,
    cpuMilli: 64_000,
    memoryMib: 1000,
    gpuCount: 4,
    gpuModel: 'A',
    podsMax: 100,
  }));
  const result: SimulationResult = runSimulation({
    nodes,
    jobs: table,
    policy: policyByName('fgd'),
    seed: 1,
    explainJob: table.indexOf(id),
    ...(mtbfSeconds === undefined ? {} : { failures: { mtbfSeconds, mttrSeconds: 10 } }),
  });
  simulationResultSchema.parse(result);
  return result.explained?.turns ?? [];
}

describe('the life of a job', () => {
  test('one that starts at once: the reasons are those of its choice', () => {
    const turns = explain([job('a', 0, 10, {})], 'a');
    expect(turns.map((turn) => [turn.what, turn.atSeconds])).toEqual([
      ['arrived', 0],
      ['started', 0],
      ['released', 10],
    ]);
    expect(turns[1]?.choices).toEqual(turns[0]?.choices);
    expect(turns[1]?.choices[0]?.node).toBe(turns[1]?.pods[0]?.node);
    expect(turns[1]?.pods[0]?.gpus.length).toBe(1);
  });

  test('a gang that waits: reasons of attempts that were taken back, and of equal gangs, are not mixed in', () => {
    const gang = { podCount: 8, gangMin: 8 };
    const jobs = [
      job('first', 0, 100, gang),
      job('equal', 1, 100, gang),
      job('watched', 2, 100, gang),
      job('small', 3, 500, { podCount: 2, gangMin: 2 }),
    ];
    const turns = explain(jobs, 'watched');
    expect(turns.map((turn) => turn.what)).toEqual(['arrived', 'waits', 'started', 'released']);
    expect(turns[1]?.detail).toBe('no-fit');
    expect(turns[2]?.atSeconds).toBe(200);
    expect(turns[2]?.pods.length).toBe(8);
    expect(turns[2]?.choices.map((choice) => choice.node)).toEqual(turns[2]?.pods.map((pod) => pod.node));
  });

  test('one that loses its node, again and again', () => {
    const turns = explain([job('a', 0, 2000, {})], 'a', 1500);
    const names = turns.map((turn) => turn.what);
    expect(names.slice(0, 4)).toEqual(['arrived', 'started', 'released', 'requeued']);
    expect(turns[2]?.detail).toBe('node-lost');
    expect(names.at(-1)).toBe('released');
    expect(turns.at(-1)?.detail).toBe('finished');
  });

  test('one that can never run', () => {
    const turns = explain([job('a', 0, 10, { gpuCount: 5 })], 'a');
    expect(turns.map((turn) => turn.what)).toEqual(['arrived', 'waits', 'dropped']);
    expect(turns[1]?.detail).toBe('impossible');
    expect(turns[0]?.choices[0]?.node).toBe('');
  });
});
