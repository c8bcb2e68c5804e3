/**
 * Who may run at the wall without a grant. A group that runs can grow until it is seen and stands still; near the wall there is room
 * for that growth of a few groups only, and every thaw costs it again. Without this rule thaws at the wall would creep past it.
 */

/** A group that has no grant and could run. MiB. */
export interface ReserveClaim {
  /** The most important first. */
  readonly priority: number;
  /** Growth until it stands still. */
  readonly cost: number;
  /** It is held for lack of reserve, since when; NaN: it runs. */
  readonly heldSince: number;
}

/** Reserve beyond its cost that lets a held group go on, and the least time that it is held: a dead band. */
const SPARE_MIB = 2;
const HELD_SECONDS_MIN = 1;

/**
 * Divides the room to the wall by importance; among equals, who runs goes on running.
 *
 * @param distance To the wall, without what grants take of it.
 * @returns        For each claim, in order, whether it may run.
 */
export function shareReserve(claims: readonly ReserveClaim[], distance: number, time: number): boolean[] {
  const order = claims.map((_, index) => index);
  const isHeld = (index: number): number => (Number.isNaN((claims[index] as ReserveClaim).heldSince) ? 0 : 1);
  const priority = (index: number): number => (claims[index] as ReserveClaim).priority;
  order.sort((a, b) => priority(b) - priority(a) || isHeld(a) - isHeld(b) || a - b);
  const runs = claims.map(() => false);
  let left = distance;
  for (const index of order) {
    const { cost, heldSince } = claims[index] as ReserveClaim;
    const isRested = Number.isNaN(heldSince) || time - heldSince >= HELD_SECONDS_MIN;
    const needed = Number.isNaN(heldSince) ? cost : cost + SPARE_MIB;
    if (!isRested || needed > left) continue;
    runs[index] = true;
    left -= cost;
  }
  return runs;
}
