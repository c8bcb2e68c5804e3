/**
 * What CSI drivers tell in a case: limits of nodes, in-tree plugins that were left to drivers, attachments, capacities.
 *
 * Drivers have one name in a whole cluster: cases that stand beside others have limits only.
 */
import type { Json, Making } from './draw-nodes.ts';
import { ALONE, EBS_DRIVER } from './world-names.ts';

/** The driver of most volumes. */
export const DRIVER = 'disks.example.com';
const PD_DRIVER = 'pd.csi.storage.gke.io';
const EBS_PLUGIN = 'kubernetes.io/aws-ebs';

/** @param volumes Names of the case's volumes. */
export function drawCsi(making: Making, volumes: readonly string[]): Json[] {
  const limits = drawLimits(making);
  if (making.names !== ALONE) return limits;
  return [...limits, ...drawAttachments(making, volumes), ...drawCapacities(making)];
}

function drawLimits({ draw, names, nodes }: Making): Json[] {
  const alone = names === ALONE;
  const driver = (name: string, nodeID: string): Json => ({
    name,
    nodeID,
    topologyKeys: [],
    ...draw.maybe(0.8, () => ({ allocatable: { count: draw.between(1, 3) } })),
  });
  return draw
    .times(nodes, names.node)
    .filter(() => draw.chance(0.5))
    .map((name) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: {
        name,
        uid: `uid-csinode-${name}`,
        ...(alone &&
          draw.maybe(0.5, () => ({
            annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': EBS_PLUGIN },
          }))),
      },
      spec: {
        drivers: draw
          .some(alone ? [DRIVER, PD_DRIVER, EBS_DRIVER] : [DRIVER], 0.8)
          .map((known) => driver(known, name)),
      },
    }));
}

function drawAttachments({ draw, names, nodes }: Making, volumes: readonly string[]): Json[] {
  return draw.times(draw.below(4), (i) => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: names.global(`attachment${i}`), uid: `uid-attachment${i}` },
    spec: {
      attacher: draw.pick([DRIVER, DRIVER, EBS_DRIVER]),
      nodeName: names.node(draw.below(nodes)),
      source: { persistentVolumeName: draw.pick([...volumes, 'gone']) },
    },
    status: { attached: draw.chance(0.8) },
  }));
}

function drawCapacities({ draw, names }: Making): Json[] {
  const driver = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: DRIVER, uid: 'uid-driver' },
    spec: { storageCapacity: draw.chance(0.5) },
  };
  const amount = (): string => draw.pick(['0', '1Gi', '3Gi', '10Pi']);
  const capacities = draw.times(draw.below(4), (i) => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIStorageCapacity',
    metadata: { namespace: names.namespace(0), name: `capacity${i}`, uid: `uid-capacity${i}` },
    storageClassName: names.global(draw.pick(['made', 'made', 'now'])),
    ...draw.maybe(0.9, () => ({
      nodeTopology: draw.pick([{}, { matchLabels: { [names.zoneKey]: `z${draw.below(3)}` } }]),
    })),
    ...draw.maybe(0.9, () => ({ capacity: amount() })),
    ...draw.maybe(0.3, () => ({ maximumVolumeSize: amount() })),
  }));
  return draw.chance(0.6) ? [driver, ...capacities] : capacities;
}
