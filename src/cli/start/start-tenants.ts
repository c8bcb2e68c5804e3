/**
 * The third part of `teg start`: three tenants that share 96 GPUs, with gangs. A second, on a small fixed workload.
 *
 * It runs until a gang waits for a start that it was promised, so that `teg why` has something to say, and then on, which shows
 * whether the promise was kept.
 */
import { Random } from '../../kernel/random.ts';
import { marketSpec, quotaFlavor, tenantSpec } from '../../market/tenants/spec.ts';
import { DemandTable } from '../../model/demand.ts';
import type { NodeSpec } from '../../model/node.ts';
import type { JobRecords } from '../../simulation/inputs/job-log.ts';
import { type JobTable, JobTableBuilder } from '../../simulation/inputs/job-table.ts';
import { policyByName } from '../../simulation/inputs/policies.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { runSimulation } from '../../simulation/run/simulator.ts';
import { formatCounted, formatDuration, formatFixed } from '../terminal/formatting.ts';

const HOUR = 3_600;
const NODES = 8;
/** Nodes of a flavour that nobody has a quota of: there gangs wait for room, not for quota. */
const SHARED_NODES = 4;
const GPUS = 8;
/** Until when jobs arrive; the time at which questions are asked: the first of these at which a gang was promised a start. */
const ARRIVALS_SECONDS = 24 * HOUR;
const ASKED_FROM_SECONDS = 10 * HOUR;
const ASKED_TO_SECONDS = 16 * HOUR;
const ASKED_STEP_SECONDS = 0.5 * HOUR;
/** From the questions to the end of the run that shows whether the promise was kept. */
const AFTER_SECONDS = 4 * HOUR;
const SEED = 1;

/** What happened, and the result that questions can be asked of. */
export interface TenantsStory {
  /** At the time of the questions. */
  readonly result: SimulationResult;
  readonly lines: readonly string[];
  /** A job that waits then, to ask about: the gang that was promised a start, or the first. */
  readonly job: string | undefined;
}

/** Runs it. Deterministic. */
export function runWithTenants(): TenantsStory {
  const table = jobs();
  let asked = run(table, ASKED_FROM_SECONDS).result;
  let promised = promisedGang(asked);
  for (let at = ASKED_FROM_SECONDS; promised === undefined && at < ASKED_TO_SECONDS; ) {
    at += ASKED_STEP_SECONDS;
    asked = run(table, at).result;
    promised = promisedGang(asked);
  }
  const { records } = run(table, asked.endSeconds + AFTER_SECONDS);
  const first = asked.waiting?.jobs[0]?.id;
  return {
    result: asked,
    lines: [loansLine(asked), gangLine(promised, records)],
    job: promised?.id ?? first,
  };
}

function loansLine({ tenants = [], evictions, endSeconds }: SimulationResult): string {
  const loans = tenants
    .filter(({ borrowed }) => borrowed.gpus >= 0.05)
    .sort((a, b) => b.borrowed.gpus - a.borrowed.gpus)
    .map(
      ({ name, borrowed, quota }) =>
        `${name} ${formatFixed(borrowed.gpus, 1)} GPUs beyond its quota of ${quota.gpus}`,
    );
  const back = evictions === undefined ? 0 : evictions.jobs.reclaim;
  return (
    `Three tenants on ${(NODES + SHARED_NODES) * GPUS} GPUs, --queue teg, ${formatDuration(endSeconds)}: on average ${loans.join(', ')}; ` +
    `${formatCounted(back, 'job')} gave way to tenants that needed their quota.`
  );
}

function promisedGang({ waiting }: SimulationResult): Waiting | undefined {
  const gangs = waiting?.jobs.filter(({ pods }) => pods > 1) ?? [];
  return (
    gangs.find(({ code }) => code === 'reserved') ?? gangs.find(({ code }) => code === 'reserved-on-loan')
  );
}

type Waiting = NonNullable<SimulationResult['waiting']>['jobs'][number];

