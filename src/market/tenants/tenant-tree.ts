/**
 * The tenants of a cluster as a tree, checked, with quotas, loans and limits as columns.
 *
 *     cluster                        what no quota covers (the surplus), and what the tenants below lend
 *     ├── research    quota 8        its quota is there for all below it
 *     │   ├── nlp     quota 16, lend 8
 *     │   └── vision  quota 16
 *     └── default     quota 0        jobs of tenants that the tree does not know
 *
 * Of the quota that it and its children contribute (`visible` sums), a tenant keeps `guaranteed` = sum − lend to itself; the rest
 * is what its parent sees. Jobs may belong to inner tenants, too: they use the tenant's quota like a child of quota 0.
 *
 * Invariants: parents come before their children in `rows`; every sum of amounts is a safe integer; no limit is below the
 * quotas that it caps, so that every quota can be used. Immutable.
 *
 * Rows are internal numbers, dense; everything public takes numbers of the `TenantTable`.
 *
 * @source Hierarchical cohorts of Kueue (KEP-79) for quotas on inner tenants and for lending; written from their definition.
 */
import { closestName } from '../../kernel/closest-name.ts';
import { DEFAULT_TENANT, DEFAULT_TENANT_NAME, type TenantTable } from '../../model/tenants.ts';
import {
  type FlavorAmounts,
  type MarketSpec,
  QUOTA_RESOURCES,
  RESOURCES_PER_FLAVOR,
  type TenantSpec,
  tenantSpec,
} from './spec.ts';
import { badTenantField, checkMarket, checkTenant } from './tenant-checks.ts';

/** Stands for the cluster where a tenant is expected: the parent of all tenants without one. */
export const CLUSTER_TENANT = -1;

/** Most levels of tenants below the cluster: changes of usage walk them all. */
export const TENANT_LEVELS_MAX = 16;

/** Row of the cluster. */
const ROOT = 0;

/** The tree. */
export class TenantTree {
  readonly market: MarketSpec;
  /** Numbers of its tenants, parents first, the default tenant among them. */
  readonly tenants: readonly number[];
  /** Flavours × resources. */
  readonly cells: number;
  /** Rows: the cluster, then the tenants. For `TenantUsage`, as all columns below. */
  readonly rows: number;
  /** @shape [rows] row of the parent; −1 for the cluster. */
  readonly parents: Int32Array;
  /** @shape [rows] 0 for the cluster. */
  readonly levels: Uint8Array;
  /** @shape [rows × cells] own contribution. */
  readonly quota: Float64Array;
  /** @shape [rows × cells] own contribution and what the children lend. */
  readonly visible: Float64Array;
  /** @shape [rows × cells] part of `visible` that the parent does not see. */
  readonly guaranteed: Float64Array;
  /** @shape [rows × cells] contributions of it and all below. */
  readonly total: Float64Array;
  /** @shape [rows × cells] Infinity: none. */
  readonly limits: Float64Array;
  /** @shape [cells] 1: some tenant has a quota of it. What nobody has a quota of is free for all. */
  readonly governed: Uint8Array;
  /** @shape [rows] Σ of the weights of its children. */
  readonly childWeights: Float64Array;

  private readonly specs: readonly TenantSpec[];
  private readonly numbers: Int32Array;
  private readonly rowByTenant: Int32Array;
  /** Nearest tenant from here upwards that holds, by row; −1: none. */
  private readonly holders: Int32Array;
  private readonly childRows: readonly (readonly number[])[];

