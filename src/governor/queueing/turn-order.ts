/**
 * Lines of waiting jobs in the order of their turns during one pass: that of the tenant whose turn it is, its most important
 * one first; after a start the tenant's share is asked for again.
 *
 * A heap of tenants by their shares and first lines, over heaps of each tenant's lines. Why: with ten thousand lines a start
 * must not cost a look at each of them.
 */
import { assert } from '../../kernel/assert.ts';
import { compareTegTurn, firstOf, type TegLine } from './teg-lines.ts';

/** A tenant with lines that have not been tried in vain. */
interface Turn {
  readonly tenant: number;
  share: number;
  /** A heap, not empty. */
  readonly lines: TegLine[];
}

/** The order of one pass. */
export class TurnOrder {
  private readonly shareOf: (tenant: number) => number;
  /** A heap. */
  private readonly turns: Turn[];
  private readonly before = (a: Turn, b: Turn): number => {
    // Not a difference: both are infinite for tenants that have idle capacity only.
    if (a.share !== b.share) return a.share < b.share ? -1 : 1;
    return compareLines(a.lines[0] as TegLine, b.lines[0] as TegLine);
  };

  /** @param lines Each with a waiting job. @param shareOf Of a tenant, at this time. O(lines). */
  constructor(lines: readonly TegLine[], shareOf: (tenant: number) => number) {
    this.shareOf = shareOf;
    const byTenant = new Map<number, TegLine[]>();
    for (const line of lines) {
      const others = byTenant.get(line.tenant);
      if (others === undefined) byTenant.set(line.tenant, [line]);
      else others.push(line);
    }
    this.turns = [...byTenant].map(([tenant, own]) => {
      makeHeap(own, compareLines);
      return { tenant, share: shareOf(tenant), lines: own };
    });
    makeHeap(this.turns, this.before);
  }

  /** The line whose turn it is; undefined: none is left. O(1). */
  get next(): TegLine | undefined {
    return this.turns[0]?.lines[0];
  }

  /** That line has no job that can start. O(log lines). */
  skip(): void {
    const turn = this.turns[0] as Turn;
    dropFirst(turn.lines, compareLines);
    this.moveFirst(turn);
  }

  /** The first job of that line that can has started. O(log lines). */
  started(): void {
    const turn = this.turns[0] as Turn;
    turn.share = this.shareOf(turn.tenant);
    if ((turn.lines[0] as TegLine).waiting === 0) dropFirst(turn.lines, compareLines);
    else sink(turn.lines, 0, compareLines);
    this.moveFirst(turn);
  }

  /** Its share only grew, and its first line is a later one. */
  private moveFirst({ lines }: Turn): void {
    if (lines.length === 0) dropFirst(this.turns, this.before);
    else sink(this.turns, 0, this.before);
  }
}

function compareLines(a: TegLine, b: TegLine): number {
  return compareTegTurn(firstOf(a), firstOf(b), NO_SHARES);
}

const NO_SHARES = (): number => 0;

function makeHeap<Item>(items: Item[], before: (a: Item, b: Item) => number): void {
  for (let at = (items.length >> 1) - 1; at >= 0; at--) sink(items, at, before);
}

function dropFirst<Item>(items: Item[], before: (a: Item, b: Item) => number): void {
  assert(items.length > 0, 'the first of an empty heap is dropped');
  const last = items.pop() as Item;
  if (items.length === 0) return;
  items[0] = last;
  sink(items, 0, before);
}

/** Moves an item down to where it belongs. */
function sink<Item>(items: Item[], from: number, before: (a: Item, b: Item) => number): void {
  const item = items[from] as Item;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= items.length) break;
    if (child + 1 < items.length && before(items[child + 1] as Item, items[child] as Item) < 0) child++;
    if (before(items[child] as Item, item) >= 0) break;
    items[at] = items[child] as Item;
    at = child;
  }
  items[at] = item;
}

/** The order of tenants. */
export interface TenantOrder {
  /** @returns The share that a tenant has had, by its weight; the smaller goes first. Grows with each start. */
  shareOf(tenant: number, timeSeconds: number): number;
}

/** @returns The shares of tenants at a time, each asked for once. */
export function sharesAt(order: TenantOrder, timeSeconds: number): (tenant: number) => number {
  const shares = new Map<number, number>();
  return (tenant) => {
    let share = shares.get(tenant);
    if (share === undefined) {
      share = order.shareOf(tenant, timeSeconds);
      shares.set(tenant, share);
    }
    return share;
  };
}
