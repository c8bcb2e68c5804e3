/** The output of `teg vopr`: totals as JSON with their schema, or as text. */
import { z } from 'zod';
import { FAULT_KINDS } from '../../simulation/federation/vopr/fault-counts.ts';
import type { Plant } from '../../simulation/federation/vopr/planted-bugs.ts';
import type { VoprFailure } from '../../simulation/federation/vopr/vopr-run.ts';
import type { VoprTotals } from '../../simulation/federation/vopr/vopr-totals.ts';
import { formatCount, formatCounted } from '../terminal/formatting.ts';

/** Failures printed as text; all recorded ones are in the JSON. */
const FAILURES_SHOWN = 20;

/** Exit codes by kind of failure; the first of these kinds that was found decides. */
const EXIT_CODES = { safety: 3, crash: 5, liveness: 4 } as const;

/** Schema of the output of `--json`. */
export const voprSchema = z.object({
  seeds: z.number().describe('seeds that were run'),
  steps: z.number().describe('events of each seed before the quiet begins'),
  faults: z.record(z.enum(FAULT_KINDS), z.number()).describe('how often each kind of fault struck'),
  failures: z
    .array(
      z.object({
        seed: z.number(),
        event: z.number().describe('number of the event at which it was found, from 1'),
        kind: z.enum(['safety', 'liveness', 'crash']),
        message: z.string(),
        timeSeconds: z.number().describe('virtual time'),
      }),
    )
    .describe('the first 1000, by seed, and the first of each kind'),
  failed: z.number().describe('seeds that failed'),
  events: z.number().describe('events of all seeds, those of the quiet stretches included'),
  jobs: z.number(),
  starts: z.number().describe('starts of jobs'),
  hiddenJobs: z
    .number()
    .describe('jobs that waited in the end, although a zone had room that no summary can show'),
  settledShareMax: z.number().describe('longest time until all was right, as a share of the bound'),
  plant: z.string().nullable().describe('bug that was planted'),
});

/** @returns The output of `--json`. */
export function voprJson(
  totals: VoprTotals,
  steps: number,
  plant: Plant | undefined,
): z.infer<typeof voprSchema> {
  const { seeds, faults, failures, ...more } = totals;
  return { seeds, steps, faults, failures, ...more, plant: plant ?? null };
}

/** @returns 0, or the exit code of the failures. */
export function voprExitCode(failures: readonly VoprFailure[]): number {
  for (const kind of ['safety', 'crash', 'liveness'] as const) {
    if (failures.some((failure) => failure.kind === kind)) return EXIT_CODES[kind];
  }
  return 0;
}

/** Prints totals and failures. */
export function printTotals(totals: VoprTotals, steps: number, plant: Plant | undefined): void {
  const { seeds, events, jobs, starts, faults, failed, failures, hiddenJobs, settledShareMax } = totals;
  const lines = [
    `${formatCounted(seeds, 'seed')} of ${formatCounted(steps, 'step')}: ${formatCounted(events, 'event')}, ${formatCounted(jobs, 'job')}, ${formatCounted(starts, 'start')}`,
    ...FAULT_KINDS.map((kind) => `  ${kind.padEnd(22)}${formatCount(faults[kind]).padStart(12)}`),
    `all was right after ${(100 * settledShareMax).toFixed(0)} % of the time allowed, at worst`,
  ];
  if (hiddenJobs > 0)
    lines.push(`${formatCounted(hiddenJobs, 'job')} waited for room that no summary can show`);
  lines.push(failed === 0 ? 'no failure' : `${formatCounted(failed, 'seed')} FAILED`);
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const failure of failures.slice(0, FAILURES_SHOWN)) printFailure(failure, steps, plant);
}

/** Prints a failure and how to reproduce it. */
export function printFailure(
  { seed, event, kind, message, timeSeconds }: VoprFailure,
  steps: number,
  plant?: Plant,
): void {
  const again = `teg vopr --seed ${seed} --steps ${steps}${plant === undefined ? '' : ` --inject-bug ${plant}`}`;
  process.stdout.write(
    `${kind.toUpperCase()} seed ${seed} event ${event} at ${timeSeconds.toFixed(4)} s: ${message}\n  again: ${again} --trace\n`,
  );
}
