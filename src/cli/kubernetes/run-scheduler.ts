/**
 * Runs a scheduler process until it is told to stop, or cannot go on: logs, server, record file around it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { destination, type Logger, pino } from 'pino';
import { loadTarget } from '../../drivers/kubernetes/client/target.ts';
import type { SchedulerConfig } from '../../drivers/kubernetes/config/scheduler-config.ts';
import { openRecordFile } from '../../drivers/kubernetes/record-file.ts';
import { coreOptions, SchedulerProcess } from '../../drivers/kubernetes/scheduler-process.ts';
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

/**
 * Runs it.
 *
 * @throws TegError for a target, record file or port that cannot be used; whatever broke the core.
 */
export async function runScheduler(options: RunSchedulerOptions): Promise<void> {
  const { config, kubeconfig, context, dryRun, signal } = options;
  const log = makeLog(config);
  const target = await loadTarget({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  const record =
    options.record === ''
      ? undefined
      : await openRecordFile(options.record, coreOptions(config), { onWarning: (text) => log.warn(text) });
  const broken = Promise.withResolvers<never>();
  const scheduler = new SchedulerProcess({
    target,
    config,
    identity: `${hostname()}_${randomUUID()}`,
    dryRun,
    log: logOf(log),
    ...(record === undefined ? {} : { record }),
    onBroken: broken.reject,
  });
  log.info(
    {
      version: packageVersion(),
      server: target.server,
      from: target.origin,
      schedulerName: config.schedulerName,
      dryRun,
    },
    'teg scheduler starts',
  );
  scheduler.start();
  try {
    await Promise.race([aborted(signal), broken.promise]);
  } finally {
    log.info('stopping');
    await scheduler.stop();
    log.info('stopped');
  }
}

function makeLog(config: SchedulerConfig): Logger {
  // Synchronous: a log that is lost when the process is killed is of no use to anybody.
  return pino({ level: config.logging.level, base: null }, destination({ fd: 1, sync: true }));
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