function gangLine(job: Waiting | undefined, { ids, firstStartSeconds }: JobRecords): string {
  if (job === undefined) return 'No gang waited for room that was reserved.';
  const isFirm = job.code === 'reserved';
  const by = Number(isFirm ? job.data.startsBySeconds : job.data.expectedAtSeconds);
  const started = firstStartSeconds[ids.indexOf(job.id)] as number;
  const after = started <= by + 1e-6 ? 'and started' : 'but started';
  return (
    `The gang ${job.id} of ${job.tenant} (${job.pods} × ${job.each.gpus} GPUs) was ${isFirm ? 'promised a start' : 'expected to start'} by ${formatDuration(by)}, ` +
    `${after} at ${formatDuration(started)}: smaller jobs flowed around it.`
  );
}

function run(table: JobTable, horizonSeconds: number): { result: SimulationResult; records: JobRecords } {
  let records: JobRecords | undefined;
  const result = runSimulation({
    nodes: nodes(),
    jobs: table,
    policy: policyByName('teg'),
    seed: SEED,
    queue: 'teg',
    runtimes: 'exact',
    tenants: tenants(),
    horizonSeconds,
    onJobs: (kept) => {
      records = kept;
    },
  });
  return { result, records: records as JobRecords };
}

function nodes(): NodeSpec[] {
  return Array.from({ length: NODES + SHARED_NODES }, (_, i) => ({
    name: `node-${i}`,
    cpuMilli: 128_000,
    memoryMib: 1 << 20,
    gpuCount: GPUS,
    gpuModel: i < NODES ? 'H100' : 'A100',
    podsMax: 110,
  }));
}

function tenants() {
  const gpus = (count: number) => ({ h100: { gpuMilli: 1_000 * count } });
  return {
    market: marketSpec({
      flavors: ['H100', 'A100'].map((model) => quotaFlavor(model.toLowerCase(), { gpuModels: [model] })),
    }),
    tenants: [
      tenantSpec('nlp', { quota: gpus(32), weight: 1 }),
      tenantSpec('vision', { quota: gpus(16), weight: 3 }),
      tenantSpec('students', { weight: 1 }),
    ],
  };
}

/** Single GPUs of students all the time, runs of a node of nlp, and gangs of vision and nlp. */
function jobs(): JobTable {
  const random = new Random(SEED, 0);
  const builder = new JobTableBuilder(new DemandTable());
  const add = (
    tenant: string,
    id: string,
    at: number,
    hours: number,
    podCount: number,
    gpuCount: number,
    gpuModel: string,
  ): void => {
    const durationSeconds = Math.round(hours * HOUR);
    builder.add({
      id,
      tenant,
      priority: 0,
      cpuMilli: 4_000 * gpuCount,
      memoryMib: 32_768 * gpuCount,
      gpuCount,
      gpuMilli: 1_000,
      gpuModels: [gpuModel],
      submitSeconds: Math.round(at),
      durationSeconds,
      requestedSeconds: durationSeconds,
      podCount,
      gangMin: podCount,
    });
  };
  const arrivals = (
    tenant: string,
    gapHours: number,
    hours: number,
    pods: number,
    gpus: number,
    model: string,
  ): void => {
    let n = 0;
    for (let at = 0; at < ARRIVALS_SECONDS; at += gapHours * HOUR * (0.5 + random.nextFloat())) {
      n++;
      add(
        tenant,
        `${tenant}-${model.toLowerCase()}-${pods}x${gpus}-${n}`,
        at,
        hours * (0.5 + random.nextFloat()),
        pods,
        gpus,
        model,
      );
    }
  };
  arrivals('students', 0.12, 3, 1, 1, 'H100');
  arrivals('students', 0.15, 2, 1, 1, 'A100');
  arrivals('nlp', 1.6, 5, 1, 8, 'H100');
  arrivals('vision', 5, 3, 2, 8, 'H100');
  arrivals('vision', 6, 2, 3, 8, 'A100');
  return builder.build();
}