  /**
   * @param specs In any order. A tenant `default` of quota 0 and weight 0 is added if there is none: idle capacity only.
   * @param table Where the names are interned.
   * @throws TegError TEG_CONFIG_INVALID with the path of the field: out of bounds, a name twice, an unknown parent or flavour, a
   *   circle, more lent than there is, a limit below the quotas under it, sums above 2^53. TEG_LIMIT_REACHED of the table.
   */
  constructor(market: MarketSpec, specs: readonly TenantSpec[], table: TenantTable) {
    checkMarket(market);
    this.market = market;
    const flavors = market.flavors.map(({ name }) => name);
    const names = new Set<string>();
    for (const spec of specs) checkTenant(spec, names, flavors);
    const idleOnly = tenantSpec(DEFAULT_TENANT_NAME, { weight: 0 });
    const all = names.has(DEFAULT_TENANT_NAME) ? specs : [...specs, idleOnly];
    const ordered = parentsFirst(all);
    this.specs = ordered;
    this.tenants = ordered.map(({ name }) => table.intern(name));
    this.rows = ordered.length + 1;
    this.cells = flavors.length * RESOURCES_PER_FLAVOR;
    this.numbers = Int32Array.from([CLUSTER_TENANT, ...this.tenants]);
    this.rowByTenant = new Int32Array(table.numbersUsed).fill(-1);
    for (let row = 1; row < this.rows; row++) this.rowByTenant[this.numbers[row] as number] = row;
    const rowByName = new Map(ordered.map(({ name }, i) => [name, i + 1]));
    this.parents = Int32Array.from([-1, ...ordered.map(({ parent }) => rowByName.get(parent) ?? ROOT)]);
    this.levels = new Uint8Array(this.rows);
    this.holders = new Int32Array(this.rows).fill(-1);
    this.childWeights = new Float64Array(this.rows);
    this.childRows = this.linkRows();
    const column = (): Float64Array => new Float64Array(this.rows * this.cells);
    this.quota = column();
    this.visible = column();
    this.guaranteed = column();
    this.total = column();
    this.limits = column().fill(Number.POSITIVE_INFINITY);
    this.governed = new Uint8Array(this.cells);
    this.fillColumns();
  }

  /** @returns Whether a tenant is in the tree; jobs of others are the default tenant's. */
  has(tenant: number): boolean {
    return (this.rowByTenant[tenant] ?? -1) >= 0;
  }

  /** @returns The tenant that accounts for the jobs of one: itself, or the default tenant if the tree does not know it. */
  accountOf(tenant: number): number {
    return this.has(tenant) ? tenant : DEFAULT_TENANT;
  }

  /** @returns Row of a tenant, of the default one if it is unknown; CLUSTER_TENANT gives the cluster's. O(1). */
  rowOf(tenant: number): number {
    if (tenant === CLUSTER_TENANT) return ROOT;
    const row = this.rowByTenant[tenant] ?? -1;
    return row >= 0 ? row : (this.rowByTenant[DEFAULT_TENANT] as number);
  }

  /** @returns The tenant of a row; CLUSTER_TENANT for the cluster. */
  tenantAt(row: number): number {
    return this.numbers[row] as number;
  }

  /** @returns What was written about a tenant. */
  specOf(tenant: number): TenantSpec {
    return this.specs[this.rowOf(tenant) - 1] as TenantSpec;
  }

  /** @returns The tenant above; CLUSTER_TENANT if none is. */
  parentOf(tenant: number): number {
    return this.tenantAt(this.parents[this.rowOf(tenant)] as number);
  }

  /** @returns The tenants directly below a tenant or CLUSTER_TENANT. */
  childrenOf(tenant: number): readonly number[] {
    return (this.childRows[this.rowOf(tenant)] as readonly number[]).map((row) => this.tenantAt(row));
  }

  /**
   * @returns The nearest tenant, itself included, whose state is not Open at that time; CLUSTER_TENANT: none, it may start jobs.
   *   O(levels), O(1) where states hold from the start.
   */
  heldBy(tenant: number, timeSeconds: number): number {
    let row = this.holders[this.rowOf(tenant)] as number;
    while (row >= 0 && (this.specs[row - 1]?.hold?.fromSeconds ?? 0) > timeSeconds) {
      row = this.holders[this.parents[row] as number] as number;
    }
    return row < 0 ? CLUSTER_TENANT : this.tenantAt(row);
  }

