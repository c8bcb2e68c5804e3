/**
 * Feeds the core's event `economy` from Market, Tenants and namespaces.
 *
 *     Market "default", Tenants ──▶ read ──▶ usableEconomy ──▶ event economy, if it differs
 *                                     └─────────┴──▶ problems by object, for logs and conditions
 *
 * Objects that change soon after each other make one event. A wrong object leaves what was in force in force, and is reported
 * once. Without a market there is no economy: then the mode is off until there is one again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import {
  type EconomyDescription,
  type EconomyMode,
  NO_ECONOMY,
  type PodTenantSpec,
} from '../../../market/tenants/economy-description.ts';
import type { MarketSpec } from '../../../market/tenants/spec.ts';
import { TegError } from '../../../model/errors.ts';
import { matchesSelector } from '../../../model/kubernetes/requirements.ts';
import { marketObjectOf, tenantObjectOf } from './economy-objects.ts';
import type { StatusObject } from './status-objects.ts';
import { type UsableEconomy, usableEconomy } from './usable-economy.ts';

/** Name of the Market that counts; others are reported. */
export const MARKET_NAME = 'default';

/** Milliseconds in which changes are collected. */
const COLLECT_MILLISECONDS = 100;

/** Namespaces that a problem names. */
const NAMES_SHOWN_MAX = 5;

/** What the feed needs. */
export interface EconomyFeedPorts {
  /** Not `off`: then there is no feed. */
  readonly mode: EconomyMode;
  readonly feed: (event: PodEvent) => void;
  /** Something is wrong with an object, or ('' as problem) no more. @param kind Market or Tenant. */
  readonly onProblem: (kind: string, name: string, problem: string) => void;
}

/** An object of the API server. */
interface Followed<Spec> {
  readonly uid: string;
  /** `metadata.generation`: changes of the status alone do not change it. */
  readonly generation: number;
  readonly spec: Spec | undefined;
  /** Why it cannot be read; '' if it can. */
  readonly problem: string;
  /** As last seen. */
  status: StatusObject;
}

/** What is known of an object that has a status. */
export interface FollowedObject {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly status: StatusObject;
}

/** The feed. Nothing is fed before both resources are listed. */
export class EconomyFeed {
  private readonly ports: EconomyFeedPorts;
  private readonly markets = new Map<string, Followed<MarketSpec>>();
  private readonly tenants = new Map<string, Followed<PodTenantSpec>>();
  private readonly namespaces = new Map<string, Readonly<Record<string, string>>>();
  private inForce: UsableEconomy | undefined;
  private fed: EconomyDescription = NO_ECONOMY;
  /** By `kind name`. */
  private problems = new Map<string, string>();
  private readonly unlisted = new Set(['markets', 'tenants']);
  private timer: NodeJS.Timeout | undefined;

  constructor(ports: EconomyFeedPorts) {
    this.ports = ports;
  }

  /** @returns What is wrong with an object, for its condition `Ready`; '' if nothing is. */
  problemOf(kind: 'Market' | 'Tenant', name: string): string {
    return this.problems.get(`${kind} ${name}`) ?? '';
  }

  /** True if the market in force asks for tokens. */
  get hasTokens(): boolean {
    return this.fed.market.tokens === true;
  }

  /** Half-life of the market in force, seconds. */
  get halfLifeSeconds(): number {
    return this.fed.market.halfLifeSeconds;
  }

  /** @returns The Markets or Tenants that the API server has. */
  objects(kind: 'Market' | 'Tenant'): readonly FollowedObject[] {
    const known: ReadonlyMap<string, Followed<unknown>> = kind === 'Market' ? this.markets : this.tenants;
    return [...known].map(([name, { uid, generation, status }]) => ({ name, uid, generation, status }));
  }

  /** @returns True if a namespace is known to be there. */
  hasNamespace(name: string): boolean {
    return this.namespaces.has(name);
  }

  /** A Market is there, or has changed. */
  setMarket(object: unknown): void {
    if (follow(this.markets, object, marketObjectOf)) this.change();
  }

  /** A Tenant is there, or has changed. */
  setTenant(object: unknown): void {
    if (follow(this.tenants, object, tenantObjectOf)) this.change();
  }

  /** An object is gone. */
  goneMarket(name: string): void {
    if (this.markets.delete(name)) this.change();
  }

  /** An object is gone. */
  goneTenant(name: string): void {
    if (this.tenants.delete(name)) this.change();
  }

  /** An event on its way to the core: of namespaces the labels are noted. */
  noticed(event: PodEvent): void {
    if (event.kind === 'namespace') this.namespaces.set(event.name, event.labels);
    else if (event.kind === 'namespace-gone') this.namespaces.delete(event.name);
    else return;
    this.change();
  }

  /** A resource is listed, or known to be missing. The economy is fed before decisions begin. */
  listed(resource: 'markets' | 'tenants'): void {
    this.unlisted.delete(resource);
    if (this.unlisted.size === 0) this.flush();
  }

