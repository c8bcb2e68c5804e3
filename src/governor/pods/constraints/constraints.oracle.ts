/**
 * The rules once more, directly from the API's documentation and without any cache: every query loops over all pods and
 * nodes. The reference for `ClusterConstraints`.
 */
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
  NodeSelectorTerm,
  PodAffinityTerm,
  PodTemplate,
  SpreadConstraint,
} from '../../../model/kubernetes/pod.ts';
import { Refusal, type RefusalCode } from '../constraints.ts';
import {
  isInZone,
  isTolerated,
  matches,
  matchesNode,
  matchesTerm,
  meets,
  shareADisk,
  shareAPort,
  toleratesNode,
} from './matching.oracle.ts';

type Labels = Readonly<Record<string, string>>;

/** A pod on a node. */
export interface PlacedPod {
  readonly uid: string;
  readonly node: number;
  readonly template: PodTemplate;
  readonly leaving: boolean;
  /** Reservations of its claims at its placement. */
  promises: readonly OraclePromise[];
}

/** A volume ('': one to be made for the node) reserved for a claim. */
export interface OraclePromise {
  readonly claim: string;
  readonly volume: string;
  readonly node: string;
}

/** A cluster and the rules about it. */
export class ConstraintsOracle {
  readonly nodes = new Map<number, NodeDescription>();
  readonly pods: PlacedPod[] = [];
  readonly namespaces = new Map<string, Labels>();
  readonly claims = new Map<string, ClaimDescription>();
  readonly volumes = new Map<string, VolumeDescription>();
  readonly classes = new Map<string, StorageClassDescription>();
  readonly limits = new Map<string, NodeVolumeLimits>();
  readonly attachments = new Map<string, AttachmentDescription>();
  readonly capacities = new Map<string, StorageCapacityDescription>();
  /** CSI drivers that publish their remaining capacity. */
  readonly tracking = new Set<string>();

  /** Why no node will do; '' if one may. */
  before(pod: PodTemplate): string {
    if (this.named(pod)?.size === 0) return 'pod affinity terms conflict';
    const wrong = this.wrongClaim(pod);
    if (wrong !== '') return wrong;
    const claims = this.claimsOf(pod);
    for (const claim of claims) {
      const waits =
        this.classes.get(claim.className)?.waitForFirstConsumer === true && claim.volumeName === '';
      if (!(claim.bound && claim.volumeName !== '') && !waits) {
        return 'pod has unbound immediate PersistentVolumeClaims';
      }
    }
    for (const claim of claims) {
      if (claim.volumeName !== '' && !this.volumes.has(claim.volumeName)) {
        return `persistentvolume "${claim.volumeName}" not found`;
      }
    }
    return '';
  }

  private wrongClaim(pod: PodTemplate): string {
    const own = pod.ephemeral?.claims ?? [];
    const missing = pod.claims.filter((name) => !this.claims.has(`${pod.namespace}/${name}`));
    const [lost] = missing.filter((name) => !own.includes(name));
    if (lost !== undefined) return `persistentvolumeclaim "${lost}" not found`;
    for (const name of pod.claims) {
      const claim = this.claims.get(`${pod.namespace}/${name}`);
      if (claim === undefined)
        return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
      if (claim.unusable) return `persistentvolumeclaim "${name}" is being deleted`;
      if (own.includes(name) && claim.ownerUid !== pod.ephemeral?.podUid)
        return `PVC ${claim.key} was not created for pod ${pod.namespace}/${pod.ephemeral?.podName} (pod is not owner)`;
    }
    return '';
  }

  /** Names requested by field; undefined: any. */
  named(pod: PodTemplate): ReadonlySet<string> | undefined {
    const terms = pod.requiredNodeTerms;
    if (terms === undefined || terms.length === 0) return undefined;
    const all = new Set<string>();
    for (const term of terms) {
      const lists = term.fields.filter((f) => f.key === 'metadata.name' && f.operator === 'In');
      if (lists.length === 0) return undefined;
      const [first, ...more] = lists;
      for (const name of first?.values ?? []) if (more.every((l) => l.values.includes(name))) all.add(name);
    }
    return all;
  }

