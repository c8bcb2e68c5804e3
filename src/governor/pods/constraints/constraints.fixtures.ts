/**
 * Random small clusters for the tests of the rules: few labels, values and names, so that all kinds of objects
 * interact.
 */

import type { Random } from '../../../kernel/random.ts';
import { bareTemplate } from '../../../model/kubernetes/bare-pod.ts';
import type {
  AttachmentDescription,
  ClaimDescription,
  NodeDescription,
  NodeVolumeLimits,
  StorageCapacityDescription,
  StorageClassDescription,
  Taint,
  VolumeDescription,
} from '../../../model/kubernetes/node.ts';
import type {
  LabelRequirement,
  LabelSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodTemplate,
  SpreadConstraint,
  Toleration,
} from '../../../model/kubernetes/pod.ts';

/** Random draws from a stream. */
export class Draw {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.random.nextFloat() < probability;
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return this.random.nextInt(n);
  }

  /** One of a list. */
  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** Up to `max` results of `make`, none with probability `none`. */
  some<Item>(none: number, max: number, make: () => Item): Item[] {
    return this.chance(none) ? [] : Array.from({ length: 1 + this.below(max) }, make);
  }
}

/** An empty template. */
export function emptyTemplate(changes: Partial<PodTemplate> = {}): PodTemplate {
  return { ...bareTemplate('a', { cpuMilli: 0, memoryBytes: 0, extended: {} }), ...changes };
}

/** A node with nothing special. */
export function plainNode(name: string, changes: Partial<NodeDescription> = {}): NodeDescription {
  return {
    name,
    uid: `uid-${name}`,
    labels: { 'kubernetes.io/hostname': name },
    taints: [],
    unschedulable: false,
    cpuMilli: 4000,
    memoryBytes: 2 ** 35,
    podsMax: 110,
    extended: {},
    ...changes,
  };
}

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const TOPOLOGY = [ZONE, HOST, 'rack'];
const APPS = ['x', 'y', 'z'];
const NAMESPACES = ['a', 'b', 'c'];
const TEAMS = ['red', 'blue'];

/** A node with a given name. */
export function drawNode(draw: Draw, name: string): NodeDescription {
  const labels: Record<string, string> = {};
  if (draw.chance(0.9)) labels[HOST] = name;
  if (draw.chance(0.8)) labels[ZONE] = draw.of(['z1', 'z2', 'z1__z2']);
  if (draw.chance(0.1)) labels['failure-domain.beta.kubernetes.io/zone'] = 'z1';
  if (draw.chance(0.7)) labels.rack = draw.of(['r1', 'r2', 'r3']);
  if (draw.chance(0.5)) labels.size = draw.of(['1', '5', '10', 'big']);
  return plainNode(name, {
    labels,
    taints: draw.some(0.6, 2, () => drawTaint(draw)),
    unschedulable: draw.chance(0.1),
  });
}

function drawTaint(draw: Draw): Taint {
  return {
    key: draw.of(['gpu', 'spot', 'node.kubernetes.io/unschedulable']),
    value: draw.of(['', 'yes']),
    effect: draw.of(['NoSchedule', 'NoExecute', 'PreferNoSchedule', 'PreferNoSchedule']),
  };
}

function drawToleration(draw: Draw): Toleration {
  const operator = draw.of(['Equal', 'Exists'] as const);
  return {
    key:
      operator === 'Exists' && draw.chance(0.3)
        ? ''
        : draw.of(['gpu', 'spot', 'node.kubernetes.io/unschedulable']),
    operator,
    value: operator === 'Exists' ? '' : draw.of(['', 'yes']),
    effect: draw.of(['', 'NoSchedule', 'NoExecute', 'PreferNoSchedule']),
  };
}

/** A template; a third of them request little. */
export function drawTemplate(draw: Draw): PodTemplate {
  const namespace = draw.of(NAMESPACES);
  const labels: Record<string, string> = {};
  if (draw.chance(0.9)) labels.app = draw.of(APPS);
  if (draw.chance(0.5)) labels.tier = draw.of(['front', 'back']);
  const none = draw.chance(0.3) ? 0.95 : 0.7;
  const term = (): PodAffinityTerm => drawPodTerm(draw, namespace);
  return emptyTemplate({
    namespace,
    labels,
    nodeSelector: draw.chance(none) ? {} : { [draw.of(['rack', ZONE])]: draw.of(['r1', 'z1']) },
    requiredNodeTerms: draw.chance(none) ? undefined : draw.some(0.1, 2, () => drawNodeTerm(draw)),
    preferredNodeTerms: draw.some(none, 2, () => ({ weight: 1 + draw.below(10), term: drawNodeTerm(draw) })),
    tolerations: draw.some(0.4, 2, () => drawToleration(draw)),
    hostPorts: draw.some(none, 2, () => ({
      ip: draw.of(['', '0.0.0.0', '10.0.0.1', '10.0.0.2']),
      protocol: draw.of(['TCP', 'UDP'] as const),
      port: draw.of([80, 443]),
    })),
    spread: draw.some(none, 2, () => drawSpread(draw)),
    affinity: draw.some(none, 2, term),
    antiAffinity: draw.some(none, 2, term),
    preferredAffinity: draw.some(none, 2, () => ({ weight: 1 + draw.below(9), term: term() })),
    preferredAntiAffinity: draw.some(none, 2, () => ({ weight: 1 + draw.below(9), term: term() })),
    ...drawVolumes(draw, none),
    exclusiveDisks: draw.some(none, 1, () => `gce:${draw.below(2)}${draw.of(['', ':ro'])}`),
  });
}

