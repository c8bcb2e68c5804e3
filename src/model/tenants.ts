/**
 * Tenants: owners of jobs and pods, interned to small integers, so that decisions carry no names.
 *
 * A workload interns its tenants once and keeps them. A scheduler that runs for months acquires and releases: the
 * number of a tenant without uses is used again, so that short-lived namespaces do not fill the table. Numbers are
 * meaningful only with their table.
 */
import { assert } from '../kernel/assert.ts';
import { TegError } from './errors.ts';
import { TENANTS_MAX } from './limits.ts';

/** Name of the tenant of jobs and pods that name none. */
export const DEFAULT_TENANT_NAME = 'default';

/** Number of that tenant in every table; it is never released. */
export const DEFAULT_TENANT = 0;

/** Names by number. Single writer. */
export class TenantTable {
  /** @shape [numbers ever used at one time] '' where a number is free. */
  private readonly names: string[] = [DEFAULT_TENANT_NAME];
  /** Uses by number; Infinity: never released. */
  private readonly uses: number[] = [Number.POSITIVE_INFINITY];
  private readonly byName = new Map<string, number>([[DEFAULT_TENANT_NAME, DEFAULT_TENANT]]);
  private readonly free: number[] = [];

  /** Tenants known, the default one included. */
  get size(): number {
    return this.byName.size;
  }

  /** All numbers lie in [0, `numbersUsed`): for columns by tenant. */
  get numbersUsed(): number {
    return this.names.length;
  }

  /**
   * Gives a name a permanent number. O(1).
   *
   * @param name '' stands for the default tenant.
   * @throws TegError TEG_LIMIT_REACHED at TENANTS_MAX tenants.
   */
  intern(name: string): number {
    const tenant = this.numberOf(name);
    this.uses[tenant] = Number.POSITIVE_INFINITY;
    return tenant;
  }

  /**
   * Gives a name a number, for one use of it. O(1).
   *
   * @param name '' stands for the default tenant.
   * @throws TegError TEG_LIMIT_REACHED at TENANTS_MAX tenants.
   */
  acquire(name: string): number {
    const tenant = this.numberOf(name);
    this.uses[tenant] = (this.uses[tenant] as number) + 1;
    return tenant;
  }

  /** Ends one use. The number is free for another name after the last one. O(1). */
  release(tenant: number): void {
    const left = (this.uses[tenant] as number) - 1;
    assert(left >= 0, 'a tenant was released more often than acquired');
    this.uses[tenant] = left;
    if (left > 0) return;
    this.byName.delete(this.names[tenant] as string);
    this.names[tenant] = '';
    this.free.push(tenant);
  }

  /** @returns The name of a tenant in use. */
  nameOf(tenant: number): string {
    return this.names[tenant] as string;
  }

  /** @returns The names by number, '' where a number is free. O(numbers used). */
  toList(): readonly string[] {
    return this.names.slice();
  }

  /** @returns The number of a name, −1 if it has none. */
  find(name: string): number {
    return name === '' ? DEFAULT_TENANT : (this.byName.get(name) ?? -1);
  }

  private numberOf(name: string): number {
    const known = this.find(name);
    if (known >= 0) return known;
    if (this.size >= TENANTS_MAX) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `tenant '${name.slice(0, 63)}' would be number ${this.size + 1}; expected at most ${TENANTS_MAX} tenants at once: ` +
          'name teams or queues as tenants, not jobs',
      );
    }
    const tenant = this.free.pop() ?? this.names.length;
    this.names[tenant] = name;
    this.uses[tenant] = 0;
    this.byName.set(name, tenant);
    return tenant;
  }
}
