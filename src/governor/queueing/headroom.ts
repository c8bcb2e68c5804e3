/**
 * Headroom that is kept for a gang which quotas or limits hold back: what is lent, or left below a limit, otherwise goes to small
 * jobs pod by pod, and a gang that needs much of it at once waits for ever.
 *
 * One claim at a time, on one flavour. A gang saves for it as for room on nodes (`champions.ts`). Running jobs leave in the order of
 * their expected ends until the accounts would admit the gang; until then nobody starts who would take of that headroom and is
 * not expected to have returned it. Tenants that stay within their quota are not held up, but for the gang's own tenant;
 * neither are champions of nodes, and those for whom others are evicted. So the time is an expectation, not a promise.
 *
 * What it costs: the headroom stands idle until the gang starts. A claim is given up when it lasts twice as long as
 * expected, and an hour; then its gang saves again.
 */
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, RESOURCES_PER_FLAVOR } from '../../market/tenants/spec.ts';
import type { HeldAmounts } from '../../market/tenants/tenant-usage.ts';
import type { Demand } from '../../model/demand.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { TenantAccounts } from '../tenant-accounts.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { CHAMPION_DEFAULTS } from './champions.ts';
import type { ExpectedEnd } from './future-room.ts';
import { compareTegTurn, firstOf, type TegEntry, type TegLine, type TegLines } from './teg-lines.ts';

/**
 * Refusals that others' ends change, and what a gang saves for a claim, of seconds × pods that it waits. Below a limit its own
 * tenant pays with its smaller jobs; of lent quota others do (docs/results/queues.md).
 */
const SAVING_RATES: ReadonlyMap<string, number> = new Map([
  ['limit-reached', CHAMPION_DEFAULTS.savingRate],
  ['quota-used-up', 0.05],
]);

/** Least virtual time between two plans, seconds. */
const REPLAN_SECONDS = 30;
/** A claim is given up after this many times its expected length, and this many seconds. */
const LENGTH_FACTOR = 2;
const LENGTH_SECONDS = 3600;

/** When headroom is there. */
interface HeadroomPlan {
  readonly flavor: number;
  /** Infinity: some of it is held by jobs of which no end is known. */
  readonly startSeconds: number;
  /** Pods of the gang for which there is headroom now. */
  readonly podsNow: number;
}

interface Claim {
  readonly entry: TegEntry;
  plan: HeadroomPlan;
  plannedAtSeconds: number;
  readonly untilSeconds: number;
}

/** What a plan reads. */
interface HeadroomView {
  readonly pass: SchedulingPass;
  readonly lines: TegLines;
  /** Running jobs by ascending end. */
  readonly ends: () => Iterable<ExpectedEnd>;
  readonly shareOf: (tenant: number) => number;
}

/** The claim on headroom of one queue. */
export class HeadroomClaims {
  private readonly accounts: TenantAccounts;
  private claim: Claim | undefined;
  private triedAtSeconds = Number.NEGATIVE_INFINITY;
  /** Since when a gang saves that had a claim before. */
  private readonly since = new WeakMap<TegEntry, number>();

  /** @param accounts Of this zone; usage is changed by plans, and restored. */
  constructor(accounts: TenantAccounts) {
    this.accounts = accounts;
  }

  /**
   * After all jobs have been tried: renews the claim, or makes one for the gang whose turn it is of those that are held back.
   *
   * @returns True if a claim has ended: others may start.
   * @cost O(lines), and every 30 s O(running pods).
   */
  renew(view: HeadroomView): boolean {
    const { timeSeconds } = view.pass;
    const { claim } = this;
    if (claim !== undefined) {
      if (!claim.entry.waits || timeSeconds >= claim.untilSeconds) return this.drop(timeSeconds);
      if (timeSeconds - claim.plannedAtSeconds < REPLAN_SECONDS) return false;
      const plan = this.planFor(claim.entry, view);
      if (plan === undefined) return this.drop(timeSeconds);
      claim.plan = plan;
      claim.plannedAtSeconds = timeSeconds;
      return false;
    }
    if (timeSeconds - this.triedAtSeconds < REPLAN_SECONDS) return false;
    const entry = firstHeld(view);
    if (entry === undefined) return false;
    this.triedAtSeconds = timeSeconds;
    const plan = this.planFor(entry, view);
    if (plan === undefined || plan.startSeconds <= timeSeconds) return false;
    const length = plan.startSeconds - timeSeconds;
    if (timeSeconds < this.affordableAt(entry, plan, length)) return false;
    const known = length === Number.POSITIVE_INFINITY ? 0 : length;
    const untilSeconds = timeSeconds + LENGTH_FACTOR * known + LENGTH_SECONDS;
    this.claim = { entry, plan, plannedAtSeconds: timeSeconds, untilSeconds };
    return false;
  }

  /** @returns Why a job waits that would hold claimed headroom until then; undefined: it would not. O(levels). */
  behind(entry: TegEntry, endSeconds: number): AccountsRefusal | undefined {
    const { claim } = this;
    if (claim === undefined || entry === claim.entry || !claim.entry.waits) return undefined;
    if (endSeconds <= claim.plan.startSeconds || !this.takesOf(claim, entry.line)) return undefined;
    return { code: 'headroom-reserved', data: { forJob: claim.entry.job, ...timeOf(claim.plan) } };
  }

  /** @returns What the gang with the claim waits for; undefined: it has none. */
  reasonOf(entry: TegEntry): AccountsRefusal | undefined {
    const { claim } = this;
    if (entry !== claim?.entry) return undefined;
    return { code: 'saving-headroom', data: timeOf(claim.plan) };
  }

