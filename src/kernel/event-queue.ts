/**
 * The pending events of a simulation: a calendar ring between two heaps.
 *
 * Near events lie in a ring of buckets of equal width (intrusive lists), the bucket that is being emptied in a
 * small heap, and events beyond the ring in a second heap. Bucket count and width follow the pending events.
 * Why not one heap: twice as slow at 10^5 pending with spread times, and no better with a handful of distinct ones
 * (bench/event-queue.bench.ts measures both).
 *
 * Invariants: events leave by time, equal times in the order in which they were pushed, whatever the width; the
 * ring holds only buckets in (cursor, cursor + ring length); the front heap only events of buckets ≤ cursor.
 *
 * @source Brown 1988, Calendar queues: a fast O(1) priority queue implementation, CACM 31(10).
 */
import { assert } from './assert.ts';
import { EVENT_BUCKET_MAX, EVENTS_MAX } from './limits.ts';
import { TimeHeap } from './time-heap.ts';

const RING_LENGTH_MIN = 64;
/** Buckets are made this wide, in mean distances between the earliest quarter of the events. */
const EVENTS_PER_BUCKET = 2;
/** Doubles in a slot of the ring; one record and no columns, so that a random slot is one look into far memory. */
const DOUBLES = 3;
const INTS = 6;
const ID = 4;
const NEXT = 5;

/** Pending times that are looked at to choose the width. */
const SAMPLE_MAX = 256;
/** Pops between two looks at whether the width still suits. */
const REVIEW_POPS = 4096;

/** A bounded queue of (time, id), earliest first, ties by order of push. */
export class EventQueue {
  /** Events pending. */
  size = 0;
  /** Time of the event that was popped last; −Infinity before the first. */
  time = Number.NEGATIVE_INFINITY;

  private readonly capacityMax: number;
  private pushed = 0;
  private readonly front = new TimeHeap();
  private readonly far = new TimeHeap();
  /** @shape [ring length, a power of two] first slot of each bucket, −1 if empty. */
  private heads: Int32Array = new Int32Array(RING_LENGTH_MIN).fill(-1);
  private base = 0;
  private perWidth = 1;
  private cursor = -1;
  private inRing = 0;
  /** Events in the ring: time, sequence, and over the third double id and next slot (of the bucket, or free). */
  private doubles: Float64Array = new Float64Array(RING_LENGTH_MIN * DOUBLES);
  private ints: Int32Array = new Int32Array(this.doubles.buffer);
  private freeSlot = -1;
  private slotsUsed = 0;
  /** Operations since the last review. */
  private work = 0;
  private pops = 0;
  private reviewPops = REVIEW_POPS;

  /** @param capacityMax Most events pending, in (0, EVENTS_MAX]. */
  constructor(capacityMax: number = EVENTS_MAX) {
    if (!(capacityMax > 0 && capacityMax <= EVENTS_MAX)) {
      throw new RangeError(`event queue capacity ${capacityMax}: expected in (0, ${EVENTS_MAX}]`);
    }
    this.capacityMax = capacityMax;
  }

  /**
   * Adds an event. Amortised O(1) for times spread like those pending, never worse than O(log n).
   *
   * @param time Finite; may lie before the last popped time (the event is then next).
   * @param id   32-bit integer, given back by `pop`; need not be unique.
   * @throws RangeError if the time is not finite or the queue is full.
   */
  push(time: number, id: number): void {
    if (!Number.isFinite(time)) throw new RangeError(`event time ${time}: expected a finite number`);
    if (this.size >= this.capacityMax) {
      throw new RangeError(`event queue full: expected at most ${this.capacityMax} pending events`);
    }
    assert((id | 0) === id, 'an event id is not a 32-bit integer');
    this.size++;
    this.insert(time, this.pushed++, id);
    if (this.size > 2 * this.heads.length) this.rebuild();
  }

  /** Removes the earliest event. @returns Its id, or −1 if none is pending; `time` then holds its time. */
  pop(): number {
    if (this.size === 0) return -1;
    if (this.front.size === 0) this.advance();
    this.time = this.front.times[0] as number;
    const id = this.front.pop();
    this.size--;
    if (++this.pops >= this.reviewPops) this.review();
    return id;
  }

