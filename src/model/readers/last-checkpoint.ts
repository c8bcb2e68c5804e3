/**
 * When a pod made its last checkpoint, as its own job or its controller writes it. Evictions lose what came after it.
 *
 * A value that cannot be read counts as absent: then all of its work counts as lost, and it is evicted later than others.
 */
import { type ApiObject, maybeStrings } from './read-object.ts';

/** Annotation of a pod: a time as in the API (`2026-01-31T12:00:00Z`), or seconds since 1970. */
export const CHECKPOINT_ANNOTATION = 'teg.dev/checkpointed-at';

const SECONDS = /^\d{1,11}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** @returns Seconds since 1970; undefined: it has made none. @throws TegError TEG_KUBE_OBJECT if annotations are not texts. */
export function lastCheckpointOf(metadata: ApiObject): number | undefined {
  const text = maybeStrings(metadata.annotations, 'metadata.annotations')[CHECKPOINT_ANNOTATION];
  if (text === undefined) return undefined;
  if (SECONDS.test(text)) return Number(text);
  const milliseconds = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return milliseconds >= 0 ? milliseconds / 1000 : undefined;
}
