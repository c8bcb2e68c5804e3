/** Every line of waiting jobs under the same laws: of a zone, an agent host, the pod scheduler, and the models of others. */
import { describe, expect, test } from 'vitest';
import { WaitingLines } from '../../lab/peers/waiting-lines.ts';
import { HostJobs } from '../../src/governor/federation/host/host-jobs.ts';
import { enterLine, HostLines, leaveLine } from '../../src/governor/federation/host/host-lines.ts';
import { pod, requests, TestCluster } from '../../src/governor/pods/scheduler.fixtures.ts';
import { WaitingQueue } from '../../src/governor/zone/waiting-queue.ts';
import { makeCluster } from '../../src/governor/zone/zone.fixtures.ts';
import { ZoneJobTable } from '../../src/governor/zone/zone-jobs.ts';
import { ShapeLines } from '../../src/governor/zone/zone-lines.ts';
import { ZoneShapeTable } from '../../src/governor/zone/zone-shapes.ts';
import { checkWaitingLineLaws, TEST_LINE_JOBS, type TestLine } from './waiting-line.laws.ts';

/** Shapes, groups or demands that jobs are spread over. */
const SHAPES = 3;

function jobsOfZone(): ZoneJobTable {
  const jobs = new ZoneJobTable();
  jobs.ensure(TEST_LINE_JOBS);
  return jobs;
}

function shapeLine(): TestLine {
  const jobs = jobsOfZone();
  const lines = new ShapeLines(jobs);
  lines.addShape();
  return {
    submit: (job, priority) => {
      jobs.submit(job, 0, priority, 0, job);
      lines.push(0, job);
    },
    putBack: (job) => lines.push(0, job),
    first: () => lines.first(0),
    remove: (job) => lines.remove(0, job),
    check: (waiting) => {
      const walked: number[] = [];
      expect(lines.walk(0, (job) => walked.push(job))).toBe(true);
      expect(walked.sort((x, y) => x - y)).toEqual([...waiting].sort((x, y) => x - y));
    },
  };
}

/** Jobs of several shapes, gangs among them, as strict-fifo orders them. */
function strictQueue(): TestLine {
  const cluster = makeCluster([0, 1]);
  const shapes = new ZoneShapeTable(cluster.demands);
  const jobs = jobsOfZone();
  const queue = new WaitingQueue(cluster, jobs, shapes, true);
  for (let shape = 0; shape < SHAPES; shape++) shapes.intern(shape, 1 + shape, 1 + shape);
  const put = (job: number): void => queue.push(job, false);
  return {
    submit: (job, priority) => {
      jobs.submit(job, job % SHAPES, priority, 0, job);
      put(job);
    },
    putBack: put,
    first: () => {
      const shape = queue.active.first();
      return shape < 0 ? -1 : queue.heads.jobOf(shape);
    },
    remove: (job) => queue.remove(job),
    check: (waiting) => {
      expect(queue.jobCount).toBe(waiting.length);
      queue.gangs.refresh();
      expect(queue.isSound(false)).toBe(true);
    },
  };
}

function hostLine(): TestLine {
  const jobs = new HostJobs();
  const line = new HostLines(0).lineOf(0, 1, 1);
  const put = (slot: number): void => enterLine(line, slot, (a, b) => jobs.goesBefore(a, b));
  return {
    submit: (job, priority) => put(jobs.add({ job, priority, tenant: 0 }, line, job, 0)),
    putBack: (job) => put(jobs.slotOf(job)),
    first: () => {
      const [slot = -1] = line.waiting;
      return slot < 0 ? -1 : (jobs.rowAt(slot).job as number);
    },
    remove: (job) => leaveLine(line, jobs.slotOf(job)),
    check: (waiting) => expect(line.waiting.map((slot) => jobs.rowAt(slot).job)).toEqual(waiting),
  };
}

/** Pods are created two a second, so that the order of arrival counts as well. */
function podsOf(cluster: TestCluster, cpuMilli: (job: number) => number, afterPod: () => void): TestLine {
  const { queue } = cluster.scheduler.internals;
  return {
    submit: (job, priority) => {
      const of = { requests: requests(cpuMilli(job)) };
      cluster.pods(pod(`${job}`, of, { priority, createdSeconds: Math.floor(job / 2) }));
      afterPod();
    },
    first: () => {
      const [line] = queue.lines.values();
      const first = line?.pods.peek() ?? queue.active.peek();
      return first !== undefined && 'uid' in first ? Number(first.uid) : -1;
    },
    remove: (job) => {
      cluster.step({ kind: 'pod-gone', uid: `${job}` });
    },
  };
}

/** Pods of several shapes that are to be decided. */
function activePods(): TestLine {
  return podsOf(
    new TestCluster(),
    (job) => 1000 * (1 + (job % SHAPES)),
    () => {},
  );
}

/** Pods of one shape that were decided and found no room. */
function podLine(): TestLine {
  const cluster = new TestCluster();
  return podsOf(
    cluster,
    () => 1000,
    () => {
      cluster.decide();
      const { queue } = cluster.scheduler.internals;
      expect([queue.active.size, queue.lineCount]).toEqual([0, 1]);
    },
  );
}

/** The lines of the models of other schedulers. */
function peerLine(): TestLine {
  const lines = new WaitingLines(TEST_LINE_JOBS, 1);
  return {
    isFifo: true,
    submit: (job) => lines.push(0, job),
    first: () => lines.first(0),
    remove: (job) => lines.remove(0, job),
    check: (waiting) => {
      const walked: number[] = [];
      for (let job = lines.first(0); job >= 0; job = lines.after(job)) walked.push(job);
      expect(walked).toEqual(waiting);
      expect([lines.size, lines.activeCount]).toEqual([waiting.length, waiting.length > 0 ? 1 : 0]);
    },
  };
}

describe.each<readonly [string, () => TestLine, number]>([
  ['ShapeLines', shapeLine, 100],
  ['WaitingQueue, strict', strictQueue, 100],
  ['a line of an agent host', hostLine, 100],
  ['the pods to be decided', activePods, 40],
  ['the waiting pods of a shape', podLine, 40],
  ['WaitingLines', peerLine, 100],
])('%s', (_, make, numRuns) => {
  test('serves by priority, then by submission', () => checkWaitingLineLaws(make, numRuns));
});

test('a job leaves no line twice', () => {
  const line = hostLine();
  line.submit(0, 0);
  line.remove(0);
  expect(() => line.remove(0)).toThrow('a job leaves a line that it is not in');
});