  /** @returns The time of the earliest event; Infinity if none is pending. */
  peekTime(): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY;
    if (this.front.size === 0) this.advance();
    return this.front.times[0] as number;
  }

  private insert(time: number, sequence: number, id: number): void {
    const bucket = Math.floor((time - this.base) * this.perWidth);
    if (bucket <= this.cursor) {
      this.front.push(time, sequence, id);
    } else if (bucket < this.cursor + this.heads.length) {
      const slot = this.takeSlot();
      const { doubles, ints, heads } = this;
      const at = bucket & (heads.length - 1);
      doubles[slot * DOUBLES] = time;
      doubles[slot * DOUBLES + 1] = sequence;
      ints[slot * INTS + ID] = id;
      ints[slot * INTS + NEXT] = heads[at] as number;
      heads[at] = slot;
      this.inRing++;
    } else {
      this.far.push(time, sequence, id);
    }
  }

  /** Opens the next bucket that holds anything. At least one event must lie beyond the front. */
  private advance(): void {
    const far = this.far;
    const farBucket =
      far.size > 0
        ? Math.floor(((far.times[0] as number) - this.base) * this.perWidth)
        : Number.POSITIVE_INFINITY;
    let bucket = farBucket;
    if (this.inRing > 0) {
      bucket = nextBucket(this.heads, this.cursor + 1, farBucket);
      this.work += (bucket - this.cursor) >> 2;
    }
    if (bucket > EVENT_BUCKET_MAX) {
      this.rebuild();
      if (this.front.size > 0) return;
      this.advance();
      return;
    }
    assert(bucket > this.cursor, 'the ring turned backwards');
    this.cursor = bucket;
    this.openBucket(bucket & (this.heads.length - 1));
    while (far.size > 0 && Math.floor(((far.times[0] as number) - this.base) * this.perWidth) <= bucket) {
      const time = far.times[0] as number;
      const sequence = far.sequences[0] as number;
      this.front.push(time, sequence, far.pop());
      this.work += 2;
    }
    assert(this.front.size > 0, 'a bucket was opened that holds no event');
  }

  private openBucket(at: number): void {
    const { doubles, ints, front } = this;
    let slot = this.heads[at] as number;
    this.heads[at] = -1;
    while (slot >= 0) {
      const time = doubles[slot * DOUBLES] as number;
      front.push(time, doubles[slot * DOUBLES + 1] as number, ints[slot * INTS + ID] as number);
      const next = ints[slot * INTS + NEXT] as number;
      ints[slot * INTS + NEXT] = this.freeSlot;
      this.freeSlot = slot;
      this.inRing--;
      slot = next;
    }
    this.work += front.size >> 3;
  }

  private takeSlot(): number {
    const slot = this.freeSlot;
    if (slot >= 0) {
      this.freeSlot = this.ints[slot * INTS + NEXT] as number;
      return slot;
    }
    assert(this.inRing === this.slotsUsed, 'slots of the ring are neither used nor free');
    if (this.slotsUsed * DOUBLES === this.doubles.length) {
      const old = this.doubles;
      this.makeSlots(this.slotsUsed * 2);
      this.doubles.set(old);
    }
    return this.slotsUsed++;
  }

  private makeSlots(count: number): void {
    this.doubles = new Float64Array(count * DOUBLES);
    this.ints = new Int32Array(this.doubles.buffer);
  }

  /** Rebuilds if the last pops cost much more than they have to; backs off while rebuilding does not help. */
  private review(): void {
    const tooMuch = this.work > 2 * this.pops;
    const tooMany = this.heads.length > RING_LENGTH_MIN && this.size < this.heads.length >> 3;
    this.reviewPops = tooMuch
      ? Math.min(EVENTS_MAX, Math.max(this.reviewPops * 2, this.size))
      : Math.max(REVIEW_POPS, this.size);
    this.pops = 0;
    this.work = 0;
    if (tooMuch || tooMany) this.rebuild();
  }

  /** Chooses ring length and width again for the pending events, and sorts all of them in again. O(n). */
  private rebuild(): void {
    const times = new Float64Array(this.size);
    const sequences = new Float64Array(this.size);
    const ids = new Int32Array(this.size);
    const count = this.drainInto(times, sequences, ids);
    assert(count === this.size, 'front, ring and far end do not hold the pending events');
    let ringLength = RING_LENGTH_MIN;
    while (ringLength < count) ringLength *= 2;
    this.heads = new Int32Array(ringLength).fill(-1);
    const slots = this.doubles.length / DOUBLES;
    if (ringLength > slots || ringLength * 4 < slots) this.makeSlots(ringLength);
    this.chooseWidth(times.subarray(0, count));
    this.cursor = -1;
    for (let i = 0; i < count; i++) {
      this.insert(times[i] as number, sequences[i] as number, ids[i] as number);
    }
  }

  /** Empties front, ring and far into the columns. @returns How many events there were. */
  private drainInto(times: Float64Array, sequences: Float64Array, ids: Int32Array): number {
    let count = 0;
    for (const heap of [this.front, this.far]) {
      times.set(heap.times.subarray(0, heap.size), count);
      sequences.set(heap.sequences.subarray(0, heap.size), count);
      ids.set(heap.ids.subarray(0, heap.size), count);
      count += heap.size;
      heap.size = 0;
    }
    for (let at = 0; at < this.heads.length && this.inRing > 0; at++) {
      let slot = this.heads[at] as number;
      for (; slot >= 0; slot = this.ints[slot * INTS + NEXT] as number) {
        times[count] = this.doubles[slot * DOUBLES] as number;
        sequences[count] = this.doubles[slot * DOUBLES + 1] as number;
        ids[count] = this.ints[slot * INTS + ID] as number;
        count++;
      }
    }
    assert(this.inRing >= 0, 'more events left the ring than lay in it');
    this.inRing = 0;
    this.freeSlot = -1;
    this.slotsUsed = 0;
    return count;
  }

  /** Sets `base` and `perWidth` from a sample of the pending times. */
  private chooseWidth(times: Float64Array): void {
    const count = times.length;
    if (count === 0) return;
    const stride = Math.max(1, Math.floor(count / SAMPLE_MAX));
    const sample: Float64Array = times.filter((_, i) => i % stride === 0).sort();
    const first = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    let part = Math.max(1, sample.length >> 2);
    let span = (sample[part - 1] as number) - first;
    while (span <= 0 && part < sample.length) {
      part = Math.min(sample.length, part * 2);
      span = (sample[part - 1] as number) - first;
    }
    this.base = first;
    const width = (span * EVENTS_PER_BUCKET * sample.length) / (part * count);
    const perWidth = 1 / width;
    this.perWidth = perWidth > 0 && Number.isFinite(perWidth) ? perWidth : 1;
  }
}

/** The first bucket from `bucket` on that holds anything, at most `limit`. The ring must not be empty. */
function nextBucket(heads: Int32Array, bucket: number, limit: number): number {
  const mask = heads.length - 1;
  let at = bucket;
  while (at < limit && (heads[at & mask] as number) < 0) at++;
  return at;
}
