/**
 * When a waiting job becomes champion: when it has saved up what keeping room for it costs.
 *
 * A reservation costs what it keeps idle: seconds × pods, of `RoomPlan.idleSeconds`. A job saves while it waits, in
 * proportion to its size, and becomes champion when its savings reach the cost. So reservations are made when they are
 * cheap (much of the room is about to be free at the same time), and none is put off for ever: savings grow without
 * bound, the cost is at most pods × the longest remaining run. EASY backfilling reserves for the first job in line at
 * once, whatever it costs. Measured in docs/results/queues.md.
 *
 * Beside that the cluster saves: a small part of it, at all times, may be kept idle (`idle-budget.ts`). While little of
 * that is used a job becomes champion at once, as with EASY; when it is used up, jobs depend on what they save themselves.
 *
 * Where no end is known a plan is a guess and promises nothing. Then nodes are drained only for a job that has waited far
 * longer than others, and what the drain keeps idle is paid from savings of the cluster alone.
 */
import type { RoomPlan } from './future-room.ts';

/** Thresholds and bounds of champions. */
export interface ChampionOptions {
  /** Seconds × pods that a job saves for each second × pod that it waits, > 0. Default 0.4. */
  readonly savingRate?: number;
  /** Least wait before a job may become champion, seconds, ≥ 0. Default 0. */
  readonly championAfterSeconds?: number;
  /** Champions at one time of jobs that contend (`contention.ts`), in [0, 8]. Default 1. */
  readonly reservationsMax?: number;
  /**
   * Part of the cluster that reservations may keep idle for jobs that have not saved enough themselves, in [0, 1]. Default 0.01.
   */
  readonly idleShare?: number;
  /** The same for drains, where no end is known. Default 0.015. */
  readonly drainShare?: number;
  /** Least wait before nodes are drained for a job, seconds, ≥ 0. Default 12 hours. */
  readonly drainAfterSeconds?: number;
  /** And as a multiple of the usual wait, ≥ 0. Default 4. */
  readonly drainAfterWaits?: number;
}

/** Most champions at one time of all domains: their nodes are a mask of bits. */
export const RESERVATIONS_MOST = 8;

/** `idleShare` where ends are exact: then as much stands idle until a start as planned; else jobs end before, and less does. */
export const IDLE_SHARE_EXACT = 0.006;

/** The defaults of `ChampionOptions`. */
export const CHAMPION_DEFAULTS: Required<ChampionOptions> = {
  savingRate: 0.4,
  championAfterSeconds: 0,
  reservationsMax: 1,
  idleShare: 0.01,
  drainShare: 0.015,
  drainAfterSeconds: 43_200,
  drainAfterWaits: 4,
};

/**
 * @param sinceSeconds When the job began to wait.
 * @param pods         Its size.
 * @param plan         The start that it could be promised now.
 * @returns            When its savings reach the cost of that plan, perhaps in the past. Without further events the cost
 *   only falls, so it is affordable at this time at the latest.
 */
export function affordableAt(
  { savingRate, championAfterSeconds }: Required<ChampionOptions>,
  sinceSeconds: number,
  pods: number,
  plan: RoomPlan,
): number {
  return sinceSeconds + Math.max(championAfterSeconds, plan.idleSeconds / (savingRate * pods));
}
