/**
 * The resources of the API server that the scheduler watches, and the core's event for each object.
 *
 * Pods come over several watches, so that pending pods of other schedulers never cross the network: those of each name of
 * ours (field selectors know no OR), those of others that are assigned, and those of ours that ran and have ended. Pods that end leave the first two by their field
 * selectors. Of the last only members of groups are kept: a gang with members that have ended is known to have
 * started, even by a scheduler that starts after they ended.
 */
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { TegError } from '../../model/errors.ts';
import type { CsiDriverDescription } from '../../model/kubernetes/node.ts';
import { namespaceOf, nodeOf, volumeLimitsOf } from '../../model/readers/read-node.ts';
import type { ReflectedResource } from './client/api.ts';
import { deviceClassOf } from './objects/device-class.ts';
import { endedMemberOf, podOf, type TenantReader } from './objects/pod.ts';
import { budgetOf, podGroupOf } from './objects/pod-group.ts';
import type { Profiles } from './objects/profiles.ts';
import {
  attachmentOf,
  claimOf,
  csiDriverOf,
  storageCapacityOf,
  storageClassOf,
  volumeOf,
} from './objects/storage.ts';
import { TemplateCache } from './objects/template-cache.ts';
import {
  BUDGET,
  CLAIM,
  CSI_DRIVER,
  CSI_NODE,
  DEVICE_CLASS,
  ENDED_POD,
  NAMESPACE,
  NODE,
  POD,
  STORAGE_CAPACITY,
  STORAGE_CLASS,
  VOLUME,
  VOLUME_ATTACHMENT,
} from './objects/wire-schemas.ts';

/** A resource and the handling of its objects. */
export interface WatchedResource {
  readonly resource: ReflectedResource;
  /** @throws TegError TEG_KUBE_OBJECT if the object is malformed. */
  set(object: unknown): void;
  gone(uid: string, key: string): void;
  /** The first list is complete, or cannot be read. */
  synced?(): void;
  /** As `ReflectionHandler.denied`. */
  denied?(isMissing: boolean): void;
}

/** API groups of the PodGroups: of Kubernetes itself, of coscheduling. Items of a list do not name theirs. */
const SCHEDULING = 'scheduling.k8s.io';
const COSCHEDULING = 'scheduling.x-k8s.io';

/** Versions of upstream's PodGroup: 1.37 serves the first two, 1.36 the last one. */
const [NEWEST, ...OLDER] = ['v1beta1', 'v1alpha3', 'v1alpha2'] as const;

const LIVE = 'status.phase!=Succeeded,status.phase!=Failed';
/** Succeeded or Failed, on a node: field selectors know no OR. */
const ENDED = 'spec.nodeName!=,status.phase!=Pending,status.phase!=Running,status.phase!=Unknown';

/**
 * @param feed     Takes an event.
 * @param tenantOf Name or key of a pod's tenant; absent: the name of its label or namespace.
 * @returns All resources but the economy's, the quick ones first.
 */
export function watchedResources(
  profiles: Profiles,
  feed: (event: PodEvent) => void,
  tenantOf?: TenantReader,
): WatchedResource[] {
  return [
    ...clusterResources(feed),
    ...podResources(profiles, feed, tenantOf),
    ...storageResources(feed),
    ...csiResources(feed),
    ...deviceResources(feed),
  ];
}

function podGroupsPath(version: string): string {
  return `/apis/${SCHEDULING}/${version}/podgroups`;
}

function clusterResources(feed: (event: PodEvent) => void): WatchedResource[] {
  return [
    {
      resource: { name: 'nodes', path: '/api/v1/nodes', schema: NODE },
      set: (object) => feed({ kind: 'node', node: nodeOf(object) }),
      gone: (_, name) => feed({ kind: 'node-gone', name }),
    },
    {
      resource: { name: 'namespaces', path: '/api/v1/namespaces', schema: NAMESPACE },
      set: (object) => feed({ kind: 'namespace', ...namespaceOf(object) }),
      gone: (_, name) => feed({ kind: 'namespace-gone', name }),
    },
    {
      resource: {
        name: 'poddisruptionbudgets',
        path: '/apis/policy/v1/poddisruptionbudgets',
        schema: BUDGET,
      },
      set: (object) => feed({ kind: 'budget', budget: budgetOf(object) }),
      gone: (_, key) => feed({ kind: 'budget-gone', key }),
    },
    {
      resource: {
        name: 'podgroups',
        path: podGroupsPath(NEWEST),
        olderPaths: OLDER.map(podGroupsPath),
        optional: true,
      },
      set: (object) => feed({ kind: 'group', group: podGroupOf(object, SCHEDULING) }),
      gone: (_, key) => feed({ kind: 'group-gone', key: `core:${key}` }),
    },
    {
      resource: { name: 'podgroups.x-k8s', path: `/apis/${COSCHEDULING}/v1alpha1/podgroups`, optional: true },
      set: (object) => feed({ kind: 'group', group: podGroupOf(object, COSCHEDULING) }),
      gone: (_, key) => feed({ kind: 'group-gone', key: `cosched:${key}` }),
    },
  ];
}

