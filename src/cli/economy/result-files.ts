/** Results of simulations, read back from the JSON of `teg simulate --json`. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TegError } from '../../model/errors.ts';
import { droppedReportSchema } from '../../simulation/metrics/dropped-result.ts';
import { type MarketResult, marketResultSchema } from '../../simulation/metrics/market-result.ts';
import { COMPARISON_SCHEMA } from '../../simulation/metrics/result.ts';
import {
  type TenantResult,
  tenantResultSchema,
  tenantSharesSchema,
} from '../../simulation/metrics/tenant-result.ts';
import { waitingReportSchema } from '../../simulation/metrics/waiting-report.ts';
import { isPipe, isStandardInput, readPipe, readStandardInput } from '../../traces/pipe.ts';

/** Largest file that is read. */
const BYTES_MAX = 256 << 20;

/** The parts of a result that questions about it need. */
const questionedResultSchema = z.object({
  policy: z.string(),
  endSeconds: z.number(),
  waiting: waitingReportSchema.optional(),
  dropped: droppedReportSchema.optional(),
  tenants: z.array(tenantResultSchema).optional(),
  shares: tenantSharesSchema.optional(),
  market: marketResultSchema.optional(),
});

/** A result that was read. */
export type QuestionedResult = z.infer<typeof questionedResultSchema>;

/** @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_TOO_LARGE, TEG_INPUT_UNKNOWN_FORMAT: no result of a simulation. */
export async function readResult(path: string): Promise<QuestionedResult> {
  const expected = 'expected the output of `teg simulate --json`';
  let text: string;
  try {
    text = isPipe(path) ? await readPiped(path) : readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof TegError) throw cause;
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `${path} cannot be read (${(cause as Error).message}); ${expected}: name another file`,
    );
  }
  if (text.length > BYTES_MAX) throw tooLarge(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TegError('TEG_INPUT_UNKNOWN_FORMAT', `${path} is not JSON; ${expected}: name another file`);
  }
  if (isComparison(value)) {
    throw new TegError(
      'TEG_INPUT_UNKNOWN_FORMAT',
      `${path} is a comparison of ${value.runs.length} runs, the output of \`teg compare --json\`; expected one run, the output of \`teg simulate --json\`: ` +
        'simulate the run you ask about with its policy, queue and seed',
    );
  }
  const result = questionedResultSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${path} is not such a result (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}); ${expected}: name another file`,
  );
}

/** @returns True for the output of `teg compare --json`. */
function isComparison(value: unknown): value is { runs: readonly unknown[] } {
  if (typeof value !== 'object' || value === null || !('schema' in value) || !('runs' in value)) return false;
  return value.schema === COMPARISON_SCHEMA && Array.isArray(value.runs);
}

/** A program that writes the result may still be busy: the pipe is waited for. */
async function readPiped(path: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of isStandardInput(path) ? readStandardInput() : readPipe(path)) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > BYTES_MAX) throw tooLarge(path);
  }
  return text + decoder.decode();
}

function tooLarge(path: string): TegError {
  return new TegError(
    'TEG_INPUT_TOO_LARGE',
    `${path} has more than the ${BYTES_MAX} characters that are read: leave the series out with --no-series`,
  );
}

/** @returns The tenants of a result. @throws TegError TEG_OPTION_INVALID: it was made without a file of tenants. */
export function tenantsOf(result: QuestionedResult, path: string): readonly TenantResult[] {
  if (result.tenants !== undefined) return result.tenants;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `${path} has no tenants; expected a result of \`teg simulate --tenants FILE --json\`: simulate with tenants`,
  );
}

/** @returns The market of a result. @throws TegError TEG_OPTION_INVALID: it was made without one. */
export function marketOf(result: Pick<QuestionedResult, 'market'>, path: string): MarketResult {
  if (result.market !== undefined) return result.market;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `${path} has no market; expected a result of \`teg simulate --tenants FILE --queue teg --json\`: simulate with both`,
  );
}
