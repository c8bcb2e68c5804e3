/**
 * Random events and effects of the pod scheduler, for property tests.
 *
 * Names come from small sets, so that events meet: pods of known groups on known nodes with known claims.
 */

import fc from 'fast-check';
import { bareTemplate } from '../../model/kubernetes/bare-pod.ts';
import type { NodeDescription, Taint } from '../../model/kubernetes/node.ts';
import type {
  HostPort,
  LabelRequirement,
  LabelSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodDescription,
  PodTemplate,
  SpreadConstraint,
  Toleration,
} from '../../model/kubernetes/pod.ts';
import { NODE_PRESSURES } from '../../model/node-state.ts';
import type { PodEffect, PodEvent, PodSchedulerOptions } from './pod-events.ts';
import { SCHEDULER_OPTIONS } from './scheduler.fixtures.ts';

const MIB = 1_048_576;

/** Options that a test may start from. */
export const POD_OPTIONS: PodSchedulerOptions = { ...SCHEDULER_OPTIONS, seed: 7 };

const key = fc.constantFrom('kubernetes.io/hostname', 'zone', 'disk', 'app', 'tier', 'dedicated');
const value = fc.constantFrom('', 'a', 'b', 'c', 'ssd', 'web', '17', 'ünï');
/** Label tables. */
export const someLabels: fc.Arbitrary<Record<string, string>> = fc.dictionary(key, value, { maxKeys: 4 });
const namespace = fc.constantFrom('default', 'team-a', 'team-b');
const nodeName = fc.nat(11).map((n) => `node-${n}`);
const uid = fc.nat(40).map((n) => `uid-${n}`);
const claimKey = fc.tuple(namespace, fc.nat(5)).map(([ns, n]) => `${ns}/claim-${n}`);
const extended = fc.dictionary(
  fc.constantFrom('nvidia.com/gpu', 'ephemeral-storage', 'example.com/rdma'),
  fc.integer({ min: 1, max: 8 }),
  { maxKeys: 2 },
);
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(of, { nil: undefined, freq: 3 });
const few = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<T[]>([]) },
    { weight: 1, arbitrary: fc.array(of, { maxLength: 2 }) },
  );

