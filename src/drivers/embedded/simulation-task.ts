/**
 * One simulation as plain data, so that it can travel to a worker thread, and how to run it there.
 */
import { resourceUsage } from 'node:process';
import { StrandingTables } from '../../field/stranding-tables.ts';
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';
import type { FailureOptions } from '../../simulation/inputs/failures.ts';
import type { JobRecords } from '../../simulation/inputs/job-log.ts';
import type { JobTable } from '../../simulation/inputs/job-table.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import type { DisciplineName, RuntimeKnowledge } from '../../simulation/queueing/queue-names.ts';
import { runSimulation } from '../../simulation/run/simulator.ts';
import { readTenants, type TenantsFile } from '../../traces/tenants/read-tenants.ts';
import { emptyFlavors, missingModels, unknownTenants } from './input-warnings.ts';
import { type InputSources, type Inputs, isGenerated, loadInputs } from './inputs.ts';
import { loadPolicy } from './load-policy.ts';
import { SimulationLedger } from './simulation-ledger.ts';
import type { TaskControl } from './worker-tasks.ts';

/** The stream of a seed that a workload is resampled from. */
const STREAM_RESAMPLE = 4;

/** One simulation. */
export interface SimulationTask extends InputSources {
  /** A name of the registry, or the path of a policy file. */
  readonly policy: string;
  /** True if a zone decides in any case, so that policies differ in nothing but their choices; default false. */
  readonly zoneDecides?: boolean;
  /** Factor by which arrivals are sped up; default 1. */
  readonly load?: number;
  /** Default 1. */
  readonly repeat?: number;
  /** True if the seed draws the jobs again at the recorded instants. */
  readonly resample?: boolean;
  readonly queue?: DisciplineName;
  readonly runtimes?: RuntimeKnowledge;
  readonly typical?: 'learned' | 'list';
  readonly horizonSeconds?: number;
  readonly warmupSeconds?: number;
  readonly failures?: FailureOptions;
  readonly lostPods?: 'requeue' | 'fail' | 'hold';
  readonly retrySeconds?: number;
  readonly samples?: number;
  readonly withSeries?: boolean;
  /** True if the result includes measurements that depend on the machine. */
  readonly withTiming?: boolean;
  /** True if the outcome of every job is kept. */
  readonly withJobs?: boolean;
  /** A file of tenants; then a zone decides. */
  readonly tenants?: string;
  /** A file for the rents of these tenants: a new one, or that of the same task, which goes on. */
  readonly ledgerFile?: string;
  /** Id of a job to be explained. */
  readonly explain?: string;
}

/** The outcome of a task. */
export interface SimulationTaskResult {
  readonly result: SimulationResult;
  readonly warnings: readonly string[];
  /** Present if the task has `withJobs`. */
  readonly jobs?: JobRecords;
}

/** What a task was read into. */
interface RunParts {
  readonly policy: Awaited<ReturnType<typeof loadPolicy>>;
  readonly inputs: Inputs;
  readonly table: JobTable;
  readonly tenants: TenantsFile | undefined;
  readonly ledger: SimulationLedger | undefined;
}

/** Runs tasks one after the other and keeps the last inputs and tables of prices, which the next task mostly shares. */
export class SimulationTaskRunner {
  private key = '';
  private inputs: Inputs | undefined;
  private readonly tables = new StrandingTables();

  /**
   * Runs one task.
   *
   * @throws TegError of inputs, options and policies; TEG_OPTION_INVALID if there is no job to be explained.
   */
  async run(task: SimulationTask, control: TaskControl): Promise<SimulationTaskResult> {
    const policy = await loadPolicy(task.policy);
    const podScheduler = wantsPodScheduler(task);
    const inputs = await this.inputsOf({ ...task, podScheduler });
    const { tenants: tenantsPath, ...others } = task;
    const tenants = tenantsPath === undefined ? undefined : await readTenants(tenantsPath);
    const empty = tenants === undefined ? [] : emptyFlavors(inputs.nodes, tenants, tenantsPath as string);
    const table = inputs.builder.build({
      load: task.load ?? 1,
      repeat: task.repeat ?? 1,
      ...(task.resample ? { resample: new Random(task.seed, STREAM_RESAMPLE) } : {}),
    });
    const ledger = openLedger(task, tenants);
    try {
      const parts = { policy, inputs, table, tenants, ledger };
      const outcome = this.simulate(others, parts, control);
      ledger?.finish();
      const warnings = [
        ...inputs.warnings,
        ...empty,
        ...unknownTenants(table, tenants, tenantsPath),
        ...missingModels(outcome.result, workloadLabel(task)),
      ];
      return { ...outcome, warnings };
    } finally {
      ledger?.close();
    }
  }

