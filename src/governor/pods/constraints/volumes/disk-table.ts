/**
 * In-tree disks that pods on a node use (kube-scheduler's VolumeRestrictions): one by several pods only if all only read.
 */
import type { PodTemplate } from '../../../../model/kubernetes/pod.ts';

const READ_ONLY = ':ro';

/** Disks by node. */
export class DiskTable {
  /** By node: pods by the template's disk text; only nodes with disks in use. */
  private readonly used: (Map<string, number> | undefined)[] = [];

  /** A pod came to a node (1) or went (-1). O(its disks). */
  onPod(node: number, disks: readonly string[], pods: number): void {
    let used = this.used[node];
    if (used === undefined) {
      used = new Map();
      while (this.used.length < node) this.used.push(undefined);
      this.used[node] = used;
    }
    for (const disk of disks) {
      const left = (used.get(disk) ?? 0) + pods;
      if (left <= 0) used.delete(disk);
      else used.set(disk, left);
    }
    if (used.size === 0) this.used[node] = undefined;
  }

  /** @returns True if a pod with these disks can be on a node. O(disks). */
  isFree(node: number, disks: readonly string[]): boolean {
    const used = this.used[node];
    if (used === undefined) return true;
    for (const disk of disks) {
      if (disk.endsWith(READ_ONLY)) {
        if (used.has(disk.slice(0, -READ_ONLY.length))) return false;
      } else if (used.has(disk) || used.has(disk + READ_ONLY)) {
        return false;
      }
    }
    return true;
  }
}

/** @returns True if pods of two templates cannot be on one node because of a disk. */
export function disksClash(a: PodTemplate, b: PodTemplate): boolean {
  return a.exclusiveDisks.some((one) =>
    b.exclusiveDisks.some((other) => {
      const onlyRead = one.endsWith(READ_ONLY) && other.endsWith(READ_ONLY);
      return !onlyRead && bare(one) === bare(other);
    }),
  );
}

function bare(disk: string): string {
  return disk.endsWith(READ_ONLY) ? disk.slice(0, -READ_ONLY.length) : disk;
}
