/** All verdicts that are written down. */
import type { VerdictCase } from './builders.ts';
import { CLAIM_CASES } from './claim-cases.ts';
import { NODE_CASES } from './node-cases.ts';
import { POD_CASES } from './pod-cases.ts';
import { VOLUME_LIMIT_CASES } from './volume-limit-cases.ts';

/** By theme; names are distinct. */
export const VERDICT_CASES: readonly VerdictCase[] = [
  ...NODE_CASES,
  ...POD_CASES,
  ...CLAIM_CASES,
  ...VOLUME_LIMIT_CASES,
];
