/** Runs a guard until it is asked to stop, with its log. */
import { destination, type Logger, pino } from 'pino';
import { readGuardConfig } from '../../drivers/guard/guard-config.ts';
import type { GuardEvent } from '../../drivers/guard/guard-events.ts';
import { GuardProcess } from '../../drivers/guard/guard-process.ts';
import { selectBackend } from '../../drivers/guard/select-backend.ts';
import { eventText } from './guard-text.ts';

/** Events that somebody should look at. */
const WARNINGS: ReadonlySet<string> = new Set([
  ...['not granted', 'group refused', 'too many groups', 'does not freeze', 'watchdog died', 'kill'],
  ...[
    'held for as long as it may be',
    'released past the wall',
    'exhausted',
    'kill failed',
    'reclaim failed',
  ],
]);

/**
 * Runs it.
 *
 * @throws TegError for a configuration or machine that cannot be used; the error that broke the loop.
 */
export async function runGuard(path: string, enforces: boolean, signal: AbortSignal): Promise<void> {
  const config = readGuardConfig(path);
  const { level, format } = config.logging;
  // Synchronous: a log that is lost when the process is killed is useless.
  const out = destination({ fd: 1, sync: true });
  const log = pino({ level, base: null }, out);
  const write = format === 'json' ? (event: GuardEvent) => logEvent(log, event) : writeText;
  const broken = Promise.withResolvers<never>();
  const backend = selectBackend();
  const guard = await GuardProcess.start({
    config,
    backend,
    enforces,
    onEvent: write,
    onBroken: broken.reject,
  });
  try {
    await Promise.race([aborted(signal), broken.promise]);
  } finally {
    await guard.stop();
  }
}

function logEvent(log: Logger, { event, timeMs: _, ...details }: GuardEvent): void {
  if (WARNINGS.has(event)) log.warn(details, event);
  else log.info(details, event);
}

function writeText(event: GuardEvent): void {
  process.stdout.write(`${eventText(event)}\n`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
