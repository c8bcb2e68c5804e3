/**
 * Volumes of a pod that bear on where it can run: claims, and in-tree disks that two pods cannot share.
 *
 * @source pkg/scheduler/framework/plugins/volumerestrictions `isVolumeConflict`; component-helpers `ephemeral.VolumeClaimName`.
 */
import type { EphemeralClaims } from '../../../model/kubernetes/pod.ts';
import {
  type ApiObject,
  isRecord,
  maybeFlag,
  maybeList,
  maybeText,
  maybeTexts,
  recordOf,
} from '../../../model/readers/read-object.ts';
import { IN_TREE_FIELDS, inlineDiskOf } from './in-tree-volumes.ts';

/** The volume fields of a template. */
export interface PodVolumes {
  readonly claims: readonly string[];
  readonly exclusiveDisks: readonly string[];
  readonly ephemeral?: EphemeralClaims;
  readonly inlineVolumes?: readonly string[];
}

/** The pod that owns the volumes. */
export interface VolumesOwner {
  readonly podName: string;
  readonly podUid: string;
}

const NO_VOLUMES: PodVolumes = Object.freeze({ claims: [], exclusiveDisks: [] });

/** Fields of a volume that bear on placement. */
const PLACED_VOLUMES: readonly string[] = [
  'persistentVolumeClaim',
  'ephemeral',
  'iscsi',
  'rbd',
  ...IN_TREE_FIELDS,
];

/**
 * @returns The fields that distinguish volumes for placement, as plain JSON for a key; undefined if there are none that
 *   matter.
 */
export function placedVolumesOf(volumes: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(volumes)) return volumes === undefined || volumes === null ? undefined : [volumes];
  let placed: unknown[] | undefined;
  for (const volume of volumes) {
    if (!isRecord(volume)) {
      placed ??= [];
      placed.push(volume);
      continue;
    }
    for (const field of PLACED_VOLUMES) {
      if (volume[field] === undefined) continue;
      placed ??= [];
      // Of a generic ephemeral volume only the name matters; its claim template may be long.
      placed.push(field === 'ephemeral' ? [field, volume.name] : [field, volume[field]]);
    }
  }
  return placed;
}

/**
 * Reads `spec.volumes`.
 *
 * @param owner Generic ephemeral volumes have the claim `<pod>-<volume>`, which the pod owns.
 * @throws TegError TEG_KUBE_OBJECT for wrong types.
 */
export function podVolumesOf(volumes: unknown, owner: VolumesOwner): PodVolumes {
  const list = maybeList(volumes, 'spec.volumes');
  if (list.length === 0) return NO_VOLUMES;
  const claims: string[] = [];
  const disks: string[] = [];
  const ephemeral: string[] = [];
  const inline: string[] = [];
  for (let i = 0; i < list.length; i++) {
    const path = `spec.volumes[${i}]`;
    const volume = recordOf(list[i], path);
    if (isRecord(volume.persistentVolumeClaim)) {
      const name = volume.persistentVolumeClaim.claimName;
      claims.push(maybeText(name, `${path}.persistentVolumeClaim.claimName`));
    } else if (isRecord(volume.ephemeral)) {
      const name = `${owner.podName}-${maybeText(volume.name, `${path}.name`)}`;
      claims.push(name);
      ephemeral.push(name);
    } else {
      const disk = inlineDiskOf(volume, path);
      if (disk !== undefined && disk.handle !== '') inline.push(`${disk.driver}/${disk.handle}`);
    }
    addDisks(disks, volume, path);
  }
  if (claims.length + disks.length + inline.length === 0) return NO_VOLUMES;
  return {
    claims,
    exclusiveDisks: disks,
    ...(ephemeral.length > 0 && { ephemeral: { ...owner, claims: ephemeral } }),
    ...(inline.length > 0 && { inlineVolumes: inline }),
  };
}

function addDisks(disks: string[], volume: ApiObject, path: string): void {
  const { gcePersistentDisk: gce, awsElasticBlockStore: aws, iscsi, rbd } = volume;
  if (isRecord(gce)) disks.push(diskOf('gce', [gce.pdName], gce.readOnly, `${path}.gcePersistentDisk`));
  // Not even read-only mounts of one EBS volume can be on one node.
  if (isRecord(aws)) disks.push(diskOf('aws', [aws.volumeID], false, `${path}.awsElasticBlockStore`));
  if (isRecord(iscsi)) disks.push(diskOf('iscsi', [iscsi.iqn], iscsi.readOnly, `${path}.iscsi`));
  if (!isRecord(rbd)) return;
  // Two images are one if they have any monitor in common.
  for (const monitor of maybeTexts(rbd.monitors, `${path}.rbd.monitors`)) {
    disks.push(diskOf('rbd', [monitor, rbd.pool, rbd.image], rbd.readOnly, `${path}.rbd`));
  }
}

function diskOf(kind: string, parts: readonly unknown[], readOnly: unknown, path: string): string {
  const id = parts.map((part) => escaped(maybeText(part, path))).join('/');
  return `${kind}:${id}${maybeFlag(readOnly, `${path}.readOnly`) ? ':ro' : ''}`;
}

/** A separator, so that no identity ends in `:ro`, and no identity is a concatenation of two others. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(':', '%3A').replaceAll('/', '%2F');
}
