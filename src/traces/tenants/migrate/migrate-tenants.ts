/** Tenants from the quotas of other schedulers. */
import { migrateKai } from './from-kai.ts';
import { migrateKueue } from './from-kueue.ts';
import { migrateSlurm } from './from-slurm.ts';
import { migrateVolcano } from './from-volcano.ts';
import { migrateYunikorn } from './from-yunikorn.ts';
import type { Migration } from './migration.ts';
import type { SourceText } from './source-objects.ts';
import type { MigrationSource } from './sources.ts';

const READERS: Readonly<Record<MigrationSource, (texts: readonly SourceText[]) => Migration>> = {
  kueue: migrateKueue,
  kai: migrateKai,
  volcano: migrateVolcano,
  yunikorn: migrateYunikorn,
  slurm: migrateSlurm,
};

/**
 * Converts. O(objects × fields); nothing is written anywhere.
 *
 * @param texts All files of one cluster.
 * @throws TegError TEG_CONFIG_INVALID: file, path, value, what was expected and what to do.
 */
export function migrateTenants(source: MigrationSource, texts: readonly SourceText[]): Migration {
  return READERS[source](texts);
}
