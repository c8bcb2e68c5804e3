/** Bounds caches by dropping the least recently used entries. */

/** A cached object, with its last use. */
export interface PinnedEntry {
  /** Grows with every use. */
  readonly usedAt: number;
  /** Users that rely on it; not dropped while there are any. */
  readonly pins: number;
}

/**
 * Drops the least recently used entries until at most `max` are left; entries that are pinned, or were used at `since`
 * or later, stay.
 *
 * @param drop Called for each dropped entry.
 * @cost O(kept) for each dropped entry.
 */
export function evictOldest<Item extends PinnedEntry>(
  kept: Map<string, Item>,
  max: number,
  since: number,
  drop: (gone: Item) => void,
): void {
  while (kept.size > max) {
    let oldest: string | undefined;
    let least = since;
    for (const [key, item] of kept) {
      if (item.pins > 0 || item.usedAt >= least) continue;
      least = item.usedAt;
      oldest = key;
    }
    if (oldest === undefined) return;
    const gone = kept.get(oldest) as Item;
    kept.delete(oldest);
    drop(gone);
  }
}