function drawVolumes(draw: Draw, none: number): Partial<PodTemplate> {
  const claims = [...new Set(draw.some(none, 2, () => `claim-${draw.below(4)}`))];
  const ephemeral = claims.filter(() => draw.chance(0.1));
  return {
    claims,
    ...(ephemeral.length > 0 && { ephemeral: { podName: 'p', podUid: 'pod', claims: ephemeral } }),
    ...(draw.chance((1 - none) / 2) && {
      inlineVolumes: draw.some(0, 2, () => `disk.csi/disk-${draw.below(4)}`),
    }),
  };
}

function drawNodeTerm(draw: Draw): NodeSelectorTerm {
  return {
    expressions: draw.some(0.2, 2, () => drawNodeRequirement(draw)),
    fields: draw.some(0.8, 1, () => ({
      key: 'metadata.name',
      operator: draw.of(['In', 'In', 'NotIn'] as const),
      values: [`n${draw.below(6)}`],
    })),
  };
}

function drawNodeRequirement(draw: Draw): LabelRequirement {
  const operator = draw.of(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const);
  switch (operator) {
    case 'Gt':
    case 'Lt':
      return { key: 'size', operator, values: [draw.of(['2', '7', 'abc'])] };
    case 'Exists':
    case 'DoesNotExist':
      return { key: draw.of(['rack', 'size', ZONE]), operator, values: [] };
    default:
      return draw.chance(0.5)
        ? { key: 'rack', operator, values: draw.of([['r1'], ['r2', 'r3'], ['r1', 'r2', 'r4', 'r5', 'r6']]) }
        : { key: draw.of([ZONE, HOST]), operator, values: [draw.of(['z1', 'z2', 'n1', 'n2'])] };
  }
}

function drawSelector(draw: Draw): LabelSelector | undefined {
  if (draw.chance(0.05)) return undefined;
  return draw.some(0.1, 2, () => drawPodRequirement(draw));
}

function drawPodRequirement(draw: Draw): LabelRequirement {
  const operator = draw.of(['In', 'In', 'In', 'NotIn', 'Exists', 'DoesNotExist'] as const);
  const byKey = operator === 'Exists' || operator === 'DoesNotExist';
  if (byKey) return { key: draw.of(['app', 'tier']), operator, values: [] };
  return { key: 'app', operator, values: draw.chance(0.7) ? [draw.of(APPS)] : ['x', 'z'] };
}

function drawSpread(draw: Draw): SpreadConstraint {
  return {
    topologyKey: draw.of(TOPOLOGY),
    maxSkew: 1 + draw.below(2),
    hard: draw.chance(0.6),
    selector: drawSelector(draw),
    minDomains: draw.of([0, 0, 1, 2, 3]),
    honorNodeAffinity: draw.chance(0.7),
    honorNodeTaints: draw.chance(0.4),
  };
}

function drawPodTerm(draw: Draw, own: string): PodAffinityTerm {
  const namespaceSelector: LabelSelector | undefined = draw.chance(0.6)
    ? undefined
    : draw
        .some(0.2, 1, () => ({
          key: 'team',
          operator: draw.of(['In', 'NotIn', 'DoesNotExist'] as const),
          values: [],
        }))
        .map((r) => (r.operator === 'DoesNotExist' ? r : { ...r, values: [draw.of(TEAMS)] }));
  const named = draw.some(0.7, 2, () => draw.of(NAMESPACES));
  return {
    topologyKey: draw.of(TOPOLOGY),
    selector: drawSelector(draw),
    namespaces: named.length === 0 && namespaceSelector === undefined ? [own] : named,
    namespaceSelector,
  };
}

/** Labels of a namespace. */
export function drawNamespaceLabels(draw: Draw): Record<string, string> {
  return draw.chance(0.3) ? {} : { team: draw.of(TEAMS) };
}

/** A name of a namespace. */
export function drawNamespace(draw: Draw): string {
  return draw.of(NAMESPACES);
}

/** An older claim and the later one of the same name. */
const CLAIM_UIDS = ['older', 'newer', 'newer'];

