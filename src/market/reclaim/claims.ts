/**
 * Claims on room that evictions free: kept until the last victim is gone, and given up for good reasons only.
 *
 *     open ──▶ leaving ──last victim gone──▶ ready ──started──▶ (closed)
 *                │  ▲                          │
 *                └──┼── taken by somebody else ◀┘
 *                   │        │
 *                   └─again──┴─▶ again (same place, ≤ 3 attempts) ─▶ elsewhere (once) ─▶ stopped, naming who interferes
 *
 * A unit is evicted at most once for one claim, however often it comes back; victims that return to the room that they left (two
 * schedulers, kubernetes#130429) so lead to another place at once, not to another eviction.
 *
 * Bounds: CLAIMS_MAX claims at a time, ATTEMPTS_MAX attempts and one elsewhere, INTERFERERS_MAX names.
 */
import { assert } from '../../kernel/assert.ts';
import { TegError } from '../../model/errors.ts';

/** Most claims at a time. */
export const CLAIMS_MAX = 100_000;

/** Most names that a claim keeps of those who took its room. */
export const INTERFERERS_MAX = 8;

/** Attempts at one place before another is tried. */
export const ATTEMPTS_MAX = 3;

/** What to do after somebody else took a claim's room. */
export type ClaimVerdict =
  | { readonly kind: 'again' }
  | { readonly kind: 'elsewhere' }
  /** @see ClaimState.interferers */
  | { readonly kind: 'stop'; readonly reason: string };

/** One claim. */
export interface ClaimState {
  readonly claimant: number;
  /** Pods of victims that are not gone yet. */
  readonly leaving: ReadonlySet<number>;
  /** Places that it keeps room on, with repetition: one for each pod of the claimant. */
  readonly places: readonly number[];
  /** Units that were evicted for it, in all attempts. */
  readonly evicted: ReadonlySet<number>;
  /** Places where its room was taken too often. */
  readonly avoided: ReadonlySet<number>;
  /** Times that evictions were made for it. */
  readonly attempts: number;
  /** Who took its room, the last INTERFERERS_MAX different ones. */
  readonly interferers: readonly string[];
  readonly sinceSeconds: number;
}

interface MutableClaim {
  claimant: number;
  leaving: Set<number>;
  places: readonly number[];
  evicted: Set<number>;
  avoided: Set<number>;
  attempts: number;
  interferers: string[];
  sinceSeconds: number;
}

/** All claims of one scheduler. */
export class Claims {
  private readonly byClaimant = new Map<number, MutableClaim>();
  /** By pod that leaves: the claimant. */
  private readonly byPod = new Map<number, number>();
  /** By place: claims that keep room on it. */
  private readonly byPlace = new Map<number, Set<number>>();
  /** By claimant that may not claim again: why. */
  private readonly stopped = new Map<number, string>();

  /** Claims at this moment. */
  get size(): number {
    return this.byClaimant.size;
  }

  /** @returns The claim of a claimant. */
  get(claimant: number): ClaimState | undefined {
    return this.byClaimant.get(claimant);
  }

  /** @returns Why a claimant may evict nothing any more, naming who interfered; undefined: it may. */
  stopOf(claimant: number): string | undefined {
    return this.stopped.get(claimant);
  }

  /** @returns Claimants that keep room on a place. */
  holdersOf(place: number): ReadonlySet<number> {
    return this.byPlace.get(place) ?? NOBODY;
  }

  /** @returns The claimant for which a pod leaves; undefined: for none. */
  claimantOf(pod: number): number | undefined {
    return this.byPod.get(pod);
  }

