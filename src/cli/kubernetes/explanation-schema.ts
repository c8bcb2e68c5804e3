/** The schema of an explanation, for answers of a server and for `--json-schema`. */
import { z } from 'zod';
import type { PodExplanation } from '../../governor/pods/explain/explain-types.ts';
import { WAITING_STAGES, type WaitingStage } from '../../governor/pods/reasons/waiting-reason.ts';
import { NODE_PRESSURES } from '../../model/node-state.ts';

const count = z.number().int();
const text = z.string();

const groupSchema = z.object({
  key: text,
  known: z.boolean().describe('whether its PodGroup was seen'),
  minCount: count,
  members: count,
  placed: count,
  waiting: count,
  text: text.describe('the events that it waits for'),
});

const preemptionSchema = z.object({
  allowed: z.boolean(),
  node: text.describe("the node that would be cleared; '': none helps"),
  victims: z.array(z.object({ pod: text, node: text, priority: count, breaksBudget: z.boolean() })),
  victimCount: count,
  text,
});

/** The reason for which a job waits. */
const waitingReasonSchema = z.object({
  code: text.describe('the same word in events, conditions and tools'),
  stage: z
    .enum(WAITING_STAGES as unknown as [WaitingStage, ...WaitingStage[]])
    .describe('the first in this order that applies is the reason'),
  text: text.describe('one sentence with the figures'),
  holder: text.describe("who has what it waits for; '': nobody"),
  nextStep: text,
  data: z.record(text, z.union([z.number(), text])),
});

/** An explanation of a pod. */
export const podExplanationSchema: z.ZodType<PodExplanation> = z.object({
  uid: text,
  namespace: text,
  name: text,
  state: z.enum([
    'waiting',
    'backing-off',
    'gated',
    'refused',
    'waiting-for-group',
    'nominated',
    'binding',
    'bound',
    'ended',
    'deleting',
    'not-ours',
  ]),
  sinceSeconds: z.number().describe("when it came into this state, by the scheduler's clock"),
  seenSeconds: z.number(),
  priority: count,
  attempts: count,
  retryAtSeconds: z.number().nullable(),
  retriedOn: z.array(text).describe('the events that would cause an immediate attempt'),
  node: text.describe('where it is, is going, or would go now'),
  gates: z.array(text),
  unsupported: z.array(text),
  group: groupSchema.nullable(),
  message: text.describe('the last one reported about it'),
  reason: z
    .enum(['', 'Unschedulable', 'SchedulingGated', 'SchedulerError', 'NotReadyForScheduling'])
    .describe(
      'SchedulerError: the decision could not be carried out; NotReadyForScheduling: its tenant is not admitted now',
    ),
  nodesTotal: count,
  nodesFeasible: count,
  refusals: z.array(z.object({ reason: text, plugin: text, nodes: count, resolvable: z.boolean() })),
  policy: text,
  better: z.enum(['lower', 'higher']),
  candidates: z
    .array(
      z.object({
        node: text,
        nodes: count,
        value: z.number(),
        parts: z.record(text, z.number()),
        state: z
          .object({
            pressure: z.array(z.enum(NODE_PRESSURES)),
            powerHeadroomWatts: z.number().optional(),
          })
          .optional()
          .describe('what kubelet and guard say of that node; absent: nothing particular'),
      }),
    )
    .describe('best first'),
  why: text,
  nearest: z.array(
    z.object({
      node: text,
      lacks: z.array(z.object({ resource: text, amount: z.number(), text })),
    }),
  ),
  waitsFor: waitingReasonSchema.nullable().describe('the one reason for which it, or its gang, waits'),
  preemption: preemptionSchema.nullable(),
});
