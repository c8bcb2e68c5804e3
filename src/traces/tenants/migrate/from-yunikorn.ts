/** `queues.yaml` of YuniKorn: CPU is `vcore`; a queue's tenant is named by its path below the root. */
import { marketSpec, PREEMPTION_DEFAULTS, quotaFlavor } from '../../../market/tenants/spec.ts';
import { exclusiveTenants, type InclusiveQueue } from './inclusive-quotas.ts';
import { ANY_FLAVOR, type Migration, withObjectNames } from './migration.ts';
import {
  amountsAt,
  badSource,
  documentsOf,
  type LostField,
  SourceFields,
  type SourceText,
} from './source-objects.ts';

const POLICY = 'preemption.policy';

const WHY = {
  partitions: 'TEG has nothing like it: it schedules the whole cluster',
  'partitions.placementrules': "the tenant's namespaces say whose a pod is: add them",
} as const;

const QUEUE_WHY = {
  limits: 'TEG has limits of tenants, not of users and groups: make them tenants',
  adminacl: 'rights are those of Kubernetes',
  submitacl: 'rights are those of Kubernetes',
  properties: 'TEG has one order within a tenant, and no fences',
  maxapplications: 'TEG does not count jobs',
  childtemplate: 'TEG makes no tenants on its own',
} as const;

interface Walk {
  readonly fields: SourceFields;
  readonly evictions: boolean;
  readonly queues: InclusiveQueue[];
  readonly lost: LostField[];
}

/** @throws TegError TEG_CONFIG_INVALID with file, path and value. */
export function migrateYunikorn(texts: readonly SourceText[]): Migration {
  const lost: LostField[] = [];
  const queues: InclusiveQueue[] = [];
  for (const text of texts) {
    for (const document of documentsOf(text)) {
      const fields = new SourceFields(text.origin, document);
      const partitions = fields.listLength('partitions');
      if (partitions !== 1) {
        throw badSource(
          text.origin,
          'partitions',
          partitions,
          'one partition',
          'migrate a file for each: TEG would have a cluster each',
        );
      }
      fields.get('partitions[0].name');
      const evictions = fields.flag('partitions[0].preemption.enabled', true);
      walk('partitions[0]', '', false, { fields, evictions, queues, lost });
      lost.push(...fields.rest('partitions', whyOf()));
    }
  }
  const tenants = exclusiveTenants(queues, lost);
  return {
    market: marketSpec({ flavors: [quotaFlavor(ANY_FLAVOR)] }),
    tenants: withObjectNames(tenants, lost),
    lost,
  };
}

/** Reasons for fields of queues at any depth, whose paths grow with it. */
function whyOf(): Record<string, string> {
  const why: Record<string, string> = { ...WHY };
  let prefix = 'partitions';
  for (let depth = 0; depth <= 20; depth++) {
    prefix += '.queues';
    for (const [field, reason] of Object.entries(QUEUE_WHY)) why[`${prefix}.${field}`] = reason;
  }
  return why;
}

/** Reads the queues below a partition or a queue. */
function walk(path: string, parent: string, isDisabled: boolean, context: Walk): void {
  const { fields } = context;
  for (let i = 0; i < fields.listLength(`${path}.queues`); i++) {
    const at = `${path}.queues[${i}]`;
    const name = fields.text(`${at}.name`);
    if (name === undefined || name === '' || name.includes('.')) {
      throw badSource(fields.at, `${at}.name`, name, 'a name without dots', 'name the queue');
    }
    fields.get(`${at}.parent`);
    // The root may be left out; then all queues of the partition are below it.
    if (parent === '' && path === 'partitions[0]' && name.toLowerCase() === 'root') {
      walk(at, '', isDisabled, context);
    } else readQueue(at, parent === '' ? name : `${parent}.${name}`, parent, isDisabled, context);
  }
}

function readQueue(at: string, name: string, parent: string, isAboveDisabled: boolean, context: Walk): void {
  const { fields, evictions, queues, lost } = context;
  const properties = fields.keys(`${at}.properties`);
  const written = properties.includes(POLICY)
    ? propertiesAt(fields, `${at}.properties`, lost)[POLICY]
    : 'default';
  if (typeof written !== 'string' || !['default', 'fence', 'disabled'].includes(written)) {
    throw badSource(
      fields.at,
      `${at}.properties.${POLICY}`,
      written,
      'default, fence or disabled',
      'correct it',
    );
  }
  if (written === 'fence') {
    const why = 'not fenced: a tenant in TEG reclaims from the whole tree';
    lost.push({ at: fields.at, path: `${at}.properties.${POLICY}`, value: written, why });
  }
  const isDisabled = isAboveDisabled || written === 'disabled';
  queues.push({
    ...{ name, parent, at: `${fields.at}: ${at}` },
    paths: { parent: 'queues', quota: 'resources.guaranteed', limit: 'resources.max' },
    quota: amountsAt(fields, `${at}.resources.guaranteed`, lost, 'vcore'),
    limit: amountsAt(fields, `${at}.resources.max`, lost, 'vcore'),
    kept: {},
    spec: {
      preemption: {
        ...PREEMPTION_DEFAULTS,
        reclaim: evictions ? 'Any' : 'Never',
        within: evictions ? 'LowerPriority' : 'Never',
        reclaimable: evictions && !isDisabled,
        minRuntimeSeconds: 0,
      },
    },
  });
  walk(at, name, isDisabled, context);
}

/** Takes the properties as a whole, since their names have dots; reports all but the policy. */
function propertiesAt(fields: SourceFields, path: string, lost: LostField[]): Record<string, unknown> {
  const properties = fields.get(path) as Record<string, unknown>;
  for (const [key, value] of Object.entries(properties)) {
    if (key !== POLICY)
      lost.push({ at: fields.at, path: `${path}.${key}`, value, why: QUEUE_WHY.properties });
  }
  return properties;
}
