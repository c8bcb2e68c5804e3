/**
 * Headroom that is kept for a gang which quotas or limits hold back: what is lent, or left below a limit, otherwise goes to small
 * jobs pod by pod, and a gang that needs much of it at once waits for ever.
 *
 * One claim at a time, on one flavour. A gang saves for it as for room on nodes (`champions.ts`). Running jobs leave in the order of
 * their expected ends until the accounts would admit the gang; until then nobody starts who would take of that headroom and is
 * not expected to have returned it, unless there will be enough for both. Tenants that stay within their quota are not held up, but for the gang's own tenant;
 * neither are champions of nodes, and those for whom others are evicted. So the time is an expectation, not a promise.
 *
 * What it costs: the headroom stands idle until the gang starts. A claim is given up when it lasts twice as long as
 * expected, and an hour; then its gang saves again.
 *
 * Where some of the headroom is held by jobs of which no end is known, so is the start. Such a claim is a drain: nobody takes of it, whatever
 * his end, once the gang has waited as long as one for which nodes are drained, and for a bounded time.
 */
import type { AccountsRefusal } from '../accounts.ts';
import type { TenantAccounts } from '../tenant-accounts.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { CHAMPION_DEFAULTS } from './champions.ts';
import type { ExpectedEnd } from './future-room.ts';
import { type HeadroomEnd, type HeadroomNeed, type HeadroomPlan, HeadroomPlans } from './headroom-plans.ts';
import { compareTegTurn, firstOf, type TegEntry, type TegLine, type TegLines } from './teg-lines.ts';

/** What a gang may claim. */
interface Saving {
  /** What it saves, of seconds × pods that it waits. */
  readonly rate: number;
  /** How long it drains headroom where no start is known, seconds. */
  readonly drainSeconds: number;
}

/**
 * By refusals that others' ends change. Below a limit its own tenant pays with its smaller jobs; of lent quota others do
 * (docs/results/queues.md).
 */
const SAVINGS: ReadonlyMap<string, Saving> = new Map([
  ['limit-reached', { rate: CHAMPION_DEFAULTS.savingRate, drainSeconds: 3 * 3600 }],
  ['quota-used-up', { rate: 0.05, drainSeconds: 3600 }],
]);

/** Least virtual time between two plans, seconds. */
const REPLAN_SECONDS = 30;
/** A claim is given up after this many times its expected length, and this many seconds. */
const LENGTH_FACTOR = 2;
const LENGTH_SECONDS = 3600;

interface Claim {
  readonly entry: TegEntry;
  plan: HeadroomPlan;
  /** Left of what is spare at the plan's start by those who have started since. */
  spare: HeadroomPlan['spare'];
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
  private readonly plans: HeadroomPlans;
  private claim: Claim | undefined;
  private triedAtSeconds = Number.NEGATIVE_INFINITY;
  /** Since when a gang saves that had a claim before. */
  private readonly since = new WeakMap<TegEntry, number>();

  /** @param accounts Of this zone; usage is changed by plans, and restored. */
  constructor(accounts: TenantAccounts) {
    this.accounts = accounts;
    this.plans = new HeadroomPlans(accounts);
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
      claim.spare = plan.spare;
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
    const isKnown = length !== Number.POSITIVE_INFINITY;
    const lasts = isKnown ? LENGTH_FACTOR * length + LENGTH_SECONDS : (savingOf(entry)?.drainSeconds ?? 0);
    const untilSeconds = timeSeconds + lasts;
    this.claim = { entry, plan, spare: plan.spare, plannedAtSeconds: timeSeconds, untilSeconds };
    return false;
  }

  /** @returns True if `renew` would plan now, or end a claim. O(1), every 30 s without a claim O(lines). */
  isDue(lines: TegLines, timeSeconds: number): boolean {
    const { claim } = this;
    if (claim !== undefined) {
      const isOver = !claim.entry.waits || timeSeconds >= claim.untilSeconds;
      return isOver || timeSeconds - claim.plannedAtSeconds >= REPLAN_SECONDS;
    }
    if (timeSeconds - this.triedAtSeconds < REPLAN_SECONDS) return false;
    return lines.firsts().some(savesHeadroom);
  }

