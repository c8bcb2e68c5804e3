/**
 * The transfers that a ledger remembers, by id: to answer a replay as the first time, and to resolve what is pending.
 *
 * Bounded: beyond `transfersMax` new ids are refused. What lies at or before a position that the client will not replay from any
 * more is forgotten on request, apart from what is still pending.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import { KeyTable } from '../kernel/key-table.ts';
import { Records } from './record.ts';
import type { Transfer } from './transfer.ts';

/** What a remembered transfer is. Refused transfers, and those that moved tokens at once, are `Closed`. */
export const SlotState = { Free: 0, Closed: 1, Open: 2, Posted: 3, Voided: 4, Expired: 5 } as const;

const CAPACITY_FIRST = 64;
const HIGH_WORD = 2 ** 32;
const KIND_SPAN = 256;

/** Slots of remembered transfers. A slot keeps its number while it is used. */
export class TransferTable {
  readonly records: Records = new Records(CAPACITY_FIRST);
  /** @shape [capacity] See `SlotState`. */
  states: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** @shape [capacity] Number of its insertion: distinguishes the uses of one slot. */
  sequences: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Position up to which ids are forgotten, and the largest one seen; −1: none. */
  floor = -1;
  lastPosition = -1;
  /** Pending transfers that are neither resolved nor expired. */
  openCount = 0;

  private readonly index = new KeyTable(CAPACITY_FIRST);
  /** @shape [capacity] The slot remembered next, or the next free one; −1: none. */
  private next: Int32Array = new Int32Array(CAPACITY_FIRST).fill(-1);
  private oldest = -1;
  private newest = -1;
  private firstFree = -1;
  private slotsUsed = 0;
  private insertions = 0;

  /** Transfers remembered. */
  get size(): number {
    return this.index.size;
  }

  /** Slots ever used: all slots are below it. */
  get slots(): number {
    return this.slotsUsed;
  }

  /** @returns The slot of an id, −1 if it is not remembered. O(1). */
  find(position: number, kind: number, subject: number): number {
    return this.index.get(keyOf(position, kind), position | 0, subject);
  }

  /** @returns A new slot with a transfer whose id is not remembered, not yet in the order in which they are forgotten. O(1). */
  add(transfer: Transfer): number {
    const { position, kind, subject } = transfer.id;
    let slot = this.firstFree;
    if (slot >= 0) this.firstFree = this.next[slot] as number;
    else slot = this.slotsUsed++;
    if (slot === this.states.length) this.widen();
    this.index.add(keyOf(position, kind), position | 0, subject, slot);
    this.records.write(slot, transfer);
    this.states[slot] = SlotState.Closed;
    this.sequences[slot] = this.insertions++;
    return slot;
  }

  /** Takes back an `add` that was not kept. */
  remove(slot: number): void {
    const { records } = this;
    const position = records.position(slot);
    this.index.remove(keyOf(position, records.kind(slot)), position | 0, records.subject(slot));
    this.states[slot] = SlotState.Free;
    this.next[slot] = this.firstFree;
    this.firstFree = slot;
  }

  /** Puts a slot at the end of the order. @param slot Of a position not before the last one. */
  keep(slot: number): void {
    const position = this.records.position(slot);
    assert(position >= this.lastPosition, 'a transfer is kept out of order');
    this.lastPosition = position;
    this.next[slot] = -1;
    if (this.newest >= 0) this.next[this.newest] = slot;
    else this.oldest = slot;
    this.newest = slot;
  }

  /** @returns Slots of all remembered transfers in the order of their insertion. O(n log n). */
  inOrder(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.slotsUsed; slot++)
      if (this.states[slot] !== SlotState.Free) slots.push(slot);
    return slots.sort((a, b) => (this.sequences[a] as number) - (this.sequences[b] as number));
  }

  /** Gives a slot that was just added the state that it had. @param isKept False: it is only remembered because it is pending. */
  revive(slot: number, state: number, isKept: boolean): void {
    if (isKept) this.keep(slot);
    this.states[slot] = state;
    if (state === SlotState.Open) this.openCount++;
  }

  /** Ends what is pending. @param state Posted, Voided or Expired. */
  close(slot: number, state: number): void {
    assert(this.states[slot] === SlotState.Open, 'a transfer is resolved that is not pending');
    this.states[slot] = state;
    this.openCount--;
  }

  /** Takes back a `close`. */
  reopen(slot: number): void {
    this.states[slot] = SlotState.Open;
    this.openCount++;
  }

  /** Forgets a resolved transfer that was only remembered because it was pending. */
  drop(slot: number): void {
    if (this.records.position(slot) <= this.floor) this.remove(slot);
  }

  /** Forgets what lies at or before a position and is not pending. Amortised O(1) for each transfer. */
  forget(position: number): void {
    this.floor = Math.max(this.floor, position);
    while (this.oldest >= 0 && this.records.position(this.oldest) <= this.floor) {
      const slot = this.oldest;
      this.oldest = this.next[slot] as number;
      if (this.oldest < 0) this.newest = -1;
      if (this.states[slot] !== SlotState.Open) this.remove(slot);
    }
  }

  private widen(): void {
    const capacity = 2 * this.states.length;
    this.records.reserve(capacity);
    this.states = grown(this.states, capacity);
    this.sequences = grown(this.sequences, capacity);
    this.next = grown(this.next, capacity, -1);
  }
}

/** The part of an id that is left beside the low word of its position and its subject. */
function keyOf(position: number, kind: number): number {
  return Math.floor(position / HIGH_WORD) * KIND_SPAN + kind;
}
