/**
 * The fields of API objects that the readers of this folder use, by their protobuf numbers.
 *
 * A reader that uses a further field needs it here too: `test/kubernetes/protobuf.test.ts` compares both formats of
 * random objects on a real server, and the numbers with the definitions of Kubernetes itself.
 *
 * @source k8s.io/api and k8s.io/apimachinery v0.36.3, `generated.proto` of each group. Numbers are never reused for
 *   another field, so other versions of Kubernetes are read correctly, too. PodGroups, whose versions differ, are read
 *   as JSON.
 */
import {
  flag,
  inline,
  integer,
  kept,
  type MessageSchema,
  many,
  message,
  names,
  one,
  quantities,
  quantity,
  strings,
  text,
  texts,
  time,
} from '../client/protobuf/message-schema.ts';

const IDENTITY = {
  name: text(1),
  namespace: text(3),
  uid: text(5),
  resourceVersion: text(6),
  creationTimestamp: time(8),
  deletionTimestamp: time(9),
  labels: strings(11),
};

const OBJECT_META = message(IDENTITY);
const POD_META = message({ ...IDENTITY, generation: integer(7), annotations: strings(12) });
const ANNOTATED_META = message({ ...IDENTITY, annotations: strings(12) });
const OWNED_META = message({
  ...IDENTITY,
  annotations: strings(12),
  ownerReferences: many(13, message({ uid: text(4), controller: flag(6) })),
});

const REQUIREMENT = message({ key: text(1), operator: text(2), values: texts(3) });
const LABEL_SELECTOR = message({ matchLabels: strings(1), matchExpressions: many(2, REQUIREMENT) });
const NODE_SELECTOR_TERM = message({
  matchExpressions: many(1, REQUIREMENT),
  matchFields: many(2, REQUIREMENT),
});
const NODE_SELECTOR = message({ nodeSelectorTerms: many(1, NODE_SELECTOR_TERM) });

const POD_AFFINITY_TERM = message({
  labelSelector: one(1, LABEL_SELECTOR),
  namespaces: texts(2),
  topologyKey: text(3),
  namespaceSelector: one(4, LABEL_SELECTOR),
  matchLabelKeys: texts(5),
  mismatchLabelKeys: texts(6),
});

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** Both PodAffinity and PodAntiAffinity. */
const POD_AFFINITY = message({
  [REQUIRED]: many(1, POD_AFFINITY_TERM),
  [PREFERRED]: many(2, message({ weight: integer(1), podAffinityTerm: one(2, POD_AFFINITY_TERM) })),
});

const AFFINITY = message({
  nodeAffinity: one(
    1,
    message({
      [REQUIRED]: one(1, NODE_SELECTOR),
      [PREFERRED]: many(2, message({ weight: integer(1), preference: one(2, NODE_SELECTOR_TERM) })),
    }),
  ),
  podAffinity: one(2, POD_AFFINITY),
  podAntiAffinity: one(3, POD_AFFINITY),
});

/** Both ResourceRequirements and VolumeResourceRequirements; limits do not count. */
const RESOURCES = message({ requests: quantities(2) });

const CONTAINER = message({
  name: text(1),
  ports: many(6, message({ hostPort: integer(2), protocol: text(4), hostIP: text(5) })),
  resources: one(8, RESOURCES),
  restartPolicy: text(24),
  restartPolicyRules: many(25, message({ action: text(1) })),
});

const CONTAINER_STATUS = message({
  name: text(1),
  allocatedResources: quantities(10),
  resources: one(11, RESOURCES),
});

const VOLUME_SOURCE = message({
  gcePersistentDisk: one(3, message({ pdName: text(1), readOnly: flag(4) })),
  awsElasticBlockStore: one(4, message({ volumeID: text(1), readOnly: flag(4) })),
  iscsi: one(8, message({ iqn: text(2), readOnly: flag(6) })),
  persistentVolumeClaim: one(10, message({ claimName: text(1), readOnly: flag(2) })),
  rbd: one(11, message({ monitors: texts(1), image: text(2), pool: text(4), readOnly: flag(8) })),
  cinder: one(13, message({ volumeID: text(1) })),
  azureDisk: one(22, message({ diskURI: text(2), kind: text(6) })),
  portworxVolume: one(24, message({ volumeID: text(1) })),
  ephemeral: one(29, message({})),
});

const TOLERATION = message({ key: text(1), operator: text(2), value: text(3), effect: text(4) });

const SPREAD_CONSTRAINT = message({
  maxSkew: integer(1),
  topologyKey: text(2),
  whenUnsatisfiable: text(3),
  labelSelector: one(4, LABEL_SELECTOR),
  minDomains: integer(5),
  nodeAffinityPolicy: text(6),
  nodeTaintsPolicy: text(7),
  matchLabelKeys: texts(8),
});

const NAMED = message({ name: text(1) });

const SCHEDULING_GROUP = message({ podGroupName: text(1) });

const POD_SPEC = message({
  volumes: many(1, message({ name: text(1), volumeSource: inline(2, VOLUME_SOURCE) })),
  containers: many(2, CONTAINER),
  activeDeadlineSeconds: integer(5),
  nodeSelector: strings(7),
  nodeName: text(10),
  hostNetwork: flag(11),
  affinity: one(18, AFFINITY),
  schedulerName: text(19),
  initContainers: many(20, CONTAINER),
  tolerations: many(22, TOLERATION),
  priority: integer(25),
  preemptionPolicy: text(31),
  overhead: quantities(32),
  topologySpreadConstraints: many(33, SPREAD_CONSTRAINT),
  hostUsers: kept(flag(37)),
  schedulingGates: many(38, NAMED),
  resourceClaims: many(39, NAMED),
  resources: one(40, RESOURCES),
  // Kubernetes 1.35 only.
  workloadRef: one(42, message({})),
  schedulingGroup: one(43, SCHEDULING_GROUP),
});

