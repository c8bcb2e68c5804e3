/** What a migration makes: a market and tenants as TEG reads them, and what got lost on the way. */
import { stringify } from 'yaml';
import {
  type FlavorAmounts,
  type MarketSpec,
  type QuotaAmounts,
  type TenantSpec,
  tenantSpec,
} from '../../../market/tenants/spec.ts';
import { parseTenants } from '../read-tenants.ts';
import { TENANTS_API_VERSION } from '../tenant-schema.ts';
import { badSource, type LostField } from './source-objects.ts';

/** A tenant with the namespaces that were seen to be its own. */
export interface MigratedTenant {
  readonly spec: TenantSpec;
  /** File and object that it comes from. */
  readonly at: string;
  readonly namespaces?: readonly string[];
}

/** All of it. */
export interface Migration {
  readonly market: MarketSpec;
  readonly tenants: readonly MigratedTenant[];
  readonly lost: readonly LostField[];
}

/** The one flavour of sources that do not know kinds of nodes: every node. */
export const ANY_FLAVOR = 'any';

/** The text, and the objects that it is made of. */
export interface PrintedMigration {
  readonly yaml: string;
  readonly objects: readonly object[];
}

/**
 * Prints a migration, and reads it back.
 *
 * @param origin For messages.
 * @returns Market and Tenants; a cluster takes them, and so does `--tenants` of simulations.
 * @throws TegError TEG_CONFIG_INVALID if TEG would refuse the tree: what is wrong, with the tenant and the field.
 */
export function printMigration({ market, tenants }: Migration, origin: string): PrintedMigration {
  const objects = [
    objectOf('Market', 'default', marketFields(market)),
    ...tenants.map(({ spec, namespaces }) => objectOf('Tenant', spec.name, tenantFields(spec, namespaces))),
  ];
  const yaml = objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
  parseTenants(yaml, `${origin}, migrated`);
  return { yaml, objects };
}

/**
 * Names and parents as Kubernetes takes them: lower case, letters, digits, `-` and `.`.
 *
 * @returns The tenants with such names; every change is reported in `lost`.
 * @throws TegError TEG_CONFIG_INVALID if two names become one.
 */
export function withObjectNames(tenants: readonly MigratedTenant[], lost: LostField[]): MigratedTenant[] {
  const origins = new Map<string, string>();
  for (const { spec, at } of tenants) {
    const name = objectName(spec.name);
    const other = origins.get(name);
    if (other !== undefined) {
      throw badSource(
        at,
        'name',
        spec.name,
        `a name that differs from that of ${other}`,
        `both become the tenant '${name}': rename one`,
      );
    }
    origins.set(name, at);
    if (name !== spec.name) {
      lost.push({
        at,
        path: 'name',
        value: spec.name,
        why: `renamed to '${name}': Kubernetes would refuse it`,
      });
    }
  }
  return tenants.map(({ spec, ...rest }) => ({
    ...rest,
    spec: tenantSpec(objectName(spec.name), {
      ...spec,
      name: objectName(spec.name),
      parent: objectName(spec.parent),
    }),
  }));
}

function objectName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '');
}

function objectOf(kind: string, name: string, spec: object): object {
  return { apiVersion: TENANTS_API_VERSION, kind, metadata: { name }, spec };
}

function marketFields({ flavors, halfLifeSeconds }: MarketSpec): object {
  return {
    halfLife: durationField(halfLifeSeconds),
    flavors: flavors.map(({ name, nodeLabels, unitsPerHour: { core, gib, gpu } }) => ({
      name,
      nodeSelector: nodeLabels,
      unitsPerHour: { 'nvidia.com/gpu': gpu, cpu: core, memory: gib },
    })),
  };
}

function tenantFields(spec: TenantSpec, namespaces: readonly string[] = []): object {
  const { parent, weight, quota, limit, lend, budget, state, preemption } = spec;
  const { within, reclaim, reclaimable, minRuntimeSeconds } = preemption;
  return {
    ...(parent === '' ? {} : { parent }),
    weight,
    ...withAmounts('quota', quota),
    ...withAmounts('limit', limit),
    ...withAmounts('lend', lend),
    preemption: { within, reclaim, reclaimable, minRuntime: durationField(minRuntimeSeconds) },
    ...(budget === undefined
      ? {}
      : {
          budget: {
            tokens: budget.tokens,
            period: durationField(budget.periodSeconds),
            onEmpty: budget.onEmpty,
          },
        }),
    ...(namespaces.length === 0
      ? {}
      : {
          namespaces: {
            matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces }],
          },
        }),
    ...(state === 'Open' ? {} : { state }),
  };
}

/** As a person writes it: in the largest unit that it is a whole number of. */
function durationField(seconds: number): string {
  if (seconds > 0 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

function withAmounts(field: string, amounts: FlavorAmounts): object {
  const named = Object.entries(amounts).filter(([, byResource]) => Object.keys(byResource).length > 0);
  if (named.length === 0) return {};
  return {
    [field]: Object.fromEntries(named.map(([flavor, byResource]) => [flavor, quantities(byResource)])),
  };
}

function quantities({ cpuMilli, memoryMib, gpuMilli }: QuotaAmounts): object {
  return {
    ...(cpuMilli === undefined ? {} : { cpu: thousandths(cpuMilli) }),
    ...(memoryMib === undefined ? {} : { memory: `${memoryMib}Mi` }),
    ...(gpuMilli === undefined ? {} : { 'nvidia.com/gpu': thousandths(gpuMilli) }),
  };
}

function thousandths(amount: number): string {
  return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
}