/** A claim that pods of the scenarios may use. */
export function drawClaim(draw: Draw): ClaimDescription {
  const bound = draw.chance(0.4);
  return {
    key: `${draw.of(NAMESPACES)}/claim-${draw.below(4)}`,
    uid: draw.of(CLAIM_UIDS),
    ...(draw.chance(0.5) && { ownerUid: draw.of(['pod', 'other']) }),
    volumeName: bound || draw.chance(0.05) ? `volume-${draw.below(6)}` : '',
    className: draw.of(['local', 'made', 'made', 'now']),
    bound,
    unusable: draw.chance(0.05),
    selectedNode: draw.chance(0.1) ? `n${draw.below(6)}` : '',
    accessModes: draw.chance(0.15) ? ['ReadWriteOncePod'] : ['ReadWriteOnce'],
    bytes: 1 + draw.below(3),
    ...(draw.chance(0.1) && { attributesClass: 'gold' }),
  };
}

/** A volume that claims of the scenarios may get. */
export function drawVolume(draw: Draw): VolumeDescription {
  const labels: Record<string, string> = {};
  if (draw.chance(0.3)) labels[ZONE] = draw.of(['z1', 'z2', 'z1__z2', 'z1__']);
  if (draw.chance(0.1)) labels['failure-domain.beta.kubernetes.io/zone'] = 'z1';
  return {
    name: `volume-${draw.below(6)}`,
    nodeTerms: draw.chance(0.4)
      ? undefined
      : draw.some(0.05, 2, () => ({
          expressions: draw.some(0.1, 2, () => drawVolumeRequirement(draw)),
          fields: [],
        })),
    labels,
    className: draw.of(['local', 'local', 'made']),
    ...drawClaimRef(draw),
    accessModes: draw.chance(0.8) ? ['ReadWriteOnce', 'ReadWriteOncePod'] : ['ReadOnlyMany'],
    bytes: 1 + draw.below(4),
    available: draw.chance(0.8),
    ...(draw.chance(0.1) && { deleting: true as const }),
    driver: draw.of(['', 'disk.csi', 'disk.csi']),
    handle: draw.chance(0.1) ? '' : `disk-${draw.below(4)}`,
    ...(draw.chance(0.2) && {
      inTree: {
        plugin: 'kubernetes.io/aws-ebs',
        nodeTerms: draw.chance(0.2)
          ? undefined
          : draw.some(0.1, 2, () => ({ expressions: [drawVolumeRequirement(draw)], fields: [] })),
      },
    }),
    ...(draw.chance(0.1) && { attributesClass: 'gold' }),
  };
}

function drawClaimRef(draw: Draw): Pick<VolumeDescription, 'claim' | 'claimUid'> {
  if (draw.chance(0.75)) return { claim: '', claimUid: '' };
  return {
    claim: `${draw.of(NAMESPACES)}/claim-${draw.below(4)}`,
    claimUid: draw.of(['', ...CLAIM_UIDS]),
  };
}

/** A random CSINode of a node. */
export function drawLimits(draw: Draw): NodeVolumeLimits {
  return {
    name: `n${draw.below(6)}`,
    limits: { 'disk.csi': draw.below(4) },
    ...(draw.chance(0.5) && { migrated: ['kubernetes.io/aws-ebs'] }),
  };
}

/** A volume of the scenarios attached to a node. */
export function drawAttachment(draw: Draw): AttachmentDescription {
  return {
    name: `attachment-${draw.below(4)}`,
    node: `n${draw.below(6)}`,
    attacher: draw.of(['disk.csi', 'disk.csi', 'other.csi']),
    volume: draw.chance(0.1) ? '' : `volume-${draw.below(6)}`,
  };
}

/** Remaining capacity for a class. */
export function drawCapacity(draw: Draw): StorageCapacityDescription {
  return {
    key: `csi/capacity-${draw.below(3)}`,
    className: draw.of(['made', 'made', 'now']),
    ...(draw.chance(0.9) && { bytes: 1 + draw.below(4) }),
    ...(draw.chance(0.9) && {
      nodes: draw.some(0.3, 1, () => ({
        key: ZONE,
        operator: 'In' as const,
        values: [draw.of(['z1', 'z2'])],
      })),
    }),
  };
}

function drawVolumeRequirement(draw: Draw): LabelRequirement {
  if (draw.chance(0.2)) return { key: 'rack', operator: 'Exists', values: [] };
  const [key, values] = draw.of([
    [HOST, ['n1']],
    [HOST, ['n2', 'n3']],
    [ZONE, ['z1']],
    [ZONE, ['z1', 'z2']],
  ] as const);
  return { key, operator: 'In', values };
}

/** A storage class of the scenarios. */
export function drawClass(draw: Draw): StorageClassDescription {
  const name = draw.of(['local', 'made', 'now']);
  return {
    name,
    waitForFirstConsumer: name !== 'now',
    provisioner: name === 'local' ? 'kubernetes.io/no-provisioner' : 'disk.csi',
    allowedTopologies: draw.chance(0.5)
      ? undefined
      : draw.some(0.1, 2, () => ({
          expressions: draw.some(0.1, 1, () => ({
            key: ZONE,
            operator: 'In' as const,
            values: [draw.of(['z1', 'z2'])],
          })),
          fields: [],
        })),
  };
}
