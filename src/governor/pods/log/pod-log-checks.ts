/**
 * Checks that the records of a log have the form of the core's events: a log may have been cut, edited or written by
 * another program, and the core relies on its input.
 *
 * Fields that are not named here are ignored, so that a further field in a description does not make another format.
 */
import { NODE_PRESSURES } from '../../../model/node-state.ts';
import { isRecord } from '../../../model/readers/read-object.ts';
import type { PodEvent } from '../pod-events.ts';

/** An error in a value. */
export interface Mismatch {
  /** Its path, within the checked value: `.pod.uid`, `['cpu']`, `[3].key`; '' for the value itself. */
  readonly at: string;
  /** The expected form: `a text`. */
  readonly expected: string;
}

/** @returns The error in the value; undefined: none. */
export type ValueCheck = (value: unknown) => Mismatch | undefined;

const NO_OBJECT: Mismatch = { at: '', expected: 'an object' };
const NO_LIST: Mismatch = { at: '', expected: 'a list' };

const text = simple('a text', (value) => typeof value === 'string');
const flag = simple('true or false', (value) => typeof value === 'boolean');
const number = simple('a finite number', (value) => typeof value === 'number' && Number.isFinite(value));
const integer = simple('an integer', (value) => Number.isSafeInteger(value));
const amount = simple('an integer ≥ 0', (value) => Number.isSafeInteger(value) && (value as number) >= 0);
/** Stands in for a template that was written before. */
const reference = simple('the number of a template', (value) => Number.isSafeInteger(value));

const texts = list(text);
const textTable = table(text);
const amounts = table(amount);

const requirement = record({
  key: text,
  operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
  values: texts,
});
const selector = optional(list(requirement));
const nodeTerm = record({ expressions: list(requirement), fields: list(requirement) });
const nodeTerms = optional(list(nodeTerm));
const podTerm = record({
  topologyKey: text,
  selector,
  namespaces: texts,
  namespaceSelector: selector,
});

const spread = record({
  topologyKey: text,
  maxSkew: integer,
  hard: flag,
  selector,
  minDomains: amount,
  honorNodeAffinity: flag,
  honorNodeTaints: flag,
});

const pressure = list(oneOf(...NODE_PRESSURES));

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** A pod template in the log's form. */
export const CHECK_TEMPLATE: ValueCheck = record({
  namespace: text,
  labels: textTable,
  requests: record({ cpuMilli: amount, memoryBytes: amount, extended: amounts }),
  nodeSelector: textTable,
  requiredNodeTerms: nodeTerms,
  preferredNodeTerms: list(weighted(nodeTerm)),
  tolerations: list(
    record({ key: text, operator: oneOf('Equal', 'Exists'), value: text, effect: oneOf('', ...effects) }),
  ),
  hostPorts: list(record({ ip: text, protocol: oneOf('TCP', 'UDP', 'SCTP'), port: amount })),
  spread: list(spread),
  affinity: list(podTerm),
  antiAffinity: list(podTerm),
  preferredAffinity: list(weighted(podTerm)),
  preferredAntiAffinity: list(weighted(podTerm)),
  claims: texts,
  exclusiveDisks: texts,
  preemptionPolicy: oneOf('PreemptLowerPriority', 'Never'),
  strategy: optional(oneOf('spread')),
  unsupported: texts,
});

/** The part that nodes share, in the log's form. */
export const CHECK_NODE_SHAPE: ValueCheck = record({
  labels: textTable,
  taints: list(record({ key: text, value: text, effect: oneOf(...effects) })),
  unschedulable: flag,
  cpuMilli: amount,
  memoryBytes: amount,
  podsMax: amount,
  extended: amounts,
  pressure: optional(pressure),
  powerHeadroomWatts: optional(amount),
});