function podResources(
  profiles: Profiles,
  feed: (event: PodEvent) => void,
  tenantOf: TenantReader | undefined,
): WatchedResource[] {
  const templates = new TemplateCache();
  const set = (object: unknown): void =>
    feed({ kind: 'pod', pod: podOf(object, profiles, templates, tenantOf) });
  const gone = (uid: string): void => feed({ kind: 'pod-gone', uid });
  const names = [...profiles.keys()];
  const notOurs = names.map((name) => `spec.schedulerName!=${name}`).join(',');
  const others = `${notOurs},spec.nodeName!=,${LIVE}`;
  // Resources have different names; no name of a scheduler has brackets.
  const nameOf = (kind: string, name: string): string => (name === names[0] ? kind : `${kind}[${name}]`);
  const pods = { path: '/api/v1/pods', schema: POD };
  return [
    ...names.map((name) => {
      const fieldSelector = `spec.schedulerName=${name},${LIVE}`;
      return { resource: { ...pods, name: nameOf('pods', name), fieldSelector }, set, gone };
    }),
    { resource: { ...pods, name: 'pods.others', fieldSelector: others }, set, gone },
    ...names.map((name) => endedPods(nameOf('pods.ended', name), name, feed)),
  ];
}

/** Pods of a scheduler's name that ran and have ended. */
function endedPods(name: string, schedulerName: string, feed: (event: PodEvent) => void): WatchedResource {
  return {
    resource: {
      name,
      path: '/api/v1/pods',
      schema: ENDED_POD,
      fieldSelector: `spec.schedulerName=${schedulerName},${ENDED}`,
      withoutIt: 'a gang is not known to have started by members that ended before the scheduler started',
    },
    set: (object) => {
      const { uid, group } = endedMemberOf(object);
      if (group !== '') feed({ kind: 'member-ended', uid, group });
    },
    gone: (uid) => feed({ kind: 'ended-gone', uid }),
  };
}

function storageResources(feed: (event: PodEvent) => void): WatchedResource[] {
  return [
    {
      resource: { name: 'persistentvolumeclaims', path: '/api/v1/persistentvolumeclaims', schema: CLAIM },
      set: (object) => feed({ kind: 'claim', claim: claimOf(object) }),
      gone: (_, key) => feed({ kind: 'claim-gone', key }),
    },
    {
      resource: { name: 'persistentvolumes', path: '/api/v1/persistentvolumes', schema: VOLUME },
      set: (object) => feed({ kind: 'volume', volume: volumeOf(object) }),
      gone: (_, name) => feed({ kind: 'volume-gone', name }),
    },
    {
      resource: {
        name: 'storageclasses',
        path: '/apis/storage.k8s.io/v1/storageclasses',
        schema: STORAGE_CLASS,
      },
      set: (object) => feed({ kind: 'storage-class', storageClass: storageClassOf(object) }),
      gone: (_, name) => feed({ kind: 'storage-class-gone', name }),
    },
  ];
}

/** CSI drivers' reports: on nodes, on themselves, on attachments and on remaining capacity. */
function csiResources(feed: (event: PodEvent) => void): WatchedResource[] {
  const path = (resource: string): string => `/apis/storage.k8s.io/v1/${resource}`;
  const withoutIt = 'the storage that CSI drivers have left is not looked at';
  const drivers = new Map<string, CsiDriverDescription>();
  // Without readable capacity a driver would appear to have none.
  let isBlind = false;
  const tell = (driver: CsiDriverDescription): void =>
    feed({ kind: 'csi-driver', driver: isBlind ? { ...driver, tracksCapacity: false } : driver });
  return [
    {
      resource: { name: 'csinodes', path: path('csinodes'), schema: CSI_NODE },
      set: (object) => feed({ kind: 'volume-limits', limits: volumeLimitsOf(object) }),
      gone: (_, name) => feed({ kind: 'volume-limits-gone', name }),
    },
    {
      resource: {
        name: 'csidrivers',
        path: path('csidrivers'),
        schema: CSI_DRIVER,
        withoutIt,
      },
      set: (object) => {
        const driver = csiDriverOf(object);
        drivers.set(driver.name, driver);
        tell(driver);
      },
      gone: (_, name) => {
        drivers.delete(name);
        feed({ kind: 'csi-driver-gone', name });
      },
    },
    {
      resource: {
        name: 'csistoragecapacities',
        path: path('csistoragecapacities'),
        schema: STORAGE_CAPACITY,
        withoutIt,
      },
      set: (object) => feed({ kind: 'storage-capacity', capacity: storageCapacityOf(object) }),
      gone: (_, key) => feed({ kind: 'storage-capacity-gone', key }),
      denied: (isMissing) => {
        isBlind = isMissing;
        for (const driver of drivers.values()) tell(driver);
      },
    },
    {
      resource: {
        name: 'volumeattachments',
        path: path('volumeattachments'),
        schema: VOLUME_ATTACHMENT,
        withoutIt: 'volumes that are attached without a pod do not count in the limits of CSI drivers',
      },
      set: (object) => feed({ kind: 'volume-attachment', attachment: attachmentOf(object) }),
      gone: (_, name) => feed({ kind: 'volume-attachment-gone', name }),
    },
  ];
}

/** DeviceClasses: TEG allocates no devices, and reports so for the extended resources that DeviceClasses stand for. */
function deviceResources(feed: (event: PodEvent) => void): WatchedResource[] {
  return [
    {
      resource: {
        name: 'deviceclasses',
        path: '/apis/resource.k8s.io/v1/deviceclasses',
        schema: DEVICE_CLASS,
        optional: true,
        withoutIt: 'an extended resource that a DeviceClass stands for is reported as insufficient',
      },
      set: (object) => feed({ kind: 'device-class', ...deviceClassOf(object) }),
      gone: (_, name) => feed({ kind: 'device-class-gone', name }),
    },
  ];
}

/** @returns True if an error says that an object of the API is malformed (and not that TEG has a bug). */
export function isMalformed(error: unknown): error is TegError {
  return error instanceof TegError && error.code === 'TEG_KUBE_OBJECT';
}
