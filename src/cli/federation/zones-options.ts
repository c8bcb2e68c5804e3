/** The options of runs with many zones, and their effect on a task. */
import type { Command } from 'commander';
import type { FederationTask } from '../../drivers/embedded/federation-task.ts';
import { parseDurationSeconds, parseFraction, parseWorkers, wholeNumber } from '../terminal/option-values.ts';

/** The options as commander parses them. */
export interface ZonesOptions {
  readonly zones?: number;
  readonly staleness?: number;
  readonly chooser?: string;
  readonly hosts?: number;
  readonly fanOut?: number;
  readonly delay?: number;
  readonly loss?: number;
  readonly duplicates?: number;
  readonly movesPerSummary?: number;
  readonly workers?: number;
}

/** Default chooser; `docs/choosers.md` gives the reasons. */
export const CHOOSER_DEFAULT = 'anticipated';

/** Default refresh period, seconds. */
export const STALENESS_SECONDS_DEFAULT = 1;

/** Adds the options. */
export function addZonesOptions(command: Command): Command {
  return command
    .optionsGroup('Many zones:')
    .option(
      '--zones <n>',
      'divide the nodes among n zones, each with its own governor',
      wholeNumber(1, 100_000),
    )
    .option(
      '--staleness <duration>',
      'how often zones publish their room (default: 1s)',
      parseDurationSeconds,
    )
    .option(
      '--chooser <name>',
      `how agents choose a zone; \`teg policies --list-choosers\` (default: ${CHOOSER_DEFAULT})`,
    )
    .option('--hosts <n>', 'agent hosts (default: one a zone)', wholeNumber(1, 100_000))
    .option('--fan-out <n>', 'children of a node of the summary tree (default: 32)', wholeNumber(2, 10_000))
    .option('--delay <duration>', 'mean time of a message on the way (default: 10ms)', parseDurationSeconds)
    .option('--loss <share>', 'messages that get lost (default: 0)', parseFraction)
    .option('--duplicates <share>', 'messages that arrive twice (default: 0)', parseFraction)
    .option(
      '--moves-per-summary <n>',
      'running jobs that a host considers moving at each summary (default: 0, none)',
      wholeNumber(0, 1_000_000),
    )
    .option('--workers <n>', "threads (default: the machine's parallelism)", parseWorkers);
}

/** @returns The part of a task that these options decide. */
export function toZonesTask(
  options: ZonesOptions,
): Pick<FederationTask, 'zones' | 'chooser' | 'options' | 'network'> & { readonly hosts?: number } {
  const { zones = 1, staleness = STALENESS_SECONDS_DEFAULT, chooser = CHOOSER_DEFAULT, hosts } = options;
  const delay = options.delay ?? 0.01;
  return {
    zones,
    chooser,
    ...(hosts === undefined ? {} : { hosts }),
    options: {
      publishSeconds: staleness,
      expireSeconds: Math.max(10, 10 * staleness),
      proposeSeconds: Math.max(0.5, 10 * delay),
      confirmSeconds: Math.max(0.5, 10 * delay),
      escrowSeconds: Math.max(5, 100 * delay),
      ...(options.movesPerSummary === undefined ? {} : { movesPerBoard: options.movesPerSummary }),
      ...(options.fanOut === undefined ? {} : { fanOut: options.fanOut }),
    },
    network: {
      delayMinSeconds: delay / 2,
      delayMeanSeconds: delay,
      lossRate: options.loss ?? 0,
      duplicateRate: options.duplicates ?? 0,
    },
  };
}