  private drop(timeSeconds: number): boolean {
    const { entry } = this.claim as Claim;
    if (entry.waits) this.since.set(entry, timeSeconds);
    this.claim = undefined;
    return true;
  }

  /** As champions do: savings reach what stands idle, as if headroom came up evenly. */
  private affordableAt(entry: TegEntry, plan: HeadroomPlan, length: number): number {
    const savingRate = SAVING_RATES.get(entry.reason?.code ?? '') ?? 0;
    const since = this.since.get(entry) ?? entry.sinceSeconds;
    if (length === Number.POSITIVE_INFINITY) return since + CHAMPION_DEFAULTS.drainAfterSeconds;
    const { gangMin } = entry.line;
    return since + (((plan.podsNow + gangMin) / 2) * length) / (savingRate * gangMin);
  }

  /** True if a job would leave less for the claim than there is and it needs. Cluster and accounts are unchanged. */
  private takesOf({ entry, plan: { flavor } }: Claim, line: TegLine): boolean {
    const { usage, tree, flavors } = this.accounts;
    if ((flavors.servingMask(line.demand) & (1 << flavor)) === 0) return false;
    const [own, other] = [tree.accountOf(entry.line.tenant), tree.accountOf(line.tenant)];
    const needs = amountsOf(entry.line.demand, entry.line.gangMin);
    const pods = amountsOf(line.demand, line.podCount);
    const before = RESOURCES.map((resource) => usage.available(own, flavor, resource));
    usage.hold(other, flavor, pods);
    const isLess = RESOURCES.some((resource, i) => {
      const least = Math.min(before[i] as number, needOf(needs, resource));
      return needOf(needs, resource) > 0 && usage.available(own, flavor, resource) < least;
    });
    const borrows = RESOURCES.some(
      (resource) =>
        tree.governed[flavor * RESOURCES_PER_FLAVOR + resource] === 1 &&
        needOf(pods, resource) > 0 &&
        usage.borrowed(other, flavor, resource) > 0,
    );
    usage.release(other, flavor, pods);
    return isLess && (own === other || borrows);
  }

  /** Undefined: not even if all others had ended. */
  private planFor(entry: TegEntry, { pass, lines, ends }: HeadroomView): HeadroomPlan | undefined {
    const { usage, tree, flavors } = this.accounts;
    const released: (readonly [account: number, flavor: number, demand: Demand])[] = [];
    const podsNow = new Map<number, number>();
    let startSeconds = pass.timeSeconds;
    let flavor = this.flavorFor(entry, podsNow);
    for (const { job, endSeconds } of flavor >= 0 ? [] : ends()) {
      if (endSeconds > startSeconds) {
        flavor = this.flavorFor(entry);
        if (flavor >= 0) break;
        startSeconds = endSeconds;
      }
      const { tenant, demand } = lines.entryOf(job).line;
      const account = tree.accountOf(tenant);
      pass.forEachPod(job, (node) => {
        const on = flavors.ofNode(node);
        if (on < 0) return;
        usage.release(account, on, demand);
        released.push([account, on, demand]);
      });
    }
    if (flavor < 0) flavor = this.flavorFor(entry);
    for (const [account, on, demand] of released) usage.hold(account, on, demand);
    return flavor < 0 ? undefined : { flavor, startSeconds, podsNow: podsNow.get(flavor) ?? 0 };
  }

  /** @returns A flavour with headroom for all of a gang; −1: none has. @param pods Set: by flavour, pods that it has headroom for. */
  private flavorFor({ line }: TegEntry, pods?: Map<number, number>): number {
    const { usage, tree, flavors } = this.accounts;
    const account = tree.accountOf(line.tenant);
    const one = amountsOf(line.demand, 1);
    const serving = flavors.servingMask(line.demand);
    for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
      if (((serving >> flavor) & 1) === 0) continue;
      let count = line.gangMin;
      for (const resource of RESOURCES) {
        const need = needOf(one, resource);
        if (need > 0) count = Math.min(count, Math.floor(usage.available(account, flavor, resource) / need));
      }
      if (count === line.gangMin) return flavor;
      pods?.set(flavor, Math.max(0, count));
    }
    return -1;
  }
}

const RESOURCES: readonly number[] = Array.from({ length: RESOURCES_PER_FLAVOR }, (_, i) => i);

function amountsOf({ cpuMilli, memoryMib, gpuTotalMilli }: Demand, pods: number): HeldAmounts {
  return { cpuMilli: pods * cpuMilli, memoryMib: pods * memoryMib, gpuTotalMilli: pods * gpuTotalMilli };
}

function needOf(amounts: HeldAmounts, resource: number): number {
  if (resource === QUOTA_CPU) return amounts.cpuMilli;
  if (resource === QUOTA_MEMORY) return amounts.memoryMib;
  return resource === QUOTA_GPU ? amounts.gpuTotalMilli : 0;
}

function timeOf({ startSeconds }: HeadroomPlan): Readonly<Record<string, number>> {
  return startSeconds === Number.POSITIVE_INFINITY ? {} : { expectedAtSeconds: startSeconds };
}

/** The gang of those held back whose turn it is. Single pods need no claim: they take what comes up first. */
function firstHeld({ lines, shareOf }: HeadroomView): TegEntry | undefined {
  let best: TegEntry | undefined;
  lines.forEach((line) => {
    const entry = firstOf(line);
    if (line.gangMin < 2 || !entry.isHeld || !SAVING_RATES.has(entry.reason?.code ?? '')) return;
    if (best === undefined || compareTegTurn(entry, best, shareOf) < 0) best = entry;
  });
  return best;
}
