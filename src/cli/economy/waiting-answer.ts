/** Waiting jobs with their reasons in words, and what puts jobs before them: the answers of `teg why`, `teg queue` and `teg prio`. */
import { z } from 'zod';
import { nextStep } from '../../governor/pods/reasons/next-steps.ts';
import { reasonSentence } from '../../governor/pods/reasons/reason-sentences.ts';
import { stageOf, WAITING_STAGES, type WaitingStage } from '../../governor/pods/reasons/waiting-reason.ts';
import { type DroppedReport, droppedReportSchema } from '../../simulation/metrics/dropped-result.ts';
import {
  type WaitingJob,
  type WaitingReport,
  waitingJobSchema,
  waitingReportSchema,
} from '../../simulation/metrics/waiting-report.ts';

const text = z.string();

const words = {
  stage: z
    .enum(WAITING_STAGES as unknown as [WaitingStage, ...WaitingStage[]])
    .describe('of the reason: the first stage in this order that applies is the reason'),
  text: text.describe('the reason in a sentence or two'),
  nextStep: text.describe('one thing that can be done, or awaited'),
};

/** The jobs that wait, and those that can never run. */
export interface AskedReport extends WaitingReport {
  readonly dropped?: DroppedReport | undefined;
}

/** A report with every reason in words. */
export const reasonedReportSchema = waitingReportSchema.extend({
  jobs: z.array(
    waitingJobSchema.extend({
      ...words,
      startsBySeconds: z
        .number()
        .nullable()
        .describe('latest start, if run times are as expected; null: not known'),
    }),
  ),
  dropped: droppedReportSchema
    .extend({ jobs: z.array(droppedReportSchema.shape.jobs.element.extend(words)) })
    .optional()
    .describe('jobs of a simulation that the cluster could never hold'),
});

/** See `reasonedReportSchema`. */
export type ReasonedReport = z.infer<typeof reasonedReportSchema>;

/** @returns The report with words. O(jobs). */
export function withReasons(report: AskedReport): ReasonedReport {
  const { atSeconds, kind = 'pod', dropped, ...others } = report;
  const inWords = (code: string, data: WaitingJob['data']) => ({
    stage: stageOf(code),
    text: reasonSentence(code, data, atSeconds),
    nextStep: nextStep(code, data, kind),
  });
  return {
    ...others,
    ...{ atSeconds, kind },
    jobs: report.jobs.map((job) => {
      const { code, data } = job;
      return {
        ...job,
        ...inWords(code, data),
        startsBySeconds: job.startsBySeconds ?? (code === 'reserved' ? Number(data.startsBySeconds) : null),
      };
    }),
    ...(dropped === undefined
      ? {}
      : {
          dropped: {
            ...dropped,
            jobs: dropped.jobs.map((job) => ({ ...job, ...inWords(job.code, job.data) })),
          },
        }),
  };
}

const count = z.number().int().nonnegative();

/** Ranks of waiting jobs, in parts. */
export const ranksSchema = z.object({
  atSeconds: z.number(),
  byTenant: z.boolean().describe('whether the turn of the tenants comes before priority and arrival'),
  jobs: z.array(
    z.object({
      id: text,
      tenant: text,
      priority: z.number(),
      waitedSeconds: z.number(),
      rank: count.describe('jobs before it: the sum of the three that follow'),
      byTurn: count.describe('of other tenants, whose turn comes first'),
      byPriority: count.describe('of higher priority'),
      byArrival: count.describe('of the same priority that came earlier'),
    }),
  ),
});

/** See `ranksSchema`. */
export type RanksAnswer = z.infer<typeof ranksSchema>;

/** @param report All that it lists, in order. @returns Why each job has its place. O(jobs × distinct priorities). */
export function ranksOf({ jobs, atSeconds, byTenant }: WaitingReport): RanksAnswer {
  /** Jobs so far by priority, in all and by tenant. */
  const all = new Map<number, number>();
  const byOwner = new Map<string, Map<number, number>>();
  const ranked = jobs.map(({ id, tenant, priority, waitedSeconds }, rank) => {
    const own = byOwner.get(tenant) ?? new Map<number, number>();
    byOwner.set(tenant, own);
    const counted = byTenant ? own : all;
    let byPriority = 0;
    let before = 0;
    for (const [other, number] of counted) {
      before += number;
      if (other > priority) byPriority += number;
    }
    for (const counts of [all, own]) counts.set(priority, (counts.get(priority) ?? 0) + 1);
    const parts = { byTurn: rank - before, byPriority, byArrival: before - byPriority };
    return { id, tenant, priority, waitedSeconds, rank, ...parts };
  });
  return { atSeconds, byTenant, jobs: ranked };
}
