/**
 * Claims, volumes and storage classes: from API objects to descriptions.
 */

import type {
  AttachmentDescription,
  ClaimDescription,
  CsiDriverDescription,
  StorageCapacityDescription,
  StorageClassDescription,
  VolumeDescription,
} from '../../../model/kubernetes/node.ts';
import type { LabelRequirement, NodeSelectorTerm } from '../../../model/kubernetes/pod.ts';
import { labelSelectorOf, nodeTermsOf } from '../../../model/readers/label-selectors.ts';
import {
  type ApiObject,
  isRecord,
  maybeFlag,
  maybeList,
  maybeRecord,
  maybeStrings,
  maybeText,
  maybeTexts,
  projecting,
  recordOf,
  textOf,
} from '../../../model/readers/read-object.ts';
import { storageBytes } from '../../../model/readers/resource-amounts.ts';
import { driverOfPlugin, inTreeDiskOf } from './in-tree-volumes.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const NODE_AFFINITY = 'spec.nodeAffinity.required';

/**
 * Describes a PersistentVolumeClaim.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function claimOf(object: unknown): ClaimDescription {
  return projecting('PersistentVolumeClaim', object, (claim) => {
    const metadata = recordOf(claim.metadata, 'metadata');
    const annotations = maybeStrings(metadata.annotations, 'metadata.annotations');
    const spec = maybeRecord(claim.spec, 'spec');
    const status = maybeRecord(claim.status, 'status');
    const volumeName = maybeText(spec.volumeName, 'spec.volumeName');
    const requests = maybeRecord(
      maybeRecord(spec.resources, 'spec.resources').requests,
      'spec.resources.requests',
    );
    const selector = labelSelectorOf(spec.selector, 'spec.selector');
    return {
      key: namespacedKey(metadata),
      uid: maybeText(metadata.uid, 'metadata.uid'),
      ...controllerOf(metadata),
      volumeName,
      className: annotations[CLASS_ANNOTATION] ?? maybeText(spec.storageClassName, 'spec.storageClassName'),
      // As in kube-scheduler; the phase follows later.
      bound: volumeName !== '' && annotations[BIND_COMPLETED] !== undefined,
      unusable: isDeleting(metadata) || status.phase === 'Lost' || selector === null,
      ...(status.phase === 'Lost' && { lost: true as const }),
      selectedNode: annotations[SELECTED_NODE] ?? '',
      accessModes: maybeTexts(spec.accessModes, 'spec.accessModes'),
      bytes: storageBytes(requests.storage ?? '0', 'spec.resources.requests.storage'),
      ...attributesClassOf(spec),
      ...(isBlock(spec) && { volumeMode: 'Block' as const }),
      ...(selector && { selector }),
    };
  });
}

/**
 * Describes a PersistentVolume.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function volumeOf(object: unknown): VolumeDescription {
  return projecting('PersistentVolume', object, (volume) => {
    const metadata = recordOf(volume.metadata, 'metadata');
    const annotations = maybeStrings(metadata.annotations, 'metadata.annotations');
    const spec = maybeRecord(volume.spec, 'spec');
    const status = maybeRecord(volume.status, 'status');
    const capacity = maybeRecord(spec.capacity, 'spec.capacity');
    const labels = maybeStrings(metadata.labels, 'metadata.labels');
    const terms = nodeTermsOf(maybeRecord(spec.nodeAffinity, 'spec.nodeAffinity').required, NODE_AFFINITY);
    return {
      name: textOf(metadata.name, 'metadata.name'),
      nodeTerms: byLabels(terms),
      labels,
      className: annotations[CLASS_ANNOTATION] ?? maybeText(spec.storageClassName, 'spec.storageClassName'),
      ...claimRefOf(spec),
      accessModes: maybeTexts(spec.accessModes, 'spec.accessModes'),
      bytes: storageBytes(capacity.storage ?? '0', 'spec.capacity.storage'),
      available: status.phase === 'Available',
      ...(isDeleting(metadata) && { deleting: true as const }),
      ...diskOf(spec, labels, terms),
      ...attributesClassOf(spec),
      ...(isBlock(spec) && { volumeMode: 'Block' as const }),
    };
  });
}

/** The terms against labels alone, as volumes are matched: requirements on fields fall away, and a term of nothing else holds anywhere. */
function byLabels(terms: readonly NodeSelectorTerm[] | undefined): readonly NodeSelectorTerm[] | undefined {
  if (terms === undefined || terms.some((term) => term.expressions.length === 0)) return undefined;
  return terms.map((term) =>
    term.fields.length === 0 ? term : { expressions: term.expressions, fields: [] },
  );
}

function claimRefOf(spec: ApiObject): Pick<VolumeDescription, 'claim' | 'claimUid'> {
  if (!isRecord(spec.claimRef)) return { claim: '', claimUid: '' };
  const namespace = maybeText(spec.claimRef.namespace, 'spec.claimRef.namespace');
  const name = maybeText(spec.claimRef.name, 'spec.claimRef.name');
  return { claim: `${namespace}/${name}`, claimUid: maybeText(spec.claimRef.uid, 'spec.claimRef.uid') };
}

