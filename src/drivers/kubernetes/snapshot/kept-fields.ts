/**
 * The fields of API objects that scheduling reads, and nothing else: other people and machines will see a snapshot.
 *
 * Fields not named here are left out: commands, arguments, environment, images, secrets, config maps, tokens, status
 * messages, managed fields. Names, labels and selectors stay, because scheduling depends on them.
 */
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';

/**
 * `true`: the unchanged value; a table: these fields; a list: each element in this way; a text: the fields whose names
 * begin with it.
 */
export type KeptFields = true | { readonly [field: string]: KeptFields } | readonly [KeptFields] | BeginsWith;

/** The fields whose names begin with one of these, with texts as values: annotations. */
interface BeginsWith {
  readonly beginning: readonly string[];
}

/** Deepest nesting of a value that is kept unchanged. */
const DEPTH_MAX = 40;

const METADATA = {
  name: true,
  namespace: true,
  uid: true,
  labels: true,
  creationTimestamp: true,
  deletionTimestamp: true,
} as const;

/** Annotations that schedulers read as requests or as names of groups. */
const POD_ANNOTATIONS: BeginsWith = {
  beginning: [
    'teg.dev/',
    'gpu-fraction',
    'alibabacloud.com/gpu-',
    'scheduling.x-k8s.io/pod-group',
    'pod-group.scheduling.sigs.k8s.io',
    'scheduling.k8s.io/group-name',
    'scheduling.volcano.sh/group-name',
    'kueue.x-k8s.io/pod-group-name',
    'pod-group-name',
    'kubernetes.io/config.mirror',
    'kubernetes.io/config.source',
  ],
};

const VOLUME_ANNOTATIONS: BeginsWith = {
  beginning: [
    'volume.kubernetes.io/',
    'volume.beta.kubernetes.io/',
    'pv.kubernetes.io/',
    'storageclass.kubernetes.io/',
  ],
};

const CONTAINER: KeptFields = {
  name: true,
  resources: true,
  ports: true,
  restartPolicy: true,
  restartPolicyRules: [{ action: true }],
};
const CONTAINER_STATUS: KeptFields = {
  name: true,
  resources: true,
  allocatedResources: true,
  state: { terminated: { finishedAt: true } },
};
const CLAIM_SPEC: KeptFields = {
  accessModes: true,
  resources: true,
  storageClassName: true,
  volumeName: true,
  volumeMode: true,
  volumeAttributesClassName: true,
};

/** Only what identifies the disk: no references to secrets. */
const VOLUME: KeptFields = {
  name: true,
  persistentVolumeClaim: true,
  ephemeral: { volumeClaimTemplate: { metadata: { labels: true }, spec: CLAIM_SPEC } },
  csi: { driver: true, readOnly: true },
  gcePersistentDisk: { pdName: true, readOnly: true },
  awsElasticBlockStore: { volumeID: true, readOnly: true },
  rbd: { monitors: true, pool: true, image: true, readOnly: true },
  iscsi: { targetPortal: true, iqn: true, lun: true, readOnly: true },
  azureDisk: { diskName: true, diskURI: true, kind: true, readOnly: true },
  cinder: { volumeID: true, readOnly: true },
  portworxVolume: { volumeID: true, readOnly: true },
};

/** The fields that identify a disk, for volume limits. */
const DISK_KINDS = {
  local: {},
  csi: { driver: true, volumeHandle: true },
  gcePersistentDisk: { pdName: true },
  awsElasticBlockStore: { volumeID: true },
  azureDisk: { diskURI: true, kind: true },
  azureFile: {},
  cinder: { volumeID: true },
  vsphereVolume: {},
  portworxVolume: { volumeID: true },
} as const;

const OWNER_REFERENCES: KeptFields = [
  { apiVersion: true, kind: true, name: true, uid: true, controller: true },
];

const POD: KeptFields = {
  metadata: {
    ...METADATA,
    annotations: POD_ANNOTATIONS,
    ownerReferences: OWNER_REFERENCES,
  },
  spec: {
    schedulerName: true,
    nodeName: true,
    nodeSelector: true,
    affinity: true,
    tolerations: true,
    topologySpreadConstraints: true,
    schedulingGates: true,
    schedulingGroup: true,
    workloadRef: true,
    priority: true,
    priorityClassName: true,
    preemptionPolicy: true,
    overhead: true,
    resources: true,
    resourceClaims: true,
    activeDeadlineSeconds: true,
    terminationGracePeriodSeconds: true,
    hostNetwork: true,
    hostUsers: true,
    restartPolicy: true,
    containers: [CONTAINER],
    initContainers: [CONTAINER],
    volumes: [VOLUME],
  },
  status: {
    phase: true,
    startTime: true,
    nominatedNodeName: true,
    resize: true,
    resources: true,
    allocatedResources: true,
    conditions: [{ type: true, status: true, reason: true, lastTransitionTime: true }],
    containerStatuses: [CONTAINER_STATUS],
    initContainerStatuses: [CONTAINER_STATUS],
    extendedResourceClaimStatus: true,
  },
};