  /** @returns The lowest tenant that is an ancestor of both or one of them; CLUSTER_TENANT if they share none. O(levels). */
  commonAncestor(a: number, b: number): number {
    return this.tenantAt(this.commonRow(this.rowOf(a), this.rowOf(b)));
  }

  /** @returns True if a tenant is another or below it; everything is within CLUSTER_TENANT. O(levels). */
  isWithin(tenant: number, ancestor: number): boolean {
    const top = this.rowOf(ancestor);
    return this.commonRow(this.rowOf(tenant), top) === top;
  }

  /** As `commonAncestor`, in rows. */
  commonRow(a: number, b: number): number {
    const { parents, levels } = this;
    let left = a;
    let right = b;
    while (left !== right) {
      if ((levels[left] as number) >= (levels[right] as number)) left = parents[left] as number;
      else right = parents[right] as number;
    }
    return left;
  }

  /** @returns The number of a flavour of the market, −1 if it has none of that name. */
  flavorNumber(name: string): number {
    return this.market.flavors.findIndex((flavor) => flavor.name === name);
  }

  /**
   * Fair-Tree's level share: the tenant's part of its siblings' weights ÷ its part of their usage.
   *
   * @param usage    Of the tenant and all below it, in any unit, ≥ 0.
   * @param siblings The same, summed over the children of its parent.
   * @returns Above 1: it got less than its share. Infinity if it used nothing; 0 for weight 0.
   */
  levelShare(tenant: number, usage: number, siblings: number): number {
    const row = this.rowOf(tenant);
    const { weight } = this.specs[row - 1] as TenantSpec;
    if (weight === 0) return 0;
    if (usage === 0) return Number.POSITIVE_INFINITY;
    return (weight / (this.childWeights[this.parents[row] as number] as number)) * (siblings / usage);
  }

  /** Fills levels, holders and weights. @returns Children by row. */
  private linkRows(): number[][] {
    const children: number[][] = Array.from({ length: this.rows }, () => []);
    for (let row = 1; row < this.rows; row++) {
      const parent = this.parents[row] as number;
      const spec = this.specs[row - 1] as TenantSpec;
      (children[parent] as number[]).push(row);
      this.levels[row] = (this.levels[parent] as number) + 1;
      this.childWeights[parent] = (this.childWeights[parent] as number) + spec.weight;
      this.holders[row] = spec.state === 'Open' ? (this.holders[parent] as number) : row;
    }
    return children;
  }

  /** From the leaves up, so that children are complete before their parent. */
  private fillColumns(): void {
    for (let row = this.rows - 1; row >= 1; row--) {
      const spec = this.specs[row - 1] as TenantSpec;
      for (let cell = 0; cell < this.cells; cell++) this.fillCell(row, cell, spec);
    }
    for (let cell = 0; cell < this.cells; cell++) {
      this.governed[cell] = (this.total[cell] as number) > 0 ? 1 : 0;
    }
  }

  private fillCell(row: number, cell: number, spec: TenantSpec): void {
    const { quota, visible, guaranteed, total, limits, cells } = this;
    const at = row * cells + cell;
    const own = this.amountOf(spec.quota, cell) ?? 0;
    quota[at] = own;
    visible[at] = (visible[at] as number) + own;
    total[at] = (total[at] as number) + own;
    const sum = total[at] as number;
    requireSafe(this.pathOf(spec, 'quota', cell), sum);
    const lend = this.amountOf(spec.lend, cell);
    if (lend !== undefined) {
      if (lend > (visible[at] as number)) {
        throw badTenantField(
          this.pathOf(spec, 'lend', cell),
          lend,
          `at most ${visible[at]}, its quota and what its children lend`,
          'lend less, or leave it out to lend all',
        );
      }
      guaranteed[at] = (visible[at] as number) - lend;
    }
    const limit = this.amountOf(spec.limit, cell);
    if (limit !== undefined) {
      if (limit < sum) {
        throw badTenantField(
          this.pathOf(spec, 'limit', cell),
          limit,
          `at least ${sum}, the quotas of it and all below it`,
          'raise the limit or lower these quotas: a quota above a limit could never be used',
        );
      }
      limits[at] = limit;
    }
    const above = (this.parents[row] as number) * cells + cell;
    visible[above] = (visible[above] as number) + (visible[at] as number) - (guaranteed[at] as number);
    // Of two safe integers: exact enough to be noticed, here for the cluster and in the parent's turn else.
    total[above] = (total[above] as number) + sum;
    if (above === cell) requireSafe(this.pathOf(spec, 'quota', cell), total[above] as number);
  }

