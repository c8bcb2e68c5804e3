/**
 * Explains a pod from the objects of a cluster: a fresh pod scheduler is shown all of them, and decides nothing.
 */

import type { PodExplanation } from '../../../governor/pods/explain/explain-types.ts';
import { TegError } from '../../../model/errors.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';
import { conditionOf, type ReportedCondition, withReported } from './reported-condition.ts';
import { eventsOfObjects, type ObjectsOptions, schedulerAfter } from './scheduler-of-objects.ts';

/** The pod to explain, which is the scheduler's in any case, and the scheduler's identity. */
export interface ExplainObjectsOptions extends ObjectsOptions {
  readonly namespace: string;
  readonly name: string;
  /** Time of the objects, seconds since 1970. */
  readonly nowSeconds: number;
}

/**
 * Explains.
 *
 * @param objects With their kinds.
 * @throws TegError TEG_POD_UNKNOWN if the pod is not among them, or has ended.
 * @cost O(objects).
 */
export async function explainFromObjects(
  objects: AsyncIterable<ApiObject>,
  options: ExplainObjectsOptions,
): Promise<PodExplanation> {
  const { namespace, name, onWarning, nowSeconds } = options;
  let found: PodDescription | undefined;
  let reported: ReportedCondition | undefined;
  const events = await eventsOfObjects(objects, options, (event, object) => {
    if (event.kind !== 'pod' || event.pod.namespace !== namespace || event.pod.name !== name) return event;
    found = event.pod;
    reported = conditionOf(object);
    if (!found.ours && found.nodeName === '') {
      onWarning(
        `the pod names the scheduler '${schedulerOf(object)}'; explained as if it were ${[...options.profiles.keys()][0]}'s`,
      );
    }
    return { kind: 'pod', pod: { ...found, ours: true } };
  });
  const scheduler = schedulerAfter(events, options.core, nowSeconds);
  // Decides on no pod, but makes the prices that nodes are compared by.
  scheduler.step({ kind: 'decide', max: 0 }, nowSeconds);
  const pod = found as PodDescription | undefined;
  const explanation = pod === undefined ? undefined : scheduler.explain(pod.uid);
  if (explanation !== undefined) return withReported(explanation, reported);
  const sought = `${namespace}/${name}`;
  throw new TegError(
    'TEG_POD_UNKNOWN',
    pod === undefined
      ? `got the pod '${sought}', expected one of the cluster; check its namespace and name`
      : `got the pod '${sought}', which has ended; there is nothing to explain about its scheduling`,
  );
}

function schedulerOf({ spec }: ApiObject): string {
  return isRecord(spec) ? String(spec.schedulerName).slice(0, 100) : '';
}