/** One requirement on a label; Gt and Lt with one integer. */
export const someRequirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist'), values: fc.constant([]) }),
  fc.record({ key, operator: fc.constantFrom('Gt', 'Lt'), values: fc.constantFrom(['3'], ['17'], ['-1']) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.array(someRequirement, { maxLength: 2 });
const nodeTerm: fc.Arbitrary<NodeSelectorTerm> = fc.record({
  expressions: fc.array(someRequirement, { maxLength: 2 }),
  fields: few(
    fc.record({
      key: fc.constant('metadata.name'),
      operator: fc.constantFrom('In', 'NotIn'),
      values: nodeName.map((name) => [name]),
    }),
  ),
});
const podTerm: fc.Arbitrary<PodAffinityTerm> = fc.record({
  topologyKey: key,
  selector: maybe(selector),
  namespaces: few(namespace),
  namespaceSelector: maybe(selector),
});
const weighted = <T>(term: fc.Arbitrary<T>): fc.Arbitrary<{ weight: number; term: T }> =>
  fc.record({ weight: fc.integer({ min: 1, max: 100 }), term });

/** A toleration that the API server accepts. */
export const someToleration: fc.Arbitrary<Toleration> = fc
  .record({
    key: fc.oneof(fc.constant(''), key),
    operator: fc.constantFrom('Equal', 'Exists'),
    value,
    effect: fc.constantFrom('', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'),
  })
  .map((t) =>
    t.operator === 'Exists' || t.key === '' ? { ...t, operator: 'Exists' as const, value: '' } : t,
  );

const hostPort: fc.Arbitrary<HostPort> = fc.record({
  ip: fc.constantFrom('', '0.0.0.0', '127.0.0.1', '10.0.0.1'),
  protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
  port: fc.constantFrom(80, 443, 8080),
});

const spread: fc.Arbitrary<SpreadConstraint> = fc.record({
  topologyKey: key,
  maxSkew: fc.integer({ min: 1, max: 3 }),
  hard: fc.boolean(),
  selector: maybe(selector),
  minDomains: fc.nat(2),
  honorNodeAffinity: fc.boolean(),
  honorNodeTaints: fc.boolean(),
});

/** A template with nothing but requests. */
export const plainTemplate: fc.Arbitrary<PodTemplate> = fc
  .record({
    namespace,
    labels: someLabels,
    cpuMilli: fc.integer({ min: 0, max: 40 }).map((n) => n * 100),
    memoryBytes: fc.integer({ min: 0, max: 64 }).map((n) => n * 128 * MIB),
    extended,
    preemptionPolicy: fc.constantFrom('PreemptLowerPriority', 'Never'),
  })
  .map(({ cpuMilli, memoryBytes, extended: more, ...rest }) => ({
    ...bareTemplate(rest.namespace, { cpuMilli, memoryBytes, extended: more }),
    ...rest,
  }));

/** A template with any of all fields. */
export const someTemplate: fc.Arbitrary<PodTemplate> = fc
  .tuple(
    plainTemplate,
    fc.record({
      nodeSelector: fc.dictionary(key, value, { maxKeys: 1 }),
      requiredNodeTerms: maybe(fc.array(nodeTerm, { maxLength: 2 })),
      preferredNodeTerms: few(weighted(nodeTerm)),
      tolerations: few(someToleration),
      hostPorts: few(hostPort),
      spread: few(spread),
      affinity: few(podTerm),
      antiAffinity: few(podTerm),
      preferredAffinity: few(weighted(podTerm)),
      preferredAntiAffinity: few(weighted(podTerm)),
      claims: few(fc.nat(5).map((n) => `claim-${n}`)),
      exclusiveDisks: few(fc.constantFrom('gce:disk-1', 'gce:disk-1:ro')),
      unsupported: fc.oneof(
        { weight: 9, arbitrary: fc.constant<string[]>([]) },
        { weight: 1, arbitrary: fc.constant(['dynamic resource claims (spec.resourceClaims)']) },
      ),
    }),
  )
  .map(([plain, more]) => ({ ...plain, ...more }));

const taint: fc.Arbitrary<Taint> = fc.record({
  key,
  value,
  effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
});

/** A node; most have their name as their hostname. */
export const someNode: fc.Arbitrary<NodeDescription> = fc
  .record({
    name: nodeName,
    labels: someLabels,
    ownHostname: fc.oneof(
      { weight: 4, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    taints: few(taint),
    unschedulable: fc.oneof(
      { weight: 9, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    cpuMilli: fc.integer({ min: 0, max: 96 }).map((n) => n * 1000),
    memoryBytes: fc.integer({ min: 0, max: 512 }).map((n) => n * 1024 * MIB),
    podsMax: fc.integer({ min: 0, max: 110 }),
    extended,
    pressure: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray([...NODE_PRESSURES], { minLength: 1 }) },
    ),
  })
  .map(({ ownHostname, labels, pressure, ...rest }) => ({
    ...rest,
    ...(pressure.length > 0 ? { pressure } : {}),
    uid: `node-uid-${rest.name}`,
    labels: ownHostname ? { ...labels, 'kubernetes.io/hostname': rest.name } : labels,
  }));

const group = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('core', 'cosched'), fc.nat(2))
      .map(([api, n]) => `${api}:team-a/gang-${n}`),
  },
);

/** A pod of a template. */
export const somePod: fc.Arbitrary<PodDescription> = fc
  .record({
    n: fc.nat(40),
    ours: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    nodeName: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: nodeName }),
    ended: fc.oneof(
      { weight: 9, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    deleting: fc.oneof(
      { weight: 9, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    preempted: fc.boolean(),
    gates: few(fc.constant('example.com/gate')),
    generation: fc.nat(3),
    priority: fc.constantFrom(-10, 0, 0, 0, 100, 2_000_000_000),
    nominatedNodeName: fc.oneof(
      { weight: 9, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: nodeName },
    ),
    createdSeconds: fc.integer({ min: 1_700_000_000, max: 1_700_100_000 }),
    startedSeconds: fc.oneof(fc.constant(0), fc.integer({ min: 1_700_000_000, max: 1_700_100_000 })),
    group,
    tenant: fc.constantFrom('', 'team-a', 'team-b'),
    template: someTemplate,
  })
  .map(({ n, ...rest }) => ({
    ...rest,
    uid: `uid-${n}`,
    name: `pod-${n}`,
    namespace: rest.template.namespace,
  }));

const attachmentName = fc.nat(3).map((n) => `attachment-${n}`);
const deviceClassName = fc.nat(2).map((n) => `device-class-${n}`);
const capacityKey = fc.nat(2).map((n) => `csi/capacity-${n}`);

const claim: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('claim' as const),
  claim: fc.record({
    key: claimKey,
    uid,
    volumeName: fc.constantFrom('', 'volume-0', 'volume-1'),
    className: fc.constantFrom('', 'fast'),
    bound: fc.boolean(),
    unusable: fc.boolean(),
    selectedNode: fc.oneof(fc.constant(''), nodeName),
    accessModes: fc.constant(['ReadWriteOnce']),
    bytes: fc.nat(100).map((n) => n * 1024 * MIB),
  }),
});

const volume: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('volume' as const),
  volume: fc.record({
    name: fc.nat(3).map((n) => `volume-${n}`),
    nodeTerms: maybe(fc.array(nodeTerm, { maxLength: 2 })),
    labels: someLabels,
    className: fc.constantFrom('', 'fast'),
    claim: fc.oneof(fc.constant(''), claimKey),
    claimUid: fc.oneof(fc.constant(''), uid),
    accessModes: fc.constant(['ReadWriteOnce']),
    bytes: fc.nat(100).map((n) => n * 1024 * MIB),
    available: fc.boolean(),
    driver: fc.constantFrom('', 'csi.example.com'),
    handle: fc.constantFrom('', 'disk-0', 'disk-1'),
  }),
});

