/**
 * Reservations of claims that have no volume yet, by pods on their way to a node: an existing volume, or one to be made
 * for that node. A volume is reserved once.
 *
 * A reservation lasts while a pod of its claim is placed. A pod that is taken off and put back on the same node (as in
 * preemption's trials) gets the same one again.
 */

/** `volume` '': one is to be made for the node. */
export interface ClaimReservation {
  readonly claim: string;
  readonly volume: string;
  readonly node: string;
}

/** Most reservations kept of pods taken off. */
const RECALLED_MAX = 1024;

interface Recalled {
  readonly node: string;
  readonly promises: readonly ClaimReservation[];
}

interface Standing extends ClaimReservation {
  users: number;
}

/** Reservations by claim, volume and pod. */
export class ClaimReservations {
  private readonly byClaim = new Map<string, Standing>();
  private readonly claimOf = new Map<string, string>();
  private readonly byPod = new Map<string, readonly Standing[]>();
  private readonly recalled = new Map<string, Recalled>();

  /** The reservations of a claim. */
  of(claim: string): ClaimReservation | undefined {
    return this.byClaim.get(claim);
  }

  /** @returns True if a volume is reserved for another claim. */
  isTaken(volume: string, by: string): boolean {
    const owner = this.claimOf.get(volume);
    return owner !== undefined && owner !== by;
  }

  /** A pod is placed. Existing reservations of its claims stay. O(reservations). */
  make(uid: string, promises: readonly ClaimReservation[]): void {
    this.recalled.delete(uid);
    const own: Standing[] = [];
    for (const promise of promises) {
      let standing = this.byClaim.get(promise.claim);
      if (standing === undefined) {
        standing = { ...promise, users: 0 };
        this.byClaim.set(promise.claim, standing);
        if (promise.volume !== '') this.claimOf.set(promise.volume, promise.claim);
      }
      standing.users++;
      own.push(standing);
    }
    this.byPod.set(uid, own);
  }

  /** A pod is taken off its node. O(its reservations). */
  takeBack(uid: string, node: string): void {
    const own = this.byPod.get(uid);
    if (own === undefined) return;
    this.byPod.delete(uid);
    // A reservation that was dropped since may have been made again by another pod.
    const standing = own.filter((promise) => this.byClaim.get(promise.claim) === promise);
    for (const promise of standing) if (--promise.users === 0) this.forget(promise.claim);
    this.recalled.set(uid, { node, promises: standing });
    if (this.recalled.size <= RECALLED_MAX) return;
    for (const oldest of this.recalled.keys()) {
      this.recalled.delete(oldest);
      break;
    }
  }

  /** The reservations of a pod when it was taken off this node; undefined: none are kept. */
  recall(uid: string, node: string): readonly ClaimReservation[] | undefined {
    const recalled = this.recalled.get(uid);
    return recalled?.node === node ? recalled.promises : undefined;
  }

  /** Storage changed: a repeated reservation need not be the same. */
  forgetRecalled(): void {
    this.recalled.clear();
  }

  /** The claim is bound, gone, or its volume was released: its reservations end. */
  forget(claim: string): void {
    const standing = this.byClaim.get(claim);
    if (standing === undefined) return;
    this.byClaim.delete(claim);
    if (standing.volume !== '') this.claimOf.delete(standing.volume);
  }

  /** The claim that a volume is reserved for. */
  claimPromised(volume: string): string | undefined {
    return this.claimOf.get(volume);
  }

  /** Current reservations, for tests of bounds. */
  get size(): number {
    return this.byClaim.size;
  }
}
