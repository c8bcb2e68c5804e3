/** `teg migrate tenants`: reads, converts, prints. */
import { readFile } from 'node:fs/promises';
import { TegError } from '../../model/errors.ts';
import { readFault } from '../../model/file-faults.ts';
import { migrateTenants } from '../../traces/tenants/migrate/migrate-tenants.ts';
import { printMigration } from '../../traces/tenants/migrate/migration.ts';
import type { LostField, SourceText } from '../../traces/tenants/migrate/source-objects.ts';
import type { MigrationSource } from '../../traces/tenants/migrate/sources.ts';
import { prepareOutput } from '../files/output-file.ts';
import { writeText } from '../files/text-file.ts';
import { clusterTexts } from './cluster-lists.ts';

/** As the command line gives it. */
export interface MigrateFilesOptions {
  readonly from: MigrationSource;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: string;
  readonly json?: boolean;
}

/** What each source calls the owners of quotas. */
const SOURCE_OBJECTS: Readonly<Record<MigrationSource, string>> = {
  kueue: 'ClusterQueues of Kueue',
  kai: 'Queues of KAI',
  volcano: 'Queues of Volcano',
  yunikorn: 'partitions with queues of YuniKorn',
  slurm: 'accounts of Slurm, as sacctmgr dump writes them',
};

/** Characters of a value that are shown. */
const VALUE_CHARS_MAX = 120;

/**
 * Prints the migration; what is lost goes to standard error.
 *
 * @throws TegError TEG_OPTION_INVALID: neither files nor a cluster, or both; TEG_INPUT_NOT_FOUND; as `migrateTenants`.
 */
export async function migrate(files: readonly string[], options: MigrateFilesOptions): Promise<void> {
  const { from, kubeconfig, context, output, json } = options;
  const isCluster = kubeconfig !== undefined || context !== undefined;
  if (isCluster === files.length > 0) {
    const got = isCluster ? 'files and a cluster' : 'neither files nor --kubeconfig';
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got ${got}, expected one of the two: name what to migrate from`,
    );
  }
  await prepareOutput(output, [...files, kubeconfig]);
  const texts = isCluster ? await clusterTexts(from, { kubeconfig, context }) : await readAll(files);
  const migration = migrateTenants(from, texts);
  refuseNoTenants(from, migration.tenants.length, texts);
  const { yaml, objects } = printMigration(migration, texts.map(({ origin }) => origin).join(', '));
  const { lost } = migration;
  const text = json === true ? `${JSON.stringify({ objects, lost }, null, 2)}\n` : yaml;
  await writeText(output, piecesOf(text));
  process.stderr.write(lost.map(lineOf).join(''));
  process.stderr.write(
    `${migration.tenants.length} tenants; ${lost.length} fields not taken over, or changed\n`,
  );
}

/** @throws TegError TEG_CONFIG_INVALID: a Market alone would be no economy, and the input is likely the wrong one. */
function refuseNoTenants(from: MigrationSource, count: number, texts: readonly SourceText[]): void {
  if (count > 0) return;
  const origins = texts.map(({ origin, text }) => (text.trim() === '' ? `${origin} (empty)` : origin));
  throw new TegError(
    'TEG_CONFIG_INVALID',
    `${origins.join(', ')}: got nothing that becomes a tenant, expected ${SOURCE_OBJECTS[from]}: name the file that has them, or another --from`,
  );
}

async function* piecesOf(text: string): AsyncGenerator<string, void> {
  yield text;
}

function lineOf({ at, path, value, why }: LostField): string {
  const shown = (JSON.stringify(value) ?? '').slice(0, VALUE_CHARS_MAX);
  return `${at}${path === '' ? '' : `: ${path}`}${shown === '' ? '' : ` = ${shown}`}: ${why}\n`;
}

async function readAll(files: readonly string[]): Promise<SourceText[]> {
  const texts: SourceText[] = [];
  for (const path of files) {
    try {
      texts.push({ origin: path, text: await readFile(path, 'utf8') });
    } catch (cause) {
      const message = `${path}: ${readFault(cause)}, expected a file to migrate from`;
      throw new TegError('TEG_INPUT_NOT_FOUND', message, { cause });
    }
  }
  return texts;
}
