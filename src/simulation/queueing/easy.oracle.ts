/**
 * EASY backfilling on equal slots, in plain code: counts of slots, sorted lists, and nothing shared with the product.
 *
 * At one instant all departures in the order of starts, then all arrivals in the order of the list, then one pass. A job
 * of no length holds its slots through the pass that starts it.
 */

/** A job as plain numbers. */
export interface PlainJob {
  readonly submitSeconds: number;
  readonly durationSeconds: number;
  readonly slots: number;
  /** What the scheduler believes. */
  readonly estimateSeconds: number;
}

interface Running {
  readonly job: number;
  readonly slots: number;
  readonly endSeconds: number;
  readonly expectedSeconds: number;
}

/** What came of the jobs. */
export interface PlainSchedule {
  /** Seconds; NaN: larger than the machine. */
  readonly starts: number[];
  /** (1/CT) ∫ min(idle, Σ waiting jobs that would fit now) dt, T from the first arrival to the last end. */
  readonly headOfLine: number;
  /** The same to the last arrival. */
  readonly headOfLineArriving: number;
}

/** @returns The schedule. */
export function plainEasy(jobs: readonly PlainJob[], slots: number): PlainSchedule {
  const starts = jobs.map(() => Number.NaN);
  const arrivals = jobs.map((_, i) => i).sort((a, b) => at(jobs, a) - at(jobs, b) || a - b);
  const lastArrival = arrivals.length === 0 ? 0 : at(jobs, arrivals[arrivals.length - 1] as number);
  const firstArrival = arrivals.length === 0 ? 0 : at(jobs, arrivals[0] as number);
  let running: Running[] = [];
  let queue: number[] = [];
  let next = 0;
  let free = slots;
  let before = firstArrival;
  let blocked = 0;
  let blockedArriving = 0;
  for (;;) {
    let now = next < arrivals.length ? at(jobs, arrivals[next] as number) : Number.POSITIVE_INFINITY;
    for (const run of running) now = Math.min(now, run.endSeconds);
    if (now === Number.POSITIVE_INFINITY) break;
    const fitting = queue.reduce((sum, job) => {
      const need = (jobs[job] as PlainJob).slots;
      return need <= free ? sum + need : sum;
    }, 0);
    blocked += (now - before) * Math.min(free, fitting);
    if (before < lastArrival) blockedArriving += (now - before) * Math.min(free, fitting);
    before = now;
    for (const run of running) if (run.endSeconds === now) free += run.slots;
    running = running.filter((run) => run.endSeconds !== now);
    for (; next < arrivals.length && at(jobs, arrivals[next] as number) === now; next++) {
      const job = arrivals[next] as number;
      if ((jobs[job] as PlainJob).slots <= slots) queue.push(job);
    }
    const started = new Set<number>();
    const start = (job: number): void => {
      const { slots: need, durationSeconds, estimateSeconds } = jobs[job] as PlainJob;
      starts[job] = now;
      free -= need;
      running.push({
        job,
        slots: need,
        endSeconds: now + durationSeconds,
        expectedSeconds: now + estimateSeconds,
      });
      started.add(job);
    };
    pass(
      jobs,
      queue,
      now,
      () => free,
      () => running,
      start,
    );
    queue = queue.filter((job) => !started.has(job));
  }
  return {
    starts,
    headOfLine: blocked / (slots * (before - firstArrival)),
    headOfLineArriving: blockedArriving / (slots * (lastArrival - firstArrival)),
  };
}

/** One scheduling pass. */
function pass(
  jobs: readonly PlainJob[],
  queue: readonly number[],
  now: number,
  free: () => number,
  running: () => readonly Running[],
  start: (job: number) => void,
): void {
  let i = 0;
  while (i < queue.length && (jobs[queue[i] as number] as PlainJob).slots <= free())
    start(queue[i++] as number);
  if (i >= queue.length) return;
  const need = (jobs[queue[i] as number] as PlainJob).slots;
  const ends = running()
    .map((run) => ({ slots: run.slots, seconds: Math.max(run.expectedSeconds, now) }))
    .sort((a, b) => a.seconds - b.seconds);
  let shadow = Number.POSITIVE_INFINITY;
  let then = free();
  for (const end of ends) {
    if (end.seconds > shadow) break;
    then += end.slots;
    if (then >= need && shadow === Number.POSITIVE_INFINITY) shadow = end.seconds;
  }
  let extra = then - need;
  for (i++; i < queue.length; i++) {
    const { slots, estimateSeconds } = jobs[queue[i] as number] as PlainJob;
    if (slots > free()) continue;
    if (now + estimateSeconds > shadow) {
      if (slots > extra) continue;
      extra -= slots;
    }
    start(queue[i] as number);
  }
}

function at(jobs: readonly PlainJob[], job: number): number {
  return (jobs[job] as PlainJob).submitSeconds;
}