const POD_STATUS = message({
  phase: text(1),
  conditions: many(2, message({ type: text(1), status: text(2), reason: text(5) })),
  startTime: time(7),
  containerStatuses: many(8, CONTAINER_STATUS),
  initContainerStatuses: many(10, CONTAINER_STATUS),
  nominatedNodeName: text(11),
  allocatedResources: quantities(19),
  resources: one(20, RESOURCES),
});

const NODE_SPEC = message({
  unschedulable: flag(4),
  taints: many(5, message({ key: text(1), value: text(2), effect: text(3) })),
});

const PERSISTENT_VOLUME_SOURCE = message({
  gcePersistentDisk: one(1, message({ pdName: text(1) })),
  awsElasticBlockStore: one(2, message({ volumeID: text(1) })),
  cinder: one(8, message({ volumeID: text(1) })),
  azureDisk: one(16, message({ diskURI: text(2), kind: text(6) })),
  portworxVolume: one(18, message({ volumeID: text(1) })),
  csi: one(22, message({ driver: text(1), volumeHandle: text(2) })),
});

const CLAIM_SPEC = message({
  accessModes: texts(1),
  resources: one(2, RESOURCES),
  volumeName: text(3),
  selector: one(4, LABEL_SELECTOR),
  storageClassName: text(5),
  volumeMode: text(6),
  volumeAttributesClassName: text(9),
});

const VOLUME_SPEC = message({
  capacity: quantities(1),
  persistentVolumeSource: inline(2, PERSISTENT_VOLUME_SOURCE),
  accessModes: texts(3),
  claimRef: one(4, message({ namespace: text(2), name: text(3), uid: text(4) })),
  storageClassName: text(6),
  volumeMode: text(8),
  nodeAffinity: one(9, message({ required: one(1, NODE_SELECTOR) })),
  volumeAttributesClassName: text(10),
});

const PHASE = message({ phase: text(1) });

/** Pod of core/v1. */
export const POD: MessageSchema = message({
  metadata: one(1, POD_META),
  spec: one(2, POD_SPEC),
  status: one(3, POD_STATUS),
});

/** Of a pod that has ended: only its group. */
export const ENDED_POD: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  spec: one(2, message({ nodeName: text(10), schedulingGroup: one(43, SCHEDULING_GROUP) })),
});

/** Node of core/v1. */
export const NODE: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  spec: one(2, NODE_SPEC),
  status: one(
    3,
    message({ allocatable: quantities(2), conditions: many(4, message({ type: text(1), status: text(2) })) }),
  ),
});

/** Namespace of core/v1. */
export const NAMESPACE: MessageSchema = message({ metadata: one(1, OBJECT_META) });

/** PersistentVolumeClaim of core/v1. */
export const CLAIM: MessageSchema = message({
  metadata: one(1, OWNED_META),
  spec: one(2, CLAIM_SPEC),
  status: one(3, PHASE),
});

/** PersistentVolume of core/v1. */
export const VOLUME: MessageSchema = message({
  metadata: one(1, ANNOTATED_META),
  spec: one(2, VOLUME_SPEC),
  status: one(3, PHASE),
});

/** StorageClass of storage.k8s.io/v1. */
export const STORAGE_CLASS: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  provisioner: text(2),
  volumeBindingMode: text(7),
  allowedTopologies: many(
    8,
    message({ matchLabelExpressions: many(1, message({ key: text(1), values: texts(2) })) }),
  ),
});

/** CSINode of storage.k8s.io/v1. */
export const CSI_NODE: MessageSchema = message({
  metadata: one(1, ANNOTATED_META),
  spec: one(
    2,
    message({
      drivers: many(1, message({ name: text(1), allocatable: one(4, message({ count: kept(integer(1)) })) })),
    }),
  ),
});

/** VolumeAttachment of storage.k8s.io/v1. */
export const VOLUME_ATTACHMENT: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  spec: one(
    2,
    message({
      attacher: text(1),
      source: one(2, message({ persistentVolumeName: text(1) })),
      nodeName: text(3),
    }),
  ),
});

/** CSIDriver of storage.k8s.io/v1. */
export const CSI_DRIVER: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  spec: one(2, message({ storageCapacity: flag(4) })),
});

/** CSIStorageCapacity of storage.k8s.io/v1. */
export const STORAGE_CAPACITY: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  nodeTopology: one(2, LABEL_SELECTOR),
  storageClassName: text(3),
  capacity: quantity(4),
  maximumVolumeSize: quantity(5),
});

/** DeviceClass of resource.k8s.io/v1. */
export const DEVICE_CLASS: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  spec: one(2, message({ extendedResourceName: text(4) })),
});

/** PodDisruptionBudget of policy/v1. */
export const BUDGET: MessageSchema = message({
  metadata: one(1, OBJECT_META),
  spec: one(2, message({ selector: one(2, LABEL_SELECTOR) })),
  status: one(3, message({ disruptedPods: names(2), disruptionsAllowed: integer(3) })),
});
