/**
 * How a tenant stands against others: what it is due over what it had.
 */
import { assert } from '../../kernel/assert.ts';

/**
 * Part of the mint over part of the decayed usage, as `sshare` prints it as Level FS.
 *
 * @param mint  Of the tenant, and of it and its siblings together; ≥ 0. @param usage Decayed, priced; of it, and of all.
 * @returns Above 1: the tenant had less than its share; Infinity: it had nothing; 0: it has no share.
 */
export function levelShare(mint: number, mintOfAll: number, usage: number, usageOfAll: number): number {
  assert(
    mint >= 0 && mint <= mintOfAll && usage >= 0 && usage <= usageOfAll,
    'a part that exceeds the whole',
  );
  if (mint === 0) return 0;
  if (usage === 0) return Number.POSITIVE_INFINITY;
  return (mint / mintOfAll) * (usageOfAll / usage);
}
