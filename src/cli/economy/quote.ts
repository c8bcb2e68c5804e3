/**
 * What a job would cost on each flavour at the end of a simulation, and what it could start with: computed from the market of the
 * result by the market's own formulas.
 */

import { MICROS_PER_SECOND, MICROS_PER_TOKEN } from '../../market/amounts.ts';
import { affordableAfter } from '../../market/prices/half-life.ts';
import { type PriceRule, quotedPrice } from '../../market/prices/unit-price.ts';
import { rentFor } from '../../market/token-market/accrual.ts';
import { rateOf } from '../../market/token-market/tenant-rents.ts';
import { TegError } from '../../model/errors.ts';
import { DEFAULT_TENANT_NAME } from '../../model/tenants.ts';
import type {
  MarketFlavorResult,
  MarketResult,
  MarketTenantResult,
} from '../../simulation/metrics/market-result.ts';
import type { WaitingJob } from '../../simulation/metrics/waiting-report.ts';

const MILLI = 1000;

/** What is asked for. */
export interface QuotedShape {
  /** ≥ 1. */
  readonly pods: number;
  /** Of each pod, ≥ 0. */
  readonly each: WaitingJob['each'];
  /** That it may run on; empty: any. */
  readonly gpuModels: readonly string[];
  /** Expected run time, > 0; null: unknown. */
  readonly runtimeSeconds: number | null;
}

/** The answer for one flavour. Prices are tokens for a unit-hour. See `quoteAnswerSchema`. */
export interface FlavorQuote {
  readonly flavor: string;
  /** Part of its units in use. */
  readonly load: number;
  readonly price: number;
  /** By a unit more. */
  readonly slope: number;
  /** Price with the job's own demand counted: price + slope × units, at most the cap. */
  readonly quotedPrice: number;
  readonly units: number;
  readonly tokensPerHour: number;
  /** Set aside at the start. */
  readonly setAside: number;
  /** For the expected run, if nothing else starts or ends; null: unknown run time. */
  readonly expectedTokens: number | null;
  /** Pods for which nodes have whole idle GPUs, at most `pods`; null: it requests no GPUs. */
  readonly podsWithRoom: number | null;
  /** GPUs that quotas, loans and limits leave the tenant; null: not bounded, or no tenant was named. */
  readonly availableGpus: number | null;
  /** When the tenant can set that aside if it starts nothing else; null: never out of its balance, or no tenant. */
  readonly affordableInSeconds: number | null;
}

/**
 * @returns The tenant of that name; of a name that is not declared, the tenant `default`, if `falls`. @throws TegError
 * TEG_OPTION_INVALID.
 */
export function marketTenant(market: MarketResult, name: string, falls: boolean): MarketTenantResult {
  const named = (wanted: string) => market.tenants.find((tenant) => tenant.name === wanted);
  const tenant = named(name) ?? (falls ? named(DEFAULT_TENANT_NAME) : undefined);
  if (tenant !== undefined) return tenant;
  const some = market.tenants.slice(0, 10).map((each) => each.name);
  const more = market.tenants.length > some.length ? ', …' : '';
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the tenant '${name}', expected one of the result: ${some.join(', ')}${more}`,
  );
}

/**
 * @returns A quote for each flavour of that name, or that the job may run on. @throws TegError TEG_OPTION_INVALID: there is none.
 */
export function quotesFor(
  market: MarketResult,
  shape: QuotedShape,
  tenant: MarketTenantResult | undefined,
  flavorName: string | undefined,
): FlavorQuote[] {
  const mayServe = ({ name, gpuModels }: MarketFlavorResult): boolean =>
    flavorName === undefined
      ? gpuModels.length === 0 ||
        shape.gpuModels.length === 0 ||
        gpuModels.some((model) => shape.gpuModels.includes(model))
      : name === flavorName;
  const flavors = market.flavors.filter(mayServe);
  if (flavors.length > 0) return flavors.map((flavor) => quoteOn(market, flavor, shape, tenant));
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got ${flavorName === undefined ? `GPU models ${shape.gpuModels.join(', ')}` : `the flavour '${flavorName}'`}, ` +
      `expected one of the result: ${market.flavors.map(({ name }) => name).join(', ') || 'it has none'}`,
  );
}