  /**
   * Makes a claim, or its next attempt.
   *
   * @param victims Units with the pods that leave, none of them evicted for it before.
   * @param places  Where the claimant's pods will go.
   * @throws TegError TEG_LIMIT_REACHED at CLAIMS_MAX.
   */
  open(
    claimant: number,
    victims: readonly {
      readonly unit: { readonly id: number };
      readonly pods: readonly { readonly id: number }[];
    }[],
    places: readonly number[],
    nowSeconds: number,
  ): ClaimState {
    assert(!this.stopped.has(claimant), 'a claim is made that was stopped');
    let claim = this.byClaimant.get(claimant);
    if (claim === undefined) {
      if (this.byClaimant.size >= CLAIMS_MAX) {
        throw new TegError(
          'TEG_LIMIT_REACHED',
          `claim number ${CLAIMS_MAX + 1} on freed room; expected at most ${CLAIMS_MAX}: let some start first`,
        );
      }
      claim = {
        claimant,
        leaving: new Set(),
        places: [],
        evicted: new Set(),
        avoided: new Set(),
        attempts: 0,
        interferers: [],
        sinceSeconds: nowSeconds,
      };
      this.byClaimant.set(claimant, claim);
    }
    this.letGo(claim);
    claim.attempts++;
    claim.places = places;
    for (const place of places) {
      const holders = this.byPlace.get(place) ?? new Set();
      holders.add(claimant);
      this.byPlace.set(place, holders);
    }
    for (const { unit, pods } of victims) {
      assert(!claim.evicted.has(unit.id), 'a unit is evicted twice for one claim');
      claim.evicted.add(unit.id);
      for (const { id } of pods) {
        claim.leaving.add(id);
        this.byPod.set(id, claimant);
      }
    }
    return claim;
  }

  /** A pod is gone. @returns The claim whose last victim it was: its room is free now. */
  podGone(pod: number): ClaimState | undefined {
    const claimant = this.byPod.get(pod);
    if (claimant === undefined) return undefined;
    this.byPod.delete(pod);
    const claim = this.byClaimant.get(claimant) as MutableClaim;
    claim.leaving.delete(pod);
    return claim.leaving.size === 0 ? claim : undefined;
  }

  /**
   * The room of a claim is gone: somebody who does not heed claims took it, or its node was lost.
   *
   * @param by Who, for people: a scheduler and a pod, or a node.
   * @returns Whether to plan again, with `evicted` and `avoided` of the claim. After `stop` it may not, until `forget`.
   */
  taken(claimant: number, by: string): ClaimVerdict {
    const claim = this.byClaimant.get(claimant);
    assert(claim !== undefined, 'the room of an unknown claim was taken');
    if (!claim.interferers.includes(by)) {
      claim.interferers.push(by);
      if (claim.interferers.length > INTERFERERS_MAX) claim.interferers.shift();
    }
    if (claim.attempts < ATTEMPTS_MAX) {
      this.letGo(claim);
      return { kind: 'again' };
    }
    if (claim.attempts === ATTEMPTS_MAX) {
      for (const place of claim.places) claim.avoided.add(place);
      this.letGo(claim);
      return { kind: 'elsewhere' };
    }
    const { attempts, interferers } = claim;
    const reason = `room was made ${attempts} times and taken each time, by ${interferers.join(', ')}`;
    this.close(claimant);
    this.stopped.set(claimant, reason);
    return { kind: 'stop', reason };
  }

  /** A claimant is gone, or what was in its way has changed: it may claim again. */
  forget(claimant: number): void {
    this.close(claimant);
    this.stopped.delete(claimant);
  }

  /** Ends a claim: the claimant started, was withdrawn, or nothing can be planned for it. Idempotent. */
  close(claimant: number): void {
    const claim = this.byClaimant.get(claimant);
    if (claim === undefined) return;
    this.letGo(claim);
    this.byClaimant.delete(claimant);
  }

  private letGo(claim: MutableClaim): void {
    for (const pod of claim.leaving) this.byPod.delete(pod);
    claim.leaving.clear();
    for (const place of claim.places) {
      const holders = this.byPlace.get(place);
      holders?.delete(claim.claimant);
      if (holders?.size === 0) this.byPlace.delete(place);
    }
    claim.places = [];
  }
}

const NOBODY: ReadonlySet<number> = new Set();
