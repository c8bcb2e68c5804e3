/**
 * Queues of KAI (`scheduling.run.ai/v2`): CPU in thousandths, memory in 10^6 bytes, −1 for unlimited.
 *
 * Unset numbers are 0 there: no quota, no weight, and a limit of 0 counts as the quota.
 */
import { marketSpec, PREEMPTION_DEFAULTS, quotaFlavor } from '../../../market/tenants/spec.ts';
import { BYTES_PER_MIB } from '../../../model/units.ts';
import { exclusiveTenants, type InclusiveQueue } from './inclusive-quotas.ts';
import { ANY_FLAVOR, type Migration, withObjectNames } from './migration.ts';
import {
  amountsAt,
  badSource,
  type LostField,
  type MutableAmounts,
  objectsOfTexts,
  SourceFields,
  type SourceObject,
  type SourceText,
} from './source-objects.ts';

const COLUMNS = [
  ['gpu', 'gpuMilli', 1000],
  ['cpu', 'cpuMilli', 1],
  ['memory', 'memoryMib', 1e6 / BYTES_PER_MIB],
] as const;

const WHY = {
  'spec.priority': 'TEG ranks tenants by usage and weight, not in bands',
  'spec.displayName': 'a tenant has one name',
} as const;

/** @throws TegError TEG_CONFIG_INVALID with file, path and value. */
export function migrateKai(texts: readonly SourceText[]): Migration {
  const objects = objectsOfTexts(texts, ['Queue', 'Node']);
  const lost: LostField[] = [];
  const capacity: MutableAmounts = {};
  for (const node of objects.filter(({ kind }) => kind === 'Node')) addNode(node, capacity);
  const queues = objects.filter(({ kind }) => kind === 'Queue');
  const runtimes = new Map(queues.map((queue) => [queue.name, new SourceFields(queue.at, queue.value)]));
  const tenants = exclusiveTenants(
    queues.map((queue) => queueOf(queue, capacity, runtimes, lost)),
    lost,
  );
  return {
    market: marketSpec({ flavors: [quotaFlavor(ANY_FLAVOR)] }),
    tenants: withObjectNames(tenants, lost),
    lost,
  };
}

function addNode(node: SourceObject, capacity: MutableAmounts): void {
  const amounts = amountsAt(new SourceFields(node.at, node.value), 'status.allocatable', []);
  for (const [, column] of COLUMNS) capacity[column] = (capacity[column] ?? 0) + (amounts[column] ?? 0);
}

function queueOf(
  { name, at, value }: SourceObject,
  capacity: MutableAmounts,
  all: ReadonlyMap<string, SourceFields>,
  lost: LostField[],
): InclusiveQueue {
  const fields = new SourceFields(at, value);
  const quota: MutableAmounts = {};
  const limit: MutableAmounts = {};
  const kept: MutableAmounts = {};
  const weights: (readonly [path: string, weight: number])[] = [];
  for (const [resource, column, factor] of COLUMNS) {
    const path = `spec.resources.${resource}`;
    const units = (field: string): number | undefined => unitsAt(fields, `${path}.${field}`, factor, lost);
    const deserved = units('quota') ?? 0;
    const own = deserved === -1 ? capacity[column] : deserved;
    if (deserved === -1 && own === undefined) {
      const why = 'no quota: it means the whole cluster, whose size is not known; give its Nodes as well';
      lost.push({ at, path: `${path}.quota`, value: -1, why });
    }
    if (own !== undefined && own > 0) quota[column] = own;
    const most = units('limit') ?? 0;
    // A limit of 0 counts as the quota; of an unlimited quota there is then no limit.
    if (most > 0) limit[column] = most;
    else if (most === 0 && deserved !== -1) limit[column] = deserved;
    const lent = units('lendingLimit');
    if (lent !== undefined && lent >= 0 && own !== undefined) kept[column] = Math.max(0, own - lent);
    weights.push([`${path}.overQuotaWeight`, fields.number(`${path}.overQuotaWeight`, 0) ?? 0]);
  }
  const [[, weight] = ['', 0], ...others] = weights;
  for (const [path, other] of others) {
    if (other !== weight)
      lost.push({ at, path, value: other, why: `one weight a tenant: that of GPUs, ${weight}, counts` });
  }
  const parent = fields.text('spec.parentQueue') ?? '';
  const minRuntimeSeconds = Math.max(
    inherited('spec.preemptMinRuntime', name, all),
    inherited('spec.reclaimMinRuntime', name, all),
  );
  fields.get('spec.preemptMinRuntime');
  fields.get('spec.reclaimMinRuntime');
  lost.push(...fields.rest('spec', WHY));
  const paths = { parent: 'spec.parentQueue', quota: 'spec.resources', limit: 'spec.resources' };
  return {
    ...{ name, parent, at, paths, quota, limit, kept },
    spec: { weight, preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds } },
  };
}

/** @returns −1, or units of the column, rounded down. */
function unitsAt(fields: SourceFields, path: string, factor: number, lost: LostField[]): number | undefined {
  const value = fields.number(path, -1);
  if (value === undefined || value === -1) return value;
  if (value < 0) throw badSource(fields.at, path, value, '−1, or a number ≥ 0', 'correct it');
  // Tenths of a GPU must not lose a thousandth to the binary fraction.
  const units = Math.floor(Number((value * factor).toPrecision(15)));
  if (factor !== 1e6 / BYTES_PER_MIB && Math.abs(units - value * factor) > 1e-6) {
    lost.push({ at: fields.at, path, value, why: 'rounded down to thousandths' });
  }
  return units;
}

/** @returns Seconds, of the nearest queue from here upwards that says so; 0 if none does. */
function inherited(path: string, from: string, all: ReadonlyMap<string, SourceFields>): number {
  let fields = all.get(from);
  for (let level = 0; fields !== undefined && level <= all.size; level++) {
    const seconds = fields.seconds(path);
    if (seconds !== undefined) return seconds;
    fields = all.get(fields.text('spec.parentQueue') ?? '');
  }
  return 0;
}
