/**
 * The jobs that a zone knows: a structure of typed arrays indexed by the caller's job id.
 *
 * Three columns mean one thing while a job waits and another while it runs, because it never does both:
 * `firsts`, `nexts` and `prevs` are the links of the waiting heap (`zone-heap.ts`), or the first pod and the
 * number of members. 44 bytes a job.
 */
import type { JobStateCode, ReasonCode } from './zone-events.ts';

/** Jobs that a new table has room for. */
const CAPACITY_FIRST = 64;

/** Columns by job id. Written by its zone only. */
export class JobTable {
  /** Ids below this have entries. */
  capacity: number = CAPACITY_FIRST;
  /** @shape [capacity] `JobState`. */
  states: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** @shape [capacity] `Reason` of a final state. */
  reasons: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** @shape [capacity] starts so far, modulo 2^16, never 0 once started. */
  runs: Uint16Array = new Uint16Array(CAPACITY_FIRST);
  /** @shape [capacity] shape ids; see `ShapeTable`. */
  shapes: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] larger goes first. */
  priorities: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] number of the submission: unique, kept over restarts. */
  ranks: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] when the job came into its state. */
  sinceSeconds: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] attempts to place it since its submission. */
  attempts: Uint32Array = new Uint32Array(CAPACITY_FIRST);
  /** @shape [capacity] running: first pod; waiting: first child in the heap. */
  firsts: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] waiting: next sibling in the heap. */
  nexts: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] running: members; waiting: previous sibling, or parent of a first child. */
  prevs: Int32Array = new Int32Array(CAPACITY_FIRST);

  /** Makes sure that ids up to `job` have entries. Amortised O(1). */
  ensure(job: number): void {
    if (job < this.capacity) return;
    let capacity = this.capacity;
    while (capacity <= job) capacity *= 2;
    this.states = widened(this.states, new Uint8Array(capacity));
    this.reasons = widened(this.reasons, new Uint8Array(capacity));
    this.runs = widened(this.runs, new Uint16Array(capacity));
    this.shapes = widened(this.shapes, new Int32Array(capacity));
    this.priorities = widened(this.priorities, new Int32Array(capacity));
    this.ranks = widened(this.ranks, new Float64Array(capacity));
    this.sinceSeconds = widened(this.sinceSeconds, new Float64Array(capacity));
    this.attempts = widened(this.attempts, new Uint32Array(capacity));
    this.firsts = widened(this.firsts, new Int32Array(capacity));
    this.nexts = widened(this.nexts, new Int32Array(capacity));
    this.prevs = widened(this.prevs, new Int32Array(capacity));
    this.capacity = capacity;
  }

  /** @returns The job's state; `JobState.Unknown` for any id never seen. */
  stateOf(job: number): JobStateCode {
    return (this.states[job] ?? 0) as JobStateCode;
  }

  /** Brings a job into a state. */
  enter(job: number, state: JobStateCode, reason: ReasonCode, timeSeconds: number): void {
    this.states[job] = state;
    this.reasons[job] = reason;
    this.sinceSeconds[job] = timeSeconds;
  }

  /** Bytes that the columns hold. */
  get bytes(): number {
    return this.capacity * 44;
  }
}

type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

function widened<T extends Column>(from: T, into: T): T {
  into.set(from);
  return into;
}
