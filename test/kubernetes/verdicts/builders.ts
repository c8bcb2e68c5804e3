/**
 * Small worlds for the table of verdicts: API objects as short as they can be written.
 */
import type { Json } from '../differential/draw-nodes.ts';

/** A world, a pod, and what kube-scheduler 1.36 says. */
export interface VerdictCase {
  /** What it shows. */
  readonly name: string;
  /** Besides the namespace `default`. */
  readonly objects: readonly Json[];
  readonly probe: Json;
  /** Names of the nodes that take the pod, with blanks between; '' if none does. */
  readonly fits: string;
  /** Where no node does: what is said of the nodes, or of the pod. */
  readonly says?: string;
}

/** The zone label. */
export const ZONE = 'topology.kubernetes.io/zone';
/** The hostname label. */
export const HOST = 'kubernetes.io/hostname';

/** The namespace of all pods and claims. */
export const NAMESPACE: Json = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'default', uid: 'uid-default', labels: { 'kubernetes.io/metadata.name': 'default' } },
};

interface NodeChanges {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Json;
  readonly allocatable?: Readonly<Record<string, string>>;
}

/** A node of 4 cores, 8 GiB and 110 pods, unless it says otherwise. */
export function node(name: string, { labels = {}, spec = {}, allocatable = {} }: NodeChanges = {}): Json {
  const amounts = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: { [HOST]: name, ...labels } },
    spec,
    status: { allocatable: amounts, capacity: amounts },
  };
}

/** A node without any of it. */
export function bareNode(name: string): Json {
  return { ...node(name), status: { allocatable: {}, capacity: {} } };
}

interface PodChanges {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Json;
  readonly requests?: Readonly<Record<string, string>>;
  readonly volumes?: readonly Json[];
  readonly ports?: readonly Json[];
}

/** A pod that waits. */
export function pod(name: string, changes: PodChanges = {}): Json {
  const { labels = {}, spec = {}, requests, volumes, ports } = changes;
  const container = {
    name: 'c',
    image: 'i',
    ...(requests && { resources: { requests } }),
    ...(ports && { ports }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [container],
      ...(volumes && { volumes }),
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

/** The pod that is to be placed. */
export function probe(changes: PodChanges = {}): Json {
  return pod('probe', changes);
}

/** A pod that runs on a node. */
export function running(name: string, on: string, changes: PodChanges = {}): Json {
  const made = pod(name, changes);
  return { ...made, spec: { ...(made.spec as Json), nodeName: on }, status: { phase: 'Running' } };
}

/** A volume of a pod: a claim. */
export function claimed(claimName: string): Json {
  return { name: `v-${claimName}`, persistentVolumeClaim: { claimName } };
}

/** A volume of a pod: a generic ephemeral one, whose claim is `<pod>-<name>`. */
export function ephemeral(name: string): Json {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  return { name, ephemeral: { volumeClaimTemplate: { spec } } };
}

interface ObjectChanges {
  readonly metadata?: Json;
  readonly spec?: Json;
  readonly status?: Json;
}

/** A claim of class `local` that waits, for 1 GiB. */
export function claim(name: string, { metadata, spec, status }: ObjectChanges = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'local',
      ...spec,
    },
    status: { phase: 'Pending', ...status },
  };
}

/** A claim that is bound to a volume. */
export function boundClaim(
  name: string,
  volumeName: string,
  { metadata, spec, status }: ObjectChanges = {},
): Json {
  return claim(name, {
    metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' }, ...metadata },
    spec: { volumeName, ...spec },
    status: { phase: 'Bound', ...status },
  });
}

/** A local volume of class `local`, 1 GiB, on any node. */
export function volume(name: string, { metadata, spec, status }: ObjectChanges = {}): Json {
  const sources = ['csi', 'nfs', 'awsElasticBlockStore', 'gcePersistentDisk', 'azureDisk', 'cinder'];
  const hasSource = spec !== undefined && sources.some((source) => source in spec);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: `uid-${name}`, ...metadata },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      ...(!hasSource && { local: { path: '/disk' } }),
      ...spec,
    },
    status: { phase: 'Available', ...status },
  };
}

/** Two objects: a claim, and the volume that it is bound to. */
export function boundPair(
  name: string,
  changes: ObjectChanges = {},
  claimChanges: ObjectChanges = {},
): Json[] {
  const volumeName = `pv-${name}`;
  return [
    boundClaim(name, volumeName, claimChanges),
    volume(volumeName, {
      ...changes,
      spec: { ...claimRef(name), ...changes.spec },
      status: { phase: 'Bound' },
    }),
  ];
}

/** The claimRef of a volume, of the claim there is unless a uid is given. */
export function claimRef(name: string, uid: string | undefined = `uid-${name}`): Json {
  return {
    claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name, ...(uid !== '' && { uid }) },
  };
}

/** The node affinity of a volume or the node selector of terms: a label with one of some values. */
export function onlyWhere(key: string, ...values: string[]): Json {
  const terms = [{ matchExpressions: [{ key, operator: 'In', values }] }];
  return { nodeAffinity: { required: { nodeSelectorTerms: terms } } };
}

/** A class whose claims wait for their first pod. */
export function storageClass(name: string, provisioner: string, more: Json = {}): Json {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, uid: `uid-class-${name}` },
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
    ...more,
  };
}

/** The class of volumes that are there. */
export const LOCAL: Json = storageClass('local', 'kubernetes.io/no-provisioner');

/** What a node says of CSI drivers. @param counts Limits by driver. @param migrated In-tree plugins left to them. */
export function csiNode(name: string, counts: Readonly<Record<string, number>>, migrated = ''): Json {
  const annotations = { 'storage.alpha.kubernetes.io/migrated-plugins': migrated };
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name, uid: `uid-csi-${name}`, ...(migrated !== '' && { annotations }) },
    spec: {
      drivers: Object.entries(counts).map(([driver, count]) => ({
        name: driver,
        nodeID: name,
        topologyKeys: [],
        allocatable: { count },
      })),
    },
  };
}

/** A volume attached to a node. */
export function attachment(name: string, on: string, attacher: string, persistentVolumeName: string): Json {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name, uid: `uid-${name}` },
    spec: { attacher, nodeName: on, source: { persistentVolumeName } },
    status: { attached: true },
  };
}

/** A CSI driver that publishes what it has left. */
export function trackingDriver(name: string): Json {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name, uid: `uid-driver-${name}` },
    spec: { storageCapacity: true },
  };
}

/** What is left for a class. @param more Amounts and `nodeTopology`. */
export function capacity(name: string, storageClassName: string, more: Json): Json {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIStorageCapacity',
    metadata: { name, namespace: 'kube-system', uid: `uid-${name}` },
    storageClassName,
    ...more,
  };
}
