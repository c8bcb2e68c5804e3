/**
 * The economy of a cluster at one instant, for status objects, metrics and tools: plain data, a copy.
 *
 * A job is a gang, or a pod without one. Amounts are those of `QuotaAmounts`: thousandths of a core, MiB, thousandths of a GPU.
 */
import type { MarketSpec, QuotaResourceName, TenantState } from '../../../market/tenants/spec.ts';
import type { BudgetStanding } from '../../../market/tenants/tenant-budgets.ts';
import type { AccountsRefusal } from '../../accounts.ts';
import type { JobQuote } from '../economy/pod-market.ts';
import type { TenantProblem } from '../economy/tenant-keys.ts';
import type { WaitingReason } from '../reasons/waiting-reason.ts';

/** Most waiting jobs of a namespace that a frame names. */
export const WAITING_NAMED_MAX = 20;

/** An amount of each resource, ≥ 0; Infinity where nothing bounds it. */
export type FrameAmounts = Readonly<Record<QuotaResourceName, number>>;

/** A tenant on one flavour. What it holds and borrows includes all tenants below it. */
export interface TenantFlavorFrame {
  readonly flavor: string;
  /** Of its own, and lent by those below it. */
  readonly quota: FrameAmounts;
  readonly used: FrameAmounts;
  /** Above its quota. */
  readonly borrowed: FrameAmounts;
  /** Of its idle quota, what others hold. */
  readonly lent: FrameAmounts;
  /** What it may hold more now. */
  readonly available: FrameAmounts;
}

/** Tokens of a tenant, where the market asks for them. */
export interface TokensFrame {
  /** What is set aside included. */
  readonly balance: number;
  readonly reserved: number;
  readonly available: number;
  readonly spendPerHour: number;
  readonly mintPerHour: number;
}

/** One tenant. */
export interface TenantFrame {
  readonly name: string;
  /** '': the cluster. */
  readonly parent: string;
  readonly weight: number;
  /** Of it or of a tenant above it. */
  readonly state: TenantState;
  /** One a flavour, in the market's order. */
  readonly flavors: readonly TenantFlavorFrame[];
  /** Jobs of it and all below it. A gang of which some members wait counts as both. */
  readonly running: number;
  readonly waiting: number;
  /** Above 1: it got less than its share of what is held now. Infinity: it holds nothing. */
  readonly levelShare: number;
  /** Of what it and those below it hold, at price 1. */
  readonly unitsPerHour: number;
  readonly budget: BudgetStanding | undefined;
  /** Undefined: the market asks for none. */
  readonly tokens: TokensFrame | undefined;
  /** Why its pods would not have been admitted at the last attempt, in mode observe or where another layer had admitted them. */
  readonly wouldRefuse: AccountsRefusal | undefined;
}

/** One flavour. */
export interface FlavorFrame {
  readonly name: string;
  readonly capacity: FrameAmounts;
  readonly used: FrameAmounts;
  /** Units in use over units there are, in [0, 1] but for overbooked nodes; 0 without nodes. */
  readonly utilisation: number;
  /** Of a unit-hour at this load, as a multiple of the base, and by how much one more unit raises it. */
  readonly price: number;
  readonly slope: number;
}

/** A waiting job for which room is kept. */
export interface ChampionFrame {
  /** `namespace/name`. */
  readonly job: string;
  readonly tenant: string;
  readonly pods: number;
  readonly needs: FrameAmounts;
  /** Nodes on which room is kept. */
  readonly holdsNodes: readonly string[];
  readonly startsBySeconds: number;
  readonly promisedSeconds: number;
  readonly postponed: number;
}

/** A waiting job. */
export interface WaitingJobFrame {
  /** Name of the pod or gang in the namespace. */
  readonly job: string;
  readonly tenant: string;
  /** Pods that have to start together. */
  readonly pods: number;
  readonly needs: FrameAmounts;
  readonly priority: number;
  /** When it was first seen free to be scheduled, seconds; NaN before. */
  readonly sinceSeconds: number;
  readonly reason: WaitingReason;
  /** Undefined: no room is kept for it. */
  readonly startsBySeconds: number | undefined;
  /** What it would pay now; undefined: nothing. */
  readonly quote: JobQuote | undefined;
}

/** A namespace of a tenant, or with pods of this scheduler. */
export interface NamespaceFrame {
  readonly name: string;
  /** Whose it is; single pods may name another tenant. */
  readonly tenant: string;
  readonly problem: TenantProblem | undefined;
  readonly running: number;
  readonly waiting: number;
  /** At most `WAITING_NAMED_MAX`, in their turn. */
  readonly jobs: readonly WaitingJobFrame[];
}

/** How far the ledger of tokens is. */
export interface LedgerFrame {
  /** Of its last transfer. */
  readonly sequence: number;
  /** Pods that pay rent. */
  readonly leases: number;
  /** Tokens that all tenants have, what is set aside included. */
  readonly supply: number;
}

/** All of it. */
export interface EconomyFrame {
  readonly mode: 'observe' | 'enforce';
  readonly market: MarketSpec;
  readonly timeSeconds: number;
  /** Parents first. */
  readonly tenants: readonly TenantFrame[];
  readonly flavors: readonly FlavorFrame[];
  readonly champions: readonly ChampionFrame[];
  /** The part of all GPUs that incomplete gangs hold, in [0, 1]. */
  readonly psi: number;
  /** Undefined: the market asks for no tokens. */
  readonly ledger: LedgerFrame | undefined;
  /** By name. */
  readonly namespaces: readonly NamespaceFrame[];
}
