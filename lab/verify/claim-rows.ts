/** The output of `teg verify --json`: one object a claim, and its schema. */
import { z } from 'zod';
import { type Check, type ClaimResult, thresholdText } from '../claims/claim.ts';

/** A number in JSON: null where it is not finite. */
const figure = z.number().nullable();

const checkSchema = z.object({
  what: z.string().describe('the measured quantity'),
  measured: figure,
  threshold: z.string().describe('the bounds as text, for example ≤ 0.01'),
  low: figure.describe('lower bound, inclusive; null: none'),
  high: figure.describe('upper bound, inclusive; null: none'),
});

/** Schema of one row. */
const claimRowSchema = z.object({
  test: z.string(),
  title: z.string(),
  claim: z.string().describe('the statement'),
  conditions: z.string().describe('where it holds'),
  notClaimed: z.string().describe('conclusions that must not be drawn'),
  measured: figure.describe('of the first check'),
  threshold: z.string().describe('of the first check'),
  holds: z.boolean().describe('whether every check holds'),
  negativeControlFails: z.boolean().describe('whether every negative control fails, as it must'),
  checks: z.array(checkSchema.extend({ holds: z.boolean() })).min(1),
  negativeControls: z.array(checkSchema.extend({ fails: z.boolean() })).min(1),
  notes: z.array(z.string()),
});

/** Schema of the whole output. */
export const claimRowsSchema = z.array(claimRowSchema);

/** One claim as JSON. */
export type ClaimRow = z.infer<typeof claimRowSchema>;

/** @returns The row of a result; bounds and figures that are not finite are null. */
export function claimRow(result: ClaimResult): ClaimRow {
  const { test, title, claim, conditions, notClaimed } = result.claim;
  const first = result.checks[0] as Check;
  return {
    test,
    title,
    claim,
    conditions,
    notClaimed,
    measured: finite(first.measured),
    threshold: thresholdText(first),
    holds: result.holds,
    negativeControlFails: result.negativeControlFails,
    checks: result.checks.map((check) => ({ ...checkRow(check), holds: check.holds })),
    negativeControls: result.controls.map((check) => ({ ...checkRow(check), fails: !check.holds })),
    notes: [...(result.notes ?? [])],
  };
}

function checkRow(check: Check): z.infer<typeof checkSchema> {
  const { what, measured, low, high } = check;
  return {
    what,
    measured: finite(measured),
    threshold: thresholdText(check),
    low: finite(low),
    high: finite(high),
  };
}

function finite(x: number): number | null {
  return Number.isFinite(x) ? x : null;
}
