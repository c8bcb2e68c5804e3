/**
 * In-tree disks as known to the CSI drivers that replaced them: driver, handle and node affinity.
 *
 * @source k8s.io/csi-translation-lib v0.36.3 (`TranslateInTreePVToCSI`, `TranslateInTreeInlineVolumeToCSI`,
 *   `translateTopologyFromInTreeToCSI`); plugins for which kube-scheduler has migration on (`isCSIMigrationOn`).
 */
import type { InTreeVolume } from '../../../model/kubernetes/node.ts';
import type { LabelRequirement, NodeSelectorTerm } from '../../../model/kubernetes/pod.ts';
import { type ApiObject, isRecord, maybeText } from '../../../model/readers/read-object.ts';

type Labels = Readonly<Record<string, string>>;

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';

/** Between the zones of a label. */
const ZONES_SEPARATOR = '__';
const UNSPECIFIED = 'UNSPECIFIED';

interface InTreeKind {
  /** Field of a volume that names such a disk. */
  readonly field: string;
  readonly plugin: string;
  readonly driver: string;
  /** Label that the driver puts zones in; absent: the driver leaves the node affinity as it is. */
  readonly zoneKey?: string;
  /** Field of the disk that identifies it. */
  readonly idField: string;
  /** @returns The handle; undefined if the driver does not take the disk. */
  readonly handle: (id: string, disk: ApiObject, labels: Labels | undefined) => string | undefined;
}

const KINDS: readonly InTreeKind[] = [
  {
    field: 'awsElasticBlockStore',
    plugin: 'kubernetes.io/aws-ebs',
    driver: 'ebs.csi.aws.com',
    zoneKey: 'topology.ebs.csi.aws.com/zone',
    idField: 'volumeID',
    handle: (id) => awsHandle(id),
  },
  {
    field: 'gcePersistentDisk',
    plugin: 'kubernetes.io/gce-pd',
    driver: 'pd.csi.storage.gke.io',
    zoneKey: 'topology.gke.io/zone',
    idField: 'pdName',
    handle: (id, _, labels) => gceHandle(id, labels),
  },
  {
    field: 'azureDisk',
    plugin: 'kubernetes.io/azure-disk',
    driver: 'disk.csi.azure.com',
    idField: 'diskURI',
    handle: (id, { kind }) => (isManaged(kind) ? id : undefined),
  },
  {
    field: 'cinder',
    plugin: 'kubernetes.io/cinder',
    driver: 'cinder.csi.openstack.org',
    zoneKey: 'topology.cinder.csi.openstack.org/zone',
    idField: 'volumeID',
    handle: (id) => id,
  },
  {
    field: 'portworxVolume',
    plugin: 'kubernetes.io/portworx-volume',
    driver: 'pxd.portworx.com',
    idField: 'volumeID',
    handle: (id) => id,
  },
];

/** Plugins that are translated but never counted: kube-scheduler has no migration for them. */
const UNCOUNTED: ReadonlySet<string> = new Set(['kubernetes.io/azure-file', 'kubernetes.io/vsphere-volume']);

/** Fields of in-tree disks in `spec.volumes` and in `spec` of a PersistentVolume. */
export const IN_TREE_FIELDS: readonly string[] = KINDS.map(({ field }) => field);

/** A disk as its CSI driver knows it. */
export interface TranslatedDisk {
  readonly driver: string;
  /** '' if the driver does not take the disk: it is not counted. */
  readonly handle: string;
}

/**
 * @returns The CSI driver that volumes of an in-tree provisioner count for, '' if they do not count; undefined if the
 *   provisioner is not an in-tree plugin.
 */
export function driverOfPlugin(provisioner: string): string | undefined {
  if (UNCOUNTED.has(provisioner)) return '';
  return KINDS.find(({ plugin }) => plugin === provisioner)?.driver;
}

/** @returns The disk that a volume of a pod names; undefined if it is not an in-tree disk. */
export function inlineDiskOf(volume: ApiObject, path: string): TranslatedDisk | undefined {
  const kind = KINDS.find(({ field }) => isRecord(volume[field]));
  if (kind === undefined) return undefined;
  const disk = volume[kind.field] as ApiObject;
  const id = maybeText(disk[kind.idField], `${path}.${kind.field}.${kind.idField}`);
  return { driver: kind.driver, handle: kind.handle(id, disk, undefined) ?? '' };
}

/**
 * @param spec      Of a PersistentVolume.
 * @param labels    Its labels: they say in which zones it is where its node affinity does not.
 * @param nodeTerms Its node affinity.
 * @returns The disk; undefined if it is not an in-tree disk.
 */
