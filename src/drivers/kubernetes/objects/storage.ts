/**
 * Claims, volumes and storage classes: from API objects to descriptions.
 */
import type {
  ClaimDescription,
  StorageClassDescription,
  VolumeDescription,
} from '../../../model/kubernetes/node.ts';
import type { LabelRequirement, NodeSelectorTerm } from '../../../model/kubernetes/pod.ts';
import { labelSelectorOf, nodeTermsOf } from './label-selectors.ts';
import {
  type ApiObject,
  isRecord,
  maybeList,
  maybeRecord,
  maybeStrings,
  maybeText,
  maybeTexts,
  projecting,
  recordOf,
  textOf,
} from './read-object.ts';
import { countOf } from './resource-amounts.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/** CSI drivers that in-tree disks have moved to: field of a PersistentVolume, name of the provisioner, driver. */
const MIGRATED: readonly (readonly [string, string, string])[] = [
  ['awsElasticBlockStore', 'kubernetes.io/aws-ebs', 'ebs.csi.aws.com'],
  ['gcePersistentDisk', 'kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
  ['azureDisk', 'kubernetes.io/azure-disk', 'disk.csi.azure.com'],
  ['azureFile', 'kubernetes.io/azure-file', 'file.csi.azure.com'],
  ['cinder', 'kubernetes.io/cinder', 'cinder.csi.openstack.org'],
  ['vsphereVolume', 'kubernetes.io/vsphere-volume', 'csi.vsphere.vmware.com'],
  ['portworxVolume', 'kubernetes.io/portworx-volume', 'pxd.portworx.com'],
];

/**
 * Describes a PersistentVolumeClaim.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of what is malformed.
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
      volumeName,
      className: annotations[CLASS_ANNOTATION] ?? maybeText(spec.storageClassName, 'spec.storageClassName'),
      // As kube-scheduler has it; the phase follows later.
      bound: volumeName !== '' && annotations[BIND_COMPLETED] !== undefined,
      unusable: isDeleting(metadata) || status.phase === 'Lost' || selector === null,
      ...(status.phase === 'Lost' && { lost: true as const }),
      selectedNode: annotations[SELECTED_NODE] ?? '',
      accessModes: maybeTexts(spec.accessModes, 'spec.accessModes'),
      bytes: countOf(requests.storage ?? '0', 'one', 'spec.resources.requests.storage'),
      ...(isBlock(spec) && { volumeMode: 'Block' as const }),
      ...(selector && { selector }),
    };
  });
}

/**
 * Describes a PersistentVolume.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of what is malformed.
 */
export function volumeOf(object: unknown): VolumeDescription {
  return projecting('PersistentVolume', object, (volume) => {
    const metadata = recordOf(volume.metadata, 'metadata');
    const annotations = maybeStrings(metadata.annotations, 'metadata.annotations');
    const spec = maybeRecord(volume.spec, 'spec');
    const status = maybeRecord(volume.status, 'status');
    const capacity = maybeRecord(spec.capacity, 'spec.capacity');
    return {
      name: textOf(metadata.name, 'metadata.name'),
      nodeTerms: volumeTermsOf(spec),
      labels: maybeStrings(metadata.labels, 'metadata.labels'),
      className: annotations[CLASS_ANNOTATION] ?? maybeText(spec.storageClassName, 'spec.storageClassName'),
      claim: claimRefOf(spec),
      accessModes: maybeTexts(spec.accessModes, 'spec.accessModes'),
      bytes: countOf(capacity.storage ?? '0', 'one', 'spec.capacity.storage'),
      available: status.phase === 'Available' && !isDeleting(metadata),
      driver: driverOf(spec),
      ...(isBlock(spec) && { volumeMode: 'Block' as const }),
    };
  });
}

/** Terms of the volume's node affinity; they are matched against labels alone, so that requirements on fields fall away. */
function volumeTermsOf(spec: ApiObject): readonly NodeSelectorTerm[] | undefined {
  const affinity = maybeRecord(spec.nodeAffinity, 'spec.nodeAffinity');
  const terms = nodeTermsOf(affinity.required, 'spec.nodeAffinity.required');
  if (terms === undefined || terms.some((term) => term.expressions.length === 0)) return undefined;
  return terms.map((term) =>
    term.fields.length === 0 ? term : { expressions: term.expressions, fields: [] },
  );
}

function claimRefOf(spec: ApiObject): string {
  if (!isRecord(spec.claimRef)) return '';
  const namespace = maybeText(spec.claimRef.namespace, 'spec.claimRef.namespace');
  return `${namespace}/${maybeText(spec.claimRef.name, 'spec.claimRef.name')}`;
}

/** The CSI driver, that of an in-tree disk's successor included. */
function driverOf(spec: ApiObject): string {
  if (isRecord(spec.csi)) return maybeText(spec.csi.driver, 'spec.csi.driver');
  return MIGRATED.find(([field]) => isRecord(spec[field]))?.[2] ?? '';
}

/**
 * Describes a StorageClass. Provisioners of in-tree disks are told as the CSI drivers that took their place.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of what is malformed.
 */
export function storageClassOf(object: unknown): StorageClassDescription {
  return projecting('StorageClass', object, (storageClass) => {
    const metadata = recordOf(storageClass.metadata, 'metadata');
    const provisioner = maybeText(storageClass.provisioner, 'provisioner');
    return {
      name: textOf(metadata.name, 'metadata.name'),
      waitForFirstConsumer: storageClass.volumeBindingMode === 'WaitForFirstConsumer',
      provisioner: MIGRATED.find(([, inTree]) => inTree === provisioner)?.[2] ?? provisioner,
      allowedTopologies: topologiesOf(storageClass.allowedTopologies),
    };
  });
}

/** Alternatives; an empty list is no restriction, an empty or unusable alternative matches nothing. */
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
