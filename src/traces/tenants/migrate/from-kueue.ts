/**
 * Kueue (`kueue.x-k8s.io`): ClusterQueues and Cohorts become tenants, ResourceFlavors become flavours.
 *
 * A tree of Kueue neither borrows nor lends beyond its root, and a queue cannot use what it has no quota of: tenants at the top
 * get their quotas as limit and lend nothing; what a ClusterQueue does not cover is limited to 0.
 */
import {
  type FlavorAmounts,
  marketSpec,
  PREEMPTION_DEFAULTS,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../../../market/tenants/spec.ts';
import { claimedNamespaces, flavorsOf, halfLifeOf } from './kueue-objects.ts';
import { type MigratedTenant, type Migration, withObjectNames } from './migration.ts';
import {
  badSource,
  columnOfResource,
  columnQuantity,
  type LostField,
  type MutableAmounts,
  objectsOfTexts,
  SourceFields,
  type SourceObject,
  type SourceText,
} from './source-objects.ts';

const KINDS = [
  ...['ClusterQueue', 'Cohort', 'LocalQueue', 'ResourceFlavor', 'Configuration'],
  ...['AdmissionCheck', 'WorkloadPriorityClass', 'Topology', 'MultiKueueConfig', 'MultiKueueCluster'],
];

const WHY = {
  'spec.queueingStrategy': 'TEG backfills around one champion: no queue blocks behind its head',
  'spec.admissionChecks': 'TEG has no checks before admission',
  'spec.admissionChecksStrategy': 'TEG has no checks before admission',
  'spec.flavorFungibility': 'a pod goes to any flavour that admits it; the field and the prices choose',
  'spec.preemption.borrowWithinCohort':
    'in TEG quota is reclaimed by who owns it, nobody evicts in order to borrow',
  'spec.namespaceSelector': 'the namespaces of its LocalQueues are taken instead',
  'spec.admissionScope': "the ledger orders tenants by usage, as the market's order says",
  'spec.fairSharing': 'TEG has one weight a tenant',
} as const;

/** A node of the tree, with what each flavour and resource says. */
interface KueueNode {
  readonly name: string;
  readonly parent: string;
  readonly at: string;
  readonly isQueue: boolean;
  /** `flavor` tab `column`. */
  readonly cells: ReadonlyMap<string, KueueCell>;
  readonly spec: Partial<TenantSpec>;
  readonly namespaces?: readonly string[];
}

interface KueueCell {
  nominal: number;
  /** Infinity: none. */
  borrowing: number;
  lending: number;
}

interface TreeSums {
  total: number;
  visible: number;
}

/** @throws TegError TEG_CONFIG_INVALID with file, path and value. */
export function migrateKueue(texts: readonly SourceText[]): Migration {
  const objects = objectsOfTexts(texts, KINDS);
  const lost: LostField[] = [];
  const ofKind = (kind: string): SourceObject[] => objects.filter((object) => object.kind === kind);
  for (const { at, value, kind } of objects) {
    if (KINDS.indexOf(kind) > 4) lost.push({ at, path: '', value: value['spec'], why: `TEG has no ${kind}` });
  }
  const flavors = flavorsOf(ofKind('ResourceFlavor'), lost);
  const flavorNames = new Set(flavors.map(({ name }) => name));
  const queues = ofKind('ClusterQueue');
  const namespaces = claimedNamespaces(ofKind('LocalQueue'), new Set(queues.map(({ name }) => name)), lost);
  const nodes = [
    ...ofKind('Cohort').map((object) => cohortOf(object, flavorNames, lost)),
    ...queues.map((object) => queueOf(object, flavorNames, namespaces.get(object.name), lost)),
  ];
  const tenants = tenantsOf(withImplicitCohorts(nodes), lost);
  const halfLifeSeconds = halfLifeOf(ofKind('Configuration'), lost);
  const market = marketSpec({
    flavors: flavors.map(({ name, nodeLabels }) => quotaFlavor(name, { nodeLabels })),
    ...(halfLifeSeconds === undefined ? {} : { halfLifeSeconds }),
  });
  return { market, tenants: withObjectNames(tenants, lost), lost };
}

function cohortOf(
  { name, at, value }: SourceObject,
  flavors: ReadonlySet<string>,
  lost: LostField[],
): KueueNode {
  const fields = new SourceFields(at, value);
  const parent = fields.text('spec.parentName') ?? fields.text('spec.parent') ?? '';
  const cells = cellsOf(fields, flavors, lost);
  const weight = weightOf(fields);
  lost.push(...fields.rest('spec', WHY));
  const preemption = { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 };
  return {
    ...{ name: `${COHORT}${name}`, at, isQueue: false, cells, spec: { weight, preemption } },
    parent: parent === '' ? '' : `${COHORT}${parent}`,
  };
}

/** Before names of cohorts while the tree is built: a ClusterQueue may have the same name. */
const COHORT = 'cohort\t';

function queueOf(
  { name, at, value }: SourceObject,
  flavors: ReadonlySet<string>,
  namespaces: readonly string[] | undefined,
  lost: LostField[],
): KueueNode {
  const fields = new SourceFields(at, value);
  const cohort = fields.text('spec.cohortName') ?? fields.text('spec.cohort') ?? '';
  const stop = fields.choice('spec.stopPolicy', ['None', 'Hold', 'HoldAndDrain'], 'None');
  const within = fields.choice(
    'spec.preemption.withinClusterQueue',
    ['Never', 'LowerPriority', 'LowerOrNewerEqualPriority'],
    'Never',
  );
  if (within === 'LowerOrNewerEqualPriority') {
    const why = 'LowerPriority was taken: in TEG nobody evicts an equal of its own tenant';
    lost.push({ at, path: 'spec.preemption.withinClusterQueue', value: within, why });
  }
  const reclaim = fields.choice(
    'spec.preemption.reclaimWithinCohort',
    ['Never', 'LowerPriority', 'Any'],
    'Never',
  );
  const spec: Partial<TenantSpec> = {
    weight: weightOf(fields),
    state: stop === 'None' ? 'Open' : (stop as 'Hold' | 'HoldAndDrain'),
    preemption: {
      ...PREEMPTION_DEFAULTS,
      within: within === 'Never' ? 'Never' : 'LowerPriority',
      reclaim: reclaim as 'Never' | 'LowerPriority' | 'Any',
      minRuntimeSeconds: 0,
    },
  };
  const cells = cellsOf(fields, flavors, lost);
  lost.push(...fields.rest('spec', WHY));
  return {
    ...{ name, at, isQueue: true, cells, spec },
    parent: cohort === '' ? '' : `${COHORT}${cohort}`,
    ...(namespaces === undefined ? {} : { namespaces }),
  };
}

function weightOf(fields: SourceFields): number {
  const weight = fields.get('spec.fairSharing.weight');
  if (weight === undefined) return 1;
  return columnQuantity(fields.at, 'spec.fairSharing.weight', weight, 'gpuMilli', []) / 1000;
}

function cellsOf(
  fields: SourceFields,
  flavors: ReadonlySet<string>,
  lost: LostField[],
): Map<string, KueueCell> {
  const cells = new Map<string, KueueCell>();
  for (let g = 0; g < fields.listLength('spec.resourceGroups'); g++) {
    const group = `spec.resourceGroups[${g}]`;
    fields.get(`${group}.coveredResources`);
    for (let f = 0; f < fields.listLength(`${group}.flavors`); f++) {
      const path = `${group}.flavors[${f}]`;
      const flavor = fields.text(`${path}.name`);
      if (flavor === undefined || !flavors.has(flavor)) {
        throw badSource(
          fields.at,
          `${path}.name`,
          flavor,
          'the name of a ResourceFlavor that is there',
          'add it, or correct the name',
        );
      }
      for (let r = 0; r < fields.listLength(`${path}.resources`); r++) {
        addCell(fields, `${path}.resources[${r}]`, flavor, cells, lost);
      }
    }
  }
  return cells;
}

function addCell(
  fields: SourceFields,
  path: string,
  flavor: string,
  cells: Map<string, KueueCell>,
  lost: LostField[],
): void {
  const resource = fields.text(`${path}.name`) ?? '';
  const column = columnOfResource(resource);
  if (column === undefined) {
    const why = 'TEG has quotas of CPU, memory and GPUs only';
    lost.push({ at: fields.at, path, value: fields.get(path), why });
    return;
  }
  const read = (field: string, unset: number): number => {
    const value = fields.get(`${path}.${field}`);
    return value === undefined ? unset : columnQuantity(fields.at, `${path}.${field}`, value, column, lost);
  };
  const cell = cells.get(`${flavor}\t${column}`) ?? { nominal: 0, borrowing: 0, lending: 0 };
  cells.set(`${flavor}\t${column}`, {
    nominal: cell.nominal + read('nominalQuota', 0),
    borrowing: cell.borrowing + read('borrowingLimit', Infinity),
    lending: cell.lending + read('lendingLimit', Infinity),
  });
}

/** Cohorts that queues name and nobody declares are roots without quota; cohorts that cohorts name likewise. */
function withImplicitCohorts(nodes: readonly KueueNode[]): KueueNode[] {
  const names = new Set<string>();
  for (const { name, at } of nodes) {
    if (names.has(name))
      throw badSource(at, 'metadata.name', name.replace(COHORT, ''), 'each name once', 'remove one');
    names.add(name);
  }
  const all = [...nodes];
  for (const { parent, at } of nodes) {
    if (parent === '' || names.has(parent)) continue;
    names.add(parent);
    const preemption = { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 };
    all.push({ name: parent, parent: '', at, isQueue: false, cells: new Map(), spec: { preemption } });
  }
  return all;
}

function tenantsOf(nodes: readonly KueueNode[], lost: LostField[]): MigratedTenant[] {
  const queueNames = new Set(nodes.filter(({ isQueue }) => isQueue).map(({ name }) => name));
  const tenantName = (name: string): string => {
    const plain = name.replace(COHORT, '');
    return name.startsWith(COHORT) && queueNames.has(plain) ? `cohort-${plain}` : plain;
  };
  const named = [...new Set(nodes.flatMap(({ cells }) => [...cells.keys()]))].sort();
  const sums = new Map<string, TreeSums>();
  const ordered = leavesFirst(nodes);
  const tenants = ordered.map(({ name, parent, at, isQueue, cells, spec, namespaces }): MigratedTenant => {
    const amounts = { quota: {}, limit: {}, lend: {} } as Record<
      'quota' | 'limit' | 'lend',
      Record<string, MutableAmounts>
    >;
    const put = (field: 'quota' | 'limit' | 'lend', key: string, amount: number): void => {
      const [flavor = '', column = ''] = key.split('\t');
      amounts[field][flavor] = { ...amounts[field][flavor], [column]: amount };
    };
    for (const key of named) {
      const below = sums.get(`${name}\n${key}`) ?? { total: 0, visible: 0 };
      const cell = cells.get(key) ?? { nominal: 0, borrowing: isQueue ? 0 : Infinity, lending: Infinity };
      const total = below.total + cell.nominal;
      const visible = below.visible + cell.nominal;
      const isRoot = parent === '';
      const lent = isRoot ? 0 : Math.min(cell.lending, visible);
      if (cell.nominal > 0) put('quota', key, cell.nominal);
      if (isRoot || cell.borrowing < Infinity) put('limit', key, isRoot ? total : total + cell.borrowing);
      if (lent < visible) put('lend', key, lent);
      const above = sums.get(`${parent}\n${key}`) ?? { total: 0, visible: 0 };
      sums.set(`${parent}\n${key}`, { total: above.total + total, visible: above.visible + lent });
    }
    const renamed = tenantName(name);
    if (name.startsWith(COHORT) && renamed !== name.replace(COHORT, '')) {
      const why = `renamed to '${renamed}': a ClusterQueue has the same name`;
      lost.push({ at, path: 'metadata.name', value: name.replace(COHORT, ''), why });
    }
    const { quota, limit, lend }: Record<'quota' | 'limit' | 'lend', FlavorAmounts> = amounts;
    return {
      at,
      spec: tenantSpec(renamed, { ...spec, parent: tenantName(parent), quota, limit, lend }),
      ...(namespaces === undefined ? {} : { namespaces }),
    };
  });
  return tenants;
}

/** @returns The nodes, each before its parent. @throws TEG_CONFIG_INVALID for a circle. */
function leavesFirst(nodes: readonly KueueNode[]): KueueNode[] {
  const waiting = new Map<string, number>();
  const byName = new Map(nodes.map((node) => [node.name, node]));
  for (const { parent } of nodes) waiting.set(parent, (waiting.get(parent) ?? 0) + 1);
  const ordered = nodes.filter(({ name }) => !waiting.has(name));
  for (const { parent } of ordered) {
    const left = (waiting.get(parent) ?? 0) - 1;
    waiting.set(parent, left);
    const next = byName.get(parent);
    if (left === 0 && next !== undefined) ordered.push(next);
  }
  if (ordered.length === nodes.length) return ordered;
  const { at, parent } = nodes.find((node) => !ordered.includes(node)) as KueueNode;
  throw badSource(at, 'spec.parentName', parent.replace(COHORT, ''), 'a tree', 'the parents go in a circle');
}
