/**
 * Random storage: classes, volumes and claims of every state a scheduler can meet, and limits of nodes.
 */
import { DRIVER, drawCsi } from './draw-csi.ts';
import type { Json, Making } from './draw-nodes.ts';
import { ALONE, CLOUD_ZONE } from './world-names.ts';

const MODES = [
  'ReadWriteOnce',
  'ReadWriteOnce',
  'ReadOnlyMany',
  'ReadWriteMany',
  'ReadWriteOncePod',
] as const;
const SIZES = ['1Gi', '1Gi', '2Gi', '2Gi', '5Gi', '10Pi'] as const;
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const DELETED = { deletionTimestamp: '2026-06-01T00:00:00Z', finalizers: ['example.com/kept'] };

/** Storage of a case. */
export interface DrawnStorage {
  readonly objects: readonly Json[];
  /** Claims and disks for a pod of a namespace: names of claims, `disk:NAME`, `disk-ro:NAME`. */
  readonly claims: (namespace: string) => string[];
  /** Generic ephemeral volumes of the probe: `ephemeral:NAME`. */
  readonly ephemeral: () => string[];
  /** Claims that one pod only can use, as `namespace/name`. */
  readonly exclusive: ReadonlySet<string>;
}

/** @returns Nothing unless volumes are a theme. */
export function drawStorage(making: Making): DrawnStorage {
  const { draw, names, themes } = making;
  if (!themes.has('volumes')) {
    return { objects: [], claims: () => [], ephemeral: () => [], exclusive: new Set() };
  }
  const claims = draw.times(draw.between(3, 6), (i) => drawClaim(making, `claim${i}`));
  const reserved = new Set<string>();
  const free = draw.times(draw.between(1, 4), (i) =>
    drawVolume(making, `free${i}`, drawReservation(making, claims, reserved)),
  );
  const own = names === ALONE && draw.chance(0.2) ? [drawEphemeralClaim(making)] : [];
  const objects = [...free, ...[...claims, ...own].flatMap((claim) => claim.objects)];
  const volumes = objects.filter(({ kind }) => kind === 'PersistentVolume');
  const volumeNames = volumes.map(({ metadata }) => (metadata as { name: string }).name);
  return {
    objects: [...classes(making), ...objects, ...drawCsi(making, volumeNames)],
    ephemeral: () => (own.length > 0 || (names === ALONE && draw.chance(0.02)) ? ['ephemeral:tmp'] : []),
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

/** A volume's claimRef and phase. */
interface Reservation {
  readonly claimRef?: Json;
  readonly phase: string;
}

/**
 * Free, or for a claim of the case: by hand without a uid, for the very claim, or for an earlier one of its name.
 * @param reserved Claims that have a volume already: of two, stock takes one or the other.
 */
function drawReservation(
  { draw }: Making,
  claims: readonly DrawnClaim[],
  reserved: Set<string>,
): Reservation {
  if (draw.chance(0.65)) return { phase: draw.pick(['Available', 'Available', 'Available', 'Released']) };
  const { namespace, name, uid } = draw.pick(claims);
  const claimRef = { kind: 'PersistentVolumeClaim', namespace, name };
  const key = `${namespace}/${name}`;
  if (reserved.has(key) || draw.chance(0.4)) {
    return { claimRef: { ...claimRef, uid: `${uid}-before` }, phase: draw.pick(['Released', 'Available']) };
  }
  reserved.add(key);
  return {
    claimRef: draw.chance(0.5) ? claimRef : { ...claimRef, uid },
    phase: draw.pick(['Available', 'Bound']),
  };
}

function drawSource({ draw, names }: Making, name: string): Json {
  const kind = draw.below(10);
  if (kind < 5) return { local: { path: '/disk' } };
  if (kind < 8 || names !== ALONE) {
    const handle = names === ALONE && draw.chance(0.2) ? 'shared' : name;
    return { csi: { driver: DRIVER, volumeHandle: names.global(handle) } };
  }
  return { awsElasticBlockStore: { volumeID: draw.pick(['vol-1', `vol-${name}`, `aws://z0/vol-${name}`]) } };
}

function drawVolume(making: Making, name: string, { claimRef, phase }: Reservation): Json {
  const { draw, names } = making;
  const zones = draw.some(['z0', 'z1', 'z2'], 0.5);
  const source = drawSource(making, name);
  const local = 'local' in source;
  const inTree = 'awsElasticBlockStore' in source;
  const zoneLabel = inTree && draw.chance(0.3) ? BETA_ZONE : CLOUD_ZONE;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: names.global(name),
      uid: `uid-${names.global(name)}`,
      ...(zones.length > 0 &&
        draw.maybe(inTree ? 0.6 : 0.15, () => ({ labels: { [zoneLabel]: zones.join('__') } }))),
      ...draw.maybe(0.06, () => DELETED),
    },
    spec: {
      capacity: { storage: draw.pick(SIZES) },
      accessModes: [draw.pick(MODES)],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: names.global(draw.chance(0.9) ? 'local' : 'made'),
      ...source,
      ...draw.maybe(local ? 1 : 0.5, () => ({ nodeAffinity: { required: volumeTerms(making) } })),
      ...draw.maybe(0.05, () => ({ volumeMode: 'Block' })),
      // The API server takes an attributes class on volumes of CSI drivers alone.
      ...('csi' in source && draw.maybe(0.2, () => ({ volumeAttributesClassName: 'gold' }))),
      ...(claimRef && { claimRef }),
    },
    status: { phase },
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
  readonly uid: string;
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
        ...draw.maybe(0.04, () => DELETED),
      },
      spec: { storageClassName: names.global('local'), volumeName: names.global(volume) },
      status: draw.chance(0.03) ? { phase: 'Lost' } : {},
    });
    const gone = draw.chance(0.04);
    return {
      namespace,
      name,
      uid,
      isExclusive,
      objects: gone ? [object] : [drawVolume(making, volume, { claimRef, phase: 'Bound' }), object],
    };
  }
  const className = names.global(kind < 15 ? 'local' : kind < 18 ? 'made' : kind < 19 ? 'now' : 'unknown');
  const object = claim({
    spec: {
      storageClassName: className,
      ...draw.maybe(0.05, () => ({ volumeMode: 'Block' })),
      ...draw.maybe(0.05, () => ({ volumeAttributesClassName: 'gold' })),
    },
    metadata: {
      ...draw.maybe(0.1, () => ({
        annotations: { 'volume.kubernetes.io/selected-node': names.node(draw.below(making.nodes)) },
      })),
      ...draw.maybe(0.03, () => DELETED),
    },
  });
  return { namespace, name, uid, isExclusive, objects: [object] };
}

/** The claim of the probe's ephemeral volume: its own, an earlier probe's, or nobody's. */
function drawEphemeralClaim(making: Making): DrawnClaim {
  const { draw, names } = making;
  const namespace = names.namespace(0);
  const owner = draw.pick([`uid-${namespace}-probe`, `uid-${namespace}-probe`, 'uid-before', undefined]);
  const owners = [{ apiVersion: 'v1', kind: 'Pod', name: 'probe', uid: owner, controller: true }];
  const name = 'probe-tmp';
  const uid = `uid-${namespace}-${name}`;
  const object = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name, uid, ...(owner !== undefined && { ownerReferences: owners }) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: names.global(draw.pick(['local', 'made'])),
    },
    status: { phase: 'Pending' },
  };
  return { namespace, name, uid, isExclusive: false, objects: [object] };
}