const storageClass: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('storage-class' as const),
  storageClass: fc.record({
    name: fc.constant('fast'),
    waitForFirstConsumer: fc.boolean(),
    provisioner: fc.constantFrom('kubernetes.io/no-provisioner', 'csi.example.com'),
    allowedTopologies: maybe(fc.array(nodeTerm, { maxLength: 1 })),
  }),
});

const attachment: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('volume-attachment' as const),
  attachment: fc.record({
    name: attachmentName,
    node: nodeName,
    attacher: fc.constant('csi.example.com'),
    volume: fc.constantFrom('', 'volume-0', 'volume-1'),
  }),
});

const csiDriver: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('csi-driver' as const),
  driver: fc.record({ name: fc.constant('csi.example.com'), tracksCapacity: fc.boolean() }),
});

const storageCapacity: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('storage-capacity' as const),
  capacity: fc.record({
    key: capacityKey,
    className: fc.constant('fast'),
    bytes: fc.nat(100).map((n) => n * 1024 * MIB),
    nodes: fc.constant([]),
  }),
});

const deviceClass: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('device-class' as const),
  name: deviceClassName,
  resource: fc.constantFrom('', 'nvidia.com/gpu', 'example.com/rdma'),
});

const groupEvent: fc.Arbitrary<PodEvent> = fc.record({
  kind: fc.constant('group' as const),
  group: fc.record({
    key: group.filter((name) => name !== ''),
    uid,
    minCount: fc.integer({ min: 1, max: 4 }),
    topologyKeys: few(key),
    unsupported: fc.constant([]),
  }),
});

const budget: fc.Arbitrary<PodEvent> = fc
  .tuple(namespace, maybe(selector), fc.nat(2))
  .map(([ns, of, allowed]) => ({
    kind: 'budget' as const,
    budget: {
      key: `${ns}/budget`,
      namespace: ns,
      selector: of,
      disruptionsAllowed: allowed,
      disruptedPods: [],
    },
  }));

