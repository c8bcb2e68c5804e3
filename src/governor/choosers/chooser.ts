/**
 * The seam between an agent and whatever chooses its zone.
 *
 * An agent reads for its demand what every entry of its board (a zone, or a group of zones further away) offers: the
 * price of the cheapest place, how fast that price rises with load, how many places there are. All of it is stale, and
 * others choose on the same data at the same time; a chooser is a rule for that. The zone's arbiter has the last word.
 */
import type { Random } from '../../kernel/random.ts';

/** What the entries of a board offer one demand, as columns; only entries that show room are listed. */
export interface ZoneOffers {
  /** Entries; all columns are valid in [0, count). */
  count: number;
  /** Which entry of the board. @shape [count] */
  readonly entries: Int32Array;
  /** U: cost of the cheapest place, milli-GPU; any finite sign. @shape [count] */
  readonly prices: Float64Array;
  /** U' > 0: how much that cost rises for each pod of this demand that is placed there, milli-GPU. @shape [count] */
  readonly slopes: Float64Array;
  /** g ≥ 1: places at about the price of the cheapest one. @shape [count] */
  readonly near: Float64Array;
  /** Places in all, ≥ near. @shape [count] */
  readonly slots: Float64Array;
  /** Where the entry stands on the locality axis (zone index; middle of a group's indexes). @shape [count] */
  readonly positions: Float64Array;
  /** Age of the data, seconds ≥ 0. @shape [count] */
  readonly ages: Float64Array;
}

/** What a chooser remembers of one stream of similar jobs (same host, same demand). Owned by the agent host. */
export interface ChoiceStream {
  /** Where the agent host stands on the locality axis. */
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
   * @param stream   Of this job's likes; updated.
   * @returns        Index in [0, offers.count). O(count).
   */
  choose(offers: ZoneOffers, deciders: number, stream: ChoiceStream, random: Random): number;
}

/** Settings of a chooser; each reads those that concern it. */
export interface ChooserOptions {
  /** Share of concurrent deciders that may lose their place, in (0, 1): what the temperature is controlled by. */
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

/** @returns Empty columns with room for so many entries. */
export function makeOffers(capacity: number): ZoneOffers {
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
