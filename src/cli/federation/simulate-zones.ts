/**
 * `teg simulate --zones N`: a run with many zones, agents and stale summaries.
 */
import type { FederationTask } from '../../drivers/embedded/federation-task.ts';
import { runZones } from '../../drivers/embedded/federations.ts';
import { TegError } from '../../model/errors.ts';
import type { SharedOptions } from '../simulation/simulation-options.ts';
import { toTaskOptions } from '../simulation/simulation-options.ts';
import { formatPercent } from '../terminal/formatting.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { printJson } from '../terminal/json-output.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { toZonesTask, type ZonesOptions } from './zones-options.ts';
import { printZones } from './zones-tables.ts';

/** The parsed options of the command. */
export interface SimulateZonesOptions extends SharedOptions, ZonesOptions {
  readonly policy: string;
  readonly seed: number;
  readonly explain?: string;
  readonly ledger?: string;
  readonly series: boolean;
  readonly jobsOut?: string;
  readonly decisionCosts?: string;
  readonly html?: string;
  readonly markdown?: string;
}

/** Runs and prints. @throws TegError of options and inputs. */
export async function simulateZones(options: SimulateZonesOptions): Promise<void> {
  refuseForeignOptions(options);
  const shared = toTaskOptions(options);
  const { failures, load, repeat, resample, skipBad, ignoredResources, map, warmupSeconds } = shared;
  const task: FederationTask = {
    cluster: options.cluster,
    jobs: options.jobs,
    seed: options.seed,
    typical: options.workloadMix,
    ...toZonesTask(options),
    ...(failures === undefined ? {} : { failures }),
    ...(load === undefined ? {} : { load }),
    ...(repeat === undefined ? {} : { repeat }),
    ...(resample === undefined ? {} : { resample }),
    ...(skipBad === undefined ? {} : { skipBad }),
    ...(ignoredResources === undefined ? {} : { ignoredResources }),
    ...(map === undefined ? {} : { map }),
    ...(warmupSeconds === undefined ? {} : { warmupSeconds }),
  };
  const line = new ProgressLine(`simulating ${task.zones} zones`, { unit: 'jobs' });
  const result = await runZones(task, {
    signal: interruptSignal(),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.horizon === undefined ? {} : { horizonSeconds: options.horizon }),
    onProgress: (p) => line.update(p.jobsArrived, `${formatPercent(p.gpuShare)} of GPUs in use`, p.jobs),
    onWarnings: (warnings) => {
      line.clear();
      for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    },
  });
  line.finish();
  if (!options.json) printZones(result);
  else if (options.series) printJson(result);
  else {
    const { series: _, ...rest } = result;
    printJson(rest);
  }
}

/** Options that apply to one zone and not (yet) to many. */
function refuseForeignOptions(options: SimulateZonesOptions): void {
  const foreign: readonly [string, boolean][] = [
    [`--policy ${options.policy}`, options.policy !== 'teg'],
    [`--queue ${options.queue}`, options.queue !== 'best-effort'],
    [`--on-node-failure ${options.onNodeFailure}`, options.onNodeFailure !== 'requeue'],
    ['--runtimes', options.runtimes !== undefined],
    ['--jobs-out', options.jobsOut !== undefined],
    ['--samples', options.samples !== undefined],
    ['--decision-costs', options.decisionCosts !== undefined],
    ['--explain', options.explain !== undefined],
    ['--retry', options.retry !== undefined],
    ['--runtimes', options.runtimes !== undefined],
    ['--tenants', options.tenants !== undefined],
    ['--ledger', options.ledger !== undefined],
    ['--timing', options.timing === true],
    ['--html', options.html !== undefined],
    ['--markdown', options.markdown !== undefined],
  ];
  const found = foreign.find(([, given]) => given);
  if (found === undefined) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got ${found[0]} together with --zones, expected one of them: zones place by the policy teg with best-effort queues, ` +
      'and print their figures as a table or as JSON; leave it out',
  );
}
