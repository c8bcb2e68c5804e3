/**
 * Volumes attached to nodes, by pods of a node or not: limits also count those that no pod of the node uses
 * (kube-scheduler's NodeVolumeLimits).
 */
import type { AttachmentDescription } from '../../../../model/kubernetes/node.ts';
import type { VolumeIndex } from './volume-index.ts';
import { type CountedVolume, countedVolume } from './volume-use.ts';

/** Attachments by node. Single writer. */
export class VolumeAttachments {
  private readonly book: VolumeIndex;
  private readonly byName = new Map<string, AttachmentDescription>();
  private readonly byNode = new Map<string, Map<string, AttachmentDescription>>();

  constructor(book: VolumeIndex) {
    this.book = book;
  }

  /** An attachment is new, changed, or gone (undefined). */
  set(name: string, attachment: AttachmentDescription | undefined): void {
    const before = this.byName.get(name);
    if (before !== undefined) this.takeOut(before);
    if (attachment === undefined) return;
    this.byName.set(name, attachment);
    const onNode = this.byNode.get(attachment.node) ?? new Map<string, AttachmentDescription>();
    onNode.set(name, attachment);
    this.byNode.set(attachment.node, onNode);
  }

  /**
   * @param isUsed True if pods of the node use a volume, so that it counts already.
   * @returns Distinct volumes of a driver that are attached to the node and not used by its pods. O(attachments of the
   *   node).
   */
  countUnused(node: string, driver: string, isUsed: (volume: CountedVolume) => boolean): number {
    const counted = new Set<string>();
    for (const { attacher, volume } of this.byNode.get(node)?.values() ?? []) {
      if (attacher !== driver) continue;
      const description = this.book.volume(volume)?.description;
      if (description === undefined || description.driver === '' || description.inTree !== undefined)
        continue;
      const attached = countedVolume(attacher, description.handle);
      if (!isUsed(attached)) counted.add(attached.id);
    }
    return counted.size;
  }

  private takeOut({ name, node }: AttachmentDescription): void {
    this.byName.delete(name);
    const onNode = this.byNode.get(node);
    onNode?.delete(name);
    if (onNode?.size === 0) this.byNode.delete(node);
  }
}
