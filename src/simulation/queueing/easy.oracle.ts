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
  let running: Running[] = [];
  let queue: number[] = [];
  let next = 0;
  let free = slots;
  for (;;) {
    let now = next < arrivals.length ? at(jobs, arrivals[next] as number) : Number.POSITIVE_INFINITY;
    for (const run of running) now = Math.min(now, run.endSeconds);
    if (now === Number.POSITIVE_INFINITY) break;
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
  return { starts, ...headOfLineOf(jobs, slots, starts) };
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

/** @returns The head-of-line loss of a schedule: what waits and what is free between any two instants. */
export function headOfLineOf(
  jobs: readonly PlainJob[],
  slots: number,
  starts: readonly number[],
): Pick<PlainSchedule, 'headOfLine' | 'headOfLineArriving'> {
  const events: { seconds: number; apply: () => void }[] = [];
  const waiting = new Set<PlainJob>();
  let free = slots;
  jobs.forEach((job, i) => {
    const start = starts[i] as number;
    events.push({ seconds: job.submitSeconds, apply: () => void (start >= 0 && waiting.add(job)) });
    if (Number.isNaN(start)) return;
    const begin = (): void => {
      waiting.delete(job);
      free -= job.slots;
    };
    const end = (): void => {
      free += job.slots;
    };
    events.push({ seconds: start, apply: begin }, { seconds: start + job.durationSeconds, apply: end });
  });
  events.sort((a, b) => a.seconds - b.seconds);
  const first = events[0]?.seconds ?? 0;
  const lastArrival = jobs.reduce((last, { submitSeconds }) => Math.max(last, submitSeconds), first);
  let now = first;
  let all = 0;
  let arriving = 0;
  for (const { seconds, apply } of events) {
    if (seconds > now) {
      let fitting = 0;
      for (const job of waiting) if (job.slots <= free) fitting += job.slots;
      all += (seconds - now) * Math.min(free, fitting);
      if (now < lastArrival) arriving += (seconds - now) * Math.min(free, fitting);
      now = seconds;
    }
    apply();
  }
  return {
    headOfLine: all / (slots * (now - first)),
    // All at one instant: no time in which jobs still arrived.
    headOfLineArriving: lastArrival === first ? 0 : arriving / (slots * (lastArrival - first)),
  };
}
