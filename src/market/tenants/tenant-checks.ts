/** Bounds of a market's and its tenants' fields, each by itself. What concerns several of them is in `TenantTree`. */
import { closestName } from '../../kernel/closest-name.ts';
import { TegError } from '../../model/errors.ts';
import {
  type FlavorAmounts,
  MARKET_FLAVORS_MAX,
  type MarketSpec,
  QUOTA_RESOURCES,
  type TenantSpec,
} from './spec.ts';

/** Longest name of a tenant or flavour. */
const NAME_CHARS_MAX = 253;

/**
 * @returns The failure of one field.
 * @param path For example `tenant 'nlp': quota.h100.gpuMilli`.
 */
export function badTenantField(path: string, got: unknown, expected: string, remedy: string): TegError {
  const shown = typeof got === 'string' ? `'${got.slice(0, NAME_CHARS_MAX)}'` : String(got);
  return new TegError('TEG_CONFIG_INVALID', `${path}: got ${shown}, expected ${expected}; ${remedy}`);
}

/** @throws TegError TEG_CONFIG_INVALID for the first field of a market that is out of its bounds. */
export function checkMarket(market: MarketSpec): void {
  const { flavors, halfLifeSeconds, memorySeconds, priceCap, champion } = market;
  const at = 'market';
  if (!(halfLifeSeconds > 0 && halfLifeSeconds < Infinity)) {
    throw badTenantField(
      `${at}: halfLife`,
      halfLifeSeconds,
      'seconds above 0',
      'say how long usage is remembered, for example 168h: 0 would switch fairness off',
    );
  }
  if (!(memorySeconds > 0 && memorySeconds < Infinity)) {
    throw badTenantField(
      `${at}: memory`,
      memorySeconds,
      'seconds above 0',
      'say how much of its share a tenant may catch up, for example 720h',
    );
  }
  requireNumber(`${at}: priceCap`, priceCap, 1, Number.MAX_VALUE);
  requireNumber(`${at}: champion.afterSeconds`, champion.afterSeconds, 0, Number.MAX_VALUE);
  requireWhole(`${at}: champion.reservationsMax`, champion.reservationsMax, 0, 1000);
  if (flavors.length > MARKET_FLAVORS_MAX) {
    throw badTenantField(`${at}: flavors`, flavors.length, `at most ${MARKET_FLAVORS_MAX}`, 'merge some');
  }
  const names = new Set<string>();
  for (const { name, unitsPerHour } of flavors) {
    requireName(`${at}: flavors`, name, names, 'flavour');
    for (const [resource, units] of Object.entries(unitsPerHour)) {
      requireNumber(`${at}: flavors.${name}.unitsPerHour.${resource}`, units, 0, 1e6);
    }
  }
}

/**
 * @param names   Of the tenants before it; its own is added.
 * @param flavors Names of the market's flavours.
 * @throws TegError TEG_CONFIG_INVALID for the first field that is out of its bounds.
 */
export function checkTenant(spec: TenantSpec, names: Set<string>, flavors: readonly string[]): void {
  requireName('tenants', spec.name, names, 'tenant');
  const at = `tenant '${spec.name}'`;
  requireNumber(`${at}: weight`, spec.weight, 0, 1e9);
  requireAmounts(`${at}: quota`, spec.quota, flavors);
  requireAmounts(`${at}: limit`, spec.limit, flavors);
  requireAmounts(`${at}: lend`, spec.lend, flavors);
  requireNumber(`${at}: preemption.minRuntime`, spec.preemption.minRuntimeSeconds, 0, Infinity);
  requireNumber(`${at}: preemption.maxUnavailable`, spec.preemption.maxUnavailable ?? 0, 0, 1e9);
  requireNumber(`${at}: preemption.ratePerHour`, spec.preemption.ratePerHour, 0, 1);
  if (!(spec.defaultRuntimeSeconds > 0)) {
    throw badTenantField(
      `${at}: defaultRuntime`,
      spec.defaultRuntimeSeconds,
      'seconds above 0',
      'correct it',
    );
  }
  if (spec.hold !== undefined) {
    requireNumber(`${at}: hold.from`, spec.hold.fromSeconds, 0, 1e12);
    requireNumber(`${at}: hold.drainPods`, spec.hold.drainPods, 1, 1e9);
    requireNumber(`${at}: hold.interval`, spec.hold.intervalSeconds, 1, 1e10);
  }
  if (spec.budget === undefined) return;
  requireNumber(`${at}: budget.tokens`, spec.budget.tokens, 0, 1e12);
  requireNumber(`${at}: budget.period`, spec.budget.periodSeconds, 1, 1e10);
}

function requireName(at: string, name: string, names: Set<string>, what: string): void {
  if (name === '' || name.length > NAME_CHARS_MAX) {
    throw badTenantField(at, name, `a name of 1 to ${NAME_CHARS_MAX} characters`, `name the ${what}`);
  }
  if (names.has(name)) {
    throw badTenantField(at, name, `each ${what} once`, 'remove or rename one of the two');
  }
  names.add(name);
}

function requireAmounts(at: string, amounts: FlavorAmounts, flavors: readonly string[]): void {
  for (const [flavor, byResource] of Object.entries(amounts)) {
    if (!flavors.includes(flavor)) {
      const meant = closestName(flavor, flavors);
      throw badTenantField(
        `${at}.${flavor}`,
        flavor,
        flavors.length > 0 ? `one of the market's flavours ${flavors.join(', ')}` : 'a flavour of the market',
        meant === undefined ? 'declare it in the market, or correct the name' : `did you mean ${meant}?`,
      );
    }
    for (const resource of QUOTA_RESOURCES) {
      const amount = byResource[resource];
      if (amount !== undefined) {
        requireWhole(`${at}.${flavor}.${resource}`, amount, 0, Number.MAX_SAFE_INTEGER);
      }
    }
  }
}

function requireNumber(path: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  const above = most === Number.MAX_VALUE ? `a finite number of at least ${least}` : undefined;
  throw badTenantField(path, value, above ?? `a number from ${least} to ${most}`, 'correct it');
}

function requireWhole(path: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const upTo = most === Number.MAX_SAFE_INTEGER ? '2^53 − 1' : String(most);
  throw badTenantField(path, value, `an integer from ${least} to ${upTo}`, 'correct it');
}
