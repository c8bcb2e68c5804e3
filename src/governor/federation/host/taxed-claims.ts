/**
 * Claims of gangs across zones with a champion, and a tax on what the others hold idle.
 *
 * Every gang that waits for parts has a rank: when its host knew all that it demands. The first of all gangs, as the
 * tree of summaries says, is champion: it pays no tax, keeps what it has, and zones reserve places for it. The others,
 * if they were granted nothing for `stuckSeconds`, pay for what they hold, at the rate of a governor that reads ψ on the
 * host's board. One that cannot pay gives all back, and backs off. If no gang gets on for T_max although the tax is on,
 * the younger give way at once (wound-wait).
 *
 * Nothing is held for ever, whatever the tax: a gang that is granted nothing for `PATIENCE_CLAIMS` claims gives up, and
 * a champion that has not started within `championSeconds` loses its rank, and gets a new one when it collects again.
 */
import { type ChampionBid, goesBeforeBid } from '../../../field/hologram/held-part.ts';
import { TaxGovernor } from '../../../market/tax/tax-governor.ts';
import type { Demand } from '../../../model/demand.ts';
import type { Board } from '../board.ts';
import type { GangTaxOptions } from '../gang-tax-options.ts';
import type { Outbox } from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import { ClaimPhase, type GangClaim, type GangPart, PartState, podsFrom } from './gang-claim.ts';
import { type ClaimSink, GangClaims } from './gang-claims.ts';
import { AgentState, type HostJobs, WaitReason } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';
import type { HostSender } from './host-sender.ts';

/** Times `claimSeconds` for which a gang that can pay may be granted nothing. */
const PATIENCE_CLAIMS = 8;
/** Micro-tokens of a token. */
const MICROS = 1e6;

/** A gang's rank, and since when it reigns; NaN: it is not champion. */
interface Standing {
  rankSeconds: number;
  since: number;
}

/** What a tenant's gangs can pay, micro-tokens, whole, as of a time. */
interface Purse {
  micros: number;
  at: number;
}

/** @returns The claims of a host, with the tax or without. */
export function makeGangClaims(
  parts: AgentHostParts,
  jobs: HostJobs,
  board: Board,
  attempts: HostSender,
  sink: ClaimSink,
): GangClaims {
  const { gangTax } = parts.options;
  if (gangTax === undefined) return new GangClaims(parts, jobs, board, attempts, sink);
  return new TaxedClaims(parts, jobs, board, attempts, sink, gangTax);
}

/** See the head of the file. */
export class TaxedClaims extends GangClaims {
  protected readonly tax: GangTaxOptions;
  protected readonly governor: TaxGovernor;
  /** By gang that waits for parts. At most the host's jobs. */
  protected readonly standings = new Map<number, Standing>();
  private readonly purses = new Map<number, Purse>();
  /** By the last board. */
  champion: ChampionBid | undefined;
  private charges = 0;
  private taxedAt = 0;
  /** What the last report bid for. */
  lastBid: ChampionBid | undefined;

  constructor(
    parts: AgentHostParts,
    jobs: HostJobs,
    board: Board,
    attempts: HostSender,
    sink: ClaimSink,
    tax: GangTaxOptions,
  ) {
    super(parts, jobs, board, attempts, sink);
    this.tax = tax;
    this.governor = new TaxGovernor(tax.governor, 0);
  }

  /** @returns The gangs that wait for parts or collect them. */
  waiting(): Iterable<number> {
    return this.claims.keys();
  }

  /** @returns True of the gang that the last board names champion. */
  isChampion(job: number): boolean {
    return this.champion?.gang === job;
  }

  /** @returns The champion of this host if it waits; else as without a tax. */
  override candidate(lines: readonly JobLine[], timeSeconds: number): number {
    const { champion, jobs } = this;
    const isFree = this.collectingCount < this.parts.options.claimsMax;
    if (champion !== undefined && isFree && this.standings.has(champion.gang)) {
      const slot = jobs.slotOf(champion.gang);
      if (slot >= 0 && jobs.states[slot] === AgentState.Waiting) return slot;
    }
    return super.candidate(lines, timeSeconds);
  }

