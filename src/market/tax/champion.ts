/**
 * The champion of a contention domain: the stuck gang of lowest rank. It pays no tax, and each freed slot that it can use
 * is reserved for it; so what it holds only grows, and it starts.
 *
 * Each zone finds it by itself, by ranks that were stamped at admission and are kept over restarts: no agreement is
 * needed. Zones whose views differ for a moment reserve for two gangs at most, and agree again once both see the lower.
 *
 * @source theory §4.5 D1, D2; §11.2 for the stamp. The rank is that of wound-wait (Rosenkrantz, Stearns, Lewis 1978).
 */

/** A gang's place in line: earlier submissions first, then smaller ids. */
export interface GangRank {
  readonly submitSeconds: number;
  /** Unique among gangs. */
  readonly id: number;
}

/** @returns Below 0 if a goes before b; for sorting. */
export function compareGangRank(a: GangRank, b: GangRank): number {
  return a.submitSeconds - b.submitSeconds || a.id - b.id;
}

/**
 * @param ranks   Of all gangs.
 * @param isStuck Whether a gang may be champion.
 * @returns       Index of the champion, −1 if no gang is stuck. O(gangs).
 */
export function championOf(ranks: readonly GangRank[], isStuck: (gang: number) => boolean): number {
  let champion = -1;
  for (let gang = 0; gang < ranks.length; gang++) {
    if (!isStuck(gang)) continue;
    if (champion < 0 || compareGangRank(ranks[gang] as GangRank, ranks[champion] as GangRank) < 0)
      champion = gang;
  }
  return champion;
}
