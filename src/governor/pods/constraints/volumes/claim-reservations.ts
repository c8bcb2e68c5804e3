/**
 * What is promised to claims that have no volume yet, by pods that are on their way to a node: a volume that exists, or
 * that one will be made for that node. A volume is promised once.
 *
 * A promise lasts while a pod of its claim is placed. That of a pod that is taken off and put back on the same node (as
 * preemption does to look what would be) is the same again.
 */

/** `volume` '': one is to be made for the node. */
export interface ClaimReservation {
  readonly claim: string;
  readonly volume: string;
  readonly node: string;
}

/** Promises of pods taken off that are remembered. */
const RECALLED_MAX = 1024;

interface Recalled {
  readonly node: string;
  readonly promises: readonly ClaimReservation[];
}

interface Standing extends ClaimReservation {
  users: number;
}

/** Promises by claim, volume and pod. */
export class ClaimReservations {
  private readonly byClaim = new Map<string, Standing>();
  private readonly claimOf = new Map<string, string>();
  private readonly byPod = new Map<string, readonly Standing[]>();
  private readonly recalled = new Map<string, Recalled>();

  /** What a claim has been promised. */
  of(claim: string): ClaimReservation | undefined {
    return this.byClaim.get(claim);
  }

  /** Whether a volume is promised to another claim. */
  isTaken(volume: string, by: string): boolean {
    const owner = this.claimOf.get(volume);
    return owner !== undefined && owner !== by;
  }

  /** A pod is placed. What its claims have been promised already stays. O(promises). */
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

  /** A pod is taken off its node. O(its promises). */
  takeBack(uid: string, node: string): void {
    const own = this.byPod.get(uid);
    if (own === undefined) return;
    this.byPod.delete(uid);
    // A promise that was forgotten since may have been made anew by another pod.
    const standing = own.filter((promise) => this.byClaim.get(promise.claim) === promise);
    for (const promise of standing) if (--promise.users === 0) this.forget(promise.claim);
    this.recalled.set(uid, { node, promises: standing });
    if (this.recalled.size <= RECALLED_MAX) return;
    for (const oldest of this.recalled.keys()) {
      this.recalled.delete(oldest);
      break;
    }
  }

  /** What a pod had been promised when it was taken off this node; undefined: it is not remembered. */
  recall(uid: string, node: string): readonly ClaimReservation[] | undefined {
    const recalled = this.recalled.get(uid);
    return recalled?.node === node ? recalled.promises : undefined;
  }

  /** Storage changed: what had been promised need not be the same again. */
  forgetRecalled(): void {
    this.recalled.clear();
  }

  /** The claim is bound, gone, or its volume was given up: no promise any more. */
  forget(claim: string): void {
    const standing = this.byClaim.get(claim);
    if (standing === undefined) return;
    this.byClaim.delete(claim);
    if (standing.volume !== '') this.claimOf.delete(standing.volume);
  }

  /** The claim that a volume is promised to. */
  claimPromised(volume: string): string | undefined {
    return this.claimOf.get(volume);
  }

  /** Promises that stand, for tests of bounds. */
  get size(): number {
    return this.byClaim.size;
  }
}
