/**
 * Random storage: classes, volumes and claims of every state a scheduler can meet, and limits of nodes.
 */
import type { Json, Making } from './draw-nodes.ts';
import { CLOUD_ZONE } from './world-names.ts';

const DRIVER = 'disks.example.com';
const MODES = [
  'ReadWriteOnce',
  'ReadWriteOnce',
  'ReadOnlyMany',
  'ReadWriteMany',
  'ReadWriteOncePod',
] as const;
const SIZES = ['1Gi', '2Gi', '5Gi'] as const;

/** Storage of a case. */
export interface DrawnStorage {
  readonly objects: readonly Json[];
  /** Claims and disks for a pod of a namespace: names of claims, `disk:NAME`, `disk-ro:NAME`. */
  readonly claims: (namespace: string) => string[];
  /** Claims that one pod only can use, as `namespace/name`. */
  readonly exclusive: ReadonlySet<string>;
}

/** @returns Nothing unless volumes are a theme. */
export function drawStorage(making: Making): DrawnStorage {
  const { draw, names, themes } = making;
  if (!themes.has('volumes')) return { objects: [], claims: () => [], exclusive: new Set() };
  const free = draw.times(draw.between(1, 4), (i) => drawVolume(making, `free${i}`, undefined));
  const claims = draw.times(draw.between(3, 6), (i) => drawClaim(making, `claim${i}`));
  return {
    objects: [
      ...classes(making),
      ...free,
      ...claims.flatMap(({ objects }) => objects),
      ...drawLimits(making),
    ],
    exclusive: new Set(
      claims.filter(({ isExclusive }) => isExclusive).map(({ namespace, name }) => `${namespace}/${name}`),
    ),
    claims: (namespace) => {
      if (draw.chance(0.25)) return [];
      const disk = draw.chance(0.2)
        ? [`${draw.pick(['disk', 'disk-ro'])}:${names.global('d')}${draw.below(2)}`]
        : [];
      const mine = claims.filter((claim) => claim.namespace === namespace).map(({ name }) => name);
      const chosen =
        mine.length > 0 ? [...new Set(draw.times(draw.pick([1, 1, 2]), () => draw.pick(mine)))] : [];
      if (draw.chance(0.02)) chosen.push('missing');
      return [...chosen, ...disk];
    },
  };
}

function classes({ draw, names }: Making): Json[] {
  const storageClass = (name: string, provisioner: string, mode: string, more: Json = {}): Json => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: names.global(name), uid: `uid-${names.global(name)}` },
    provisioner,
    volumeBindingMode: mode,
    ...more,
  });
  const zones = draw.some(['z0', 'z1', 'z2'], 0.6);
  const topologies = { allowedTopologies: [{ matchLabelExpressions: [{ key: CLOUD_ZONE, values: zones }] }] };
  return [
    storageClass('local', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'),
    storageClass(
      'made',
      DRIVER,
      'WaitForFirstConsumer',
      draw.chance(0.5) && zones.length > 0 ? topologies : {},
    ),
    storageClass('now', DRIVER, 'Immediate'),
  ];
}

function drawVolume(making: Making, name: string, claim: Json | undefined): Json {
  const { draw, names } = making;
  const zones = draw.some(['z0', 'z1', 'z2'], 0.5);
  const source = draw.chance(0.5)
    ? { local: { path: '/disk' } }
    : { csi: { driver: DRIVER, volumeHandle: names.global(name) } };
  const local = 'local' in source;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: names.global(name),
      uid: `uid-${names.global(name)}`,
      ...(zones.length > 0 && draw.maybe(0.15, () => ({ labels: { [CLOUD_ZONE]: zones.join('__') } }))),
    },
    spec: {
      capacity: { storage: draw.pick(SIZES) },
      accessModes: [draw.pick(MODES)],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: names.global(draw.chance(0.9) ? 'local' : 'made'),
      ...source,
      ...draw.maybe(local ? 1 : 0.5, () => ({ nodeAffinity: { required: volumeTerms(making) } })),
      ...draw.maybe(0.05, () => ({ volumeMode: 'Block' })),
      ...claim,
    },
    status: {
      phase: claim === undefined ? draw.pick(['Available', 'Available', 'Available', 'Released']) : 'Bound',
    },
  };
}

function volumeTerms({ draw, names, nodes }: Making): Json {
  const term = (): Json =>
    draw.chance(0.6)
      ? {
          matchExpressions: [{ key: names.hostKey, operator: 'In', values: [names.node(draw.below(nodes))] }],
        }
      : {
          matchExpressions: [
            { key: names.zoneKey, operator: draw.pick(['In', 'NotIn']), values: [`z${draw.below(3)}`] },
          ],
        };
  return { nodeSelectorTerms: draw.times(draw.pick([1, 1, 2]), term) };
}

interface DrawnClaim {
  readonly namespace: string;
  readonly name: string;
  readonly isExclusive: boolean;
  readonly objects: readonly Json[];
}

function drawClaim(making: Making, name: string): DrawnClaim {
  const { draw, names } = making;
  const namespace = names.namespace(draw.chance(0.8) ? 0 : 1);
  const uid = `uid-${namespace}-${name}`;
  const kind = draw.below(20);
  const volume = `${namespace}-${name}-volume`.replace(`${names.global('')}`, '');
  const isBound = kind < 10;
  const mode = draw.pick(MODES);
  const isExclusive = mode === 'ReadWriteOncePod';
  const claim = (more: { metadata?: Json; spec?: Json; status?: Json }): Json => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name, uid, ...more.metadata },
    spec: {
      accessModes: [mode],
      resources: { requests: { storage: draw.pick(SIZES) } },
      ...more.spec,
    },
    status: { phase: isBound ? 'Bound' : 'Pending', ...more.status },
  });
  if (isBound) {
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid };
    const object = claim({
      metadata: {
        annotations: { 'pv.kubernetes.io/bind-completed': 'yes' },
        ...draw.maybe(0.04, () => ({
          deletionTimestamp: '2026-06-01T00:00:00Z',
          finalizers: ['kubernetes.io/pvc-protection'],
        })),
      },
      spec: { storageClassName: names.global('local'), volumeName: names.global(volume) },
      status: draw.chance(0.03) ? { phase: 'Lost' } : {},
    });
    const gone = draw.chance(0.04);
    return {
      namespace,
      name,
      isExclusive,
      objects: gone ? [object] : [drawVolume(making, volume, { claimRef }), object],
    };
  }
  const className = names.global(kind < 15 ? 'local' : kind < 18 ? 'made' : kind < 19 ? 'now' : 'unknown');
  const object = claim({
    spec: { storageClassName: className, ...draw.maybe(0.05, () => ({ volumeMode: 'Block' })) },
    ...draw.maybe(0.1, () => ({
      metadata: {
        annotations: { 'volume.kubernetes.io/selected-node': names.node(draw.below(making.nodes)) },
      },
    })),
  });
  return { namespace, name, isExclusive, objects: [object] };
}

function drawLimits({ draw, names, nodes }: Making): Json[] {
  return draw
    .times(nodes, names.node)
    .filter(() => draw.chance(0.5))
    .map((name) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name, uid: `uid-csinode-${name}` },
      spec: {
        drivers: draw.chance(0.9)
          ? [
              {
                name: DRIVER,
                nodeID: name,
                topologyKeys: [],
                ...draw.maybe(0.8, () => ({ allocatable: { count: draw.between(1, 3) } })),
              },
            ]
          : [],
      },
    }));
}
