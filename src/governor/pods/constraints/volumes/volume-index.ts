/** Claims, volumes and storage classes, and the volumes reserved for claims of pods on their way. */
import type {
  ClaimDescription,
  StorageClassDescription,
  VolumeDescription,
} from '../../../../model/kubernetes/node.ts';
import type { NodeTable } from '../nodes/node-table.ts';
import { releaseVolume, UnclaimedVolumes, type VolumeEntry, volumeEntry } from './unclaimed-volumes.ts';

/** Storage objects by name. Single writer. */
export class VolumeIndex {
  private readonly nodes: NodeTable;
  private readonly claims = new Map<string, ClaimDescription>();
  private readonly volumes = new Map<string, VolumeEntry>();
  private readonly classes = new Map<string, StorageClassDescription>();
  private readonly shelves = new Map<string, UnclaimedVolumes>();
  /** Volumes whose claimRef names a claim. */
  private readonly reserved = new Map<string, Set<VolumeEntry>>();
  /** Claims whose `volumeName` is a volume. */
  private readonly holders = new Map<string, Set<string>>();

  constructor(nodes: NodeTable) {
    this.nodes = nodes;
  }

  /** By `namespace/name`. */
  claim(key: string): ClaimDescription | undefined {
    return this.claims.get(key);
  }

  /** By name. */
  volume(name: string): VolumeEntry | undefined {
    return this.volumes.get(name);
  }

  /** By name. */
  storageClass(name: string): StorageClassDescription | undefined {
    return this.classes.get(name);
  }

  /** Free volumes of a class; undefined: none. */
  shelf(className: string): UnclaimedVolumes | undefined {
    return this.shelves.get(className);
  }

  /** Volumes of a claim's class that are reserved for this very claim, or by hand for its name; none that is being deleted. */
  reservedFor(claim: ClaimDescription): readonly VolumeEntry[] {
    const all = [...(this.reserved.get(claim.key) ?? [])];
    return all.filter(
      ({ description }) =>
        description.className === claim.className &&
        description.deleting !== true &&
        isFor(description, claim),
    );
  }

  /** Claims that name a volume. */
  holdersOf(volume: string): Iterable<string> {
    return this.holders.get(volume) ?? [];
  }

  /** A claim is new, changed, or gone (undefined). */
  setClaim(key: string, claim: ClaimDescription | undefined): void {
    const before = this.claims.get(key);
    if (before !== undefined) removeFrom(this.holders, before.volumeName, key);
    if (claim === undefined) {
      this.claims.delete(key);
      return;
    }
    this.claims.set(key, claim);
    if (claim.volumeName !== '') addTo(this.holders, claim.volumeName, key);
  }

  /** A volume is new, changed, or gone (undefined). */
  setVolume(name: string, volume: VolumeDescription | undefined): void {
    const before = this.volumes.get(name);
    if (before !== undefined) this.takeDown(before);
    if (volume === undefined) {
      this.volumes.delete(name);
      return;
    }
    const entry = volumeEntry(this.nodes, volume);
    this.volumes.set(name, entry);
    if (volume.claim !== '') addTo(this.reserved, volume.claim, entry);
    else if (isFree(volume)) this.shelfOf(volume.className).add(entry);
  }

  /** A storage class is new, changed, or gone (undefined). */
  setClass(name: string, storageClass: StorageClassDescription | undefined): void {
    if (storageClass === undefined) this.classes.delete(name);
    else this.classes.set(name, storageClass);
  }

  private takeDown(entry: VolumeEntry): void {
    const { description } = entry;
    if (description.claim !== '') removeFrom(this.reserved, description.claim, entry);
    else if (isFree(description)) this.shelfOf(description.className).remove(entry);
    releaseVolume(entry);
  }

  private shelfOf(className: string): UnclaimedVolumes {
    const shelf = this.shelves.get(className) ?? new UnclaimedVolumes(this.nodes);
    this.shelves.set(className, shelf);
    return shelf;
  }
}

/**
 * @returns True if a volume's claimRef names a claim: by uid, or by name alone where it was written by hand without
 *   one.
 */
export function isFor(volume: VolumeDescription, claim: ClaimDescription): boolean {
  return volume.claim === claim.key && (volume.claimUid === '' || volume.claimUid === claim.uid);
}

function isFree(volume: VolumeDescription): boolean {
  return volume.claim === '' && volume.available && volume.deleting !== true;
}

function addTo<Item>(sets: Map<string, Set<Item>>, key: string, item: Item): void {
  const set = sets.get(key) ?? new Set();
  set.add(item);
  sets.set(key, set);
}

function removeFrom<Item>(sets: Map<string, Set<Item>>, key: string, item: Item): void {
  const set = sets.get(key);
  if (set === undefined) return;
  set.delete(item);
  if (set.size === 0) sets.delete(key);
}
