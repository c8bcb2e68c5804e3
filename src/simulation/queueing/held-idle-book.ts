/**
 * What gangs hold before they start: how much stands idle, which of them are stuck, and, where it is taxed, who pays.
 *
 *     ψ of a pool = share of its nodes that stuck gangs hold ──▶ its governor: m ──▶ tax κ_τ m² for held room and second
 *     a gang that cannot pay any more gives all back; the champion of a pool (first in line of those stuck) pays nothing there
 *
 * A pool is the nodes of one flavour: two gangs that hold each other up on a small flavour would vanish in the ψ of all.
 * Rent has the price 1: a GPU (a core, where there are no GPUs) for a second costs 1. A gang has a purse for a minute of
 * its own rent, as a permit would have lasted, and pays τ for each second and part of it that it holds.
 *
 * Invariant: amounts are integrated exactly, as holdings change in passes only. Costs O(gangs that hold) a pass.
 *
 * @source theory §4; `src/market/tax`.
 */
import { assert } from '../../kernel/assert.ts';
import { gammaForAge, type HeldIdlePlant } from '../../market/tax/delay-margin.ts';
import { EarlyWarning } from '../../market/tax/early-warning.ts';
import { type HeldIdle, mergeHeldIdle, NO_HELD_IDLE, psiOf } from '../../market/tax/held-idle.ts';
import { deadBandOf } from '../../market/tax/landau.ts';
import { landauWhileOn, TaxGovernor, type TaxGovernorOptions } from '../../market/tax/tax-governor.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';

/** A gang that was granted nothing for this long is stuck. */
const STUCK_SECONDS = 10;
/** Between two looks at ψ while a tax is in force. */
const LOOK_SECONDS = 5;
/** A full purse, in seconds of the gang's own rent, and its income a second: a fiftieth of that rent. */
const PURSE_SECONDS = 60;
const INCOME = 0.02;
/** T_max: after this long without a start wound-wait takes over. A champion may have to wait for the longest run. */
const FALLBACK_SECONDS = 86_400;
/** Rates below this share of the rent are the governor's seed, and are not watched. */
const RATE_IDLE = 0.05;
/** Between two samples for early warnings, and most samples after a time without a pass. */
const SAMPLE_SECONDS = 60;
const SAMPLES_MAX = 512;
/** Parts of a node that a pod is counted by: a node is a million slots of ψ. */
const NODE_SLOTS = 1e6;

const LANDAU = { slope: 2, psiCritical: 0.2, quartic: 1, seed: 0.01, taxScale: 10 } as const;
/** On at ψ = 0.2, off at 0.075. */
const DEAD_BAND = deadBandOf({ ...LANDAU, gamma: 1 }, 1, 1);
/** Gangs hold again within some 10 s, runs end within 10 min, and a gang pays for a sixteenth, a quarter or all of itself. */
const PLANTS: readonly HeldIdlePlant[] = [1 / 16, 1 / 4, 1].map((part) => ({
  fill: 0.1,
  resolve: 1 / 600,
  taxedResolve: (LANDAU.taxScale * part) / PURSE_SECONDS,
}));

/** The governor of a pool; Γ by the age of what it sees: gangs count only once they are stuck. */
const GOVERNOR: TaxGovernorOptions = {
  landau: {
    ...LANDAU,
    gamma: gammaForAge(
      landauWhileOn({ landau: { ...LANDAU, gamma: 1 }, deadBand: DEAD_BAND }),
      PLANTS,
      STUCK_SECONDS + LOOK_SECONDS,
    ),
  },
  deadBand: DEAD_BAND,
  fallbackSeconds: FALLBACK_SECONDS,
};

/** A gang, as far as this book is concerned. Its owner keeps it. */
export interface HoldingGang {
  readonly demand: Demand;
  readonly gangMin: number;
  /** Pods held by flavour. @shape [flavours], absent: none */
  readonly heldByFlavor: number[];
  /** When it got room last. */
  lastGrantSeconds: number;
  /** Seconds of its own rent that it can pay, ≤ 60. */
  purseSeconds: number;
  /** Whether it ran and lost a node: what it holds are its other pods. */
  isSurvivor: boolean;
}

/** What gangs held in a run; GPU-seconds, or core-seconds where there are no GPUs. From the beginning, warm-up included. */
export interface HeldIdleFigures {
  readonly heldSeconds: number;
  /** Of it, by gangs that had started and lost a node. */
  readonly survivorSeconds: number;
  /** Of running jobs: the rent at a price of 1. */
  readonly rentSeconds: number;
  /** ψ of stuck gangs over all nodes: its mean over time, and the largest of any pool. */
  readonly psiMean: number;
  readonly psiMax: number;
  /** Signs that ψ was about to run away. */
  readonly warnings: number;
  /** Undefined: nothing is taxed. */
  readonly tax: TaxFigures | undefined;
}

/** What a tax did. */
export interface TaxFigures {
  /** In units of rent at a price of 1. */
  readonly paid: number;
  readonly rateMax: number;
  /** Time with a tax in force in any pool. */
  readonly onSeconds: number;
  /** Times that a gang could not pay and gave all back. */
  readonly releases: number;
  /** Times that wound-wait took over. */
  readonly fallbacks: number;
}

