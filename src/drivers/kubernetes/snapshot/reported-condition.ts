/**
 * The report of schedulers about a pod that waits: its condition PodScheduled=False.
 *
 * Why: an explanation from objects alone has seen no attempt, so it does not know that a binding was refused. Snapshots
 * leave messages out; this is read from the API server, and only for the requested pod.
 */
import type { PodExplanation } from '../../../governor/pods/explain/explain-types.ts';
import type { NotScheduledReason } from '../../../governor/pods/pod-events.ts';
import type { ApiClient } from '../client/api.ts';
import { at, attempt, podPath, textAt } from '../writes/retrying-request.ts';

/** A condition in the status. */
export interface ReportedCondition {
  readonly reason: NotScheduledReason;
  readonly message: string;
}

const REASONS: readonly string[] = [
  'Unschedulable',
  'SchedulingGated',
  'SchedulerError',
  'NotReadyForScheduling',
] satisfies NotScheduledReason[];

/**
 * @returns The condition of a pod in the API server, undefined if there is none with a message, or the pod cannot be
 *   read.
 */
export async function reportedCondition(
  client: ApiClient,
  pod: { readonly namespace: string; readonly name: string },
): Promise<ReportedCondition | undefined> {
  const path = podPath(pod.namespace, pod.name);
  const result = await attempt(client, { method: 'GET', path, timeoutSeconds: 10 });
  if (result.kind !== 'answer' || result.answer.status !== 200) return undefined;
  return conditionOf(result.answer.body);
}

/** @returns The condition of a pod as an object, undefined if there is none with a message. */
export function conditionOf(pod: unknown): ReportedCondition | undefined {
  const conditions = at(pod, 'status', 'conditions');
  const list: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  const condition = list.find((one) => textAt(one, 'type') === 'PodScheduled');
  const reason = textAt(condition, 'reason');
  const message = textAt(condition, 'message');
  if (textAt(condition, 'status') !== 'False' || message === '' || !REASONS.includes(reason))
    return undefined;
  return { reason: reason as NotScheduledReason, message };
}

/**
 * @returns The explanation with the reported condition, unless the explanation has its own report or the pod has a
 *   node.
 */
export function withReported(
  explanation: PodExplanation,
  reported: ReportedCondition | undefined,
): PodExplanation {
  const isPlaced = explanation.state === 'bound' || explanation.state === 'binding';
  if (reported === undefined || explanation.message !== '' || isPlaced) return explanation;
  return { ...explanation, ...reported };
}
