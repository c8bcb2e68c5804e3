/** Events in the form of events.k8s.io/v1: names, limits, and the equality of two events. */
import { microTimeText } from './api-time.ts';

/** The object of an event. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** '' if it has none (nodes). */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** An event to report. */
export interface TellEvent {
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  /** `Scheduled`, `FailedScheduling`, `Preempted`, …; at most 128 characters. */
  readonly reason: string;
  /** `Binding`, `Scheduling`, `Preempting`, …; at most 128 characters. */
  readonly action: string;
  /** For people; cut at 1,024 bytes. */
  readonly note: string;
  /** Cannot happen twice (a pod is scheduled once): not kept for aggregation. Default false. */
  readonly once?: boolean;
}

/** An event with its count. */
export interface EventSeries {
  /** ≥ 1. */
  readonly count: number;
  /** Wall time of the last one, seconds since 1970. */
  readonly lastWallSeconds: number;
}

/** The API server's limits. */
const NOTE_BYTES_MAX = 1024;
const NAME_CHARS_MAX = 253;
const INSTANCE_CHARS_MAX = 128;
const CUT_SUFFIX = ' ...';

/** @returns A key of the fields that equal events share; texts cannot hold the separator. */
export function eventKey(event: TellEvent): string {
  const { regarding, related, type, reason, action, note } = event;
  return [regarding.uid, related?.uid ?? '', type, reason, action, note].join('\u0000');
}

/** @returns The namespace of an event about an object. */
export function eventNamespace(regarding: ObjectReference): string {
  return regarding.namespace === '' ? 'default' : regarding.namespace;
}

/** @returns A unique event name: the object's, and a stamp in hexadecimal. @param stamp Differs from event to event. */
export function eventName(regarding: ObjectReference, stamp: bigint): string {
  const tail = `.${stamp.toString(16)}`;
  const head = regarding.name.slice(0, NAME_CHARS_MAX - tail.length).replace(/[^a-z0-9]+$/, '');
  return head + tail;
}

/** @returns The text in at most n bytes of UTF-8, with ` ...` at the end where it was cut. */
export function cutNote(note: string): string {
  // A unit of UTF-16 takes at most three bytes of UTF-8.
  if (note.length * 3 <= NOTE_BYTES_MAX) return note;
  const bytes = Buffer.from(note);
  if (bytes.length <= NOTE_BYTES_MAX) return note;
  let end = NOTE_BYTES_MAX - CUT_SUFFIX.length;
  // Not within a character.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString() + CUT_SUFFIX;
}

/** @returns The body of a POST, with a `series` if the event was seen more than once before it was written. */
export function eventBody(
  event: TellEvent,
  name: string,
  controller: string,
  instance: string,
  firstWallSeconds: number,
  series: EventSeries,
): object {
  const { regarding, related } = event;
  // JSON omits undefined.
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace: eventNamespace(regarding) },
    eventTime: microTimeText(firstWallSeconds),
    reportingController: controller,
    reportingInstance: instance.slice(0, INSTANCE_CHARS_MAX),
    action: event.action,
    reason: event.reason,
    regarding: referenceBody(regarding),
    related: related && referenceBody(related),
    note: cutNote(event.note),
    type: event.type,
    series: series.count > 1 ? seriesOf(series) : undefined,
  };
}

/** @returns The body of a PATCH that reports repetitions. */
export function seriesBody(series: EventSeries): object {
  return { series: seriesOf(series) };
}

function seriesOf(series: EventSeries): object {
  return { count: series.count, lastObservedTime: microTimeText(series.lastWallSeconds) };
}

function referenceBody(reference: ObjectReference): object {
  const { apiVersion, kind, namespace, name, uid } = reference;
  return { apiVersion, kind, name, uid, namespace: namespace === '' ? undefined : namespace };
}
