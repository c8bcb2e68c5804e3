/** Where the answers about waiting jobs and tenants come from: a result of a simulation, a snapshot, or a running scheduler. */
import type { Command } from 'commander';
import { TegError } from '../../model/errors.ts';
import type { MarketResult } from '../../simulation/metrics/market-result.ts';
import type { TenantShare } from '../../simulation/metrics/tenant-result.ts';
import type { EconomyPage } from '../../simulation/pods/economy-page.ts';
import {
  addServerOptions,
  askPage,
  checkServerOptions,
  type ServerOptions,
} from '../kubernetes/server-options.ts';
import type { AskedReport } from './waiting-answer.ts';

/** As commander parses them. */
export interface SourceOptions extends ServerOptions {
  readonly snapshot?: string;
  readonly config?: string;
}

/** What tenants have. */
export interface TenantsSource {
  readonly atSeconds: number;
  readonly mode?: 'observe' | 'enforce';
  readonly tenants: readonly TenantShare[];
  readonly market?: MarketResult | undefined;
}

/** Adds the options of the sources to a command. */
export function addSourceOptions(command: Command): Command {
  return addServerOptions(command, 'answer')
    .option('--snapshot <file>', 'answer from a file of teg snapshot, or manifests in YAML or JSON')
    .option('--config <file>', 'with --snapshot: SchedulerConfiguration; its economy.mode counts');
}

/** @throws TegError TEG_OPTION_INVALID for sources that contradict each other. */
export function checkSources(options: SourceOptions, path: string | undefined): void {
  checkServerOptions(options);
  const { server, snapshot, config } = options;
  const named = [
    ...(server === undefined ? [] : ['--server']),
    ...(snapshot === undefined ? [] : ['--snapshot']),
    ...(path === undefined ? [] : [`the file ${path}`]),
  ];
  if (named.length > 1)
    throw new TegError('TEG_OPTION_INVALID', `got ${named.join(' and ')}, expected one of them`);
  if (config !== undefined && snapshot === undefined) {
    throw new TegError('TEG_OPTION_INVALID', 'got --config without --snapshot, expected both');
  }
  if (named.length > 0) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    'got no result, expected a file of `teg simulate --json`, - for standard input, --snapshot or --server',
  );
}

/** @returns The waiting jobs of the source. @throws TegError of the source. */
export async function waitingFrom(options: SourceOptions, path: string | undefined): Promise<AskedReport> {
  checkSources(options, path);
  const { server, snapshot } = options;
  if (snapshot !== undefined) return (await answersOf(snapshot, options)).waiting;
  if (server === undefined) {
    const { readResult } = await import('./result-files.ts');
    return (await import('./waiting-text.ts')).waitingIn(await readResult(path as string));
  }
  const { waitingReportSchema } = await import('../../simulation/metrics/waiting-report.ts');
  return pageOf(
    server,
    '/explain/waiting',
    await askPage(server, options, '/explain/waiting', waitingReportSchema),
  );
}

/** @returns Tenants and market of the source, and who waits. @throws TegError of the source, and where it has no tenants. */
export async function tenantsFrom(
  options: SourceOptions,
  path: string | undefined,
): Promise<TenantsSource & { waiting(): Promise<AskedReport> }> {
  checkSources(options, path);
  const { server, snapshot } = options;
  if (snapshot !== undefined) {
    const { economy, waiting } = await answersOf(snapshot, options);
    const without = `${snapshot} has no Market that is in force, expected a snapshot of a cluster with one`;
    return { ...sharesOf(economy, without), waiting: () => Promise.resolve(waiting) };
  }
  if (server !== undefined) {
    const { economyPageSchema } = await import('../../simulation/pods/economy-page.ts');
    const answer = await askPage(server, options, '/explain/economy', economyPageSchema);
    const page = pageOf(server, '/explain/economy', answer);
    const without = `${server} has no economy in force, expected economy.mode observe or enforce, and a Market`;
    return { ...sharesOf(page, without), waiting: () => waitingFrom(options, undefined) };
  }
  const { readResult, tenantsOf } = await import('./result-files.ts');
  const result = await readResult(path as string);
  const { waitingIn } = await import('./waiting-text.ts');
  return {
    ...(result.shares ?? { atSeconds: result.endSeconds, tenants: tenantsOf(result, path as string) }),
    market: result.market,
    waiting: () => Promise.resolve(waitingIn(result)),
  };
}

function sharesOf({ shares, market }: EconomyPage, without: string): TenantsSource {
  if (shares !== undefined) return { ...shares, market };
  throw new TegError('TEG_OPTION_INVALID', without);
}

function pageOf<Page>(server: string, path: string, page: Page | undefined): Page {
  if (page !== undefined) return page;
  throw new TegError(
    'TEG_SERVER_FAILED',
    `${server}: got 404, expected the page ${path}; is it an older version?`,
  );
}

async function answersOf(snapshot: string, { config: path }: SourceOptions) {
  const { defaultSchedulerConfig, readSchedulerConfig } = await import(
    '../../drivers/kubernetes/config/scheduler-config.ts'
  );
  const { coreOptions } = await import('../../drivers/kubernetes/config/core-options.ts');
  const { tenantKeyReader } = await import('../../drivers/kubernetes/economy/economy-resources.ts');
  const { profilesOf } = await import('../../drivers/kubernetes/objects/profiles.ts');
  const { readSnapshotFile } = await import('../../drivers/kubernetes/snapshot/object-events.ts');
  const { answersOfObjects } = await import('../../drivers/kubernetes/snapshot/questions-of-objects.ts');
  const { FROM_FILE } = await import('../../model/readers/leniency.ts');
  const onWarning = (text: string): void => {
    process.stderr.write(`note: ${text}\n`);
  };
  const config = path === undefined ? defaultSchedulerConfig() : await readSchedulerConfig(path, onWarning);
  return answersOfObjects(readSnapshotFile(snapshot), {
    profiles: profilesOf(config.schedulerNames),
    core: coreOptions(config),
    tenantOf: tenantKeyReader(config.economy.tenantLabels, config.economy.admittedLabels),
    economyMode: path === undefined ? undefined : config.economy.mode,
    leniency: FROM_FILE,
    onWarning,
  });
}
