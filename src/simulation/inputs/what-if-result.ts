/** Where the pods of a Kubernetes cluster went, in JSON form. */
import { z } from 'zod';

/** Most pods named, of each kind. */
export const WHAT_IF_PODS_MAX = 1_000;

const share = z.number();
const count = z.number().int();
const sharesSchema = z.object({ gpu: share.nullable().describe('null: no GPUs'), cpu: share, memory: share });

/** Form of the result. */
export const whatIfSchema = z.object({
  decidedBy: z
    .enum(['pod-scheduler', 'zone'])
    .describe(
      'pod-scheduler: with all rules of Kubernetes that TEG knows; zone: without those that the notes name',
    ),
  kept: count.describe(
    'pods that stay on the nodes they were recorded on; 0 without a start from a snapshot',
  ),
  pending: count.describe(
    'pods that waited when it was recorded, or whose node was removed; without a start from a snapshot all that arrived',
  ),
  pendingPlaced: count.describe('those that have ended included'),
  pendingWaiting: count.describe('of them, those that some node could hold, but none has room'),
  pendingImpossible: count.describe(
    'of them, those that no node of the cluster could hold even if it were empty',
  ),
  before: sharesSchema.describe('of the capacity, requested by the pods that stay'),
  after: sharesSchema.describe('the same with the pending ones that were placed'),
  placements: z
    .array(
      z.object({
        pod: z.string(),
        node: z.string(),
        waitedSeconds: z.number().optional().describe('from the start of the run; of the pod scheduler'),
      }),
    )
    .describe(
      `where the pending ones are at the end, pods of a gang under its name; at most ${WHAT_IF_PODS_MAX}`,
    ),
  waiting: z
    .array(z.string())
    .describe(`pending ones that were not placed, a gang once; at most ${WHAT_IF_PODS_MAX}`),
  reasons: z
    .array(z.object({ pod: z.string(), reason: z.string() }))
    .optional()
    .describe(
      `why, in the words of the pod's event: those of \`waiting\` and gangs that wait in part; at most ${WHAT_IF_PODS_MAX}`,
    ),
  preempted: count
    .optional()
    .describe('pods that lost their room to pods of higher priority, or with their gang'),
  victims: z
    .array(
      z.object({
        pod: z.string(),
        node: z.string().describe('that it had to leave'),
        by: z.string().describe("the pod that has its room; '': its gang was released"),
        atSeconds: z.number().describe('when it was evicted'),
        fate: z
          .enum(['gone', 'waits', 'placed'])
          .describe('the replacement made by its controller; gone: it has none'),
        newNode: z.string().describe("'' unless that was placed"),
      }),
    )
    .optional()
    .describe(`in order; at most ${WHAT_IF_PODS_MAX}`),
});

/** Where the pods of a Kubernetes cluster went. */
export type WhatIfResult = z.infer<typeof whatIfSchema>;