  private amountOf(amounts: FlavorAmounts, cell: number): number | undefined {
    const flavor = this.market.flavors[Math.floor(cell / RESOURCES_PER_FLAVOR)]?.name as string;
    const byResource = Object.hasOwn(amounts, flavor) ? amounts[flavor] : undefined;
    return byResource?.[QUOTA_RESOURCES[cell % RESOURCES_PER_FLAVOR] as (typeof QUOTA_RESOURCES)[number]];
  }

  private pathOf(spec: TenantSpec, field: string, cell: number): string {
    const flavor = this.market.flavors[Math.floor(cell / RESOURCES_PER_FLAVOR)]?.name;
    return `tenant '${spec.name}': ${field}.${flavor}.${QUOTA_RESOURCES[cell % RESOURCES_PER_FLAVOR]}`;
  }
}

function requireSafe(path: string, sum: number): void {
  if (sum <= Number.MAX_SAFE_INTEGER) return;
  throw badTenantField(path, sum, 'a sum of quotas below 2^53', 'lower the quotas');
}

/**
 * @returns The tenants, each after its parent, siblings in the order given.
 * @throws TegError TEG_CONFIG_INVALID for an unknown parent, a circle, too many levels.
 */
function parentsFirst(specs: readonly TenantSpec[]): TenantSpec[] {
  const known = new Set(specs.map(({ name }) => name));
  const byParent = new Map<string, TenantSpec[]>();
  for (const spec of specs) {
    const at = `tenant '${spec.name}': parent`;
    if (spec.parent !== '' && !known.has(spec.parent)) {
      const meant = closestName(spec.parent, [...known]);
      const hint = meant === undefined ? 'declare it, or correct the name' : `did you mean ${meant}?`;
      throw badTenantField(at, spec.parent, 'the name of a tenant', hint);
    }
    const siblings = byParent.get(spec.parent);
    if (siblings === undefined) byParent.set(spec.parent, [spec]);
    else siblings.push(spec);
  }
  const ordered: TenantSpec[] = [];
  let level = byParent.get('') ?? [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > TENANT_LEVELS_MAX) {
      const { name, parent } = level[0] as TenantSpec;
      throw badTenantField(
        `tenant '${name}': parent`,
        parent,
        `at most ${TENANT_LEVELS_MAX} levels of tenants`,
        'flatten the tree',
      );
    }
    ordered.push(...level);
    level = level.flatMap(({ name }) => byParent.get(name) ?? []);
  }
  if (ordered.length < specs.length) throw circleOf(specs, new Set(ordered));
  return ordered;
}

/** All tenants that no path from the cluster reaches hang on a circle. */
function circleOf(specs: readonly TenantSpec[], reached: ReadonlySet<TenantSpec>): Error {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const seen: string[] = [];
  let spec = specs.find((candidate) => !reached.has(candidate)) as TenantSpec;
  while (!seen.includes(spec.name)) {
    seen.push(spec.name);
    spec = byName.get(spec.parent) as TenantSpec;
  }
  const circle = [...seen.slice(seen.indexOf(spec.name)), spec.name].slice(0, 10);
  return badTenantField(
    `tenant '${spec.name}': parent`,
    spec.parent,
    'a tree',
    `the parents go in a circle: ${circle.join(' → ')}`,
  );
}
