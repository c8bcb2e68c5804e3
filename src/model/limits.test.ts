/**
 * The limits of indices that are packed into one number: the last index that fits is accepted, the first that does not
 * is refused.
 */
import { describe, expect, test } from 'vitest';
import { ClusterState } from './cluster-state.ts';
import { DemandTable, requirePackable } from './demand.ts';
import type { PodSpec } from './job.ts';
import { DEMANDS_MAX, SPREAD_GROUPS_MAX } from './limits.ts';

const POD: PodSpec = { cpuMilli: 1, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

function grouped(group: string): PodSpec {
  return { ...POD, podsPerNodeMax: 1, spreadGroup: group };
}

describe('spread groups', () => {
  const demands = new DemandTable();
  for (let i = 0; i < SPREAD_GROUPS_MAX - 1; i++) demands.spreadGroups.push(`g${i}`);

  test('the last one is counted apart from the first of the next node', () => {
    const last = demands.intern(grouped('last'));
    expect(last.spreadGroupId).toBe(SPREAD_GROUPS_MAX - 1);
    const cluster = new ClusterState(demands);
    const node = { cpuMilli: 9, memoryMib: 9, gpuCount: 0, gpuModel: '', podsMax: 9 };
    for (const name of ['a', 'b']) cluster.addNode({ ...node, name });
    cluster.place(0, last, 0);
    expect(cluster.groupPods(0, last.spreadGroupId)).toBe(1);
    expect([cluster.groupPods(1, 0), cluster.groupPods(1, last.spreadGroupId)]).toEqual([0, 0]);
    expect([cluster.fits(0, last), cluster.fits(1, last)]).toEqual([false, true]);
  });

  test('one more is refused, and known ones are still found', () => {
    expect(() => demands.intern(grouped('one-more'))).toThrow(
      expect.objectContaining({
        code: 'TEG_LIMIT_REACHED',
        message: expect.stringContaining(`got more than ${SPREAD_GROUPS_MAX} spread groups`),
      }),
    );
    expect(demands.spreadGroups).toHaveLength(SPREAD_GROUPS_MAX);
    expect(demands.intern(grouped('last')).spreadGroupId).toBe(SPREAD_GROUPS_MAX - 1);
  });
});

test('a run with many zones takes as many demands as can be packed, and no more', () => {
  const demands = new DemandTable();
  for (let i = 0; i < DEMANDS_MAX; i++) demands.intern({ ...POD, cpuMilli: i });
  expect(demands.demands).toHaveLength(DEMANDS_MAX);
  expect(() => requirePackable(demands)).not.toThrow();
  demands.intern({ ...POD, cpuMilli: DEMANDS_MAX });
  expect(() => requirePackable(demands)).toThrow(
    expect.objectContaining({
      code: 'TEG_LIMIT_REACHED',
      message: expect.stringContaining(`more than ${DEMANDS_MAX} distinct pod shapes`),
    }),
  );
});
