/**
 * Claims of pods and gangs on room that evictions free: seats that are kept, and, while others are decided, the amounts that count as
 * held for the claimant's tenant instead of its victims', so that a borrower cannot take the loan again before the lender starts.
 */
import { type ClaimState, Claims, type ClaimVerdict } from '../../../market/reclaim/claims.ts';
import type { Demand } from '../../../model/demand.ts';
import { type Claimant, claimantKey } from '../champion/claimants.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { ReclaimPorts, ReclaimSeat } from './reclaim-ports.ts';
import type { EvictablePod, RunningUnit } from './running-units.ts';
import type { StartNumbers } from './start-numbers.ts';

/** A claim. */
export interface PodClaim {
  readonly claimant: Claimant;
  readonly key: string;
  readonly id: number;
  readonly flavor: number;
  /** Pods that the accounts are asked for: those that have to start together. */
  readonly members: readonly PodRecord[];
  /** Of the last attempt. */
  readonly victims: readonly PodRecord[];
  seats: readonly ReclaimSeat[];
  /** The accounts that count its amounts as held, and these; undefined: none do. */
  heldIn: EconomyBooks | undefined;
  held: readonly Held[];
  /** Victims among these. */
  off: readonly PodRecord[];
}

/** Amounts that are added to the accounts, or taken off for a victim that still counts there. */
interface Held {
  readonly sign: 1 | -1;
  readonly account: number;
  readonly demand: Demand;
}

/** Victims of one claim. */
export interface ClaimVictim {
  readonly unit: RunningUnit;
  readonly pods: readonly EvictablePod[];
}

/** All of one scheduler. */
export class PodClaims {
  private readonly state: SchedulerState;
  private readonly ports: ReclaimPorts;
  private readonly starts: StartNumbers;
  private readonly claims = new Claims();
  private readonly byKey = new Map<string, PodClaim>();
  private readonly byId = new Map<number, PodClaim>();
  /** Claimants that may evict no more. */
  private readonly stopped = new Map<string, Claimant>();
  /** Numbers of claimants, and of units that were evicted for claims. */
  private readonly ids = new Map<string, number>();
  private nextId = 1;

  constructor(state: SchedulerState, ports: ReclaimPorts, starts: StartNumbers) {
    this.state = state;
    this.ports = ports;
    this.starts = starts;
  }

  get size(): number {
    return this.byKey.size;
  }

  get(claimant: Claimant): PodClaim | undefined {
    return this.byKey.size === 0 ? undefined : this.byKey.get(claimantKey(claimant));
  }

  stateOf(claim: PodClaim): ClaimState | undefined {
    return this.claims.get(claim.id);
  }

  /** @returns Why a claimant may evict nobody any more. */
  stopOf(claimant: Claimant): string | undefined {
    if (this.stopped.size === 0) return undefined;
    const key = claimantKey(claimant);
    return this.stopped.has(key) ? this.claims.stopOf(this.idOf(`claim ${key}`)) : undefined;
  }