/** Nodes of one flavour. */
interface Pool {
  readonly governor: TaxGovernor | undefined;
  /** In millionths of a node. */
  capacity: number;
  champion: HoldingGang | undefined;
  wasFallback: boolean;
}

/** The book of one zone. */
export class HeldIdleBook {
  /** When it wants to look again although nothing happens; Infinity: not at all. */
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly cluster: ClusterState;
  private readonly isTaxed: boolean;
  private readonly pools: Pool[] = [];
  private readonly warning = new EarlyWarning();
  private isWarned = false;
  private nextSample = 0;
  private now = 0;
  private psiAll = 0;
  private runningMilli = 0;
  private isCounted = false;
  private readonly sums = { held: 0, survivors: 0, rent: 0, psi: 0, psiMax: 0, warnings: 0 };
  private readonly taxSums = { paid: 0, rateMax: 0, onSeconds: 0, releases: 0, fallbacks: 0 };

  constructor(cluster: ClusterState, isTaxed: boolean) {
    this.cluster = cluster;
    this.isTaxed = isTaxed;
  }

  /** Nodes joined, came up or went down. */
  nodesChanged(): void {
    this.isCounted = false;
  }

  /** Pods began to run; negative: ended. */
  ran(demand: Demand, pods: number): void {
    this.runningMilli += pods * this.milliOf(demand);
  }

  /** Lets time pass with what was held since the last pass: it is added up, and paid for. */
  advance(gangs: Iterable<HoldingGang>, nowSeconds: number): void {
    const from = this.now;
    const seconds = nowSeconds - from;
    if (!(seconds > 0)) return;
    const { sums, pools } = this;
    for (const gang of gangs) {
      const amount = (seconds * podsHeld(gang) * this.milliOf(gang.demand)) / GPU_MILLI;
      sums.held += amount;
      if (gang.isSurvivor) sums.survivors += amount;
      if (this.isTaxed) this.charge(gang, from, nowSeconds);
    }
    sums.rent += (seconds * this.runningMilli) / GPU_MILLI;
    sums.psi += seconds * this.psiAll;
    if (pools.some(({ governor }) => governor?.isOn === true)) this.taxSums.onSeconds += seconds;
    this.now = nowSeconds;
    this.sample(nowSeconds);
  }

  /** Looks at what is held after a pass. @param gangs In their line. */
  look(gangs: readonly HoldingGang[], nowSeconds: number): void {
    this.countPools(nowSeconds);
    const { pools, sums, taxSums } = this;
    const slots = pools.map(() => 0);
    let nextStuck = Number.POSITIVE_INFINITY;
    const reigning = pools.map(({ champion }) => champion);
    for (const pool of pools) pool.champion = undefined;
    for (const gang of gangs) {
      const stuckAt = gang.lastGrantSeconds + STUCK_SECONDS;
      const isStuck = stuckAt <= nowSeconds;
      if (!isStuck) nextStuck = Math.min(nextStuck, stuckAt);
      gang.heldByFlavor.forEach((pods, flavor) => {
        if (pods === 0) return;
        if (isStuck) slots[flavor] = (slots[flavor] as number) + pods * this.slotsOf(gang.demand, flavor);
        // What a champion is granted does not end its reign.
        if (isStuck || reigning[flavor] === gang) (pools[flavor] as Pool).champion ??= gang;
      });
    }
    let all = NO_HELD_IDLE;
    let isWatched = false;
    pools.forEach((pool, flavor) => {
      const part = partOf(pool.capacity, slots[flavor] as number, nowSeconds);
      all = mergeHeldIdle(all, part);
      const { governor } = pool;
      if (governor === undefined) return;
      governor.observe(part.psiMax, nowSeconds);
      taxSums.rateMax = Math.max(taxSums.rateMax, governor.taxRate);
      isWatched = isWatched || governor.isOn || governor.taxRate > RATE_IDLE;
      const isFallback = governor.remedy === 'wound-wait';
      if (isFallback && !pool.wasFallback) taxSums.fallbacks++;
      pool.wasFallback = isFallback;
    });
    this.psiAll = psiOf(all);
    sums.psiMax = Math.max(sums.psiMax, all.psiMax);
    this.dueSeconds = Number.POSITIVE_INFINITY;
    if (this.isTaxed) this.dueSeconds = isWatched ? nowSeconds + LOOK_SECONDS : nextStuck;
  }

  /** Whether a gang is the champion of any pool: what it can use goes to it first. */
  isChampion(gang: HoldingGang): boolean {
    return this.isTaxed && this.pools.some(({ champion }) => champion === gang);
  }

  /** True once the tax has failed in some pool: gangs take then what those behind them hold. */
  get wounds(): boolean {
    return this.pools.some(({ governor }) => governor?.remedy === 'wound-wait');
  }

  /** Whether a gang cannot pay for what it holds. */
  isBroke(gang: HoldingGang): boolean {
    return this.isTaxed && gang.purseSeconds <= 0 && !this.isChampion(gang);
  }