  override begin(slot: number, timeSeconds: number, out: Outbox): void {
    const job = this.jobs.jobs[slot] as number;
    if (!this.standings.has(job)) this.standings.set(job, { rankSeconds: timeSeconds, since: Number.NaN });
    super.begin(slot, timeSeconds, out);
  }

  override retry(timeSeconds: number, out: Outbox): void {
    this.look(timeSeconds);
    this.charge(timeSeconds, out);
    this.reign(timeSeconds, out);
    super.retry(timeSeconds, out);
  }

  /** Bids for the first of the gangs that wait. */
  override report(timeSeconds: number, out: Outbox): void {
    let first: ChampionBid | undefined;
    for (const [gang, { rankSeconds }] of this.standings) {
      const bid = this.bidOf(gang, rankSeconds, timeSeconds);
      if (bid !== undefined && (first === undefined || goesBeforeBid(bid, first))) first = bid;
    }
    if (this.tax.remedy === 'tax-alone') return;
    if (first !== undefined) this.sender.bid(first, out);
    else if (this.lastBid !== undefined)
      this.sender.bid({ rankSeconds: 0, gang: 0, demandId: 0, pods: 0 }, out);
    this.lastBid = first;
  }

  protected override overdueAt(claim: GangClaim): number {
    const since = this.isChampion(claim.job) ? this.standings.get(claim.job)?.since : undefined;
    if (since !== undefined && !Number.isNaN(since)) return this.reignEnd(since);
    return claim.lastGrantAt + PATIENCE_CLAIMS * this.parts.options.claimSeconds;
  }

  /** A champion that gives up goes behind all others. */
  protected override isOverdue(claim: GangClaim, timeSeconds: number): boolean {
    const is = super.isOverdue(claim, timeSeconds);
    if (is && this.isChampion(claim.job)) this.dethrone(claim.job);
    return is;
  }

  protected override hasStarted(claim: GangClaim, timeSeconds: number): void {
    super.hasStarted(claim, timeSeconds);
    this.standings.delete(claim.job);
    this.governor.gangStarted(timeSeconds);
  }

  protected override renew(claim: GangClaim, part: GangPart, timeSeconds: number, out: Outbox): void {
    super.renew(claim, part, timeSeconds, out);
    if (!this.isStuck(claim, timeSeconds)) return;
    this.sender.heldIdle(part, timeSeconds + this.parts.options.escrowSeconds, out);
  }

  /** @returns True of a gang that holds something and was granted nothing for long. */
  protected isStuck(claim: GangClaim, timeSeconds: number): boolean {
    const isPartial = claim.phase === ClaimPhase.Collecting;
    return (
      isPartial &&
      timeSeconds - claim.lastGrantAt > this.tax.stuckSeconds &&
      podsFrom(claim, PartState.Held) > 0
    );
  }

  /** @returns True of a gang that has to give way to the champion, whatever it can pay. */
  protected givesWay(claim: GangClaim): boolean {
    const { champion, tax } = this;
    if (champion === undefined || this.isChampion(claim.job)) return false;
    return tax.remedy === 'wound-wait' || this.governor.remedy === 'wound-wait';
  }

  /** @returns Tokens for a slot and second. */
  protected rate(): number {
    return this.governor.remedy === 'none' || this.tax.remedy === 'wound-wait' ? 0 : this.governor.taxRate;
  }

  /** @returns True of a gang that pays nothing. */
  protected isExempt(job: number): boolean {
    return this.isChampion(job);
  }

  /** Takes ψ and the champion from the board. */
  private look(timeSeconds: number): void {
    const { psi, champion } = this.board.heldIdle(timeSeconds);
    this.governor.observe(psi, timeSeconds);
    if (this.tax.remedy === 'tax-alone') return;
    // Another champion: the last one got on, or was given up.
    if (champion?.gang !== this.champion?.gang) this.governor.gangStarted(timeSeconds);
    this.champion = champion;
  }

