/**
 * What a part of the cluster holds idle for gangs that collect escrows in several zones, and the gang that goes first.
 *
 * A commutative monoid, exactly: amounts are whole and added, of two candidates the earlier stays. So it travels in
 * holograms, and a duplicate or late summary changes nothing.
 */
import { SUM_MAX } from './hologram-limits.ts';

/** A gang that waits for its parts and asks to be champion. */
export interface ChampionBid {
  /** When the host knew all that the gang demands, seconds; kept over its attempts. Earlier goes first. */
  readonly rankSeconds: number;
  /** Its job. Of equal ranks the smaller goes first. */
  readonly gang: number;
  readonly demandId: number;
  /** Pods that it still lacks, ≥ 1. */
  readonly pods: number;
}

/** See the head of the file. */
export interface HeldPart {
  /** In escrow for gangs that are stuck, milli-GPU and thousandths of a core. Integers in [0, 2^52]. */
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  /** The first of the gangs that wait; undefined: none does. */
  readonly champion: ChampionBid | undefined;
}

/** Neutral: nothing is held idle, and no gang waits. */
export const NO_HELD_PART: HeldPart = { gpuMilli: 0, cpuMilli: 0, champion: undefined };

/** @returns True of a part without content, which takes no bytes on the wire. */
export function isNothingHeld({ gpuMilli, cpuMilli, champion }: HeldPart): boolean {
  return gpuMilli === 0 && cpuMilli === 0 && champion === undefined;
}

/** @returns True if a goes before b. */
export function goesBeforeBid(a: ChampionBid, b: ChampionBid): boolean {
  if (a.rankSeconds !== b.rankSeconds) return a.rankSeconds < b.rankSeconds;
  if (a.gang !== b.gang) return a.gang < b.gang;
  // Two summaries of one gang at different times: any rule that does not depend on the order will do.
  return a.pods !== b.pods ? a.pods < b.pods : a.demandId < b.demandId;
}

/** @returns The one that goes first; undefined: neither is there. */
export function firstBid(a: ChampionBid | undefined, b: ChampionBid | undefined): ChampionBid | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return goesBeforeBid(b, a) ? b : a;
}

/** @returns Both parts together. */
export function addHeldParts(a: HeldPart, b: HeldPart): HeldPart {
  if (isNothingHeld(b)) return a;
  return {
    gpuMilli: Math.min(SUM_MAX, a.gpuMilli + b.gpuMilli),
    cpuMilli: Math.min(SUM_MAX, a.cpuMilli + b.cpuMilli),
    champion: firstBid(a.champion, b.champion),
  };
}
