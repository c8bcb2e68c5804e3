/**
 * The interface between an agent and the chooser of its zone.
 *
 * An agent reads for its demand the offer of every entry of its board (a zone, or a group of zones further away): the
 * price of the cheapest place, its slope with load, the number of places. All of it is stale, and others choose on the
 * same data at the same time; a chooser is a rule for that. The zone's arbiter has the last word.
 */
import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';

/** The offers of a board's entries to one demand, as columns; only entries that show room are listed. */
export interface ZoneOffers {
  /** Entries; all columns are valid in [0, count). */
  count: number;
  /** Index of the entry on the board. @shape [count] */
  readonly entries: Int32Array;
  /** U: cost of the cheapest place, milli-GPU; any finite sign. @shape [count] */
  readonly prices: Float64Array;
  /** U' > 0: rise of that cost for each pod of this demand that is placed there, milli-GPU. @shape [count] */
  readonly slopes: Float64Array;
  /** g ≥ 1: places at about the price of the cheapest one. @shape [count] */
  readonly near: Float64Array;
  /** Places in all, ≥ near. @shape [count] */
  readonly slots: Float64Array;
  /** Position of the entry on the locality axis (zone index; middle of a group's indexes). @shape [count] */
  readonly positions: Float64Array;
  /** Age of the data, seconds ≥ 0. @shape [count] */
  readonly ages: Float64Array;
}

/** A chooser's state of one stream of similar jobs (same host, same demand). Owned by the agent host. */
export interface ChoiceStream {
  /** Position of the agent host on the locality axis. */
  readonly home: number;
  /** Temperature in force, milli-GPU; 0 before the first choice. */
  temperature: number;
  /** Position and momentum of the walker on the locality axis; NaN before the first choice. */
  position: number;
  momentum: number;
}

/** Chooses among stale offers. Deterministic: same calls, same random stream, same answers. */
export interface Chooser {
  readonly name: string;
  /**
   * @param offers   At least one.
   * @param deciders m ≥ 1: agents that choose on data of this age at the same time, this one included (for all demands
   *                 that compete for the same places).
   * @param stream   Of jobs like this one; updated.
   * @returns        Index in [0, offers.count). O(count).
   */
  choose(offers: ZoneOffers, deciders: number, stream: ChoiceStream, random: Random): number;
}

/** Settings of a chooser; each reads those that it needs. */
export interface ChooserOptions {
  /** Share of concurrent deciders that may lose their place, in (0, 1): the target of the temperature controller. */
  readonly loserBudget?: number;
}

/** A chooser in the list of `teg policies --list-choosers` and of `--chooser`. */
export interface ChooserEntry {
  readonly name: string;
  /** One line. */
  readonly description: string;
  readonly create: (options?: ChooserOptions) => Chooser;
}

/** @returns The state of a stream before its first choice. */
export function newStream(home: number): ChoiceStream {
  return { home, temperature: 0, position: Number.NaN, momentum: 0 };
}

/** Asserts what every chooser takes for granted. O(1). */
export function assertChoice(offers: ZoneOffers, deciders: number): void {
  assert(
    offers.count >= 1 && offers.count <= offers.entries.length,
    'a choice among no offers, or more than there is room for',
  );
  assert(deciders >= 1, 'there are no deciders');
}

/** @returns Empty columns with room for n entries. */
export function makeOffers(capacity: number): ZoneOffers {
  assert(capacity >= 1, 'no room for any offer');
  return {
    count: 0,
    entries: new Int32Array(capacity),
    prices: new Float64Array(capacity),
    slopes: new Float64Array(capacity),
    near: new Float64Array(capacity),
    slots: new Float64Array(capacity),
    positions: new Float64Array(capacity),
    ages: new Float64Array(capacity),
  };
}