function quoteOn(
  market: MarketResult,
  flavor: MarketFlavorResult,
  shape: QuotedShape,
  tenant: MarketTenantResult | undefined,
): FlavorQuote {
  const rule = { base: Math.round(flavor.basePrice * MICROS_PER_TOKEN), cap: flavor.cap };
  const milliEach = milliOfPod(flavor, shape.each);
  const milli = shape.pods * milliEach;
  const load = Math.round(flavor.usedUnits * MILLI);
  const capacity = Math.round(flavor.capacityUnits * MILLI);
  const price = quotedPrice(rule, load, capacity, milli);
  const rate = rateOf(milli, price);
  const runs = (shape.runtimeSeconds ?? Number.POSITIVE_INFINITY) * MICROS_PER_SECOND;
  const first = market.paysBy === 'pod' ? rateOfPods(rule, load, capacity, milliEach, shape.pods) : rate;
  const later = rateOf(milli, quotedPrice(rule, load + milli, capacity, 0));
  const setAside = rentFor(rate, Math.min(market.rentPeriodSeconds * MICROS_PER_SECOND, runs));
  return {
    flavor: flavor.name,
    load: capacity === 0 ? 0 : load / capacity,
    price: flavor.price,
    slope: flavor.slope,
    quotedPrice: price / MICROS_PER_TOKEN,
    units: milli / MILLI,
    tokensPerHour: rate / MICROS_PER_TOKEN,
    setAside: setAside / MICROS_PER_TOKEN,
    expectedTokens: Number.isFinite(runs) ? rentOfRun(market, first, later, runs) / MICROS_PER_TOKEN : null,
    podsWithRoom: podsWithRoom(flavor, shape),
    availableGpus: tenant?.availableGpus[flavor.name] ?? null,
    affordableInSeconds: tenant === undefined ? null : affordableIn(market, tenant, setAside),
  };
}

/** Each pod at the price at which the ones before it are counted. @returns Micro-tokens an hour. O(pods). */
function rateOfPods(rule: PriceRule, load: number, capacity: number, milli: number, pods: number): number {
  let sum = 0;
  for (let pod = 0; pod < pods; pod++)
    sum += rateOf(milli, quotedPrice(rule, load + pod * milli, capacity, milli));
  return sum;
}

/** @param first Micro-tokens an hour until the next rent. @param later From then on. @param runs Microseconds. */
function rentOfRun(market: MarketResult, first: number, later: number, runs: number): number {
  const { atSeconds, rentPeriodSeconds, nextRentSeconds = atSeconds + rentPeriodSeconds } = market;
  const untilRent = Math.min(runs, Math.max(0, nextRentSeconds - atSeconds) * MICROS_PER_SECOND);
  return rentFor(first, untilRent) + rentFor(later, runs - untilRent);
}

/** Milli-units of a pod, as the market counts them. */
function milliOfPod({ unitsPerHour }: MarketFlavorResult, each: QuotedShape['each']): number {
  const { core, gib, gpu } = unitsPerHour;
  const units = core * each.cpuCores + gib * each.memoryGib + gpu * each.gpus;
  return Math.floor(Math.round(units * MICROS_PER_TOKEN) / MILLI);
}

function podsWithRoom({ free }: MarketFlavorResult, { pods, each }: QuotedShape): number | null {
  if (each.gpus === 0) return null;
  const podsOn = (gpus: number): number =>
    each.gpus >= 1 ? Math.floor(gpus / each.gpus) : gpus * Math.floor(1 / each.gpus);
  return Math.min(
    pods,
    free.reduce((sum, { gpus, nodes }) => sum + nodes * podsOn(gpus), 0),
  );
}

/** As `TokenMarket.affordableAt`. @param cost Micro-tokens. */
function affordableIn(market: MarketResult, tenant: MarketTenantResult, cost: number): number | null {
  if (market.isFree === true) return 0;
  if (tenant.mintPerHour === 0) return null;
  const halfLife = Math.round(market.halfLifeSeconds * MICROS_PER_SECOND);
  const [balance, ceiling] = [tenant.spendable * MICROS_PER_TOKEN, tenant.ceiling * MICROS_PER_TOKEN];
  const micros = affordableAfter(balance, cost, ceiling, halfLife);
  return Number.isFinite(micros) ? micros / MICROS_PER_SECOND : null;
}
