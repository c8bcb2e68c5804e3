import { describe, expect, test } from 'vitest';
import { equilibriumRows } from './simulation-tables.ts';

describe('the block on the equilibrium', () => {
  const exploitability = {
    mean: 37.76,
    max: 972.9,
    relative: 0.02305,
    gaining: 0.578,
    gainingBeyondMove: 0.2332,
    moveMilli: 50,
    pods: 12_800,
  };
  const measured = {
    potentialGpus: 81.42,
    potential: 0.00796,
    potentialLast: 0.00777,
    exploitability,
    samples: 26,
  };

  test('names the subject of each figure', () => {
    expect(equilibriumRows(measured).map((row) => row.join(' | '))).toEqual([
      'potential Φ | 81.4 GPUs | to stay unsold: 0.80 % of all; 0.78 % at the last of 26 looks',
      'exploitability | 37.8 milli-GPU | gain of a pod by moving alone, 2.31 % of its GPUs; at most 973',
      'pods that gain | 57.8 % | 23.3 % more than 50 milli-GPU; of 12,800 looked at',
    ]);
  });

  test('leaves out absent resources', () => {
    expect(equilibriumRows({ ...measured, exploitability: null })).toHaveLength(1);
    const rows = equilibriumRows({ ...measured, exploitability: { ...exploitability, relative: null } });
    expect(rows[1]?.[2]).toBe('gain of a pod by moving alone; at most 973');
  });
});