const gone: fc.Arbitrary<PodEvent> = fc.oneof(
  fc.record({ kind: fc.constant('node-gone' as const), name: nodeName }),
  fc.record({
    kind: fc.constant('node-state' as const),
    name: nodeName,
    state: fc.record(
      { pressure: fc.subarray([...NODE_PRESSURES]), powerHeadroomWatts: fc.nat(10_000) },
      { requiredKeys: ['pressure'] },
    ),
  }),
  fc.record({ kind: fc.constant('pod-gone' as const), uid }),
  fc.record({ kind: fc.constant('member-ended' as const), uid, group: group.filter((key) => key !== '') }),
  fc.record({ kind: fc.constant('ended-gone' as const), uid }),
  fc.record({ kind: fc.constant('group-gone' as const), key: group }),
  fc.record({ kind: fc.constant('budget-gone' as const), key: namespace.map((ns) => `${ns}/budget`) }),
  fc.record({ kind: fc.constant('namespace-gone' as const), name: namespace }),
  fc.record({ kind: fc.constant('claim-gone' as const), key: claimKey }),
  fc.record({ kind: fc.constant('volume-gone' as const), name: fc.nat(3).map((n) => `volume-${n}`) }),
  fc.record({ kind: fc.constant('storage-class-gone' as const), name: fc.constant('fast') }),
  fc.record({ kind: fc.constant('volume-limits-gone' as const), name: nodeName }),
  fc.record({ kind: fc.constant('volume-attachment-gone' as const), name: attachmentName }),
  fc.record({ kind: fc.constant('csi-driver-gone' as const), name: fc.constant('csi.example.com') }),
  fc.record({ kind: fc.constant('storage-capacity-gone' as const), key: capacityKey }),
  fc.record({ kind: fc.constant('device-class-gone' as const), name: deviceClassName }),
);

/** Any event; decisions, pods and nodes more often than the rest. */
export const someEvent: fc.Arbitrary<PodEvent> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pod' as const), pod: somePod }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('node' as const), node: someNode }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('decide' as const), max: fc.nat(64) }) },
  { weight: 3, arbitrary: gone },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('bind-done' as const),
      uid,
      outcome: fc.constantFrom('bound', 'conflict', 'gone', 'no-node', 'failed'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('evict-done' as const), uid, done: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('namespace' as const), name: namespace, labels: someLabels }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('volume-limits' as const),
      limits: fc.record({ name: nodeName, limits: fc.constant({ 'csi.example.com': 2 }) }),
    }),
  },
  { weight: 1, arbitrary: groupEvent },
  { weight: 1, arbitrary: budget },
  { weight: 1, arbitrary: claim },
  { weight: 1, arbitrary: volume },
  { weight: 1, arbitrary: storageClass },
  { weight: 1, arbitrary: attachment },
  { weight: 1, arbitrary: csiDriver },
  { weight: 1, arbitrary: deviceClass },
  { weight: 1, arbitrary: storageCapacity },
);

const podFields = { uid, namespace, name: fc.nat(40).map((n) => `pod-${n}`) };

/** Any effect; not one that follows from an event. */
export const someEffect: fc.Arbitrary<PodEffect> = fc.oneof(
  fc.record({
    kind: fc.constant('bind' as const),
    ...podFields,
    node: nodeName,
    claims: few(fc.record({ claim: claimKey, volume: fc.constantFrom('', 'volume-1') })),
    attempts: fc.integer({ min: 1, max: 9 }),
    waitedSeconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
    group,
  }),
  fc.record({
    kind: fc.constant('unschedulable' as const),
    ...podFields,
    generation: fc.nat(3),
    renewed: fc.boolean(),
    message: fc.constantFrom('0/5 nodes are available: 5 Insufficient cpu.', ''),
    reason: fc.constantFrom('Unschedulable', 'SchedulingGated', 'SchedulerError', 'NotReadyForScheduling'),
    plugins: few(fc.constantFrom('NodeResourcesFit', 'NodeAffinity')),
  }),
  fc.record({
    kind: fc.constant('evict' as const),
    ...podFields,
    node: nodeName,
    by: fc.constant('default/big'),
    byUid: uid,
  }),
  fc.record({
    kind: fc.constant('nominate' as const),
    ...podFields,
    node: fc.oneof(fc.constant(''), nodeName),
    was: fc.oneof(fc.constant(''), nodeName),
  }),
  fc.record({
    kind: fc.constant('gang-release' as const),
    group,
    uids: fc.array(uid, { maxLength: 3 }),
    message: fc.constantFrom('gone', 'late'),
  }),
);
