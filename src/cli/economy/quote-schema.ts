/** The form of the output of `teg quote --json`. */
import { z } from 'zod';
import { waitingJobSchema } from '../../simulation/metrics/waiting-report.ts';
import type { QuoteAnswer } from './quote-text.ts';

const amount = z.number().nonnegative();

const flavorQuoteSchema = z.object({
  flavor: z.string(),
  load: amount.describe('part of its units in use'),
  price: amount.describe('tokens for a unit-hour, as the other prices'),
  slope: amount.describe('by how much the price rises with a unit more'),
  quotedPrice: amount.describe("with the job's own demand counted, at most the cap"),
  units: amount,
  tokensPerHour: amount,
  setAside: amount.describe('tokens, at the start'),
  expectedTokens: amount
    .nullable()
    .describe('for the expected run, if nothing else starts or ends; null: unknown run time'),
  podsWithRoom: amount
    .nullable()
    .describe('pods for which nodes have whole idle GPUs; null: it requests no GPUs'),
  availableGpus: z
    .number()
    .nullable()
    .describe('that quotas, loans and limits leave the tenant; null: not bounded, or no tenant was named'),
  affordableInSeconds: amount
    .nullable()
    .describe(
      'when the tenant can set that aside if it starts nothing else; null: never out of its balance, or no tenant was named',
    ),
});

/** The output of `teg quote --json`. */
export const quoteAnswerSchema = z.object({
  atSeconds: z.number().describe('since the start of the run, or since 1970'),
  rentPeriodSeconds: amount.describe('rent is set aside for this long, and quoted again after it'),
  order: z.enum(['Usage', 'Balance']).describe('whose turn it is goes by this'),
  isFree: z.boolean().optional().describe('true: nobody has to pay, and prices are multiples of the base'),
  shape: z.object({
    pods: z.number().int().min(1),
    each: waitingJobSchema.shape.each,
    gpuModels: z.array(z.string()).describe('that it may run on; empty: any'),
    runtimeSeconds: amount.nullable().describe('null: unknown'),
  }),
  tenant: z.string().optional().describe('who would pay'),
  flavors: z.array(flavorQuoteSchema).min(1),
  job: waitingJobSchema.optional().describe('the waiting job that was asked for'),
}) satisfies z.ZodType<QuoteAnswer>;
