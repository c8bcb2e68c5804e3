/**
 * What gangs that hold slots may do when they get stuck: wait, time out, wound the younger, or pay a tax.
 *
 * @source theory §4.5. Fixed timeout: scheduler-plugins coscheduling (permitWaitingTimeSeconds 60, podGroupBackoffSeconds
 * 0). Timeout with jitter: Kueue waitForPodsReady (exponential backoff). Wound-wait: Rosenkrantz, Stearns, Lewis 1978.
 */
import type { Random } from '../../src/kernel/random.ts';
import { championOf, type GangRank } from '../../src/market/tax/champion.ts';
import {
  type GangHoldings,
  type HeldIdle,
  isStuckGang,
  measureHeldIdle,
  mergeHeldIdle,
  NO_HELD_IDLE,
  psiOf,
} from '../../src/market/tax/held-idle.ts';
import { TaxGovernor, type TaxGovernorOptions } from '../../src/market/tax/tax-governor.ts';
import { GangPhase, type GangPolicy, type GangWorld } from './gang-world.ts';

/** Gangs hold what they have and wait for the rest. */
export function holdAndWait(): GangPolicy {
  return { release: () => {}, championIn: () => -1, settle: () => {}, taxPaid: 0, neverReleases: true };
}

/**
 * Gangs give back all that they hold when they have collected for too long.
 *
 * @param timeoutTicks Since the gang began to collect.
 * @param backoffTicks Of a gang's n-th retreat, n ≥ 1.
 */
export function timeoutPolicy(timeoutTicks: number, backoffTicks: (retreats: number) => number): GangPolicy {
  const release = (world: GangWorld): void => {
    for (let gang = 0; gang < world.gangCount; gang++) {
      if (world.phase[gang] !== GangPhase.Collecting) continue;
      if (world.now - (world.collectSince[gang] as number) < timeoutTicks) continue;
      world.retreat(gang, backoffTicks((world.retreats[gang] as number) + 1));
    }
  };
  return { release, championIn: () => -1, settle: () => {}, taxPaid: 0 };
}

/** A backoff that is drawn from a window which doubles up to `limit`. */
export function jitteredBackoff(first: number, limit: number, random: Random): (retreats: number) => number {
  return (retreats) => 1 + random.nextInt(Math.min(first * 2 ** Math.min(retreats - 1, 30), limit));
}

/** In order of rank each gang takes what it needs: what is free, then what gangs of higher rank hold, all of it. */
export function woundWait(): GangPolicy {
  return { release: woundAll, championIn: () => -1, settle: () => {}, taxPaid: 0 };
}

/** One round of wound-wait. Gangs are in order of rank in the world. */
function woundAll(world: GangWorld): void {
  for (let gang = 0; gang < world.gangCount; gang++) {
    if (world.phase[gang] !== GangPhase.Collecting) continue;
    for (let zone = 0; zone < world.zoneCount; zone++) {
      for (let other = world.gangCount - 1; other > gang; other--) {
        if (world.missing(gang, zone) <= (world.free[zone] as number)) break;
        const { slots } = world.holdings[zone] as GangHoldings;
        if (world.phase[other] === GangPhase.Collecting && (slots[other] as number) > 0)
          world.retreat(other, 0);
      }
      world.grant(gang, zone, Math.min(world.free[zone] as number, world.missing(gang, zone)));
    }
  }
}

/** A tax on what is held idle, and who is spared it. */
export interface TaxPolicyOptions {
  /** Tokens a slot and tick, or a governor that sets it. */
  readonly tax: number | TaxGovernorOptions;
  /**
   * `reserve`: the champion pays nothing and gets each freed slot that it can use. `exempt`: it pays nothing.
   * `none`: there is none.
   */
  readonly champion: 'reserve' | 'exempt' | 'none';
  /** B̄: tokens that a gang has at first and at most. */
  readonly balance: number;
  /** Income of a gang, tokens a tick. */
  readonly mint: number;
  /** t_stuck: a gang that was granted something within this many ticks is not stuck. */
  readonly stuckTicks: number;
  /** A gang that cannot pay is away for a number of ticks drawn from this range, both ends included, ≥ 0. */
  readonly backoffTicks: readonly [min: number, max: number];
  /**
   * Age of the governor's view of each zone, ticks; default 0. A zone finds its champion by itself, among the gangs that
   * ask it. @shape [zones]
   */
  readonly ages?: readonly number[];
}