export function inTreeDiskOf(
  spec: ApiObject,
  labels: Labels,
  nodeTerms: readonly NodeSelectorTerm[] | undefined,
): (TranslatedDisk & { readonly inTree: InTreeVolume }) | undefined {
  const kind = KINDS.find(({ field }) => isRecord(spec[field]));
  if (kind === undefined) return undefined;
  const disk = spec[kind.field] as ApiObject;
  const id = maybeText(disk[kind.idField], `spec.${kind.field}.${kind.idField}`);
  const handle = kind.handle(id, disk, labels);
  const translated =
    kind.zoneKey === undefined ? nodeTerms : translatedTerms(nodeTerms, labels, kind.zoneKey);
  return {
    driver: kind.driver,
    handle: handle ?? '',
    // A disk that cannot be translated is on no node that has moved to the driver.
    inTree: { plugin: kind.plugin, nodeTerms: handle === undefined ? [] : translated },
  };
}

/** Zones of the node affinity, else of the labels, under the driver's own key. */
function translatedTerms(
  terms: readonly NodeSelectorTerm[] | undefined,
  labels: Labels,
  zoneKey: string,
): readonly NodeSelectorTerm[] | undefined {
  const isBeta = usesBetaLabels(terms, labels);
  const oldKey = isBeta ? BETA_ZONE : ZONE;
  let result = terms;
  if (hasValues(terms, oldKey)) result = renamed(terms, oldKey, zoneKey);
  else if (Object.hasOwn(labels, oldKey)) result = withZones(terms, zoneKey, labels[oldKey] as string);
  return isBeta && hasValues(result, BETA_REGION) ? renamed(result, BETA_REGION, REGION) : result;
}

/** Node affinity before labels, and in each the newer names before the older ones. */
function usesBetaLabels(terms: readonly NodeSelectorTerm[] | undefined, labels: Labels): boolean {
  if (hasKey(terms, ZONE)) return false;
  if (hasKey(terms, BETA_ZONE)) return true;
  return !Object.hasOwn(labels, ZONE) && Object.hasOwn(labels, BETA_ZONE);
}

function hasKey(terms: readonly NodeSelectorTerm[] | undefined, key: string): boolean {
  return terms?.some(({ expressions }) => expressions.some((one) => one.key === key)) ?? false;
}

function hasValues(terms: readonly NodeSelectorTerm[] | undefined, key: string): boolean {
  const has = ({ expressions }: NodeSelectorTerm): boolean =>
    expressions.some((one) => one.key === key && one.values.length > 0);
  return terms?.some(has) ?? false;
}

function renamed(
  terms: readonly NodeSelectorTerm[] | undefined,
  from: string,
  to: string,
): readonly NodeSelectorTerm[] | undefined {
  return terms?.map(({ expressions, fields }) => ({
    expressions: expressions.map((one) => (one.key === from ? { ...one, key: to } : one)),
    fields,
  }));
}

function withZones(
  terms: readonly NodeSelectorTerm[] | undefined,
  key: string,
  label: string,
): readonly NodeSelectorTerm[] | undefined {
  const zones = label.split(ZONES_SEPARATOR).map((zone) => zone.trim());
  const values = [...new Set(zones.filter((zone) => zone !== ''))].sort();
  if (values.length === 0) return terms;
  const requirement: LabelRequirement = { key, operator: 'In', values };
  const known = terms === undefined || terms.length === 0 ? [{ expressions: [], fields: [] }] : terms;
  return known.map(({ expressions, fields }) => ({ expressions: [...expressions, requirement], fields }));
}

/** `vol-1`, `aws:///vol-1` or `aws://zone/vol-1`. */
function awsHandle(id: string): string | undefined {
  if (!id.startsWith('aws://')) return id;
  return /^aws:\/\/[^/?#]*\/+(vol-[^/?#]*)\/*$/.exec(id)?.[1];
}

function gceHandle(name: string, labels: Labels | undefined): string | undefined {
  const zones = (labels?.[BETA_ZONE] || labels?.[ZONE] || '').split(ZONES_SEPARATOR);
  if (zones.length === 1) {
    return `projects/${UNSPECIFIED}/zones/${zones[0] || UNSPECIFIED}/disks/${name}`;
  }
  const regions = new Set(zones.map(gceRegionOf));
  const [region] = regions;
  if (regions.size !== 1 || region === undefined) return undefined;
  return `projects/${UNSPECIFIED}/regions/${region}/disks/${name}`;
}

/** Of `europe-west1-b`; undefined if it is not of this form. */
function gceRegionOf(zone: string): string | undefined {
  const parts = zone.split('-');
  return parts.length === 3 ? `${parts[0]}-${parts[1]}` : undefined;
}

function isManaged(kind: unknown): boolean {
  return typeof kind !== 'string' || kind === '' || kind.toLowerCase() === 'managed';
}
