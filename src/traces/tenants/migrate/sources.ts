/** Names of the schedulers that tenants are migrated from; alone in its file, so that a command line loads nothing more. */
export const MIGRATION_SOURCES = ['kueue', 'kai', 'volcano', 'yunikorn', 'slurm'] as const;

/** One of them. */
export type MigrationSource = (typeof MIGRATION_SOURCES)[number];
