/**
 * What tenants use, straight from the definitions: everything is recomputed from the list of holdings, and what may be held is
 * found by trying.
 */
import { QUOTA_RESOURCES, type TenantSpec } from './spec.ts';

/** One tenant's holding of one resource of one flavour. */
export interface Holding {
  readonly tenant: string;
  readonly flavor: string;
  /** Number of the resource. */
  readonly resource: number;
  readonly amount: number;
}

/** Usage of a tree by names; '' is the cluster. */
export class PlainTenantUsage {
  readonly tenants: readonly TenantSpec[];
  /** Of the cluster, by `flavor/resource`; 0 where it is missing. */
  readonly capacity = new Map<string, number>();
  holdings: Holding[] = [];

  constructor(tenants: readonly TenantSpec[]) {
    this.tenants = tenants;
  }

  /** Its own quota, and what its children lend; of the cluster: what no quota covers, too. */
  visible(name: string, flavor: string, resource: number): number {
    const own =
      name === ''
        ? Math.max(0, (this.capacity.get(`${flavor}/${resource}`) ?? 0) - this.total('', flavor, resource))
        : (this.written('quota', name, flavor, resource) ?? 0);
    return this.children(name).reduce(
      (sum, child) => sum + this.visible(child, flavor, resource) - this.guaranteed(child, flavor, resource),
      own,
    );
  }

  guaranteed(name: string, flavor: string, resource: number): number {
    const lend = this.written('lend', name, flavor, resource);
    return lend === undefined ? 0 : this.visible(name, flavor, resource) - lend;
  }

  total(name: string, flavor: string, resource: number): number {
    return this.below(name).reduce(
      (sum, each) => sum + (this.written('quota', each, flavor, resource) ?? 0),
      0,
    );
  }

  used(name: string, flavor: string, resource: number): number {
    return this.children(name).reduce(
      (sum, child) =>
        sum + Math.max(0, this.used(child, flavor, resource) - this.guaranteed(child, flavor, resource)),
      this.own(name, flavor, resource),
    );
  }

  held(name: string, flavor: string, resource: number): number {
    return this.below(name).reduce((sum, each) => sum + this.own(each, flavor, resource), 0);
  }

  own(name: string, flavor: string, resource: number): number {
    return this.holdings
      .filter((held) => held.tenant === name && held.flavor === flavor && held.resource === resource)
      .reduce((sum, { amount }) => sum + amount, 0);
  }

  /** True if nothing is held beyond a limit, nor beyond what the cluster has. */
  isWithinBounds(flavor: string, resource: number): boolean {
    const governed = this.total('', flavor, resource) > 0;
    const inTotal = this.used('', flavor, resource) <= this.visible('', flavor, resource);
    if (governed && !inTotal) return false;
    return this.tenants.every(
      ({ name }) => this.held(name, flavor, resource) <= this.limit(name, flavor, resource),
    );
  }

  limit(name: string, flavor: string, resource: number): number {
    return this.written('limit', name, flavor, resource) ?? Number.POSITIVE_INFINITY;
  }

  /** True if a tenant may hold an amount more: everything is within its bounds with it. */
  mayHold(tenant: string, flavor: string, resource: number, amount: number): boolean {
    this.holdings.push({ tenant, flavor, resource, amount });
    const may = this.isWithinBounds(flavor, resource);
    this.holdings.pop();
    return may;
  }

  /** From a tenant up to, and without, the cluster. */
  path(name: string): string[] {
    const path: string[] = [];
    for (let at = name; at !== ''; at = this.specOf(at).parent) path.push(at);
    return path;
  }

  children(name: string): string[] {
    return this.tenants.filter(({ parent }) => parent === name).map((spec) => spec.name);
  }

  private below(name: string): string[] {
    return [...(name === '' ? [] : [name]), ...this.children(name).flatMap((child) => this.below(child))];
  }

  private written(
    what: 'quota' | 'limit' | 'lend',
    name: string,
    flavor: string,
    resource: number,
  ): number | undefined {
    if (name === '') return undefined;
    return this.specOf(name)[what][flavor]?.[QUOTA_RESOURCES[resource] as (typeof QUOTA_RESOURCES)[number]];
  }

  private specOf(name: string): TenantSpec {
    const found = this.tenants.find((spec) => spec.name === name);
    if (found === undefined) throw new Error(`no tenant ${name}`);
    return found;
  }
}