  /** @returns Why a job waits that would hold claimed headroom until then; undefined: it would not. O(levels). */
  behind(entry: TegEntry, endSeconds: number): AccountsRefusal | undefined {
    const { claim } = this;
    if (claim === undefined || entry === claim.entry || !claim.entry.waits) return undefined;
    const { startSeconds } = claim.plan;
    // Where the start is not known nobody is known to return it in time.
    const endsBefore = startSeconds !== Number.POSITIVE_INFINITY && endSeconds <= startSeconds;
    if (endsBefore || !this.takesOf(claim, entry.line)) return undefined;
    if (this.plans.isSpare(claim.plan.flavor, claim, this.needOf(entry.line, entry.line.podCount)))
      return undefined;
    return reasonBehindClaim(claim);
  }

  /** @returns Why jobs wait that are behind the claim of a job; undefined: it has none any more. */
  behindJob(job: number): AccountsRefusal | undefined {
    const { claim } = this;
    return claim?.entry.job === job && claim.entry.waits ? reasonBehindClaim(claim) : undefined;
  }

  /** A job starts: of what is spare when the claim's gang starts it takes its part. O(1). */
  started(entry: TegEntry, endSeconds: number): void {
    const { claim } = this;
    if (claim === undefined || entry === claim.entry || endSeconds <= claim.plan.startSeconds) return;
    const { line } = entry;
    claim.spare = this.plans.spareAfter(claim.plan.flavor, claim, this.needOf(line, line.podCount));
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
    const savingRate = savingOf(entry)?.rate ?? 0;
    const since = this.since.get(entry) ?? entry.sinceSeconds;
    if (length === Number.POSITIVE_INFINITY) return since + CHAMPION_DEFAULTS.drainAfterSeconds;
    const { gangMin } = entry.line;
    return since + (((plan.podsNow + gangMin) / 2) * length) / (savingRate * gangMin);
  }

  /** True if a job would leave less for the claim than there is and it needs. */
  private takesOf({ entry, plan: { flavor } }: Claim, line: TegLine): boolean {
    return this.plans.takes(
      flavor,
      this.needOf(entry.line, entry.line.gangMin),
      this.needOf(line, line.podCount),
    );
  }

  /** Undefined: not even if all others had ended. */
  private planFor(entry: TegEntry, { pass, lines, ends }: HeadroomView): HeadroomPlan | undefined {
    const { tree, flavors } = this.accounts;
    function* returned(): Iterable<HeadroomEnd> {
      for (const { job, endSeconds } of ends()) {
        const { tenant, demand } = lines.entryOf(job).line;
        const account = tree.accountOf(tenant);
        const forEachPod: HeadroomEnd['forEachPod'] = (visit) => {
          pass.forEachPod(job, (node) => {
            const on = flavors.ofNode(node);
            if (on >= 0) visit(account, on, demand);
          });
        };
        yield { endSeconds, forEachPod };
      }
    }
    return this.plans.planFor(this.needOf(entry.line, entry.line.gangMin), returned, pass.timeSeconds);
  }

  private needOf({ tenant, demand }: TegLine, count: number): HeadroomNeed {
    return { account: this.accounts.tree.accountOf(tenant), kinds: [{ demand, count }] };
  }
}

function reasonBehindClaim({ entry, plan }: Claim): AccountsRefusal {
  return { code: 'headroom-reserved', data: { forJob: entry.job, ...timeOf(plan) } };
}

function timeOf({ startSeconds }: HeadroomPlan): Readonly<Record<string, number>> {
  return startSeconds === Number.POSITIVE_INFINITY ? {} : { expectedAtSeconds: startSeconds };
}

function savesHeadroom(entry: TegEntry): boolean {
  return entry.line.gangMin >= 2 && entry.isHeld && savingOf(entry) !== undefined;
}

function savingOf({ reason }: TegEntry): Saving | undefined {
  return SAVINGS.get(reason?.code ?? '');
}

/** The gang of those held back whose turn it is. Single pods need no claim: they take what comes up first. */
function firstHeld({ lines, shareOf }: HeadroomView): TegEntry | undefined {
  let best: TegEntry | undefined;
  lines.forEach((line) => {
    const entry = firstOf(line);
    if (!savesHeadroom(entry)) return;
    if (best === undefined || compareTegTurn(entry, best, shareOf) < 0) best = entry;
  });
  return best;
}