/** Gangs that are stuck pay for what they hold; those that cannot give it back. */
export class TaxPolicy implements GangPolicy {
  taxPaid = 0;
  /** Sum of ψ as seen, over the ticks, and the largest. */
  psiSum = 0;
  psiMax = 0;
  /** Tokens of each gang. @shape [gangs], from the first tick on */
  private balances = new Float64Array(0);
  /** Tax due in the last tick. @shape [gangs] */
  private dues = new Float64Array(0);
  /** The champion of each zone, −1: none. @shape [zones] */
  private champions: number[] = [];
  /** Parts of ψ by tick, the last at its end. @shape [ages] of [zones] */
  private readonly parts: (readonly HeldIdle[])[] = [];
  private readonly options: TaxPolicyOptions;
  private readonly governor: TaxGovernor | undefined;
  private readonly random: Random;
  private ranks: readonly GangRank[] = [];
  private readonly ageMax: number;

  constructor(options: TaxPolicyOptions, random: Random) {
    this.options = options;
    this.governor = typeof options.tax === 'number' ? undefined : new TaxGovernor(options.tax, 0);
    this.random = random;
    this.ageMax = Math.max(0, ...(options.ages ?? []));
  }

  release(world: GangWorld): void {
    this.begin(world);
    if (this.governor?.remedy === 'wound-wait') woundAll(world);
    const [shortest, longest] = this.options.backoffTicks;
    for (let gang = 0; gang < world.gangCount; gang++) {
      // Nothing but a tax that it cannot pay makes a gang give back.
      if ((this.balances[gang] as number) > 0 || (this.dues[gang] as number) === 0) continue;
      if (world.phase[gang] === GangPhase.Collecting)
        world.retreat(gang, shortest + this.random.nextInt(longest - shortest + 1));
    }
  }

  championIn(_world: GangWorld, zone: number): number {
    return this.options.champion === 'reserve' ? (this.champions[zone] as number) : -1;
  }

  settle(world: GangWorld, started: number): void {
    const { stuckTicks, champion } = this.options;
    if (started > 0) this.governor?.gangStarted(world.now);
    this.parts.push(
      world.holdings.map((gangs, zone) =>
        measureHeldIdle(world.spec.zoneSlots[zone] as number, gangs, world.now, stuckTicks),
      ),
    );
    if (this.parts.length > this.ageMax + 1) this.parts.shift();
    if (champion !== 'none')
      for (let zone = 0; zone < world.zoneCount; zone++)
        this.champions[zone] = this.nextChampion(world, zone);
    let seen = NO_HELD_IDLE;
    for (let zone = 0; zone < world.zoneCount; zone++) seen = mergeHeldIdle(seen, this.partOf(zone));
    const psi = psiOf(seen);
    this.psiSum += psi;
    this.psiMax = Math.max(this.psiMax, psi);
    this.governor?.observe(psi, world.now);
    this.collect(world);
  }

  private begin(world: GangWorld): void {
    if (this.balances.length > 0) return;
    this.balances = new Float64Array(world.gangCount).fill(this.options.balance);
    this.dues = new Float64Array(world.gangCount);
    this.champions = new Array(world.zoneCount).fill(-1);
    this.ranks = world.spec.gangs.map(({ submitTick }, id) => ({ submitSeconds: submitTick, id }));
  }

  /** The reigning champion of a zone stays until it starts, unless a gang of lower rank is stuck there. */
  private nextChampion(world: GangWorld, zone: number): number {
    const reigning = this.champions[zone] as number;
    return championOf(
      this.ranks,
      (gang) =>
        world.phase[gang] === GangPhase.Collecting &&
        world.need(gang, zone) > 0 &&
        (gang === reigning || this.isStuck(world, gang)),
    );
  }

  private isStuck(world: GangWorld, gang: number): boolean {
    return isStuckGang(world.holdings[0] as GangHoldings, gang, world.now, this.options.stuckTicks);
  }

  /** Takes the tax of a tick on what stuck gangs hold in zones where they are not champion, and mints. */
  private collect(world: GangWorld): void {
    const { tax, mint, balance } = this.options;
    const rate = this.governor?.taxRate ?? (tax as number);
    for (let gang = 0; gang < world.gangCount; gang++) {
      let due = 0;
      if (this.isStuck(world, gang)) {
        for (let zone = 0; zone < world.zoneCount; zone++) {
          if (this.champions[zone] === gang) continue;
          due += rate * ((world.holdings[zone] as GangHoldings).slots[gang] as number);
        }
      }
      const has = (this.balances[gang] as number) + mint;
      const paid = Math.min(due, has);
      this.taxPaid += paid;
      this.dues[gang] = due;
      this.balances[gang] = Math.min(has - paid, balance);
    }
  }

  private partOf(zone: number): HeldIdle {
    const age = this.options.ages?.[zone] ?? 0;
    const parts = this.parts.at(-1 - age) ?? (this.parts[0] as readonly HeldIdle[]);
    return parts[zone] as HeldIdle;
  }
}
