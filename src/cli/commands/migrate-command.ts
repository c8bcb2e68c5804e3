/** `teg migrate`: what other schedulers have, as TEG's objects. */
import type { Command } from 'commander';
import { MIGRATION_SOURCES, type MigrationSource } from '../../traces/tenants/migrate/sources.ts';
import { oneOf } from '../terminal/option-values.ts';

interface MigrateOptions {
  readonly from: MigrationSource;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: string;
  readonly json?: boolean;
}

const NOTES = `
Examples:
  teg migrate tenants --from kueue --kubeconfig ~/.kube/config -o tenants.yaml
  teg migrate tenants --from yunikorn queues.yaml
  sacctmgr dump cluster=c1 file=c1.cfg && teg migrate tenants --from slurm c1.cfg
Standard output has a Market and Tenants: for kubectl apply, and for teg simulate --tenants. Standard error lists each field that is not
taken over, with its path and why. The cluster is only read.`;

/** Adds `teg migrate` and the command below it. */
export function addMigrateCommand(parent: Command): void {
  parent
    .command('migrate')
    .description('tenants from the quotas of other schedulers')
    .command('tenants [files...]')
    .description('print a Market and Tenants made of Kueue, KAI, Volcano, YuniKorn or Slurm accounts')
    .requiredOption('--from <source>', MIGRATION_SOURCES.join(', '), oneOf(...MIGRATION_SOURCES))
    .option('--kubeconfig <file>', 'read the objects of this cluster instead of files')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-o, --output <file>', 'where to; -: standard output', '-')
    .option('--json', 'print JSON: {objects, lost}')
    .addHelpText('after', NOTES)
    .action(async (files: readonly string[], options: MigrateOptions) => {
      const { migrate } = await import('../migrate/migrate-files.ts');
      await migrate(files, options);
    });
}