const pod = record({
  uid: text,
  namespace: text,
  name: text,
  ours: flag,
  nodeName: text,
  ended: flag,
  deleting: flag,
  preempted: flag,
  gates: texts,
  priority: integer,
  generation: amount,
  nominatedNodeName: text,
  createdSeconds: number,
  startedSeconds: number,
  group: text,
  // Absent in logs that were recorded before pods had tenants.
  tenant: optional(text),
  expectedSeconds: optional(number),
  checkpointedSeconds: optional(number),
  template: reference,
});

const quotas = table(table(amount));

const economy = record({
  mode: oneOf('off', 'observe', 'enforce'),
  market: record({
    flavors: list(
      record({
        name: text,
        gpuModels: texts,
        nodeLabels: textTable,
        unitsPerHour: record({ core: number, gib: number, gpu: number }),
      }),
    ),
    halfLifeSeconds: number,
    order: oneOf('Usage', 'Balance'),
    memorySeconds: number,
    priceCap: number,
    champion: record({
      afterSeconds: number,
      reservationsMax: amount,
      unknownRuntime: oneOf('Predict', 'Tenant', 'Never'),
    }),
    priorityScope: oneOf('Tenant', 'Cluster'),
    tokens: optional(flag),
  }),
  tenants: list(
    record({
      name: text,
      parent: text,
      weight: number,
      quota: quotas,
      limit: quotas,
      lend: quotas,
      preemption: record({
        within: oneOf('LowerPriority', 'Never'),
        reclaim: oneOf('Any', 'LowerPriority', 'Never'),
        reclaimable: flag,
        minRuntimeSeconds: number,
        ratePerHour: number,
        maxUnavailable: optional(number),
      }),
      budget: optional(record({ tokens: number, periodSeconds: number, onEmpty: oneOf('Wait', 'IdleOnly') })),
      defaultRuntimeSeconds: nullable(number),
      state: oneOf('Open', 'Hold', 'HoldAndDrain'),
      hold: optional(record({ fromSeconds: number, drainPods: number, intervalSeconds: number })),
      namespaces: selector,
    }),
  ),
});

/** Each kind of event with the fields it has besides `kind`. */
const EVENTS: Readonly<Record<PodEvent['kind'], ValueCheck>> = {
  node: record({ node: record({ name: text, uid: text, shape: reference }) }),
  'node-gone': record({ name: text }),
  'node-state': record({ name: text, state: record({ pressure, powerHeadroomWatts: optional(amount) }) }),
  pod: record({ pod }),
  'pod-gone': record({ uid: text }),
  'member-ended': record({ uid: text, group: text }),
  'ended-gone': record({ uid: text }),
  group: record({
    group: record({
      key: text,
      uid: text,
      minCount: amount,
      topologyKeys: texts,
      priority: optional(integer),
      preemptionPolicy: optional(oneOf('PreemptLowerPriority', 'Never')),
      disruption: optional(oneOf('single', 'all')),
      unsupported: texts,
    }),
  }),
  'group-gone': record({ key: text }),
  budget: record({
    budget: record({
      key: text,
      namespace: text,
      selector,
      disruptionsAllowed: integer,
      disruptedPods: texts,
    }),
  }),
  'budget-gone': record({ key: text }),
  economy: record({ economy }),
  balances: record({
    balances: table(number),
    spent: optional(table(record({ tokens: number, periodEndsSeconds: number }))),
  }),
  namespace: record({ name: text, labels: textTable }),
  'namespace-gone': record({ name: text }),
  claim: record({
    claim: record({
      key: text,
      uid: text,
      volumeName: text,
      className: text,
      bound: flag,
      unusable: flag,
      selectedNode: text,
      accessModes: texts,
      bytes: number,
    }),
  }),
  'claim-gone': record({ key: text }),
  volume: record({
    volume: record({
      name: text,
      nodeTerms,
      labels: textTable,
      className: text,
      claim: text,
      claimUid: text,
      accessModes: texts,
      bytes: number,
      available: flag,
      driver: text,
      handle: text,
    }),
  }),
  'volume-gone': record({ name: text }),
  'storage-class': record({
    storageClass: record({
      name: text,
      waitForFirstConsumer: flag,
      provisioner: text,
      allowedTopologies: nodeTerms,
    }),
  }),
  'storage-class-gone': record({ name: text }),
  'volume-limits': record({ limits: record({ name: text, limits: amounts }) }),
  'volume-limits-gone': record({ name: text }),
  'volume-attachment': record({
    attachment: record({ name: text, node: text, attacher: text, volume: text }),
  }),
  'volume-attachment-gone': record({ name: text }),
  'csi-driver': record({ driver: record({ name: text, tracksCapacity: flag }) }),
  'csi-driver-gone': record({ name: text }),
  'storage-capacity': record({
    capacity: record({ key: text, className: text, bytes: optional(number), nodes: selector }),
  }),
  'storage-capacity-gone': record({ key: text }),
  'device-class': record({ name: text, resource: text }),
  'device-class-gone': record({ name: text }),
  'bind-done': record({
    uid: text,
    outcome: oneOf('bound', 'conflict', 'gone', 'no-node', 'failed'),
    reason: optional(text),
  }),
  'evict-done': record({ uid: text, done: flag, reason: optional(text) }),
  decide: record({ max: amount }),
};

