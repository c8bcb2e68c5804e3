/**
 * Objects of a snapshot, or of `kubectl get -o json`, as events of the pod scheduler.
 */
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import { TegError } from '../../../model/errors.ts';
import { namespaceOf, nodeOf, volumeLimitsOf } from '../../../model/readers/read-node.ts';
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';
import { DEFAULT_LIMITS } from '../../../traces/format.ts';
import { JsonSplitter } from '../../../traces/kubernetes/split-json.ts';
import type { ObjectText } from '../../../traces/kubernetes/split-yaml.ts';
import { fileInput, openInput } from '../../../traces/source.ts';
import { deviceClassOf } from '../objects/device-class.ts';
import { podOf } from '../objects/pod.ts';
import { budgetOf, podGroupOf } from '../objects/pod-group.ts';
import {
  attachmentOf,
  claimOf,
  csiDriverOf,
  storageCapacityOf,
  storageClassOf,
  volumeOf,
} from '../objects/storage.ts';
import { TemplateCache } from '../objects/template-cache.ts';

/** Reads objects one after the other. */
export class ObjectEvents {
  private readonly schedulerName: string;
  private readonly templates = new TemplateCache();

  /** @param schedulerName Pods with this `spec.schedulerName` are ours. */
  constructor(schedulerName: string) {
    this.schedulerName = schedulerName;
  }

  /**
   * @param object With its kind and apiVersion.
   * @returns      Its event, undefined if the scheduler does not read such objects.
   * @throws TegError TEG_KUBE_OBJECT if it is malformed.
   */
  eventOf(object: ApiObject): PodEvent | undefined {
    switch (object.kind) {
      case 'Node':
        return { kind: 'node', node: nodeOf(object) };
      case 'Pod':
        return { kind: 'pod', pod: podOf(object, this.schedulerName, this.templates) };
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
 * Reads the objects of a JSON file: a snapshot, or the output of `kubectl get nodes,pods,… -A -o json`; packed or not.
 *
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT, TEG_INPUT_TOO_LARGE; TEG_TRACE_BAD_ROW, with the line, for
 *   text that is not JSON or
 *         is cut off.
 */
export async function* readSnapshotFile(path: string): AsyncGenerator<ApiObject> {
  const input = await openInput(fileInput(path));
  try {
    const splitter = new JsonSplitter(path, DEFAULT_LIMITS);
    const decoder = new TextDecoder('utf-8');
    for await (const chunk of input.chunks) {
      for (const piece of splitter.push(decoder.decode(chunk, { stream: true }))) yield parse(path, piece);
    }
    for (const piece of [...splitter.push(decoder.decode()), ...splitter.end()]) yield parse(path, piece);
  } finally {
    await input.close();
  }
}

function parse(path: string, { text, line }: ObjectText): ApiObject {
  let value: unknown;
  let cause: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    cause = error;
  }
  if (isRecord(value)) return value;
  const got = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  throw new TegError(
    'TEG_TRACE_BAD_ROW',
    `${path}:${line}: got ${JSON.stringify(got)}, expected a Kubernetes object in JSON; use a file of teg snapshot or kubectl get -o json`,
    { cause },
  );
}
