/**
 * A small cluster for hand-written cases.
 */
import type { ClaimDescription, NodeDescription, VolumeDescription } from '../../../model/kubernetes/node.ts';
import type {
  LabelSelector,
  PodAffinityTerm,
  PodTemplate,
  SpreadConstraint,
} from '../../../model/kubernetes/pod.ts';
import type { PodShape, RefusalCode } from '../constraints.ts';
import { ClusterConstraints, type ConstraintsOptions } from './cluster-constraints.ts';
import { emptyTemplate, plainNode } from './constraints.fixtures.ts';

/** The zone label. */
export const ZONE = 'topology.kubernetes.io/zone';
/** The host name label. */
export const HOST = 'kubernetes.io/hostname';

/** Rules, and names instead of slots and shapes. */
export class Cluster {
  readonly rules: ClusterConstraints;
  private readonly slots = new Map<string, number>();
  private readonly shapes = new Map<PodTemplate, PodShape>();
  private uids = 0;

  constructor(options?: ConstraintsOptions) {
    this.rules = new ClusterConstraints(options);
  }

  /** A node; without labels but its host name, unless given. */
  node(name: string, changes: Partial<NodeDescription> = {}): this {
    const slot = this.slots.get(name) ?? this.slots.size;
    this.slots.set(name, slot);
    const labels = { [HOST]: name, ...changes.labels };
    this.rules.setNode(slot, plainNode(name, { ...changes, labels }));
    return this;
  }

  /** A node in a zone. */
  zoned(name: string, zone: string): this {
    return this.node(name, { labels: { [ZONE]: zone } });
  }

  /** The slot of a node. */
  slot(name: string): number {
    return this.slots.get(name) as number;
  }

  /** The shape of a template. */
  shape(template: PodTemplate): PodShape {
    const known = this.shapes.get(template) ?? { id: this.shapes.size, template };
    this.shapes.set(template, known);
    return known;
  }

  /** Puts a pod on a node. @param seen It was there before we knew of it. @returns A function that removes it. */
  put(node: string, changes: Partial<PodTemplate>, leaving = false, seen = false): () => void {
    const shape = this.shape(emptyTemplate(changes));
    const uid = `pod-${this.uids++}`;
    this.rules.addPod(this.slot(node), shape, uid, leaving, seen);
    return () => this.rules.removePod(this.slot(node), shape, uid);
  }

  /** The refusal of a pod by each node: '' or the reason; or one text, if no node will do. */
  ask(changes: Partial<PodTemplate>): Readonly<Record<string, string>> | string {
    const before = this.rules.preFilter(this.shape(emptyTemplate(changes)));
    if (before !== undefined) return before.reason;
    return Object.fromEntries(
      [...this.slots].map(([name, slot]) => [name, this.rules.text(slot, this.rules.check(slot))]),
    );
  }

  /** Nodes that take a pod. */
  fits(changes: Partial<PodTemplate>): readonly string[] {
    const said = this.ask(changes);
    return typeof said === 'string' ? [] : Object.keys(said).filter((name) => said[name] === '');
  }

  /** Why one node refuses a pod. */
  refusal(node: string, changes: Partial<PodTemplate>): RefusalCode {
    this.rules.preFilter(this.shape(emptyTemplate(changes)));
    return this.rules.check(this.slot(node));
  }

  /** Scores of all nodes, minus their common part. */
  scores(changes: Partial<PodTemplate>): Readonly<Record<string, number>> {
    this.rules.preFilter(this.shape(emptyTemplate(changes)));
    const slots = Int32Array.from(this.slots.values());
    const scores = new Float64Array(slots.length);
    this.rules.scoreAll(slots, slots.length, scores);
    return Object.fromEntries([...this.slots.keys()].map((name, i) => [name, scores[i] as number]));
  }

  /** A claim of namespace a. */
  claim(name: string, changes: Partial<ClaimDescription> = {}): this {
    const claim: ClaimDescription = {
      key: `a/${name}`,
      uid: `uid-${name}`,
      volumeName: '',
      className: 'local',
      bound: false,
      unusable: false,
      selectedNode: '',
      accessModes: ['ReadWriteOnce'],
      bytes: 1,
      ...changes,
    };
    this.rules.take({ kind: 'claim', claim });
    return this;
  }

  /** A free volume of class local. */
  volume(name: string, changes: Partial<VolumeDescription> = {}): this {
    const volume: VolumeDescription = {
      name,
      nodeTerms: undefined,
      labels: {},
      className: 'local',
      claim: '',
      claimUid: '',
      accessModes: ['ReadWriteOnce'],
      bytes: 1,
      available: true,
      driver: '',
      handle: changes.driver === undefined ? '' : name,
      ...changes,
    };
    this.rules.take({ kind: 'volume', volume });
    return this;
  }

  /** A class whose claims wait for their first consumer. */
  storageClass(name: string, provisioner: string, zones: readonly string[] = []): this {
    this.rules.take({
      kind: 'storage-class',
      storageClass: {
        name,
        waitForFirstConsumer: true,
        provisioner,
        allowedTopologies:
          zones.length === 0
            ? undefined
            : [{ expressions: [{ key: ZONE, operator: 'In', values: zones }], fields: [] }],
      },
    });
    return this;
  }
}

/** `app in (…)`. */
export function apps(...values: string[]): LabelSelector {
  return [{ key: 'app', operator: 'In', values }];
}

/** A hard constraint on pods of app x. */
export function spread(topologyKey: string, changes: Partial<SpreadConstraint> = {}): SpreadConstraint {
  return {
    topologyKey,
    maxSkew: 1,
    hard: true,
    selector: apps('x'),
    minDomains: 0,
    honorNodeAffinity: true,
    honorNodeTaints: false,
    ...changes,
  };
}

/** A term on pods of an app in namespace a. */
export function near(
  topologyKey: string,
  app: string,
  changes: Partial<PodAffinityTerm> = {},
): PodAffinityTerm {
  return { topologyKey, selector: apps(app), namespaces: ['a'], namespaceSelector: undefined, ...changes };
}
