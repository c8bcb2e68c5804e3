/**
 * Decision costs against the number of nodes, as `teg bench decision --json` prints them.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TegError } from '../../model/errors.ts';

const decisionCostSchema = z.object({
  nodes: z.number().int().positive(),
  policy: z.string().min(1),
  p50Micros: z.number().positive(),
  p99Micros: z.number().positive(),
});

/** The cost of one policy's decision at one size of cluster. */
export type DecisionCost = z.infer<typeof decisionCostSchema>;

/**
 * Reads a file of decision costs: an array, or an object that holds it as `results`.
 *
 * @throws TegError TEG_INPUT_CORRUPT if it is something else.
 */
export async function readDecisionCosts(path: string): Promise<DecisionCost[]> {
  const text = await readFile(path, 'utf8');
  const parsed = parse(text, path);
  const list = Array.isArray(parsed) ? parsed : (parsed as { results?: unknown } | null)?.results;
  const checked = z.array(decisionCostSchema).min(1).safeParse(list);
  if (checked.success) return checked.data;
  const { path: where = [], message = '' } = checked.error.issues[0] ?? {};
  throw invalid(path, `${where.length > 0 ? `${where.join('.')}: ` : ''}${message}`);
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

function invalid(path: string, got: string): TegError {
  return new TegError(
    'TEG_INPUT_CORRUPT',
    `decision costs '${path}': got ${got}; expected an array of {nodes, policy, p50Micros, p99Micros}: ` +
      'write it with `teg bench decision --json`',
  );
}
