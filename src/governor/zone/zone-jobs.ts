/**
 * The jobs that a zone knows, by the caller's job id.
 *
 * One record of 48 bytes for each id in a single buffer, seen as integers and as doubles. Why no array for each field:
 * ending jobs are anywhere in the table, and a record costs one look into far memory where eight arrays cost eight
 * (measured: half the time of a whole event at 800,000 running jobs).
 *
 * Three fields mean one thing while a job waits and another while it runs, because it never does both: `first`, `next`
 * and `previous` are the links among waiting jobs (`zone-lines.ts`), or the first pod, nothing, and the number of
 * members.
 */
import { assert } from '../../kernel/assert.ts';
import { TENANTS_MAX } from '../../model/limits.ts';
import type { JobStateCode, ReasonCode } from './zone-events.ts';

/** Jobs that a new table has room for. */
const CAPACITY_FIRST = 64;

/** Numbers of jobs are below this; see `ZoneOptions.jobsMax`. */
const JOBS_MAX = 2 ** 30;

/** Integers in a record. */
const INTS = 12;
/** Doubles in a record, over the same bytes. */
const DOUBLES = 6;

/** Places of the fields. In the first one: state in bits 0…3, reason in bits 4…11, tenant in bits 12…31. */
const STATE_REASON_TENANT = 0;
const RUN = 1;
const SHAPE = 2;
const PRIORITY = 3;
const ATTEMPTS = 4;
const FIRST = 5;
const NEXT = 6;
const PREVIOUS = 7;
/** Bits of the state, bits below the tenant, and where reason and tenant begin. */
const STATE_BITS = 0xf;
const STATE_REASON_BITS = 0xfff;
const REASON_SHIFT = 4;
const TENANT_SHIFT = 12;
/** In doubles. */
const RANK = 4;
const SINCE = 5;

/** Records by job id. Written by its zone only. Ids must lie below `capacity` where nothing else is said. */
export class ZoneJobTable {
  /** Ids below this have records. */
  capacity: number = CAPACITY_FIRST;
  private ints: Int32Array;
  private doubles: Float64Array;

  constructor() {
    const buffer = new ArrayBuffer(CAPACITY_FIRST * DOUBLES * 8);
    this.ints = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** Bytes that the records hold. */
  get bytes(): number {
    return this.ints.byteLength;
  }

  /** Makes sure that ids up to `job` have records. Amortised O(1). */
  ensure(job: number): void {
    assert(job >= 0 && job < JOBS_MAX, 'the number of a job is out of bounds');
    if (job < this.capacity) return;
    let capacity = this.capacity;
    while (capacity <= job) capacity *= 2;
    const buffer = new ArrayBuffer(capacity * DOUBLES * 8);
    const ints = new Int32Array(buffer);
    ints.set(this.ints);
    this.ints = ints;
    this.doubles = new Float64Array(buffer);
    this.capacity = capacity;
  }

  /** @returns The job's state; `JobState.Unknown` for any unseen id, also beyond the table. */
  stateOf(job: number): JobStateCode {
    return (this.has(job) ? this.int(job, STATE_REASON_TENANT) & STATE_BITS : 0) as JobStateCode;
  }

  /** @returns The reason for the job's present state; 0 for any unseen id. */
  reasonOf(job: number): ReasonCode {
    if (!this.has(job)) return 0;
    return ((this.int(job, STATE_REASON_TENANT) & STATE_REASON_BITS) >> REASON_SHIFT) as ReasonCode;
  }

  /** @returns Starts so far, modulo 2^31, never 0 once started; 0 for any unseen id. */
  runOf(job: number): number {
    return this.has(job) ? this.int(job, RUN) : 0;
  }

  /** @returns The job's shape; see `ShapeTable`. */
  shapeOf(job: number): number {
    return this.int(job, SHAPE);
  }

  /** @returns Its priority: larger goes first. */
  priorityOf(job: number): number {
    return this.int(job, PRIORITY);
  }

  /** @returns Its tenant: the caller's number, in [0, TENANTS_MAX). */
  tenantOf(job: number): number {
    return this.int(job, STATE_REASON_TENANT) >>> TENANT_SHIFT;
  }

  /** @returns Number of its submission: unique, kept over restarts. */
  rankOf(job: number): number {
    return this.doubles[job * DOUBLES + RANK] as number;
  }

  /** @returns When it came into its state, in seconds. */
  sinceOf(job: number): number {
    return this.doubles[job * DOUBLES + SINCE] as number;
  }

  /** @returns Attempts to place it since its submission, modulo 2^32. */
  attemptsOf(job: number): number {
    return this.int(job, ATTEMPTS) >>> 0;
  }

  /** Counts an attempt to place it. */
  countAttempt(job: number): void {
    this.setInt(job, ATTEMPTS, (this.int(job, ATTEMPTS) + 1) | 0);
  }

  /** Counts a start. */
  countRun(job: number): void {
    this.setInt(job, RUN, (this.int(job, RUN) + 1) & 0x7fffffff || 1);
  }

  /** Writes the fields of a submission; the state stays. */
  submit(job: number, shape: number, priority: number, tenant: number, rank: number): void {
    assert(tenant >= 0 && tenant < TENANTS_MAX, 'the number of a tenant does not fit its bits');
    assert(
      (priority | 0) === priority && job < this.capacity,
      'a priority of more than 32 bits, or no record',
    );
    const state = this.int(job, STATE_REASON_TENANT) & STATE_REASON_BITS;
    this.setInt(job, STATE_REASON_TENANT, state | (tenant << TENANT_SHIFT));
    this.setInt(job, SHAPE, shape);
    this.setInt(job, PRIORITY, priority);
    this.setInt(job, ATTEMPTS, 0);
    this.doubles[job * DOUBLES + RANK] = rank;
  }

  /** Sets a job's state. */
  enter(job: number, state: JobStateCode, reason: ReasonCode, timeSeconds: number): void {
    const tenant = this.int(job, STATE_REASON_TENANT) & ~STATE_REASON_BITS;
    this.setInt(job, STATE_REASON_TENANT, tenant | (reason << REASON_SHIFT) | state);
    this.doubles[job * DOUBLES + SINCE] = timeSeconds;
  }

  /** @returns Running: its first pod. Waiting: its first child in the heap, −1 if none, or −2 in the list. */
  firstOf(job: number): number {
    return this.int(job, FIRST);
  }

  /** Sets the field that `firstOf` reads. */
  setFirst(job: number, value: number): void {
    this.setInt(job, FIRST, value);
  }

  /** @returns Waiting: the next in the list, or its next sibling in the heap; −1 if none. */
  nextOf(job: number): number {
    return this.int(job, NEXT);
  }

  /** Sets the field that `nextOf` reads. */
  setNext(job: number, value: number): void {
    this.setInt(job, NEXT, value);
  }

  /** @returns Running: its members. Waiting: the one before in the list, or its left sibling or parent; −1 if none. */
  previousOf(job: number): number {
    return this.int(job, PREVIOUS);
  }

  /** Sets the field that `previousOf` reads. */
  setPrevious(job: number, value: number): void {
    this.setInt(job, PREVIOUS, value);
  }

  /** Also for values that are not ids: events come from outside. */
  private has(job: number): boolean {
    return job >= 0 && job < this.capacity && (job | 0) === job;
  }

  private int(job: number, field: number): number {
    return this.ints[job * INTS + field] as number;
  }

  private setInt(job: number, field: number, value: number): void {
    this.ints[job * INTS + field] = value;
  }
}
