/**
 * What came of a start from a snapshot, as its JSON says it.
 */
import { z } from 'zod';

/** Pods named at most, of each kind. */
export const WHAT_IF_PODS_MAX = 1_000;

const share = z.number();
const count = z.number().int();
const sharesSchema = z.object({ gpu: share.nullable().describe('null: no GPUs'), cpu: share, memory: share });

/** Form of the result. */
export const whatIfSchema = z.object({
  kept: count.describe('pods that stay on the nodes they were recorded on'),
  pending: count.describe('pods that waited when it was recorded, or whose node was removed'),
  pendingPlaced: count,
  pendingWaiting: count.describe('of them, those that some node could hold, but none has room'),
  pendingImpossible: count.describe(
    'of them, those that no node of the cluster could hold even if it were empty',
  ),
  before: sharesSchema.describe('of the capacity, asked for by the pods that stay'),
  after: sharesSchema.describe('the same with the pending ones that were placed'),
  placements: z
    .array(z.object({ pod: z.string(), node: z.string() }))
    .describe(`where the pending ones went, pods of a gang under its name; at most ${WHAT_IF_PODS_MAX}`),
  waiting: z
    .array(z.string())
    .describe(`pending ones that were not placed, a gang once; at most ${WHAT_IF_PODS_MAX}`),
});

/** What came of a start from a snapshot. */
export type WhatIfResult = z.infer<typeof whatIfSchema>;
