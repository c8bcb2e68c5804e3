/** What does not fit together in the file of tenants, the nodes and the jobs of a run. */
import { flavorOfHardware } from '../../market/tenants/market-flavors.ts';
import type { QuotaFlavor } from '../../market/tenants/spec.ts';
import { TegError } from '../../model/errors.ts';
import type { NodeSpec } from '../../model/node.ts';
import { DEFAULT_TENANT_NAME } from '../../model/tenants.ts';
import type { JobTable } from '../../simulation/inputs/job-table.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import type { TenantsFile } from '../../traces/tenants/read-tenants.ts';

/** Names that a message lists. */
const NAMES_SHOWN = 3;
const MODELS_SHOWN = 8;

/** Jobs that name a tenant which the file does not declare: counted, in one warning. O(jobs). */
export function unknownTenants(table: JobTable, file: TenantsFile | undefined, path = ''): string[] {
  if (file === undefined) return [];
  const declared = new Set([DEFAULT_TENANT_NAME, ...file.tenants.map(({ name }) => name)]);
  const unknown = new Map<number, number>();
  for (const tenant of table.tenantIds) {
    if (!declared.has(table.tenants.nameOf(tenant))) unknown.set(tenant, (unknown.get(tenant) ?? 0) + 1);
  }
  if (unknown.size === 0) return [];
  const jobs = [...unknown.values()].reduce((sum, count) => sum + count, 0);
  const names = [...unknown.keys()]
    .slice(0, NAMES_SHOWN)
    .map((tenant) => `'${table.tenants.nameOf(tenant)}'`);
  const more = unknown.size > NAMES_SHOWN ? ` and ${unknown.size - NAMES_SHOWN} more` : '';
  const [are, they] = jobs === 1 ? ['job is', 'it counts'] : ['jobs are', 'they count'];
  return [
    `${path}: ${jobs} ${are} of tenants that it does not declare (${names.join(', ')}${more}); ${they} as the tenant '${DEFAULT_TENANT_NAME}'`,
  ];
}

/**
 * Flavours that no node belongs to: quotas of them are of nothing.
 *
 * @returns A warning for each of the first. O(nodes × flavours).
 * @throws TegError TEG_CONFIG_INVALID: no node belongs to any, so that nothing would be accounted for.
 */
export function emptyFlavors(
  nodes: readonly NodeSpec[],
  { market }: Pick<TenantsFile, 'market'>,
  path: string,
): string[] {
  const { flavors } = market;
  if (flavors.length === 0 || nodes.length === 0) return [];
  const found = new Set<number>();
  const models = new Set<string>();
  for (const { gpuModel, labels = {} } of nodes) {
    found.add(flavorOfHardware(market, { gpuModel, labels }));
    if (gpuModel !== '') models.add(gpuModel);
  }
  const empty = flavors.filter((_, flavor) => !found.has(flavor));
  const known = [...models].sort();
  const more = known.length > MODELS_SHOWN ? ', …' : '';
  const has =
    known.length === 0
      ? 'have no GPU models'
      : `have the GPU models ${known.slice(0, MODELS_SHOWN).join(', ')}${more}`;
  if (empty.length === flavors.length) {
    throw new TegError(
      'TEG_CONFIG_INVALID',
      `${path}: got the flavours ${empty.slice(0, NAMES_SHOWN).map(flavorText).join(', ')}, expected one that nodes of the cluster belong to: they ${has}; ` +
        'correct gpuModels or nodeSelector of the Market',
    );
  }
  return empty
    .slice(0, NAMES_SHOWN)
    .map((flavor) => `${path}: no node belongs to the flavour ${flavorText(flavor)}; the nodes ${has}`);
}

/** @returns A warning where jobs were dropped because no node has a GPU model that they may run on. O(listed jobs). */
export function missingModels({ dropped }: Pick<SimulationResult, 'dropped'>, workload: string): string[] {
  const jobs = dropped?.jobs.filter(({ code }) => code === 'no-such-model') ?? [];
  const [first] = jobs;
  if (first === undefined) return [];
  const { gpuModels, ofNodes } = first.data;
  const more = jobs.length > 1 ? ` and ${jobs.length - 1} more jobs` : '';
  return [
    `${workload}: job '${first.id}'${more} can never run and ${jobs.length > 1 ? 'were' : 'was'} dropped: it may use the GPU models ${gpuModels} only, and those of the nodes are ${ofNodes}`,
  ];
}

/** @returns `h100 (gpuModels H100)`. */
function flavorText({ name, gpuModels, nodeLabels }: QuotaFlavor): string {
  const labels = Object.entries(nodeLabels).map(([key, value]) => `${key}=${value}`);
  const parts = [
    ...(gpuModels.length === 0 ? [] : [`gpuModels ${gpuModels.join(', ')}`]),
    ...(labels.length === 0 ? [] : [`nodeSelector ${labels.join(', ')}`]),
  ];
  return parts.length === 0 ? name : `${name} (${parts.join('; ')})`;
}
