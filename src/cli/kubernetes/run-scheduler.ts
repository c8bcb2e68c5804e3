/** Runs a scheduler process until it is asked to stop or cannot continue, with its logs, server and record file. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { destination, type Logger, pino } from 'pino';
import { createApiClient } from '../../drivers/kubernetes/client/http-client.ts';
import { loadTarget } from '../../drivers/kubernetes/client/target.ts';
import { withListenAddress } from '../../drivers/kubernetes/config/config-schema.ts';
import { coreOptions } from '../../drivers/kubernetes/config/core-options.ts';
import type { SchedulerConfig } from '../../drivers/kubernetes/config/scheduler-config.ts';
import { firstNameOf } from '../../drivers/kubernetes/objects/profiles.ts';
import { ProcessMetrics } from '../../drivers/kubernetes/process-metrics.ts';
import { openRecordFile, type RecordFile } from '../../drivers/kubernetes/record-file.ts';
import { SchedulerProcess } from '../../drivers/kubernetes/scheduler-process.ts';
import { EconomyMetrics } from '../../drivers/kubernetes/server/economy-metrics.ts';
import { SchedulerMetrics } from '../../drivers/kubernetes/server/scheduler-metrics.ts';
import { SchedulerServer } from '../../drivers/kubernetes/server/scheduler-server.ts';
import { packageVersion } from '../version.ts';

/** How to run. */
export interface RunSchedulerOptions {
  readonly config: SchedulerConfig;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly dryRun: boolean;
  /** Path; '' for none. */
  readonly record: string;
  /** Stop when it aborts. */
  readonly signal: AbortSignal;
}

/** Connections of the server's own client: its reviews must not wait behind bindings. */
const REVIEW_CONNECTIONS = 2;

/**
 * Runs it.
 *
 * @throws TegError for a target, record file or port that cannot be used; the error that broke the core.
 */
export async function runScheduler(options: RunSchedulerOptions): Promise<void> {
  const { config, dryRun, signal } = options;
  const log = await makeLog(config);
  const target = await loadTarget({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  const broken = Promise.withResolvers<never>();
  const metrics = new SchedulerMetrics(firstNameOf(config.schedulerNames), packageVersion());
  const { mode, metricTenantsMax } = config.economy;
  const economy = mode === 'off' ? undefined : new EconomyMetrics(metrics, metricTenantsMax);
  const observer = new ProcessMetrics(metrics, economy);
  const scheduler = new SchedulerProcess({
    target,
    config,
    identity: `${hostname()}_${randomUUID()}`,
    dryRun,
    log: logOf(log),
    observer,
    onBroken: broken.reject,
  });
  observer.attach(scheduler);
  const reviews = createApiClient(target, { connections: REVIEW_CONNECTIONS });
  const server = await startServer(config, scheduler, metrics, reviews, log);
  // Not before: a second scheduler, whose port is taken, would rename the log of the first one.
  const record = await openRecord(options, log).catch(async (error: unknown) => {
    await server.close();
    await reviews.close();
    throw error;
  });
  const facts = { version: packageVersion(), server: target.server, from: target.origin, pages: server.url };
  log.info({ ...facts, schedulerNames: config.schedulerNames, dryRun }, 'teg scheduler starts');
  scheduler.start(record);
  try {
    await Promise.race([aborted(signal), broken.promise]);
  } finally {
    log.info('stopping');
    await scheduler.stop();
    await server.close();
    await reviews.close();
    log.info('stopped');
  }
}

async function openRecord(options: RunSchedulerOptions, log: Logger): Promise<RecordFile | undefined> {
  if (options.record === '') return undefined;
  return openRecordFile(options.record, coreOptions(options.config), {
    madeBy: packageVersion(),
    onWarning: (text) => log.warn(text),
  });
}

async function startServer(
  config: SchedulerConfig,
  scheduler: SchedulerProcess,
  metrics: SchedulerMetrics,
  client: ReturnType<typeof createApiClient>,
  log: Logger,
): Promise<SchedulerServer> {
  try {
    return await SchedulerServer.start({
      server: withListenAddress(config.server, process.env.KUBERNETES_SERVICE_HOST !== undefined),
      client,
      pages: {
        config,
        metrics,
        ready: () => scheduler.notReady,
        live: () => scheduler.stuck,
        explain: (namespace, name) => scheduler.explain(namespace, name),
        waiting: () => scheduler.waiting(),
        economy: () => scheduler.tenantsAndPrices(),
        snapshot: () => scheduler.snapshot(),
      },
      onWriteError: (text, error) => log.warn({ error: String(error) }, text),
    });
  } catch (error) {
    await client.close();
    throw error;
  }
}

async function makeLog(config: SchedulerConfig): Promise<Logger> {
  const { level, format } = config.logging;
  // Synchronous: a log that is lost when the process is killed is useless.
  const json = destination({ fd: 1, sync: true });
  if (format === 'json') return pino({ level, base: null }, json);
  const { textStream } = await import('./log-text.ts');
  return pino({ level, base: null }, textStream(process.stdout));
}

function logOf(log: Logger): ConstructorParameters<typeof SchedulerProcess>[0]['log'] {
  return {
    debug: (details, message) => log.debug(details, message),
    info: (details, message) => log.info(details, message),
    warn: (details, message) => log.warn(details, message),
    error: (details, message) => log.error(details, message),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
