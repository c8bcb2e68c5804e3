/** What programs in a guest share: reporting results, and waiting. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Writes a result on the serial line. */
export function report(name: string, value: unknown): void {
  process.stdout.write(`@result ${JSON.stringify({ name, value })}\n`);
}

/** Runs one part; a failure is its result, and the others still run. */
export async function part(name: string, run: () => Promise<unknown> | unknown): Promise<void> {
  const started = performance.now();
  try {
    report(name, await run());
  } catch (error) {
    report(name, { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  process.stdout.write(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

/** @returns Milliseconds until it holds. @throws Error after `withinMs`. */
export async function until(
  holds: () => boolean,
  withinMs: number,
  what: string,
  everyMs = 1,
): Promise<number> {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > withinMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(everyMs);
  }
  return performance.now() - started;
}