/** Kinds of a snapshot and the fields kept of each. */
export const KEPT_FIELDS: Readonly<Record<string, KeptFields>> = {
  PriorityClass: { metadata: METADATA, value: true, globalDefault: true, preemptionPolicy: true },
  Namespace: { metadata: METADATA },
  Node: {
    metadata: METADATA,
    spec: { unschedulable: true, taints: [{ key: true, value: true, effect: true }] },
    status: {
      allocatable: true,
      capacity: true,
      conditions: [{ type: true, status: true }],
    },
  },
  CSINode: {
    metadata: { ...METADATA, annotations: { beginning: ['storage.alpha.kubernetes.io/migrated-plugins'] } },
    spec: true,
  },
  DeviceClass: { metadata: METADATA, spec: { extendedResourceName: true } },
  CSIDriver: { metadata: METADATA, spec: { storageCapacity: true } },
  CSIStorageCapacity: {
    metadata: METADATA,
    storageClassName: true,
    nodeTopology: true,
    capacity: true,
    maximumVolumeSize: true,
  },
  VolumeAttachment: {
    metadata: METADATA,
    spec: { attacher: true, nodeName: true, source: { persistentVolumeName: true } },
  },
  StorageClass: {
    metadata: { ...METADATA, annotations: VOLUME_ANNOTATIONS },
    provisioner: true,
    volumeBindingMode: true,
    allowedTopologies: true,
  },
  PersistentVolume: {
    metadata: { ...METADATA, annotations: VOLUME_ANNOTATIONS },
    spec: {
      nodeAffinity: true,
      capacity: true,
      accessModes: true,
      storageClassName: true,
      volumeMode: true,
      volumeAttributesClassName: true,
      claimRef: { namespace: true, name: true, uid: true },
      ...DISK_KINDS,
    },
    status: { phase: true },
  },
  PersistentVolumeClaim: {
    metadata: { ...METADATA, annotations: VOLUME_ANNOTATIONS, ownerReferences: OWNER_REFERENCES },
    spec: { ...CLAIM_SPEC, selector: true },
    status: { phase: true, capacity: true },
  },
  PodDisruptionBudget: {
    metadata: METADATA,
    spec: true,
    status: { disruptionsAllowed: true, disruptedPods: true, currentHealthy: true, desiredHealthy: true },
  },
  PodGroup: { metadata: METADATA, spec: true },
  // What the economy begins with where the objects are read: its mode, and what tenants have.
  Market: { metadata: METADATA, spec: true, status: { mode: true } },
  Tenant: { metadata: METADATA, spec: true, status: { balance: true } },
  Pod: POD,
};

/**
 * @returns The object with its kind and its kept fields; undefined if it is not an object or is of another kind.
 * @throws RangeError never: deeper nesting is cut off.
 */
export function keptOf(object: unknown, apiVersion: string, kind: string): ApiObject | undefined {
  const kept = Object.hasOwn(KEPT_FIELDS, kind) ? KEPT_FIELDS[kind] : undefined;
  if (kept === undefined || !isRecord(object)) return undefined;
  return { apiVersion, kind, ...(strip(object, kept, 0) as ApiObject) };
}

function strip(value: unknown, kept: KeptFields, depth: number): unknown {
  if (kept === true) return depthOf(value, DEPTH_MAX) <= DEPTH_MAX ? value : undefined;
  if (isList(kept))
    return Array.isArray(value) ? value.map((item) => strip(item, kept[0], depth + 1)) : undefined;
  if (!isRecord(value)) return undefined;
  const result: Record<string, unknown> = {};
  if (isBeginning(kept)) {
    for (const [name, text] of Object.entries(value)) {
      if (typeof text === 'string' && kept.beginning.some((start) => name.startsWith(start)))
        result[name] = text;
    }
    return result;
  }
  for (const [field, inner] of Object.entries(kept)) {
    if (Object.hasOwn(value, field)) result[field] = strip(value[field], inner, depth + 1);
  }
  return result;
}

function isList(kept: KeptFields): kept is readonly [KeptFields] {
  return Array.isArray(kept);
}

function isBeginning(
  kept: { readonly [field: string]: KeptFields } | BeginsWith | readonly [KeptFields],
): kept is BeginsWith {
  return 'beginning' in kept && Array.isArray(kept.beginning) && typeof kept.beginning[0] === 'string';
}

/** At most `limit` + 1: deeper levels are not read. */
function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (limit < 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, limit - 1));
  return deepest + 1;
}
