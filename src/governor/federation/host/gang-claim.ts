/**
 * The claim of one gang on parts in several zones: a record, and what follows from it.
 *
 *     Collecting ──all escrows held──▶ Preparing ──all renewed──▶ Confirming ──all started──▶ Running
 *         ▲  │                             │                          │ Gone, node lost          │ node lost
 *         └──┼────── Gone, no answer ──────┘                          ▼                          ▼
 *            └──nothing more for claimSeconds──▶ (waits)   ◀──── RollingBack ◀──────────────────┘
 *
 *     Confirming, Running ──cancelled, or a part finished──▶ Ending ──every part over──▶ (ended)
 */

import { assert } from '../../../kernel/assert.ts';
import { partNumber } from '../federation-limits.ts';

/** Phases of a claim. */
export const ClaimPhase = {
  /** It asks one zone after the other, and renews what it holds. */
  Collecting: 1,
  /** It holds enough, and has every zone renew its escrow: phase one of the confirmation. */
  Preparing: 2,
  /** Every escrow was renewed; each is confirmed until its zone answers. */
  Confirming: 3,
  Running: 4,
  /** A part was lost: every other is stopped, then the gang waits again. */
  RollingBack: 5,
  /** The gang finished or was cancelled: every part is stopped. */
  Ending: 6,
} as const;

/** A number of `ClaimPhase`. */
export type ClaimPhaseCode = (typeof ClaimPhase)[keyof typeof ClaimPhase];

/** Names of the phases for people, by number. */
export const CLAIM_PHASE_NAMES: readonly string[] = [
  '',
  'collecting parts in several zones',
  'collecting parts in several zones',
  'confirming in several zones',
  'running in several zones',
  'stopping in several zones',
  'stopping in several zones',
];

/** States of a part. */
export const PartState = {
  /** A proposal is out. */
  Asked: 1,
  /** Its zone holds it in escrow. */
  Held: 2,
  Confirming: 3,
  Running: 4,
  /** The stop is repeated until its zone answers. */
  Stopping: 5,
} as const;

/** A number of `PartState`. */
export type PartStateCode = (typeof PartState)[keyof typeof PartState];

/** One part. Written by its claim's owner only. */
export interface GangPart {
  /** As zones know it; see `partNumber`. */
  readonly number: number;
  /** Of the proposal; 0: adopted. */
  readonly attempt: number;
  /** `Asked`: the process proposed to. From `Held` on: its zone. */
  target: number;
  /** 0 while it is asked for. */
  offer: number;
  /** Pods asked for, or held. */
  pods: number;
  state: PartStateCode;
  /** When it was asked for, seconds. */
  readonly askedAt: number;
  /** `Held`: when its escrow ends, as last answered. */
  deadline: number;
  /** Repetitions of the current message, and when it is sent again. */
  repeats: number;
  dueAt: number;
}

/** A part that runs already, as its nodes or their zone say. */
export interface AdoptedPart {
  readonly part: number;
  readonly zone: number;
  readonly offer: number;
  readonly pods: number;
  /** The gang has finished, and this part is to be stopped. */
  readonly isOver: boolean;
}

/** A claim. Written by its owner only. */
export interface GangClaim {
  readonly slot: number;
  readonly job: number;
  readonly demandId: number;
  readonly podCount: number;
  readonly gangMin: number;
  readonly parts: GangPart[];
  phase: ClaimPhaseCode;
  /** When it began, or held one part more than before. */
  lastGrantAt: number;
  /** `Preparing`: every escrow has to last until then. */
  preparedUntil: number;
  /** Whether it has run since it began. */
  hasRun: boolean;
  /** Of `Ending` and `RollingBack`: the reason of the job's end or wait. */
  reason: number;
  /** Next time at which something is due; Infinity: not until a message. */
  dueAt: number;
}

/** @returns Pods of the parts in a state, or in one after it. O(parts). */
export function podsFrom(claim: GangClaim, state: PartStateCode): number {
  let pods = 0;
  for (const part of claim.parts) if (part.state >= state) pods += part.pods;
  return pods;
}

/** @returns The part of a number; undefined if the claim has none. O(parts). */
export function partOf(claim: GangClaim, number: number): GangPart | undefined {
  return claim.parts.find((part) => part.number === number);
}

/** Takes a part out of its claim. */
export function dropPart(claim: GangClaim, part: GangPart): void {
  const at = claim.parts.indexOf(part);
  if (at >= 0) claim.parts.splice(at, 1);
}

/** @returns When an escrow is renewed: after half of what is left of it. */
export function renewalOf({ deadline }: GangPart, timeSeconds: number): number {
  return timeSeconds + Math.max(0, deadline - timeSeconds) / 2;
}

/** @returns A part that is asked for. */
export function newPart(
  number: number,
  attempt: number,
  target: number,
  pods: number,
  askedAt: number,
): GangPart {
  assert(pods >= 1, 'a part without pods');
  const state = PartState.Asked;
  return { number, attempt, target, pods, state, askedAt, offer: 0, deadline: 0, repeats: 0, dueAt: 0 };
}

/** @returns A number that no part of the claim has. O(parts²), of few parts. */
export function freeNumber(claim: GangClaim): number {
  for (let part = 1; ; part++) {
    const number = partNumber(claim.job, part);
    if (partOf(claim, number) === undefined) return number;
  }
}
