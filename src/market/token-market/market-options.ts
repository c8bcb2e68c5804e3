/** What a market is made with. */
import { MICROS_PER_HOUR } from '../amounts.ts';
import type { Ledger } from '../ledger.ts';
import { EVEN_LOAD_DEFAULT, PRICE_CAP_DEFAULT } from '../prices/unit-price.ts';

/** Hardware that has one price. */
export interface MarketFlavor {
  readonly name: string;
  /** Milli-units (thousandths of a GPU), an integer ≥ 0. */
  readonly capacityMilli: number;
  /** Tokens that a unit-hour is worth at price 1: 1 for the reference hardware. Finite, > 0; default 1. */
  readonly tokensPerUnitHour?: number;
}

/** Who pays. */
export interface MarketTenant {
  /** As in `Ledger.open`. */
  readonly name: string;
  /** Milli-units of the reference hardware that it has a right to, an integer ≥ 0. */
  readonly quotaMilli: number;
  /** Share of what no quota covers; finite, ≥ 0. Without quota and with weight 0 a tenant has idle capacity only. */
  readonly weight: number;
  /** Micro-tokens an hour, an integer ≥ 0; given for all tenants, instead of what follows from quotas and weights. */
  readonly mintRate?: number;
}

/**
 * Whose turn it is. Usage: who had least for its share, of what is remembered. Balance: who has most tokens for its mint, so that
 * usage counts at its price and fades with the half-life.
 */
export type TenantOrderKind = 'Usage' | 'Balance';

/** A market's settings. Times are whole microseconds > 0. */
export interface TokenMarketOptions {
  readonly flavors: readonly MarketFlavor[];
  /** Their indexes are the tenants' numbers. */
  readonly tenants: readonly MarketTenant[];
  /** Of the ledger that the market makes; ignored if it is given one. Default 168 hours. */
  readonly halfLifeMicros?: number | undefined;
  /** Default by usage. */
  readonly order?: TenantOrderKind | undefined;
  /** By how much of its share a tenant may be behind the one that had most, and catch up; default 720 hours. */
  readonly memoryMicros?: number | undefined;
  /** After how long rent is paid and quoted again. Default an hour. */
  readonly rentPeriodMicros?: number | undefined;
  /** For how long rent is reserved; at least the rent period, which is the default. */
  readonly horizonMicros?: number | undefined;
  /** Largest price over the base price. */
  readonly priceCap?: number | undefined;
  /** Load at which rents come out even with mint, in (0, 1). */
  readonly evenLoad?: number | undefined;
  /** Hours of its mint that each tenant has at the start, ≥ 0; default 0. */
  readonly openingHours?: number | undefined;
  /** Without transfers of other clients; default: one in memory. Its times must be those of the market. */
  readonly ledger?: Ledger | undefined;
  /** Time of the first call; default: that of the ledger. After a crash, that of the first call which is done again. */
  readonly startMicros?: number | undefined;
  /**
   * Calls of the ledger that it can be given again, at least; default 4. Infinity: all, so that a market whose ledger was
   * restored can do its starts and ends again from the first one on. Savings cannot: what they take depends on balances.
   */
  readonly callsKept?: number | undefined;
  /**
   * The ledger is that of an earlier market whose rents are settled: this one goes on behind its transfers and notes, and what minted
   * there and is not a tenant now mints nothing. Default false: calls are those of the first market, done again where they are known.
   */
  readonly continues?: boolean | undefined;
}

/** Defaults of what is optional. */
export const MARKET_DEFAULTS = {
  halfLifeMicros: 168 * MICROS_PER_HOUR,
  order: 'Usage',
  memoryMicros: 720 * MICROS_PER_HOUR,
  rentPeriodMicros: MICROS_PER_HOUR,
  priceCap: PRICE_CAP_DEFAULT,
  evenLoad: EVEN_LOAD_DEFAULT,
  openingHours: 0,
  callsKept: 4,
} as const;
