/**
 * Bounds what is kept because it may be asked for again.
 */

/** Something kept, and when it was used last. */
export interface PinnedEntry {
  /** Grows with every use. */
  readonly usedAt: number;
  /** Users that rely on it; not dropped while there are any. */
  readonly pins: number;
}

/**
 * Drops what was used longest ago until at most `max` are left; what is pinned, or was used at `since` or later, stays.
 *
 * @param drop Told of each that goes.
 * @cost O(kept) for each that goes.
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
