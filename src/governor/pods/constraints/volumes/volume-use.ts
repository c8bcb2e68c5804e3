/**
 * The use of claims by pods on each node, and the resulting number of volumes of each CSI driver (kube-scheduler's
 * NodeVolumeLimits): a disk counts once for any number of pods, claims or volumes of the node that refer to it.
 */
import type { VolumeIndex } from './volume-index.ts';

/** A volume in the terms of limits. */
export interface CountedVolume {
  readonly driver: string;
  readonly id: string;
}

/** A disk of a CSI driver: the same for all volumes of one handle. */
export function countedVolume(driver: string, handle: string): CountedVolume {
  return { driver, id: `volume ${driver}/${handle}` };
}

/** A disk that a pod names itself, `driver/handle`. */
export function inlineVolume(text: string): CountedVolume {
  const slash = text.indexOf('/');
  return countedVolume(text.slice(0, slash), text.slice(slash + 1));
}

interface ClaimUse {
  pods: number;
  readonly byNode: Map<number, number>;
  /** As currently counted on the nodes. */
  volume: CountedVolume | undefined;
}

interface NodeUse {
  /** Claims of this node by volume. */
  readonly volumes: Map<string, number>;
  readonly byDriver: Map<string, number>;
}

/** Volumes in use. */
export class VolumeUse {
  private readonly book: VolumeIndex;
  private readonly claims = new Map<string, ClaimUse>();
  private readonly nodes = new Map<number, NodeUse>();

  constructor(book: VolumeIndex) {
    this.book = book;
  }

  /** A pod with a claim came to a node (1) or went (-1). O(1). */
  onPod(node: number, claim: string, pods: number): void {
    let use = this.claims.get(claim);
    if (use === undefined) {
      if (pods < 0) return;
      use = { pods: 0, byNode: new Map(), volume: this.read(claim) };
      this.claims.set(claim, use);
    }
    const before = use.byNode.get(node) ?? 0;
    const after = before + pods;
    use.pods += pods;
    if (after === 0) use.byNode.delete(node);
    else use.byNode.set(node, after);
    if (use.volume !== undefined && (before === 0) !== (after === 0)) {
      this.count(node, use.volume, after === 0 ? -1 : 1);
    }
    if (use.pods === 0) this.claims.delete(claim);
  }

  /** A pod with a disk of its own, named as `driver/handle`, came to a node (1) or went (-1). O(1). */
  onInline(node: number, text: string, pods: 1 | -1): void {
    this.count(node, inlineVolume(text), pods);
  }

  /** The claim, or its volume, changed. O(nodes that use it). */
  reread(claim: string): void {
    const use = this.claims.get(claim);
    if (use === undefined) return;
    const volume = this.read(claim);
    if (volume?.id === use.volume?.id && volume?.driver === use.volume?.driver) return;
    for (const node of use.byNode.keys()) {
      if (use.volume !== undefined) this.count(node, use.volume, -1);
      if (volume !== undefined) this.count(node, volume, 1);
    }
    use.volume = volume;
  }

  /** A storage class changed. O(claims in use). */
  rereadAll(): void {
    for (const claim of this.claims.keys()) this.reread(claim);
  }

  /** Pods that use a claim. */
  podsOf(claim: string): number {
    return this.claims.get(claim)?.pods ?? 0;
  }

  /** @returns True if some pod of a node uses a volume. */
  isOn(node: number, volume: CountedVolume): boolean {
    return this.nodes.get(node)?.volumes.has(volume.id) ?? false;
  }

  /** Distinct volumes of a driver on a node. */
  countOn(node: number, driver: string): number {
    return this.nodes.get(node)?.byDriver.get(driver) ?? 0;
  }

  /** The volume of a claim as limits count it; a claim without a volume counts for its class's driver. Undefined: not at all. */
  read(key: string): CountedVolume | undefined {
    const claim = this.book.claim(key);
    if (claim === undefined) return undefined;
    const volume = claim.volumeName === '' ? undefined : this.book.volume(claim.volumeName);
    if (volume !== undefined) {
      const { driver, handle } = volume.description;
      return driver === '' || handle === '' ? undefined : countedVolume(driver, handle);
    }
    const storageClass = this.book.storageClass(claim.className);
    const driver = storageClass?.driver ?? storageClass?.provisioner ?? '';
    return driver === '' ? undefined : { driver, id: `claim ${key}` };
  }

  private count(node: number, volume: CountedVolume, claims: 1 | -1): void {
    const use = this.nodes.get(node) ?? { volumes: new Map(), byDriver: new Map() };
    this.nodes.set(node, use);
    const before = use.volumes.get(volume.id) ?? 0;
    const after = before + claims;
    change(use.volumes, volume.id, after);
    if ((before === 0) !== (after === 0)) {
      change(use.byDriver, volume.driver, (use.byDriver.get(volume.driver) ?? 0) + claims);
    }
    if (use.volumes.size === 0) this.nodes.delete(node);
  }
}

function change(counts: Map<string, number>, key: string, count: number): void {
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
