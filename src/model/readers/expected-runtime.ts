/**
 * How long a pod says that it runs: an estimate, which nobody is held to, or else a limit.
 *
 *     annotation teg.dev/expected-runtime ─▶ spec.activeDeadlineSeconds ─▶ label kueue.x-k8s.io/max-exec-time-seconds
 *
 * A value that cannot be read counts as absent: a pod is not kept from running for a wrong estimate.
 */
import { durationSeconds } from './durations.ts';
import { type ApiObject, maybeStrings } from './read-object.ts';

/** Annotation of a pod: `90m`, `2h30m`, or seconds. */
export const EXPECTED_RUNTIME_ANNOTATION = 'teg.dev/expected-runtime';
/** Kueue's label: seconds. */
export const KUEUE_RUNTIME_LABEL = 'kueue.x-k8s.io/max-exec-time-seconds';

const SECONDS = /^\d{1,9}$/;

/** @returns Seconds > 0; undefined: it does not say. @throws TegError TEG_KUBE_OBJECT if annotations or labels are not texts. */
export function expectedRuntimeOf(metadata: ApiObject, spec: ApiObject): number | undefined {
  const annotations = maybeStrings(metadata.annotations, 'metadata.annotations');
  const labels = maybeStrings(metadata.labels, 'metadata.labels');
  const { activeDeadlineSeconds } = spec;
  return (
    secondsOf(annotations[EXPECTED_RUNTIME_ANNOTATION]) ??
    (isSeconds(activeDeadlineSeconds) ? activeDeadlineSeconds : undefined) ??
    secondsOf(labels[KUEUE_RUNTIME_LABEL])
  );
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = SECONDS.test(text) ? Number(text) : durationSeconds(text);
  return isSeconds(seconds) ? seconds : undefined;
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= 1e9;
}
