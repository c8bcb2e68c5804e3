/** The preconditions of a zone's tables: a call in its order, and the same one out of it. */
import { expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { INT32_MAX } from '../../kernel/limits.ts';
import { TENANTS_MAX } from '../../model/limits.ts';
import { HoldTerms } from '../hold-terms.ts';
import { HeldBackJobs } from './held-back-jobs.ts';
import { PodTable } from './pod-table.ts';
import { WaitingQueue } from './waiting-queue.ts';
import { makeCluster } from './zone.fixtures.ts';
import { ZoneJobTable } from './zone-jobs.ts';
import { ZoneShapeTable } from './zone-shapes.ts';

function jobTable(job = 0, priority = 0, tenant = 0): ZoneJobTable {
  const jobs = new ZoneJobTable();
  jobs.ensure(job);
  jobs.submit(job, 0, priority, tenant, job);
  return jobs;
}

/** A pod table with jobs 0 and 1, of two pods and one. */
function podTable(): {
  readonly pods: PodTable;
  readonly first: number;
  readonly last: number;
  readonly other: number;
} {
  const pods = new PodTable();
  const first = pods.add(0, 0, 0, -1);
  return { pods, first, last: pods.add(0, 1, 0, first), other: pods.add(1, 0, 0, -1) };
}

function heldBack(count: number): HeldBackJobs {
  const held = new HeldBackJobs(jobTable());
  for (let i = 0; i < count; i++) held.push(0, { code: 'quota', data: {} }, false);
  return held;
}

/** Shape 0 has one pod, shape 1 is a gang; job n is of shape n. */
function queue(parked = false): WaitingQueue {
  const cluster = makeCluster([0]);
  const shapes = new ZoneShapeTable(cluster.demands);
  const jobs = jobTable();
  for (const shape of [0, 1]) {
    shapes.intern(shape, 1 + shape, 1 + shape);
    jobs.submit(shape, shape, 0, 0, shape);
  }
  const made = new WaitingQueue(cluster, jobs, shapes, false);
  for (const job of [0, 1]) made.push(job, parked);
  return made;
}

const shapeTable = (): ZoneShapeTable => new ZoneShapeTable(makeCluster([0]).demands);

test.each<readonly [what: string, taken: () => unknown, refused: () => unknown]>([
  ['a job before the first', () => jobTable(0), () => new ZoneJobTable().ensure(-1)],
  ['a job whose table has no end', () => jobTable(5), () => new ZoneJobTable().ensure(Number.NaN)],
  ['a priority of 33 bits', () => jobTable(0, -INT32_MAX - 1), () => jobTable(0, INT32_MAX + 1)],
  ['a tenant of 21 bits', () => jobTable(0, 0, TENANTS_MAX - 1), () => jobTable(0, 0, TENANTS_MAX)],
  [
    'a job without a record',
    () => jobTable().submit(63, 0, 0, 0, 0),
    () => jobTable().submit(64, 0, 0, 0, 0),
  ],
  ['a shape of an unknown demand', () => shapeTable().intern(0, 1, 1), () => shapeTable().intern(99, 1, 1)],
  ['a gang of none', () => shapeTable().intern(0, 2, 1), () => shapeTable().intern(0, 2, 0)],
  ['a gang of more than all', () => shapeTable().intern(0, 2, 2), () => shapeTable().intern(0, 2, 3)],
  ['a pod on no node', () => podTable().pods.add(2, 0, 0, -1), () => podTable().pods.add(2, -1, 0, -1)],
  [
    'a member after one that has a successor',
    () => podTable().pods.add(0, 0, 0, podTable().last),
    () => podTable().pods.add(0, 0, 0, podTable().first),
  ],
  [
    "a member after another job's",
    () => podTable().pods.add(1, 0, 0, podTable().other),
    () => podTable().pods.add(0, 0, 0, podTable().other),
  ],
  ['a job held back twice', () => heldBack(1), () => heldBack(2)],
  ['a job that was not held back', () => heldBack(1).remove(0), () => heldBack(0).remove(0)],
  ['an active shape as parked', () => queue(true).unpark(1), () => queue().unpark(1)],
  [
    'a job that has left',
    () => queue().remove(0),
    () => {
      const one = queue();
      one.remove(0);
      one.remove(0);
    },
  ],
  ['a parked shape as fresh', () => queue().setFresh(0, true), () => queue(true).setFresh(0, true)],
  ['a gang that is not linked', () => queue().gangs.unlink(1), () => queue().gangs.unlink(0)],
  [
    'room for a gang that does not wait',
    () => queue().gangs.learn(1, false, 0, false),
    () => queue().gangs.learn(0, false, 0, false),
  ],
  ['the end of no job', () => new HoldTerms().set(0, 1), () => new HoldTerms().set(-1, 1)],
])('a zone does not take %s', (_, taken, refused) => {
  expect(taken).not.toThrow();
  expect(refused).toThrow(AssertionFailure);
});