  private simulate(
    task: Omit<SimulationTask, 'tenants'>,
    { policy, inputs, table, tenants, ledger }: RunParts,
    control: TaskControl,
  ): Pick<SimulationTaskResult, 'result' | 'jobs'> {
    let jobs: JobRecords | undefined;
    const result = runSimulation({
      ...task,
      ...(tenants === undefined ? {} : { tenants }),
      ...(ledger === undefined ? {} : { ledger: ledger.durable.ledger }),
      nodes: inputs.nodes,
      jobs: table,
      policy,
      ...(inputs.recorded === undefined ? {} : { recorded: inputs.recorded }),
      ...(inputs.world === undefined ? {} : { world: inputs.world }),
      tables: this.tables,
      labels: {
        cluster: task.cluster,
        workload: workloadLabel(task),
        load: task.load ?? 1,
        repeat: task.repeat ?? 1,
        resampled: task.resample ?? false,
      },
      ...(task.explain === undefined ? {} : { explainJob: jobToExplain(table, task.explain) }),
      ...(task.withTiming ? { clockMicros, memoryBytes } : {}),
      ...(task.withJobs
        ? {
            onJobs: (records: JobRecords) => {
              jobs = records;
            },
          }
        : {}),
      shouldStop: () => {
        const stops = control.shouldStop();
        if (stops) ledger?.cut();
        return stops;
      },
      onProgress: (ended) => {
        ledger?.commitSome();
        control.report(ended, table.count);
      },
    });
    return { result, ...(jobs === undefined ? {} : { jobs }) };
  }

  private async inputsOf(task: SimulationTask): Promise<Inputs> {
    const seed = isGenerated(task.jobs) ? task.seed : 0;
    const key = JSON.stringify([
      task.cluster,
      task.jobs,
      seed,
      task.skipBad ?? 0,
      task.ignoredResources ?? [],
      task.map ?? null,
      task.whatIf ?? null,
      task.podScheduler ?? false,
    ]);
    if (this.inputs === undefined || key !== this.key) {
      this.inputs = undefined;
      this.inputs = await loadInputs(task);
      this.key = key;
    }
    return this.inputs;
  }
}

/** @returns The ledger of a run in a file; undefined: in memory. @throws TegError TEG_OPTION_INVALID if nobody pays. */
function openLedger(task: SimulationTask, tenants: TenantsFile | undefined): SimulationLedger | undefined {
  if (task.ledgerFile === undefined) return undefined;
  if (tenants === undefined) {
    throw new TegError('TEG_OPTION_INVALID', 'got --ledger without --tenants, expected both: say who pays');
  }
  return new SimulationLedger(task.ledgerFile, tenants.market.halfLifeSeconds);
}

/**
 * On a Kubernetes cluster the policy teg is the pod scheduler. A queue, prices or retries that it does not have are a zone's,
 * and so are pods that are run through several times or drawn: they would be other pods of the same uid.
 */
function wantsPodScheduler(task: SimulationTask): boolean {
  return (
    task.policy === 'teg' &&
    task.zoneDecides !== true &&
    task.tenants === undefined &&
    (task.queue ?? 'best-effort') === 'best-effort' &&
    task.typical !== 'list' &&
    task.retrySeconds === undefined &&
    (task.repeat ?? 1) === 1 &&
    task.resample !== true
  );
}

function workloadLabel({ jobs, whatIf }: InputSources): string {
  if (!whatIf?.startFromSnapshot) return jobs;
  return jobs === '' ? 'the pods of the cluster' : `the pods of the cluster, then ${jobs}`;
}

function jobToExplain(table: JobTable, id: string): number {
  const job = table.indexOf(id);
  if (job >= 0) return job;
  const example = table.count > 0 ? `, for example '${table.idOf(0)}'` : '';
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the job '${id}' to explain, expected an id of the workload${example}`,
  );
}

function clockMicros(): number {
  return performance.now() * 1000;
}

/** The largest resident set of the whole process so far. */
function memoryBytes(): number {
  return resourceUsage().maxRSS * 1024;
}
