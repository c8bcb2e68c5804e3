/** The jobs that a run dropped, in its result. */
import { z } from 'zod';

const droppedJobSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    atSeconds: z.number().describe('since the first arrival'),
    pods: z.number().int().min(1),
    code: z.string().describe('no-such-model: no node has a GPU that it may use; impossible: else'),
    data: z.record(z.string(), z.union([z.number(), z.string()])).describe('figures of the reason'),
  })
  .describe('a job that could never run on this cluster');

/** The dropped jobs of a result. */
export const droppedReportSchema = z.object({
  count: z.number().int().min(1).describe('all jobs that were dropped'),
  jobs: z.array(droppedJobSchema).describe('the first of them, at most 1,000'),
});

/** See `droppedReportSchema`. */
export type DroppedReport = z.infer<typeof droppedReportSchema>;
/** A job of it. */
export type DroppedJob = DroppedReport['jobs'][number];