  /** The first rule that refuses a node. */
  refusal(pod: PodTemplate, slot: number): RefusalCode {
    const node = this.nodes.get(slot) as NodeDescription;
    const names = this.named(pod);
    if (names !== undefined && !names.has(node.name)) return Refusal.NodeAffinity;
    const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };
    if (node.unschedulable && !isTolerated(pod, cordon)) return Refusal.Unschedulable;
    if (!toleratesNode(pod, node)) return Refusal.Taint;
    if (!matchesNode(pod, node)) return Refusal.NodeAffinity;
    const here = this.pods.filter((other) => other.node === slot);
    if (here.some((other) => shareAPort(pod, other.template))) return Refusal.Ports;
    if (here.some((other) => shareADisk(pod, other.template))) return Refusal.DiskConflict;
    return this.volumeRefusal(pod, slot, node) || this.spreadRefusal(pod, node) || this.podRefusal(pod, node);
  }

  /** The volumes of a pod's claims on a node, or the reason why there are none. */
  match(pod: PodTemplate, slot: number): readonly OraclePromise[] | RefusalCode {
    const node = this.nodes.get(slot) as NodeDescription;
    const waiting = this.claimsOf(pod).filter((claim) => !(claim.bound && claim.volumeName !== ''));
    const promised = new Map(this.pods.flatMap((p) => p.promises).map((p) => [p.claim, p]));
    const found: OraclePromise[] = [];
    const toMake: ClaimDescription[] = [];
    const toFind: ClaimDescription[] = [];
    for (const claim of waiting) {
      const promise = promised.get(claim.key);
      const selected = claim.selectedNode || (promise?.volume === '' ? promise.node : '');
      if (selected !== '' && selected !== node.name) return Refusal.VolumeBind;
      (selected === '' ? toFind : toMake).push(claim);
    }
    for (const claim of toFind.sort((a, b) => a.bytes - b.bytes)) {
      const volume = this.freeVolume(claim, node, promised, found);
      if (volume === undefined) toMake.push(claim);
      else found.push({ claim: claim.key, volume, node: node.name });
    }
    for (const claim of toMake) {
      const made = this.classes.get(claim.className);
      if (made === undefined || made.provisioner === '' || made.provisioner.endsWith('no-provisioner'))
        return Refusal.VolumeBind;
      const allowed = made.allowedTopologies ?? [];
      const fits = (term: NodeSelectorTerm): boolean =>
        term.expressions.length > 0 && term.expressions.every((r) => meets(r, node.labels));
      if (allowed.length > 0 && !allowed.some(fits)) return Refusal.VolumeBind;
      const room = [...this.capacities.values()].some(
        ({ className, bytes, nodes }) =>
          className === made.name &&
          (bytes ?? -1) >= claim.bytes &&
          nodes?.every((r) => meets(r, node.labels)) === true,
      );
      if (this.tracking.has(made.provisioner) && !room) return Refusal.VolumeSpace;
      found.push({ claim: claim.key, volume: '', node: node.name });
    }
    return found;
  }

  /** Scores of nodes as kube-scheduler's plugins give them, weighted. */
  scores(pod: PodTemplate, slots: readonly number[]): number[] {
    const nodes = slots.map((slot) => this.nodes.get(slot) as NodeDescription);
    const soft = nodes.map(
      (node) => node.taints.filter((t) => t.effect === 'PreferNoSchedule' && !isTolerated(pod, t)).length,
    );
    const taints = scaled(soft).map((s, i) => (Math.max(...soft) === 0 ? 100 : 100 - (s ?? i)));
    const affinity = scaled(
      nodes.map((node) =>
        pod.preferredNodeTerms.reduce((sum, p) => sum + (matchesTerm(p.term, node) ? p.weight : 0), 0),
      ),
    );
    const spread = this.spreadScores(pod, slots, nodes);
    const likes = ranged(nodes.map((node) => this.liking(pod, node)));
    return nodes.map(
      (_, i) =>
        3 * (taints[i] as number) +
        2 * (affinity[i] as number) +
        2 * (spread[i] as number) +
        2 * (likes[i] as number),
    );
  }

  private claimsOf(pod: PodTemplate): ClaimDescription[] {
    return pod.claims.flatMap((name) => this.claims.get(`${pod.namespace}/${name}`) ?? []);
  }

  private freeVolume(
    claim: ClaimDescription,
    node: NodeDescription,
    promised: ReadonlyMap<string, OraclePromise>,
    chosen: readonly OraclePromise[],
  ): string | undefined {
    const here = (volume: VolumeDescription): boolean =>
      volume.nodeTerms === undefined ||
      volume.nodeTerms.some(
        (t) => t.expressions.length > 0 && t.expressions.every((r) => meets(r, node.labels)),
      );
    const inOrder = [...this.volumes.values()].sort(
      (a, b) => a.bytes - b.bytes || (a.name < b.name ? -1 : 1),
    );
    const own =
      this.volumes.get(promised.get(claim.key)?.volume ?? '') ??
      inOrder.find(
        (v) =>
          v.claim === claim.key &&
          (v.claimUid === '' || v.claimUid === claim.uid) &&
          v.deleting !== true &&
          v.className === claim.className &&
          v.attributesClass === claim.attributesClass &&
          v.bytes >= claim.bytes,
      );
    if (own !== undefined) return here(own) ? own.name : undefined;
    const taken = new Set([...promised.values(), ...chosen].map((p) => p.volume));
    const free = inOrder.filter(
      (v) =>
        v.claim === '' &&
        v.available &&
        v.deleting !== true &&
        v.attributesClass === claim.attributesClass &&
        v.className === claim.className &&
        v.bytes >= claim.bytes &&
        claim.accessModes.every((mode) => v.accessModes.includes(mode)) &&
        !taken.has(v.name) &&
        here(v),
    );
    return free[0]?.name;
  }

  private volumeRefusal(pod: PodTemplate, slot: number, node: NodeDescription): RefusalCode {
    const claims = this.claimsOf(pod);
    const users = (key: string): boolean =>
      this.pods.some((p) => p.template.claims.some((name) => `${p.template.namespace}/${name}` === key));
    if (claims.some((c) => c.accessModes.includes('ReadWriteOncePod') && users(c.key)))
      return Refusal.VolumeInUse;
    if (!this.isWithinLimits(pod, slot, node)) return Refusal.VolumeLimits;
    const bound = claims.flatMap((c) => (c.volumeName === '' ? [] : (this.volumes.get(c.volumeName) ?? [])));
    for (const volume of bound) {
      const fits = (t: NodeSelectorTerm): boolean =>
        t.expressions.length > 0 && t.expressions.every((r) => meets(r, node.labels));
      const moved = this.limits.get(node.name)?.migrated?.includes(volume.inTree?.plugin ?? '-');
      const terms = moved === true ? volume.inTree?.nodeTerms : volume.nodeTerms;
      if (terms !== undefined && !terms.some(fits)) return Refusal.VolumeNodeAffinity;
    }
    const found = this.match(pod, slot);
    if (typeof found === 'number') return found;
    return bound.every((volume) => isInZone(volume, node)) ? Refusal.None : Refusal.VolumeZone;
  }

  private isWithinLimits(pod: PodTemplate, slot: number, node: NodeDescription): boolean {
    const disk = (driver: string, handle: string): [string, string] => [`${driver}/${handle}`, driver];
    const ids = (template: PodTemplate): [string, string][] => [
      ...(template.inlineVolumes ?? []).map((text) => disk('disk.csi', text.split('/')[1] as string)),
      ...this.claimsOf(template).flatMap((claim): [string, string][] => {
        const volume = this.volumes.get(claim.volumeName);
        if (volume !== undefined)
          return volume.driver === '' || volume.handle === '' ? [] : [disk(volume.driver, volume.handle)];
        const driver = this.classes.get(claim.className)?.provisioner ?? '';
        return driver === '' ? [] : [[`claim ${claim.key}`, driver]];
      }),
    ];
    const attached = new Map(this.pods.filter((p) => p.node === slot).flatMap((p) => ids(p.template)));
    const added = new Map(ids(pod).filter(([id]) => !attached.has(id)));
    for (const { node: where, attacher, volume: name } of this.attachments.values()) {
      const volume = this.volumes.get(name);
      if (where !== node.name || volume === undefined || volume.driver === '' || volume.inTree) continue;
      // A volume that is attached and not used by pods of the node counts beside the pod's own use of it.
      const [id, driver] = disk(attacher, volume.handle);
      if (!attached.has(id)) attached.set(`${id} attached`, driver);
    }
    const limits = this.limits.get(node.name)?.limits ?? {};
    return [...new Set(added.values())].every((driver) => {
      const count = [...attached.values(), ...added.values()].filter((d) => d === driver).length;
      return count <= (limits[driver] ?? Number.POSITIVE_INFINITY);
    });
  }

  /** Pods of a selector by topology value, on nodes that count for a constraint. */
  private spreadCounts(
    pod: PodTemplate,
    constraint: SpreadConstraint,
    together: readonly SpreadConstraint[],
  ): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [slot, node] of this.nodes) {
      if (!together.every(({ topologyKey }) => topologyKey in node.labels)) continue;
      if (constraint.honorNodeAffinity && !matchesNode(pod, node)) continue;
      if (constraint.honorNodeTaints && !toleratesNode(pod, node)) continue;
      const value = node.labels[constraint.topologyKey] as string;
      counts.set(value, (counts.get(value) ?? 0) + this.spreadCount(pod, constraint, slot));
    }
    return counts;
  }

  private spreadCount(pod: PodTemplate, { selector }: SpreadConstraint, slot: number): number {
    if (selector?.length === 0) return 0;
    return this.pods.filter(
      ({ node, leaving, template }) =>
        node === slot &&
        !leaving &&
        template.namespace === pod.namespace &&
        matches(selector, template.labels),
    ).length;
  }

  private spreadRefusal(pod: PodTemplate, node: NodeDescription): RefusalCode {
    const hard = pod.spread.filter((constraint) => constraint.hard);
    for (const constraint of hard) {
      const value = node.labels[constraint.topologyKey];
      if (value === undefined) return Refusal.SpreadMissingLabel;
      const counts = this.spreadCounts(pod, constraint, hard);
      const enough = counts.size >= Math.max(1, constraint.minDomains);
      const least = enough ? Math.min(...counts.values()) : 0;
      const own = matches(constraint.selector, pod.labels) ? 1 : 0;
      if ((counts.get(value) ?? 0) + own - least > constraint.maxSkew) return Refusal.Spread;
    }
    return Refusal.None;
  }

  private podRefusal(pod: PodTemplate, node: NodeDescription): RefusalCode {
    const isIn = (term: PodAffinityTerm, other: PlacedPod): boolean => {
      const value = node.labels[term.topologyKey];
      return value !== undefined && this.nodes.get(other.node)?.labels[term.topologyKey] === value;
    };
    if (pod.affinity.length > 0) {
      if (pod.affinity.some(({ topologyKey }) => !(topologyKey in node.labels))) return Refusal.PodAffinity;
      const all = this.pods.filter((o) => pod.affinity.every((t) => this.wants(t, o.template)));
      const counted = all.filter((o) =>
        pod.affinity.some(({ topologyKey }) => topologyKey in (this.nodes.get(o.node)?.labels ?? {})),
      );
      const first = counted.length === 0 && pod.affinity.every((term) => this.wants(term, pod));
      const near = pod.affinity.every((term) => all.some((other) => isIn(term, other)));
      if (!near && !first) return Refusal.PodAffinity;
    }
    const unwanted = pod.antiAffinity.some((t) =>
      this.pods.some((o) => this.wants(t, o.template) && isIn(t, o)),
    );
    if (unwanted) return Refusal.PodAntiAffinity;
    const kept = this.pods.some((o) =>
      o.template.antiAffinity.some((t) => this.isWanted(t, pod) && isIn(t, o)),
    );
    return kept ? Refusal.ExistingAntiAffinity : Refusal.None;
  }

  /** @returns True if a term of a pod to be placed matches another pod. */
  private wants(term: PodAffinityTerm, other: PodTemplate): boolean {
    const labels = this.namespaces.get(other.namespace);
    const meant =
      term.namespaces.includes(other.namespace) ||
      (labels !== undefined && matches(term.namespaceSelector, labels)) ||
      matches(term.namespaceSelector, {});
    return meant && matches(term.selector, other.labels);
  }

  /** @returns True if a term of a running pod matches a pod to be placed. */
  private isWanted(term: PodAffinityTerm, pod: PodTemplate): boolean {
    const meant =
      term.namespaces.includes(pod.namespace) ||
      matches(term.namespaceSelector, this.namespaces.get(pod.namespace) ?? {});
    return meant && matches(term.selector, pod.labels);
  }

  private liking(pod: PodTemplate, node: NodeDescription): number {
    let sum = 0;
    for (const other of this.pods) {
      const labels = this.nodes.get(other.node)?.labels ?? {};
      const near = ({ topologyKey }: PodAffinityTerm): boolean =>
        labels[topologyKey] !== undefined && labels[topologyKey] === node.labels[topologyKey];
      const { template } = other;
      for (const { term, weight } of pod.preferredAffinity) {
        if (this.wants(term, template) && near(term)) sum += weight;
      }
      for (const { term, weight } of pod.preferredAntiAffinity) {
        if (this.wants(term, template) && near(term)) sum -= weight;
      }
      for (const term of template.affinity) if (this.isWanted(term, pod) && near(term)) sum += 1;
      for (const { term, weight } of template.preferredAffinity) {
        if (this.isWanted(term, pod) && near(term)) sum += weight;
      }
      for (const { term, weight } of template.preferredAntiAffinity) {
        if (this.isWanted(term, pod) && near(term)) sum -= weight;
      }
    }
    return sum;
  }

  private spreadScores(
    pod: PodTemplate,
    slots: readonly number[],
    nodes: readonly NodeDescription[],
  ): number[] {
    const soft = pod.spread.filter((constraint) => !constraint.hard);
    if (soft.length === 0) return nodes.map(() => 0);
    const scored = nodes.map((node) => soft.every(({ topologyKey }) => topologyKey in node.labels));
    const raw = nodes.map((node, i) => {
      if (!scored[i]) return Number.NaN;
      let sum = 0;
      for (const constraint of soft) {
        const key = constraint.topologyKey;
        const byNode = key === 'kubernetes.io/hostname';
        const values = new Set(nodes.filter((_, j) => scored[j]).map((n) => n.labels[key]));
        const domains = byNode ? scored.filter(Boolean).length : values.size;
        const pods = byNode
          ? this.spreadCount(pod, constraint, slots[i] as number)
          : (this.spreadCounts(pod, constraint, soft).get(node.labels[key] as string) ?? 0);
        sum += pods * Math.log(domains + 2) + (constraint.maxSkew - 1);
      }
      return Math.round(sum);
    });
    const known = raw.filter((score) => !Number.isNaN(score));
    const most = Math.max(0, ...known);
    const least = Math.min(...known);
    return raw.map((score) => {
      if (Number.isNaN(score)) return 0;
      return most === 0 ? 100 : Math.floor((100 * (most + least - score)) / most);
    });
  }
}

/** 0…100 of the largest. */
function scaled(raw: readonly number[]): number[] {
  const most = Math.max(...raw);
  return raw.map((score) => (most === 0 ? 0 : Math.floor((100 * score) / most)));
}

/** 0…100 from the least to the most. */
function ranged(raw: readonly number[]): number[] {
  const least = Math.min(...raw);
  const range = Math.max(...raw) - least;
  return raw.map((score) => (range === 0 ? 0 : Math.floor(100 * ((score - least) / range))));
}
