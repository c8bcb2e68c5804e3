/**
 * Storage that CSI drivers have left for volumes that are yet to be provisioned (kube-scheduler's VolumeBinding with
 * CSIStorageCapacity): a driver that publishes it provisions volumes only where enough is left.
 */
import type {
  CsiDriverDescription,
  StorageCapacityDescription,
  StorageClassDescription,
} from '../../../../model/kubernetes/node.ts';
import { matchesSelector } from '../../../../model/kubernetes/requirements.ts';

/** Capacities by storage class. Single writer. */
export class StorageCapacities {
  /** Drivers that publish their remaining capacity. */
  private readonly drivers = new Set<string>();
  private readonly byKey = new Map<string, StorageCapacityDescription>();
  private readonly byClass = new Map<string, Map<string, StorageCapacityDescription>>();

  /** A CSIDriver is new, changed, or gone (undefined). */
  setDriver(name: string, driver: CsiDriverDescription | undefined): void {
    if (driver?.tracksCapacity === true) this.drivers.add(name);
    else this.drivers.delete(name);
  }

  /** A CSIStorageCapacity is new, changed, or gone (undefined). */
  set(key: string, capacity: StorageCapacityDescription | undefined): void {
    const before = this.byKey.get(key);
    if (before !== undefined) this.takeOut(before);
    if (capacity === undefined) return;
    this.byKey.set(key, capacity);
    const ofClass = this.byClass.get(capacity.className) ?? new Map<string, StorageCapacityDescription>();
    ofClass.set(key, capacity);
    this.byClass.set(capacity.className, ofClass);
  }

  /**
   * @param labels Of the node.
   * @returns True if a volume of n bytes can be made for the node. O(capacities of the class).
   */
  hasRoom(
    storageClass: StorageClassDescription,
    bytes: number,
    labels: Readonly<Record<string, string>>,
  ): boolean {
    if (!this.drivers.has(storageClass.provisioner)) return true;
    for (const capacity of this.byClass.get(storageClass.name)?.values() ?? []) {
      if (capacity.bytes === undefined || capacity.bytes < bytes || capacity.nodes === undefined) continue;
      if (matchesSelector(capacity.nodes, labels)) return true;
    }
    return false;
  }

  private takeOut({ key, className }: StorageCapacityDescription): void {
    this.byKey.delete(key);
    const ofClass = this.byClass.get(className);
    ofClass?.delete(key);
    if (ofClass?.size === 0) this.byClass.delete(className);
  }
}