/** An event in the log's form: templates and node shapes by number. */
export const CHECK_EVENT: ValueCheck = (value) => {
  const kind = isRecord(value) ? value.kind : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(EVENTS, kind)) {
    return { at: '.kind', expected: 'a kind of event' };
  }
  return EVENTS[kind as PodEvent['kind']](value);
};

/** The options of the pod scheduler, all of them. */
export const CHECK_OPTIONS: ValueCheck = record({
  seed: integer,
  backoffSecondsFirst: number,
  backoffSecondsMax: number,
  waitingPodsMax: amount,
  zoneLabel: text,
  zoneNodesMax: amount,
  gangRepairSeconds: number,
  gangSearchChecksMax: amount,
  preemption: flag,
  renewalSeconds: number,
});

function within(place: string, { at, expected }: Mismatch): Mismatch {
  return { at: `${place}${at}`, expected };
}

function simple(expected: string, holds: (value: unknown) => boolean): ValueCheck {
  const mismatch: Mismatch = { at: '', expected };
  return (value) => (holds(value) ? undefined : mismatch);
}

function oneOf(...allowed: readonly string[]): ValueCheck {
  return simple(`one of ${allowed.map((name) => `'${name}'`).join(', ')}`, (value) =>
    (allowed as readonly unknown[]).includes(value),
  );
}

function optional(check: ValueCheck): ValueCheck {
  return (value) => (value === undefined ? undefined : check(value));
}

function nullable(check: ValueCheck): ValueCheck {
  return (value) => (value === null ? undefined : check(value));
}

function weighted(term: ValueCheck): ValueCheck {
  return record({ weight: integer, term });
}

function record(fields: Readonly<Record<string, ValueCheck>>): ValueCheck {
  const entries = Object.entries(fields);
  return (value) => {
    if (!isRecord(value)) return NO_OBJECT;
    for (const [name, check] of entries) {
      const mismatch = check(Object.hasOwn(value, name) ? value[name] : undefined);
      if (mismatch !== undefined) return within(`.${name}`, mismatch);
    }
    return undefined;
  };
}

function list(check: ValueCheck): ValueCheck {
  return (value) => {
    if (!Array.isArray(value)) return NO_LIST;
    for (let i = 0; i < value.length; i++) {
      const mismatch = check(value[i]);
      if (mismatch !== undefined) return within(`[${i}]`, mismatch);
    }
    return undefined;
  };
}

function table(check: ValueCheck): ValueCheck {
  return (value) => {
    if (!isRecord(value)) return NO_OBJECT;
    for (const [key, entry] of Object.entries(value)) {
      const mismatch = check(entry);
      if (mismatch !== undefined) return within(`['${key.slice(0, 60)}']`, mismatch);
    }
    return undefined;
  };
}
