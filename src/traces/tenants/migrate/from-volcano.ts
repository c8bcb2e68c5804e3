/** Queues of Volcano (`scheduling.volcano.sh/v1beta1`). */
import { marketSpec, PREEMPTION_DEFAULTS, quotaFlavor } from '../../../market/tenants/spec.ts';
import { exclusiveTenants, type InclusiveQueue } from './inclusive-quotas.ts';
import { ANY_FLAVOR, type Migration, withObjectNames } from './migration.ts';
import {
  amountsAt,
  type LostField,
  objectsOfTexts,
  SourceFields,
  type SourceObject,
  type SourceText,
} from './source-objects.ts';

const WHY = {
  'spec.affinity': 'groups of nodes are flavours of TEG: declare one with their labels',
  'spec.priority': 'TEG ranks tenants by usage and weight',
  'spec.dequeueStrategy': 'TEG has one order within a tenant',
  'spec.extendClusters': 'TEG schedules one cluster',
} as const;

/** The queue at the top, which stands for the cluster. */
const ROOT = 'root';

/** @throws TegError TEG_CONFIG_INVALID with file, path and value. */
export function migrateVolcano(texts: readonly SourceText[]): Migration {
  const lost: LostField[] = [];
  const queues: InclusiveQueue[] = [];
  for (const object of objectsOfTexts(texts, ['Queue'])) {
    if (object.name !== ROOT) queues.push(queueOf(object, lost));
    else {
      const fields = new SourceFields(object.at, object.value);
      lost.push(...fields.rest('spec', { spec: 'the root is the cluster, which has what its nodes have' }));
    }
  }
  const tenants = exclusiveTenants(queues, lost);
  return {
    market: marketSpec({ flavors: [quotaFlavor(ANY_FLAVOR)] }),
    tenants: withObjectNames(tenants, lost),
    lost,
  };
}

function queueOf({ name, at, value }: SourceObject, lost: LostField[]): InclusiveQueue {
  const fields = new SourceFields(at, value);
  const deserved = amountsAt(fields, 'spec.deserved', lost);
  const kept = amountsAt(fields, 'spec.guarantee.resource', lost);
  const limit = amountsAt(fields, 'spec.capability', lost);
  const quota = { ...deserved };
  for (const column of ['cpuMilli', 'memoryMib', 'gpuMilli'] as const) {
    const guaranteed = kept[column];
    if (guaranteed !== undefined) quota[column] = Math.max(quota[column] ?? 0, guaranteed);
  }
  const parent = fields.text('spec.parent') ?? ROOT;
  const reclaimable = fields.flag('spec.reclaimable', true);
  const weight = fields.number('spec.weight', 0) ?? 1;
  const state = fields.text('status.state');
  lost.push(...fields.rest('spec', WHY));
  const paths = { parent: 'spec.parent', quota: 'spec.deserved', limit: 'spec.capability' };
  return {
    ...{ name, parent: parent === ROOT ? '' : parent, at, paths, quota, limit, kept },
    spec: {
      weight,
      // A closed queue takes no new jobs; a closing one is on the way there.
      state: state === 'Closed' || state === 'Closing' ? 'Hold' : 'Open',
      preemption: { ...PREEMPTION_DEFAULTS, reclaimable, minRuntimeSeconds: 0 },
    },
  };
}
