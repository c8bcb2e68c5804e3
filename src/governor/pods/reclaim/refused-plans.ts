/**
 * Claimants for which no evictions could be planned, and when they are tried again: a plan costs a look at all that runs.
 *
 * Claimants of a kind share a refusal. It holds for RETRY_SECONDS, twice as long after each further one, and ends at a change on the
 * kind's flavours that may make the plan possible: room or quota came up, or a pod may be evicted that could not. So that a busy cluster does
 * not plan at each change, a change counts from REOPEN_SECONDS after the refusal on, twice as long after each further one.
 *
 * Bounded: PLANS_MAX_IN_VAIN plans in WINDOW_SECONDS may be in vain, of all kinds together, and these take turns; that many claimants
 * are woken at a time. Plans that evict are bounded by what runs, since evictions cannot loop.
 */

/** Time before a kind that was refused is planned for again without a change. */
export const RETRY_SECONDS = 30;
/** Time from a refusal to the first change that counts. */
export const REOPEN_SECONDS = 1;
/** Doublings of both at most. */
const DOUBLINGS_MAX = 4;
/** Plans in vain in a window. */
export const PLANS_MAX_IN_VAIN = 8;
/** Length of a window, seconds. */
export const WINDOW_SECONDS = 10;
/** Kinds and claimants kept; beyond that the oldest are forgotten. */
export const REFUSED_MAX = 10_000;

interface Refused<Claimant> {
  /** Flavours of which a change matters, as bits. */
  readonly flavors: number;
  /** When it is open; Infinity: at a change. */
  openSeconds: number;
  /** From when on a change counts. */
  changeSeconds: number;
  /** Refusals in a row, less one. */
  times: number;
  /** Those that are tried when it is open, the first one first. */
  readonly claimants: Set<Claimant>;
}

/** Refusals by kind. */
export class RefusedPlans<Claimant> {
  /** The one refused last is the last one: they take turns. */
  private readonly byKind = new Map<string, Refused<Claimant>>();
  private readonly kindOf = new Map<Claimant, string>();
  /** Window of plans in vain. */
  private windowSeconds = Number.NEGATIVE_INFINITY;
  private left = PLANS_MAX_IN_VAIN;
  /** When the first kind with claimants is open; NaN: not known. */
  private firstSeconds = Number.POSITIVE_INFINITY;

  /** Claimants that are tried again. */
  get size(): number {
    return this.kindOf.size;
  }

  /** When claimants are to be tried again; Infinity: at a change. O(1), O(kinds) after a change of them. */
  get dueSeconds(): number {
    if (this.kindOf.size === 0) return Number.POSITIVE_INFINITY;
    if (Number.isNaN(this.firstSeconds)) {
      this.firstSeconds = Number.POSITIVE_INFINITY;
      for (const { claimants, openSeconds } of this.byKind.values()) {
        if (claimants.size > 0) this.firstSeconds = Math.min(this.firstSeconds, openSeconds);
      }
    }
    return Math.max(this.firstSeconds, this.left > 0 ? Number.NEGATIVE_INFINITY : this.windowEnd);
  }

  /** Plans may be made for all again. */
  openAll(): void {
    for (const refused of this.byKind.values()) {
      refused.openSeconds = Number.NEGATIVE_INFINITY;
      refused.times = -1;
    }
    this.firstSeconds = Number.NaN;
  }

  /** No claimants, no refusals. */
  clear(): void {
    this.byKind.clear();
    this.kindOf.clear();
    this.firstSeconds = Number.POSITIVE_INFINITY;
  }

  /** @returns True if a plan may be made for a kind now. */
  isOpen(kind: string, nowSeconds: number): boolean {
    this.follow(nowSeconds);
    return this.left > 0 && (this.byKind.get(kind)?.openSeconds ?? nowSeconds) <= nowSeconds;
  }

  /** Something changed on flavours, as bits, that may make plans possible. O(kinds). */
  changed(flavors: number): void {
    for (const refused of this.byKind.values()) {
      if ((refused.flavors & flavors) === 0 || refused.changeSeconds >= refused.openSeconds) continue;
      refused.openSeconds = refused.changeSeconds;
      this.firstSeconds = Number.NaN;
    }
  }

