/** The jobs that wait at the end of a run, in the order in which they would start, each with its one reason. */
import { z } from 'zod';
import type { AccountsRefusal } from '../../governor/accounts.ts';
import { REASON_NAMES, type ReasonCode } from '../../governor/zone/zone-events.ts';
import type { Demand } from '../../model/demand.ts';
import type { JobTable } from '../inputs/job-table.ts';

/** Waiting jobs that a result lists, at most: the first in order. */
export const WAITING_LISTED_MAX = 1000;

const MILLI = 1000;
const MIB_PER_GIB = 1024;

const count = z.number().int().nonnegative();

/** A waiting job in a result. */
export const waitingJobSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    position: count.describe(
      'jobs that would start before it if there were room for all: by turn of the tenants where these are ordered, then priority and arrival',
    ),
    waitedSeconds: z.number(),
    priority: z.number(),
    pods: count,
    each: z
      .object({ gpus: z.number(), cpuCores: z.number(), memoryGib: z.number() })
      .describe('what each pod requests'),
    gpuModels: z.array(z.string()).describe('that it may run on; empty: any'),
    requestedSeconds: z.number().nullable().describe('declared run time; null: none'),
    code: z.string().describe('a stable word: no-fit, behind, reserved, reserved-on-loan, quota-used-up, …'),
    startsBySeconds: z
      .number()
      .optional()
      .describe('latest start, if run times are as expected; absent: not known, or in `data`'),
    data: z.record(z.string(), z.union([z.number(), z.string()])).describe('figures of the reason'),
  })
  .describe('a job that waits at the end of the run');

/** See `waitingJobSchema`. */
export type WaitingJob = z.infer<typeof waitingJobSchema>;

/** The waiting jobs of a result. */
export const waitingReportSchema = z.object({
  count: count.describe('all jobs that wait'),
  atSeconds: z.number().describe('the end of the run'),
  byTenant: z.boolean().describe('whether the turn of the tenants comes before priority and arrival'),
  kind: z
    .enum(['job', 'pod'])
    .optional()
    .describe('what waits: jobs of a simulated workload, or pods and gangs of a cluster; absent: these'),
  jobs: z.array(waitingJobSchema).describe(`the first of them, at most ${WAITING_LISTED_MAX}`),
});

/** See `waitingReportSchema`. */
export type WaitingReport = z.infer<typeof waitingReportSchema>;

/** Who knows why jobs wait: a zone. */
export interface WaitReasons {
  forEachWaitingJob(visit: (job: number) => void): void;
  reasonOf(job: number): ReasonCode;
  refusalOf(job: number): AccountsRefusal | undefined;
}

/** Whose turn it is: the order of tenants in which a queue starts jobs. */
export interface WaitingTurns {
  /** The smaller goes first. */
  shareOf(tenant: number, timeSeconds: number): number;
  /** By how much it grows when a job starts. */
  stepOf(tenant: number, demand: Demand, pods: number): number;
}

/** What is known of tenants. */
export interface WaitingBooks {
  /** Absent: tenants are not ordered. */
  readonly turns?: WaitingTurns | undefined;
  /** More about a refusal of a job; absent: nothing. */
  readonly addTo?: ((refusal: AccountsRefusal, job: number) => AccountsRefusal['data']) | undefined;
}

/** @returns The waiting jobs. O(jobs log jobs + tenants × listed). */
export function waitingReport(
  zone: WaitReasons,
  table: JobTable,
  atSeconds: number,
  { turns, addTo }: WaitingBooks = {},
): WaitingReport {
  const waiting: number[] = [];
  zone.forEachWaitingJob((job) => {
    waiting.push(job);
  });
  const priorityOf = (job: number): number => table.priorities[job] as number;
  // Jobs are numbered in order of arrival.
  waiting.sort((a, b) => priorityOf(b) - priorityOf(a) || a - b);
  return {
    count: waiting.length,
    atSeconds,
    byTenant: turns !== undefined,
    kind: 'job',
    jobs: (turns === undefined
      ? waiting.slice(0, WAITING_LISTED_MAX)
      : inTurn(waiting, table, atSeconds, turns)
    ).map((job, position) => waitingJob(zone, table, job, position, atSeconds, addTo)),
  };
}

/** @param waiting By priority and arrival. @returns The first of them, as they would start in one pass that has room for all. */
function inTurn(
  waiting: readonly number[],
  table: JobTable,
  atSeconds: number,
  turns: WaitingTurns,
): number[] {
  const lines = new Map<number, { readonly jobs: number[]; at: number; share: number }>();
  const rankOf = new Map<number, number>();
  for (const [rank, job] of waiting.entries()) {
    const tenant = table.tenantIds[job] as number;
    const line = lines.get(tenant);
    if (line === undefined) {
      lines.set(tenant, { jobs: [job], at: 0, share: turns.shareOf(tenant, atSeconds) });
    } else line.jobs.push(job);
    rankOf.set(job, rank);
  }
  const first: number[] = [];
  while (first.length < Math.min(waiting.length, WAITING_LISTED_MAX)) {
    let best: { readonly jobs: number[]; at: number; share: number } | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const line of lines.values()) {
      const rank = rankOf.get(line.jobs[line.at] as number);
      if (rank === undefined) continue;
      if (best !== undefined && !(line.share < best.share || (line.share === best.share && rank < bestRank)))
        continue;
      [best, bestRank] = [line, rank];
    }
    if (best === undefined) break;
    const job = best.jobs[best.at++] as number;
    best.share += turns.stepOf(
      table.tenantIds[job] as number,
      table.demandOf(job),
      table.podCounts[job] as number,
    );
    first.push(job);
  }
  return first;
}

function waitingJob(
  zone: WaitReasons,
  table: JobTable,
  job: number,
  position: number,
  atSeconds: number,
  addTo: WaitingBooks['addTo'],
): WaitingJob {
  const refusal = zone.refusalOf(job);
  const demand = table.demandOf(job);
  const seconds = table.requestedSeconds[job] as number;
  const data: Record<string, number | string> = {
    ...refusal?.data,
    ...(refusal === undefined ? {} : addTo?.(refusal, job)),
  };
  for (const name of ['forJob', 'job'] as const) {
    const other = data[name];
    if (typeof other === 'number') data[name] = table.idOf(other);
  }
  return {
    id: table.idOf(job),
    tenant: table.tenants.nameOf(table.tenantIds[job] as number),
    position,
    waitedSeconds: atSeconds - (table.submitSeconds[job] as number),
    priority: table.priorities[job] as number,
    pods: table.podCounts[job] as number,
    each: {
      gpus: demand.gpuTotalMilli / MILLI,
      cpuCores: demand.cpuMilli / MILLI,
      memoryGib: demand.memoryMib / MIB_PER_GIB,
    },
    gpuModels: [...(table.demands.constraints[demand.constraintId]?.gpuModels ?? [])],
    requestedSeconds: Number.isFinite(seconds) ? seconds : null,
    code: refusal?.code ?? (REASON_NAMES[zone.reasonOf(job)] as string),
    data,
  };
}