  /** Number of a key; the same as long as claims are open. */
  idOf(key: string): number {
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.nextId++;
      this.ids.set(key, id);
    }
    return id;
  }

  /** Numbers of before are not needed any more: no claim refers to them. */
  forgetIds(): void {
    if (this.byKey.size === 0 && this.stopped.size === 0) this.ids.clear();
  }

  /** Makes a claim, or its next attempt. Its amounts are not held yet. */
  open(
    claimant: Claimant,
    flavor: number,
    victims: readonly ClaimVictim[],
    seats: readonly ReclaimSeat[],
  ): void {
    const { state } = this;
    const key = claimantKey(claimant);
    const id = this.idOf(`claim ${key}`);
    const places = seats.map(({ slot }) => slot);
    this.claims.open(id, victims, places, state.timeSeconds);
    const gone = victims.flatMap(({ pods }) => pods.map(({ record }) => record));
    const claim: PodClaim = {
      claimant,
      key,
      id,
      flavor,
      members: seats.map(({ pod }) => pod),
      victims: gone,
      seats,
      heldIn: undefined,
      held: [],
      off: [],
    };
    this.byKey.set(key, claim);
    this.byId.set(id, claim);
    for (const { pod, slot } of seats) {
      state.claimed.add(pod);
      this.starts.claimed(pod);
      this.ports.keep(pod, slot);
    }
  }

  /** Somebody else took the room of a claim. Its seats are let go. */
  taken(claim: PodClaim, by: string): ClaimVerdict {
    const verdict = this.claims.taken(claim.id, by);
    this.letGo(claim);
    if (verdict.kind === 'stop') {
      this.drop(claim);
      this.stopped.set(claim.key, claim.claimant);
    }
    return verdict;
  }

  /** Ends a claim. */
  close(claim: PodClaim): void {
    this.claims.close(claim.id);
    this.letGo(claim);
    this.drop(claim);
  }

  /** A pod is gone. @returns The claim whose last victim it was. */
  podGone(pod: PodRecord): PodClaim | undefined {
    if (this.byKey.size === 0) return undefined;
    const ready = this.claims.podGone(pod.sequence);
    return ready === undefined ? undefined : this.byId.get(ready.claimant);
  }

  /** @returns The claim for which a pod leaves. */
  claimOf(victim: PodRecord): PodClaim | undefined {
    const id = this.claims.claimantOf(victim.sequence);
    return id === undefined ? undefined : this.byId.get(id);
  }

  /** @returns Victims that have not left their nodes yet, of all claims. O(claims × victims). */
  leavingPods(): readonly PodRecord[] {
    const pods: PodRecord[] = [];
    for (const claim of this.byKey.values()) {
      const leaving = this.claims.get(claim.id)?.leaving;
      for (const pod of claim.victims) if (pod.node >= 0 && leaving?.has(pod.sequence)) pods.push(pod);
    }
    return pods;
  }

  /** Lets the accounts count a claim's amounts as held. Idempotent. */
  hold(claim: PodClaim): void {
    const { books } = this.state.economy;
    if (claim.heldIn === books || books === undefined) return;
    const { economy } = this.state;
    claim.heldIn = books;
    const leaving = this.claims.get(claim.id)?.leaving;
    const amountOf = ({ shape, tenant }: PodRecord, sign: 1 | -1): Held => {
      return { sign, account: economy.tenantOf(tenant), demand: shape.demand };
    };
    claim.off = claim.victims.filter(
      (pod) => leaving?.has(pod.sequence) && books.flavors.ofNode(pod.node) === claim.flavor,
    );
    claim.held = [
      ...claim.members.map((pod) => amountOf(pod, 1)),
      ...claim.off.map((pod) => amountOf(pod, -1)),
    ];
    this.apply(claim, books, 1);
  }

  /** The opposite. Idempotent. */
  lift(claim: PodClaim): void {
    const books = claim.heldIn;
    claim.heldIn = undefined;
    // Accounts that were made again hold nothing for it.
    if (books === undefined || books !== this.state.economy.books) return;
    this.apply(claim, books, -1);
  }

  /** @returns Pods of which the accounts hold nothing now, though they are on nodes. O(claims × victims). */
  victims(): ReadonlySet<PodRecord> {
    const victims = new Set<PodRecord>();
    for (const claim of this.byKey.values()) {
      if (claim.heldIn !== undefined) for (const pod of claim.off) victims.add(pod);
    }
    return victims;
  }

  /** @returns The open claims, the oldest first. */
  openClaims(): readonly PodClaim[] {
    return [...this.byKey.values()];
  }

  /** Claimants that are gone are not remembered. */
  forgetStopped(isGone: (claimant: Claimant) => boolean): void {
    for (const [key, claimant] of this.stopped) {
      if (!isGone(claimant)) continue;
      this.stopped.delete(key);
      this.claims.forget(this.idOf(`claim ${key}`));
    }
  }

  private apply({ held, flavor }: PodClaim, books: EconomyBooks, direction: 1 | -1): void {
    const { usage } = books.accounts;
    for (const { sign, account, demand } of held) {
      if (sign === direction) usage.hold(account, flavor, demand);
      else usage.release(account, flavor, demand);
    }
  }

  private letGo(claim: PodClaim): void {
    this.lift(claim);
    for (const { pod } of claim.seats) {
      this.state.claimed.delete(pod);
      this.starts.released(pod);
      this.ports.letGo(pod);
    }
    claim.seats = [];
  }

  private drop(claim: PodClaim): void {
    this.byKey.delete(claim.key);
    this.byId.delete(claim.id);
  }
}
