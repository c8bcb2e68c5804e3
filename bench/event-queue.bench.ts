/**
 * The hold model: pop the earliest event, push it again a random time later, with a constant number pending.
 *
 * Prints JSON: nanoseconds of CPU time per hold, best of several rounds, for the calendar ring that TEG uses and
 * for the plain 4-ary heap that it was chosen over.
 */
import { EventQueue } from '../src/kernel/event-queue.ts';
import { Random } from '../src/kernel/random.ts';
import { TimeHeap } from '../src/kernel/time-heap.ts';

type Spread = 'exponential' | 'heavy-tailed' | 'bimodal' | 'few-values';

const INCREMENTS = 1 << 16;

function increments(spread: Spread): Float64Array {
  const random = new Random(7);
  return Float64Array.from({ length: INCREMENTS }, () => {
    const u = random.nextDouble();
    if (spread === 'exponential') return random.nextExponential();
    if (spread === 'heavy-tailed') return Math.min(1e6, (1 - u) ** -1.5);
    if (spread === 'bimodal') return u < 0.9 ? u : 1000 + u;
    return 1 + Math.floor(u * 4);
  });
}

function holdCalendar(pending: number, steps: Float64Array, holds: number): number {
  const queue = new EventQueue();
  for (let i = 0; i < pending; i++) queue.push(steps[i & (INCREMENTS - 1)] as number, i);
  return best(() => {
    for (let i = 0; i < holds; i++) {
      const id = queue.pop();
      queue.push(queue.time + (steps[i & (INCREMENTS - 1)] as number), id);
    }
  }, holds);
}

function holdHeap(pending: number, steps: Float64Array, holds: number): number {
  const heap = new TimeHeap();
  let sequence = 0;
  for (let i = 0; i < pending; i++) heap.push(steps[i & (INCREMENTS - 1)] as number, sequence++, i);
  return best(() => {
    for (let i = 0; i < holds; i++) {
      const time = heap.times[0] as number;
      const id = heap.pop();
      heap.push(time + (steps[i & (INCREMENTS - 1)] as number), sequence++, id);
    }
  }, holds);
}

function best(round: () => void, operations: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i++) {
    const start = process.cpuUsage();
    round();
    const used = process.cpuUsage(start);
    least = Math.min(least, ((used.user + used.system) * 1000) / operations);
  }
  return Math.round(least * 10) / 10;
}

const results = [];
for (const spread of ['exponential', 'heavy-tailed', 'bimodal', 'few-values'] as const) {
  const steps = increments(spread);
  for (const pending of [1_000, 100_000, 1_000_000]) {
    const holds = Math.max(400_000, pending);
    results.push({
      spread,
      pending,
      calendarNanos: holdCalendar(pending, steps, holds),
      heapNanos: holdHeap(pending, steps, holds),
    });
  }
}
console.log(JSON.stringify(results, null, 1));
