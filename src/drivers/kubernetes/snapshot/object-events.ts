/**
 * Objects of a snapshot, or of `kubectl get -o json`, as events of the pod scheduler.
 */
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import { AS_SERVED, type Leniency } from '../../../model/readers/leniency.ts';
import { isReady, namespaceOf, nodeOf, volumeLimitsOf } from '../../../model/readers/read-node.ts';
import { type ApiObject, maybeRecord } from '../../../model/readers/read-object.ts';
import { NOT_READY } from '../../../model/readers/taints.ts';
import { readObjects } from '../../../traces/kubernetes/objects.ts';
import { fileInput } from '../../../traces/source.ts';
import { tenantKeyReader } from '../economy/economy-resources.ts';
import { deviceClassOf } from '../objects/device-class.ts';
import { podOf, type TenantReader } from '../objects/pod.ts';
import { budgetOf, podGroupOf } from '../objects/pod-group.ts';
import type { Profiles } from '../objects/profiles.ts';
import {
  attachmentOf,
  claimOf,
  csiDriverOf,
  storageCapacityOf,
  storageClassOf,
  volumeOf,
} from '../objects/storage.ts';
import { TemplateCache } from '../objects/template-cache.ts';
import { StoredForm } from './stored-form.ts';

/** Reads objects one after the other. */
export class ObjectEvents {
  private readonly profiles: Profiles;
  private readonly templates = new TemplateCache();
  private readonly leniency: Leniency;
  private readonly tenantOf: TenantReader;
  private readonly stored = new StoredForm();

  /**
   * @param profiles Pods whose `spec.schedulerName` is one of these are ours.
   * @param leniency `FROM_FILE` for objects that an API server may not have seen.
   * @param tenantOf As of the configuration; default: the label and the namespace count.
   */
  constructor(
    profiles: Profiles,
    leniency: Leniency = AS_SERVED,
    tenantOf: TenantReader = tenantKeyReader([]),
  ) {
    this.profiles = profiles;
    this.leniency = leniency;
    this.tenantOf = tenantOf;
  }

  /**
   * @param object With its kind and apiVersion.
   * @returns      Its event, undefined if the scheduler does not read such objects.
   * @throws TegError TEG_KUBE_OBJECT if it is malformed.
   */
  eventOf(object: ApiObject): PodEvent | undefined {
    return this.leniency.fillsDefaults
      ? this.eventOfStored(this.stored.of(object))
      : this.eventOfStored(object);
  }

  private eventOfStored(object: ApiObject): PodEvent | undefined {
    switch (object.kind) {
      case 'Node':
        return {
          kind: 'node',
          node: this.leniency.fillsDefaults ? nodeOfFile(object, this.leniency) : nodeOf(object),
        };
      case 'Pod':
        return { kind: 'pod', pod: podOf(object, this.profiles, this.templates, this.tenantOf) };
      case 'PodGroup':
        return { kind: 'group', group: podGroupOf(object) };
      case 'PodDisruptionBudget':
        return { kind: 'budget', budget: budgetOf(object) };
      case 'Namespace': {
        const { name, labels } = namespaceOf(object);
        return { kind: 'namespace', name, labels };
      }
      case 'PersistentVolumeClaim':
        return { kind: 'claim', claim: claimOf(object) };
      case 'PersistentVolume':
        return { kind: 'volume', volume: volumeOf(object) };
      case 'StorageClass':
        return { kind: 'storage-class', storageClass: storageClassOf(object) };
      case 'CSINode':
        return { kind: 'volume-limits', limits: volumeLimitsOf(object) };
      case 'CSIDriver':
        return { kind: 'csi-driver', driver: csiDriverOf(object) };
      case 'CSIStorageCapacity':
        return { kind: 'storage-capacity', capacity: storageCapacityOf(object) };
      case 'DeviceClass':
        return { kind: 'device-class', ...deviceClassOf(object) };
      case 'VolumeAttachment':
        return { kind: 'volume-attachment', attachment: attachmentOf(object) };
      default:
        return undefined;
    }
  }
}

/**
 * Reads the objects of a file: a snapshot, manifests, or the output of `kubectl get nodes,pods,… -A -o json`; JSON or
 * YAML, packed or not.
 *
 * @throws TegError as `readObjects`.
 */
export function readSnapshotFile(path: string): AsyncGenerator<ApiObject> {
  return readObjects(fileInput(path));
}

/** A node of a file. One that is not ready has the taint that the node controller gives it, also where a manifest lacks it. */
function nodeOfFile(object: ApiObject, leniency: Leniency): NodeDescription {
  const node = nodeOf(object, leniency);
  if (isReady(maybeRecord(object.status, 'status'))) return node;
  const isTold = node.taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect);
  return isTold ? node : { ...node, taints: [...node.taints, NOT_READY] };
}