/** The disk as its CSI driver knows it. */
function diskOf(
  spec: ApiObject,
  labels: VolumeDescription['labels'],
  terms: readonly NodeSelectorTerm[] | undefined,
): Pick<VolumeDescription, 'driver' | 'handle' | 'inTree'> {
  if (isRecord(spec.csi)) {
    return {
      driver: maybeText(spec.csi.driver, 'spec.csi.driver'),
      handle: maybeText(spec.csi.volumeHandle, 'spec.csi.volumeHandle'),
    };
  }
  const disk = inTreeDiskOf(spec, labels, terms);
  if (disk === undefined) return { driver: '', handle: '' };
  const { plugin, nodeTerms } = disk.inTree;
  return { ...disk, inTree: { plugin, nodeTerms: byLabels(nodeTerms) } };
}

function attributesClassOf(spec: ApiObject): { readonly attributesClass?: string } {
  const name = maybeText(spec.volumeAttributesClassName, 'spec.volumeAttributesClassName');
  return name === '' ? {} : { attributesClass: name };
}

/** Uid of the owner that is the controller. */
function controllerOf(metadata: ApiObject): { readonly ownerUid?: string } {
  for (const entry of maybeList(metadata.ownerReferences, 'metadata.ownerReferences')) {
    const owner = recordOf(entry, 'metadata.ownerReferences[]');
    if (owner.controller !== true) continue;
    return { ownerUid: maybeText(owner.uid, 'metadata.ownerReferences[].uid') };
  }
  return {};
}

/**
 * Describes a StorageClass.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function storageClassOf(object: unknown): StorageClassDescription {
  return projecting('StorageClass', object, (storageClass) => {
    const metadata = recordOf(storageClass.metadata, 'metadata');
    const provisioner = maybeText(storageClass.provisioner, 'provisioner');
    const driver = driverOfPlugin(provisioner);
    return {
      name: textOf(metadata.name, 'metadata.name'),
      waitForFirstConsumer: storageClass.volumeBindingMode === 'WaitForFirstConsumer',
      provisioner,
      ...(driver !== undefined && { driver }),
      allowedTopologies: topologiesOf(storageClass.allowedTopologies),
    };
  });
}

/**
 * Describes a VolumeAttachment.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function attachmentOf(object: unknown): AttachmentDescription {
  return projecting('VolumeAttachment', object, (attachment) => {
    const spec = maybeRecord(attachment.spec, 'spec');
    const source = maybeRecord(spec.source, 'spec.source');
    return {
      name: textOf(recordOf(attachment.metadata, 'metadata').name, 'metadata.name'),
      node: maybeText(spec.nodeName, 'spec.nodeName'),
      attacher: maybeText(spec.attacher, 'spec.attacher'),
      volume: maybeText(source.persistentVolumeName, 'spec.source.persistentVolumeName'),
    };
  });
}

/**
 * Describes a CSIDriver.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function csiDriverOf(object: unknown): CsiDriverDescription {
  return projecting('CSIDriver', object, (driver) => ({
    name: textOf(recordOf(driver.metadata, 'metadata').name, 'metadata.name'),
    tracksCapacity: maybeFlag(maybeRecord(driver.spec, 'spec').storageCapacity, 'spec.storageCapacity'),
  }));
}

/**
 * Describes a CSIStorageCapacity. As in kube-scheduler, `maximumVolumeSize` counts before `capacity`.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function storageCapacityOf(object: unknown): StorageCapacityDescription {
  return projecting('CSIStorageCapacity', object, (capacity) => {
    const limit = capacity.maximumVolumeSize ?? capacity.capacity;
    const nodes = labelSelectorOf(capacity.nodeTopology, 'nodeTopology');
    return {
      key: namespacedKey(recordOf(capacity.metadata, 'metadata')),
      className: maybeText(capacity.storageClassName, 'storageClassName'),
      ...(limit !== undefined && limit !== null && { bytes: storageBytes(limit, 'capacity') }),
      ...(nodes !== undefined && nodes !== null && { nodes }),
    };
  });
}

/** Alternatives; an empty list does not restrict, an empty or unusable alternative matches nothing. */
function topologiesOf(value: unknown): readonly NodeSelectorTerm[] | undefined {
  const list = maybeList(value, 'allowedTopologies');
  if (list.length === 0) return undefined;
  const terms: NodeSelectorTerm[] = [];
  for (const entry of list) {
    const path = 'allowedTopologies[].matchLabelExpressions';
    const expressions: LabelRequirement[] = [];
    for (const expression of maybeList(recordOf(entry, 'allowedTopologies[]').matchLabelExpressions, path)) {
      const { key, values } = recordOf(expression, `${path}[]`);
      expressions.push({
        key: maybeText(key, `${path}[].key`),
        operator: 'In',
        values: maybeTexts(values, `${path}[].values`),
      });
    }
    const usable = expressions.length > 0 && expressions.every(({ values }) => values.length > 0);
    if (usable) terms.push({ expressions, fields: [] });
  }
  return terms;
}

function namespacedKey(metadata: ApiObject): string {
  return `${textOf(metadata.namespace, 'metadata.namespace')}/${textOf(metadata.name, 'metadata.name')}`;
}

function isDeleting(metadata: ApiObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null;
}

function isBlock(spec: ApiObject): boolean {
  return spec.volumeMode === 'Block';
}