  /** A claimant is to be tried again when its kind is open. */
  wait(claimant: Claimant, kind: string, flavors: number): void {
    this.forget(claimant);
    if (this.kindOf.size >= REFUSED_MAX) this.forget(this.kindOf.keys().next().value as Claimant);
    this.kindOf.set(claimant, kind);
    this.ensure(kind, flavors).claimants.add(claimant);
    this.firstSeconds = Number.NaN;
  }

  /**
   * A plan found nobody to evict.
   *
   * @param readySeconds When somebody may be evicted who was not yet; Infinity: time alone does not help.
   */
  refuse(kind: string, flavors: number, nowSeconds: number, readySeconds: number): void {
    this.follow(nowSeconds);
    this.left--;
    const refused = this.lastOf(kind, flavors);
    refused.times = Math.min(DOUBLINGS_MAX, refused.times + 1);
    const factor = 2 ** refused.times;
    refused.openSeconds = Math.max(nowSeconds, Math.min(readySeconds, nowSeconds + RETRY_SECONDS * factor));
    refused.changeSeconds = nowSeconds + REOPEN_SECONDS * factor;
  }

  /** No eviction is allowed for a kind, which is known without a plan: only a change helps. */
  shut(kind: string, flavors: number, nowSeconds: number): void {
    const refused = this.lastOf(kind, flavors);
    refused.openSeconds = Number.POSITIVE_INFINITY;
    refused.changeSeconds = nowSeconds + REOPEN_SECONDS;
  }

  /** A plan was carried out for a kind. */
  succeeded(kind: string): void {
    const refused = this.byKind.get(kind);
    if (refused === undefined) return;
    if (refused.claimants.size === 0) this.byKind.delete(kind);
    refused.openSeconds = Number.NEGATIVE_INFINITY;
    refused.times = -1;
    this.firstSeconds = Number.NaN;
  }

  /** A claimant started, is gone, or has a claim. O(1). */
  forget(claimant: Claimant): void {
    const kind = this.kindOf.get(claimant);
    if (kind === undefined) return;
    this.kindOf.delete(claimant);
    this.byKind.get(kind)?.claimants.delete(claimant);
    this.firstSeconds = Number.NaN;
  }

  /**
   * Takes those that are to be tried now: the first one of each open kind, at most as many as plans may be in vain.
   *
   * @param judge `later`: no eviction is allowed for it, and its kind waits for a change. `over`: it does not wait any more.
   * @cost O(kinds + those that are over); O(1) before `dueSeconds`.
   */
  take(nowSeconds: number, judge: (claimant: Claimant) => 'now' | 'later' | 'over'): readonly Claimant[] {
    const taken: Claimant[] = [];
    if (this.dueSeconds > nowSeconds) return taken;
    this.follow(nowSeconds);
    for (const [kind, refused] of [...this.byKind]) {
      if (taken.length >= this.left) break;
      if (refused.openSeconds > nowSeconds) continue;
      for (const claimant of refused.claimants) {
        const verdict = judge(claimant);
        if (verdict === 'later') this.shut(kind, refused.flavors, nowSeconds);
        else this.forget(claimant);
        if (verdict === 'now') taken.push(claimant);
        if (verdict !== 'over') break;
      }
    }
    return taken;
  }

  /** A kind as the last one: its turn is over. */
  private lastOf(kind: string, flavors: number): Refused<Claimant> {
    const refused = this.ensure(kind, flavors);
    this.byKind.delete(kind);
    this.byKind.set(kind, refused);
    this.firstSeconds = Number.NaN;
    return refused;
  }

  private get windowEnd(): number {
    return this.windowSeconds + WINDOW_SECONDS;
  }

  private follow(nowSeconds: number): void {
    if (nowSeconds < this.windowEnd) return;
    this.windowSeconds = nowSeconds;
    this.left = PLANS_MAX_IN_VAIN;
  }

  private ensure(kind: string, flavors: number): Refused<Claimant> {
    let refused = this.byKind.get(kind);
    if (refused === undefined) {
      if (this.byKind.size >= REFUSED_MAX) this.dropOldest();
      const open = Number.NEGATIVE_INFINITY;
      refused = { flavors, openSeconds: open, changeSeconds: open, times: -1, claimants: new Set() };
      this.byKind.set(kind, refused);
    }
    return refused;
  }

  private dropOldest(): void {
    for (const [kind, { claimants }] of this.byKind) {
      for (const claimant of claimants) this.kindOf.delete(claimant);
      this.byKind.delete(kind);
      return;
    }
  }
}