  /** Takes the tax since the last board of the gangs that are stuck; those that cannot pay give back what they hold. */
  private charge(timeSeconds: number, out: Outbox): void {
    const { taxedAt } = this;
    this.taxedAt = timeSeconds;
    const rate = this.rate();
    for (const claim of [...this.active]) {
      if (!this.isStuck(claim, timeSeconds) || this.isExempt(claim.job)) continue;
      const since = Math.max(taxedAt, claim.lastGrantAt + this.tax.stuckSeconds);
      const due = rate * podsFrom(claim, PartState.Held) * Math.max(0, timeSeconds - since);
      if (this.pays(claim, Math.ceil(MICROS * due), timeSeconds, out) && !this.givesWay(claim)) continue;
      this.giveUp(claim, timeSeconds, out);
    }
  }

  /** @returns False if the tenant has less than is due; it has paid what it has then. */
  protected pays(claim: GangClaim, due: number, timeSeconds: number, out: Outbox): boolean {
    if (due === 0) return true;
    const purse = this.purseOf(this.jobs.tenants[claim.slot] as number, timeSeconds);
    const paid = Math.min(due, purse.micros);
    purse.micros -= paid;
    if (paid > 0) out.tax(claim.job, ++this.charges, paid);
    return paid === due;
  }

  private purseOf(tenant: number, timeSeconds: number): Purse {
    const { balance, mintPerSecond } = this.tax;
    const most = Math.floor(MICROS * balance);
    const purse = this.purses.get(tenant) ?? { micros: most, at: timeSeconds };
    this.purses.set(tenant, purse);
    const income = Math.floor(MICROS * mintPerSecond * (timeSeconds - purse.at));
    purse.micros = Math.min(most, purse.micros + income);
    purse.at = timeSeconds;
    return purse;
  }

  /** The champion of this host: its time is limited, and it makes room for larger parts. */
  private reign(timeSeconds: number, out: Outbox): void {
    for (const [job, standing] of this.standings) {
      if (!this.isChampion(job)) continue;
      const claim = this.claims.get(job);
      if (claim !== undefined && claim.phase > ClaimPhase.Preparing) continue;
      if (Number.isNaN(standing.since)) standing.since = timeSeconds;
      if (claim !== undefined) this.act(claim, () => this.makeRoom(claim, out));
      else if (timeSeconds >= this.reignEnd(standing.since)) this.dethrone(job);
    }
  }

  /** It gets a new rank when it collects again, which others do first. */
  private dethrone(job: number): void {
    this.standings.delete(job);
  }

  /** @returns When a champion's time is over. */
  protected reignEnd(since: number): number {
    return since + this.tax.championSeconds;
  }

  /** A champion with as many parts as it may have gives the smallest back: the place stays reserved for it. */
  private makeRoom(claim: GangClaim, out: Outbox): void {
    if (claim.phase !== ClaimPhase.Collecting || claim.parts.length < this.parts.options.gangPartsMax) return;
    if (this.isEnough(claim) || claim.parts.some(({ state }) => state === PartState.Asked)) return;
    const smallest = claim.parts.reduce((least, part) => (part.pods < least.pods ? part : least));
    this.letGo(claim, smallest, out);
  }

  private giveUp(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    this.act(claim, () => this.stopAll(claim, ClaimPhase.RollingBack, WaitReason.Taxed, timeSeconds, out));
  }

  /** @returns The bid of a gang; undefined of one that waits for no parts (any more). */
  private bidOf(gang: number, rankSeconds: number, timeSeconds: number): ChampionBid | undefined {
    const { jobs, board, parts } = this;
    const slot = jobs.slotOf(gang);
    const state = slot < 0 ? AgentState.Running : (jobs.states[slot] as number);
    const claim = this.claims.get(gang);
    if (state >= AgentState.Running && claim === undefined) {
      this.standings.delete(gang);
      return undefined;
    }
    if (claim === undefined ? state !== AgentState.Waiting : claim.phase > ClaimPhase.Preparing)
      return undefined;
    const { demandId, podCount, gangMin } = jobs.lines[slot] as JobLine;
    if (!board.mayFitAll(parts.demands.demands[demandId] as Demand, gangMin, timeSeconds)) return undefined;
    const pods = podCount - (claim === undefined ? 0 : podsFrom(claim, PartState.Held));
    return pods > 0 ? { rankSeconds, gang, demandId, pods } : undefined;
  }
}