  /** Feeds what has changed, at once. O(tenants × namespaces). */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.unlisted.size > 0) return;
    const problems = new Map<string, string>();
    const description = this.describe(problems);
    this.report(problems);
    if (isDeepStrictEqual(description, this.fed)) return;
    this.fed = description;
    this.ports.feed({ kind: 'economy', economy: description });
  }

  /** Ends it. */
  stop(): void {
    clearTimeout(this.timer);
  }

  private change(): void {
    if (this.unlisted.size > 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => this.flush(), COLLECT_MILLISECONDS);
    this.timer.unref();
  }

  private describe(problems: Map<string, string>): EconomyDescription {
    for (const name of this.markets.keys()) {
      if (name === MARKET_NAME) continue;
      problems.set(
        `Market ${name}`,
        `metadata.name: got '${name}', expected '${MARKET_NAME}': no other is used`,
      );
    }
    const market = this.markets.get(MARKET_NAME);
    if (market === undefined) {
      const problem = `there is no Market named '${MARKET_NAME}', which names the flavours: create it`;
      problems.set(`Market ${MARKET_NAME}`, problem);
      for (const name of this.tenants.keys()) problems.set(`Tenant ${name}`, problem);
      this.inForce = undefined;
      return NO_ECONOMY;
    }
    const usable = this.usable(market, problems);
    if (usable !== undefined) this.inForce = usable;
    if (this.inForce === undefined) return NO_ECONOMY;
    this.noteClaims(this.inForce, problems);
    const { tenants } = this.inForce;
    const names = [...tenants.keys()].sort();
    return {
      mode: this.ports.mode,
      market: this.inForce.market,
      tenants: names.map((name) => tenants.get(name) as PodTenantSpec),
    };
  }

  private usable(market: Followed<MarketSpec>, problems: Map<string, string>): UsableEconomy | undefined {
    const lastGood = this.inForce?.tenants;
    const versions = [...this.tenants].map(
      ([name, { spec }]) => [name, { current: spec, lastGood: lastGood?.get(name) }] as const,
    );
    const usable = usableEconomy({ current: market.spec, lastGood: this.inForce?.market }, new Map(versions));
    const marketProblem = market.problem || (usable?.marketProblem ?? 'it cannot be used with the tenants');
    if (marketProblem !== '') problems.set(`Market ${MARKET_NAME}`, marketProblem);
    for (const [name, problem] of usable?.problems ?? []) problems.set(`Tenant ${name}`, problem);
    for (const [name, { problem }] of this.tenants)
      if (problem !== '') problems.set(`Tenant ${name}`, problem);
    return usable;
  }

  /** A namespace of several tenants is a problem of each of them. */
  private noteClaims({ tenants }: UsableEconomy, problems: Map<string, string>): void {
    const shared = new Map<string, string[]>();
    for (const [namespace, labels] of this.namespaces) {
      const owners = [...tenants.values()]
        .filter((tenant) => matchesSelector(tenant.namespaces, labels))
        .map(({ name }) => name)
        .sort();
      if (owners.length < 2) continue;
      for (const owner of owners) {
        const texts = shared.get(owner) ?? [];
        texts.push(`${namespace} (${owners.slice(0, NAMES_SHOWN_MAX).join(', ')})`);
        shared.set(owner, texts);
      }
    }
    for (const [name, texts] of shared) {
      if (problems.has(`Tenant ${name}`)) continue;
      const shown = texts.sort().slice(0, NAMES_SHOWN_MAX).join('; ');
      const problem = `spec.namespaces: got namespaces of several tenants: ${shown}; expected one tenant each: the first by name is taken`;
      problems.set(`Tenant ${name}`, problem);
    }
  }

  private report(problems: Map<string, string>): void {
    const before = this.problems;
    this.problems = problems;
    const tell = (key: string, problem: string): void => {
      const [kind = '', name = ''] = key.split(' ');
      this.ports.onProblem(kind, name, problem);
    };
    for (const [key, problem] of problems) if (before.get(key) !== problem) tell(key, problem);
    for (const key of before.keys()) if (!problems.has(key)) tell(key, '');
  }
}

/** @returns True if it differs from the object known. */
function follow<Spec>(
  known: Map<string, Followed<Spec>>,
  object: unknown,
  read: (object: unknown) => Spec,
): boolean {
  const {
    name = '',
    uid = '',
    generation = 0,
  } = (object as { metadata: Partial<Followed<Spec>> & { name?: string } }).metadata;
  const { status = {} } = object as { readonly status?: StatusObject };
  const before = known.get(name);
  if (before !== undefined && generation > 0 && before.uid === uid && before.generation === generation) {
    before.status = status;
    return false;
  }
  try {
    known.set(name, { uid, generation, spec: read(object), problem: '', status });
  } catch (error) {
    if (!(error instanceof TegError)) throw error;
    known.set(name, { uid, generation, spec: undefined, problem: error.message, status });
  }
  return true;
}
