/** Accounts for tests: one that counts holds and verifies every call, and one with quotas besides. */

import { assert } from '../kernel/assert.ts';
import type { Demand } from '../model/demand.ts';
import type { Accounts, AccountsRefusal, Ask } from './accounts.ts';

/** One pod that holds capacity. */
export interface Held {
  readonly tenant: number;
  readonly holder: number;
  readonly node: number;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpuTotalMilli: number;
}

/** @returns A pod that holds capacity, as a text that is equal for equal pods. */
export function heldKey({ tenant, holder, node, cpuMilli, memoryMib, gpuTotalMilli }: Held): string {
  return [tenant, holder, node, cpuMilli, memoryMib, gpuTotalMilli].join(' ');
}

/** Admits every job and counts; every release must match a hold. */
export class CountingAccounts implements Accounts {
  dueSeconds = Number.POSITIVE_INFINITY;
  /** Questions, holds and releases so far. */
  asks = 0;
  holds = 0;
  releases = 0;
  /** Pods held by tenant. */
  readonly pods = new Map<number, number>();
  private readonly held = new Map<string, number>();

  /** Current holds, sorted; a pod appears once for each hold. */
  get heldKeys(): readonly string[] {
    return [...this.held].flatMap(([key, count]) => new Array<string>(count).fill(key)).sort();
  }

  admit(ask: Ask, _timeSeconds: number): AccountsRefusal | undefined {
    this.asks++;
    const counted = ask.counts.reduce((sum, count) => sum + count, 0);
    assert(counted === ask.pods && ask.demands.length === ask.counts.length, 'a request does not add up');
    assert(ask.podsMin >= 1 && ask.podsMin <= ask.pods, 'a request for fewer pods than it needs');
    return undefined;
  }

  onHold(tenant: number, holder: number, demand: Demand, node: number, _timeSeconds: number): void {
    this.holds++;
    this.change({ tenant, holder, node, ...amountsOf(demand) }, 1);
  }

  onRelease(tenant: number, holder: number, demand: Demand, node: number, _timeSeconds: number): void {
    this.releases++;
    this.change({ tenant, holder, node, ...amountsOf(demand) }, -1);
  }

  tick(_timeSeconds: number, _wake: (tenant: number) => void): void {
    throw new Error('no tick was due');
  }

  private change(pod: Held, by: 1 | -1): void {
    const key = heldKey(pod);
    const count = (this.held.get(key) ?? 0) + by;
    assert(count >= 0, `released, but not held: ${key}`);
    if (count > 0) this.held.set(key, count);
    else this.held.delete(key);
    this.pods.set(pod.tenant, (this.pods.get(pod.tenant) ?? 0) + by);
  }
}

/**
 * At most n pods a tenant. A refused tenant is woken when a pod of the tenant goes, or `patienceSeconds` have passed.
 */
export class QuotaAccounts extends CountingAccounts {
  podsMax: number;
  /** Tenants that were refused since they were last woken. */
  readonly refused = new Set<number>();
  refusals = 0;
  private readonly patienceSeconds: number;

  constructor(podsMax: number, patienceSeconds = Number.POSITIVE_INFINITY) {
    super();
    this.podsMax = podsMax;
    this.patienceSeconds = patienceSeconds;
  }

  /** @returns True if a tenant may have n more pods. */
  allows(tenant: number, pods: number): boolean {
    return (this.pods.get(tenant) ?? 0) + pods <= this.podsMax;
  }

  override admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
    super.admit(ask, timeSeconds);
    if (this.allows(ask.tenant, ask.pods)) return undefined;
    this.refused.add(ask.tenant);
    this.refusals++;
    this.dueSeconds = Math.min(this.dueSeconds, timeSeconds + this.patienceSeconds);
    const heldPods = this.pods.get(ask.tenant) ?? 0;
    return { code: 'quota-used-up', data: { needPods: ask.pods, heldPods, quotaPods: this.podsMax } };
  }

  override onRelease(
    tenant: number,
    holder: number,
    demand: Demand,
    node: number,
    timeSeconds: number,
  ): void {
    super.onRelease(tenant, holder, demand, node, timeSeconds);
    if (this.refused.has(tenant)) this.dueSeconds = timeSeconds;
  }

  override tick(timeSeconds: number, wake: (tenant: number) => void): void {
    assert(this.dueSeconds <= timeSeconds, 'a tick before its time');
    this.dueSeconds = Number.POSITIVE_INFINITY;
    const woken = [...this.refused];
    this.refused.clear();
    for (const tenant of woken) wake(tenant);
  }
}

function amountsOf({ cpuMilli, memoryMib, gpuTotalMilli }: Demand): Omit<Held, 'tenant' | 'holder' | 'node'> {
  return { cpuMilli, memoryMib, gpuTotalMilli };
}