  /** A gang gave all back because it could not pay. */
  released(): void {
    this.taxSums.releases++;
  }

  /** A gang that held room, or found all of it at once, starts. */
  gangStarted(gang: HoldingGang, nowSeconds: number): void {
    gang.heldByFlavor.forEach((pods, flavor) => {
      if (pods > 0) this.pools[flavor]?.governor?.gangStarted(nowSeconds);
    });
  }

  /** @returns What was held until now; call after `advance`. */
  figures(): HeldIdleFigures {
    const { sums, now } = this;
    return {
      heldSeconds: sums.held,
      survivorSeconds: sums.survivors,
      rentSeconds: sums.rent,
      psiMean: now > 0 ? sums.psi / now : 0,
      psiMax: sums.psiMax,
      warnings: sums.warnings,
      tax: this.isTaxed ? { ...this.taxSums } : undefined,
    };
  }

  /** Takes the tax from a gang for the time in which it was stuck, and adds its income. */
  private charge(gang: HoldingGang, from: number, to: number): void {
    const stuckFrom = Math.max(from, gang.lastGrantSeconds + STUCK_SECONDS);
    gang.purseSeconds = Math.min(PURSE_SECONDS, gang.purseSeconds + INCOME * (to - from));
    if (stuckFrom >= to) return;
    let rate = 0;
    gang.heldByFlavor.forEach((pods, flavor) => {
      const pool = this.pools[flavor];
      if (pods > 0 && pool !== undefined && pool.champion !== gang)
        rate += pods * (pool.governor?.taxRate ?? 0);
    });
    const due = ((to - stuckFrom) * rate) / gang.gangMin;
    const paid = Math.min(due, gang.purseSeconds);
    gang.purseSeconds -= paid;
    this.taxSums.paid += (paid * gang.gangMin * this.milliOf(gang.demand)) / GPU_MILLI;
  }

  private sample(nowSeconds: number): void {
    if (nowSeconds - this.nextSample > SAMPLES_MAX * SAMPLE_SECONDS)
      this.nextSample = nowSeconds - SAMPLES_MAX * SAMPLE_SECONDS;
    const { gpus, gpuMilli, cpuMilli } = this.cluster.capacity;
    const load = this.runningMilli / Math.max(1, gpus > 0 ? gpuMilli : cpuMilli);
    if (this.nextSample > nowSeconds) return;
    for (; this.nextSample <= nowSeconds; this.nextSample += SAMPLE_SECONDS)
      this.warning.add(this.psiAll, load);
    const isWarning = this.psiAll > 0 && this.warning.signs?.isWarning === true;
    if (isWarning && !this.isWarned) this.sums.warnings++;
    this.isWarned = isWarning;
  }

  /** Counts the nodes that are up, by flavour. O(nodes) after a change. */
  private countPools(nowSeconds: number): void {
    if (this.isCounted) return;
    this.isCounted = true;
    const { cluster, pools } = this;
    while (pools.length < cluster.flavors.length) {
      const governor = this.isTaxed ? new TaxGovernor(GOVERNOR, nowSeconds) : undefined;
      pools.push({ governor, capacity: 0, champion: undefined, wasFallback: false });
    }
    for (const pool of pools) pool.capacity = 0;
    for (let node = 0; node < cluster.nodeCount; node++)
      if (cluster.up[node] === 1) (pools[cluster.flavorIds[node] as number] as Pool).capacity += NODE_SLOTS;
  }

  /** What a pod's rent is by. */
  private milliOf(demand: Demand): number {
    return this.cluster.capacity.gpus > 0 ? demand.gpuTotalMilli : demand.cpuMilli;
  }

  /** A pod's part of a node of a flavour: of its GPUs, or of its cores if it uses none. */
  private slotsOf(demand: Demand, flavorId: number): number {
    const flavor = this.cluster.flavors[flavorId];
    assert(flavor !== undefined, 'a pod is held on a flavour that is not there');
    const gpus = flavor.gpuCount * GPU_MILLI;
    if (demand.gpuTotalMilli > 0 && gpus > 0) return Math.round((NODE_SLOTS * demand.gpuTotalMilli) / gpus);
    return flavor.cpuMilli > 0 ? Math.round((NODE_SLOTS * demand.cpuMilli) / flavor.cpuMilli) : 0;
  }
}

/** @returns A gang with a full purse that holds nothing. */
export function newHoldingGang(demand: Demand, gangMin: number): HoldingGang {
  return {
    demand,
    gangMin,
    heldByFlavor: [],
    lastGrantSeconds: Number.NEGATIVE_INFINITY,
    purseSeconds: PURSE_SECONDS,
    isSurvivor: false,
  };
}

function podsHeld({ heldByFlavor }: HoldingGang): number {
  let sum = 0;
  for (const pods of heldByFlavor) sum += pods ?? 0;
  return sum;
}

/** Pods by GPUs and pods by cores may together count for more than a node. */
function partOf(capacity: number, slots: number, nowSeconds: number): HeldIdle {
  const idle = Math.min(capacity, slots);
  return { capacity, idle, psiMax: capacity > 0 ? idle / capacity : 0, sinceSeconds: nowSeconds };
}
