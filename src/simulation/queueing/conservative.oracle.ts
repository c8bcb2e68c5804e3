/**
 * Conservative backfilling on equal slots, in plain code: a list of intervals, summed again for every question.
 *
 * Instants as in `easy.oracle.ts`. An overrun is expected to end now. In a pass: if a reservation lies in the past, all are made
 * again in queue order; otherwise, after an early end, each moves in queue order to its earliest start. New jobs get the
 * earliest start that takes nothing from the others. Then those start whose time has come and for which there is room.
 * A reservation's time is an instant with a pass.
 */
import { headOfLineOf, type PlainJob, type PlainSchedule } from './easy.oracle.ts';

interface Interval {
  readonly from: number;
  readonly to: number;
  readonly slots: number;
}

interface Run {
  readonly job: number;
  readonly endSeconds: number;
  readonly expectedSeconds: number;
}

/** @returns The schedule. */
export function plainConservative(jobs: readonly PlainJob[], slots: number): PlainSchedule {
  const starts = jobs.map(() => Number.NaN);
  const of = (job: number): PlainJob => jobs[job] as PlainJob;
  const arrivals = jobs.map((_, i) => i).sort((a, b) => of(a).submitSeconds - of(b).submitSeconds || a - b);
  const plans = new Map<number, number>();
  let running: Run[] = [];
  let queue: number[] = [];
  let free = slots;
  let last = Number.NEGATIVE_INFINITY;
  for (;;) {
    let now = Number.POSITIVE_INFINITY;
    if (arrivals.length > 0) now = of(arrivals[0] as number).submitSeconds;
    for (const run of running) now = Math.min(now, run.endSeconds);
    for (const start of plans.values()) if (start > last) now = Math.min(now, start);
    if (now === Number.POSITIVE_INFINITY) break;
    last = now;
    let early = false;
    for (const run of running) {
      if (run.endSeconds !== now) continue;
      free += of(run.job).slots;
      if (run.expectedSeconds > now) early = true;
    }
    running = running.filter((run) => run.endSeconds !== now);
    while (arrivals.length > 0 && of(arrivals[0] as number).submitSeconds === now) {
      const job = arrivals.shift() as number;
      if (of(job).slots <= slots) queue.push(job);
    }
    const busy = running.map(
      (run): Interval => ({ from: now, to: Math.max(run.expectedSeconds, now), slots: of(run.job).slots }),
    );
    replan({ of, slots, busy, queue, plans, now, early });
    for (const job of queue) {
      const { slots: need, durationSeconds, estimateSeconds } = of(job);
      if ((plans.get(job) as number) > now || need > free) continue;
      starts[job] = now;
      free -= need;
      plans.delete(job);
      running.push({ job, endSeconds: now + durationSeconds, expectedSeconds: now + estimateSeconds });
    }
    queue = queue.filter((job) => Number.isNaN(starts[job]));
  }
  return { starts, ...headOfLineOf(jobs, slots, starts) };
}

interface Planning {
  readonly of: (job: number) => PlainJob;
  readonly slots: number;
  readonly busy: readonly Interval[];
  readonly queue: readonly number[];
  readonly plans: Map<number, number>;
  readonly now: number;
  readonly early: boolean;
}

function replan({ of, slots, busy, queue, plans, now, early }: Planning): void {
  const reservedBut = (without: number): Interval[] =>
    [...plans]
      .filter(([job, start]) => job !== without && start < Number.POSITIVE_INFINITY)
      .map(([job, start]) => ({ from: start, to: start + of(job).estimateSeconds, slots: of(job).slots }));
  const place = (job: number): void => {
    const others = [...busy, ...reservedBut(job)];
    plans.set(job, firstStart(others, slots - of(job).slots, of(job).estimateSeconds, now));
  };
  const isMissed = queue.some((job) => (plans.get(job) ?? now) < now);
  if (isMissed) plans.clear();
  else if (early) for (const job of queue) if (plans.has(job)) place(job);
  for (const job of queue) if (!plans.has(job)) place(job);
}

/** The first time from which no more than `most` slots are taken for so long. */
function firstStart(taken: readonly Interval[], most: number, seconds: number, now: number): number {
  const changes: [number, number][] = [];
  for (const { from, to, slots } of taken) if (to > from) changes.push([from, slots], [to, -slots]);
  changes.sort((a, b) => a[0] - b[0]);
  let start = now;
  let level = 0;
  for (let i = 0; i < changes.length; ) {
    const time = (changes[i] as [number, number])[0];
    if (start < Number.POSITIVE_INFINITY && time > start && time >= start + seconds) return start;
    for (; i < changes.length && (changes[i] as [number, number])[0] === time; i++)
      level += (changes[i] as [number, number])[1];
    if (level > most) start = Number.POSITIVE_INFINITY;
    else if (start === Number.POSITIVE_INFINITY) start = time;
  }
  return start;
}
