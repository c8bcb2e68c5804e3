/**
 * Explains a pod from the objects of a cluster: a fresh pod scheduler is shown all of them, and decides nothing.
 */

import { createConstraints } from '../../../governor/pods/constraints/cluster-constraints.ts';
import type { PodExplanation } from '../../../governor/pods/explain/explain-types.ts';
import type { PodSchedulerOptions } from '../../../governor/pods/pod-events.ts';
import { PodScheduler } from '../../../governor/pods/pod-scheduler.ts';
import { counted } from '../../../kernel/counted.ts';
import { TegError } from '../../../model/errors.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import type { Leniency } from '../../../model/readers/leniency.ts';
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';
import type { Profiles } from '../objects/profiles.ts';
import { ObjectEvents } from './object-events.ts';
import { conditionOf, type ReportedCondition, withReported } from './reported-condition.ts';

/** The pod to explain, and the scheduler's identity. */
export interface ExplainObjectsOptions {
  readonly namespace: string;
  readonly name: string;
  /** Pods whose `spec.schedulerName` is one of these are the scheduler's; the requested pod is in any case. */
  readonly profiles: Profiles;
  /** How the objects are read: `FROM_FILE` unless an API server gave them. Default: as it gives them. */
  readonly leniency?: Leniency;
  readonly core: PodSchedulerOptions;
  /** Time of the objects, seconds since 1970. */
  readonly nowSeconds: number;
  /** Called for objects that were left out, and for assumptions of the explanation. */
  readonly onWarning: (message: string) => void;
}

/** Malformed objects that are reported one by one. */
const MALFORMED_TOLD_MAX = 10;

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
  const scheduler = new PodScheduler(options.core, createConstraints());
  const events = new ObjectEvents(options.profiles, options.leniency);
  let found: PodDescription | undefined;
  let reported: ReportedCondition | undefined;
  let malformed = 0;
  for await (const object of objects) {
    try {
      let event = events.eventOf(object);
      if (event === undefined) continue;
      if (event.kind === 'pod' && event.pod.namespace === namespace && event.pod.name === name) {
        found = event.pod;
        reported = conditionOf(object);
        if (!found.ours && found.nodeName === '') {
          onWarning(
            `the pod names the scheduler '${schedulerOf(object)}'; explained as if it were ${[...options.profiles.keys()][0]}'s`,
          );
        }
        event = { kind: 'pod', pod: { ...found, ours: true } };
      }
      scheduler.step(event, nowSeconds);
    } catch (error) {
      if (!(error instanceof TegError) || error.code !== 'TEG_KUBE_OBJECT') throw error;
      if (malformed++ < MALFORMED_TOLD_MAX) onWarning(error.message);
    }
  }
  if (malformed > MALFORMED_TOLD_MAX)
    onWarning(`left out: ${counted(malformed - MALFORMED_TOLD_MAX, 'further malformed object')}`);
  // Decides on no pod, but makes the prices that nodes are compared by.
  scheduler.step({ kind: 'decide', max: 0 }, nowSeconds);
  const explanation = found === undefined ? undefined : scheduler.explain(found.uid);
  if (explanation !== undefined) return withReported(explanation, reported);
  const pod = `${namespace}/${name}`;
  throw new TegError(
    'TEG_POD_UNKNOWN',
    found === undefined
      ? `got the pod '${pod}', expected one of the cluster; check its namespace and name`
      : `got the pod '${pod}', which has ended; there is nothing to explain about its scheduling`,
  );
}

function schedulerOf({ spec }: ApiObject): string {
  return isRecord(spec) ? String(spec.schedulerName).slice(0, 100) : '';
}
