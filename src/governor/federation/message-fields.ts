/**
 * The fields of each kind of message, in one table: logs, digests and the way between threads write messages by it.
 *
 * The order of the fields is the order in which they are written; a change of it, or a new field, is another version of
 * every format made from it (`LOG_VERSION` in `vopr-log.ts`).
 */
import type { Hologram } from '../../field/hologram/hologram.ts';
import { assert } from '../../kernel/assert.ts';
import {
  type BoardEntry,
  type Message,
  MessageKind,
  type MessageKindCode,
  type MessageOf,
} from './messages.ts';

/** How a field is written. A flag is a number, 0 or 1. */
export type FieldForm = 'number' | 'flag' | 'hologram' | 'entries';

/** One field. */
export interface MessageField {
  readonly name: string;
  readonly form: FieldForm;
}

/** The form that a field of a type has. */
type FormOf<T> = T extends number
  ? 'number'
  : T extends boolean
    ? 'flag'
    : T extends Hologram
      ? 'hologram'
      : 'entries';

/** All fields of a record but its kind. The type checker ensures completeness. */
type Forms<T> = { readonly [F in Exclude<keyof T, 'kind'>]-?: FormOf<T[F]> };

const ENDS = { from: 'number', to: 'number' } as const;
const ABOUT_JOB = { ...ENDS, job: 'number' } as const;
const ABOUT_OFFER = { ...ABOUT_JOB, offer: 'number' } as const;

const FORMS: { readonly [K in MessageKindCode]: Forms<MessageOf<K>> } = {
  [MessageKind.Propose]: {
    ...ABOUT_JOB,
    attempt: 'number',
    host: 'number',
    demandId: 'number',
    tenant: 'number',
    podCount: 'number',
    gangMin: 'number',
    deadline: 'number',
    hops: 'number',
    mode: 'number',
    isFirst: 'flag',
  },
  [MessageKind.Offer]: {
    ...ABOUT_OFFER,
    attempt: 'number',
    priceMilli: 'number',
    pods: 'number',
    deadline: 'number',
  },
  [MessageKind.Refuse]: { ...ABOUT_JOB, attempt: 'number', reason: 'number', version: 'number' },
  [MessageKind.Confirm]: { ...ABOUT_OFFER, doneSeconds: 'number' },
  [MessageKind.Started]: { ...ABOUT_OFFER, attempt: 'number' },
  [MessageKind.Gone]: ABOUT_OFFER,
  [MessageKind.Decline]: ABOUT_OFFER,
  [MessageKind.Ended]: { ...ABOUT_OFFER, reason: 'number', doneSeconds: 'number' },
  [MessageKind.EndedAck]: ABOUT_OFFER,
  [MessageKind.Summary]: { ...ENDS, version: 'number', hologram: 'hologram' },
  [MessageKind.Board]: { ...ENDS, entries: 'entries' },
  [MessageKind.HostReport]: {
    ...ENDS,
    waitingJobs: 'number',
    waitingGpuMilli: 'number',
    oldestSeconds: 'number',
  },
  [MessageKind.Stop]: { ...ABOUT_OFFER, reason: 'number' },
  [MessageKind.Quote]: ABOUT_OFFER,
  [MessageKind.Quoted]: { ...ABOUT_OFFER, priceMilli: 'number' },
  [MessageKind.Renew]: { ...ABOUT_OFFER, deadline: 'number' },
  [MessageKind.HeldIdle]: { ...ABOUT_OFFER, deadline: 'number' },
  [MessageKind.Champion]: {
    ...ENDS,
    rankSeconds: 'number',
    gang: 'number',
    demandId: 'number',
    pods: 'number',
  },
};

const ENTRY_FORMS: Forms<BoardEntry> = {
  id: 'number',
  isGroup: 'flag',
  position: 'number',
  version: 'number',
  hologram: 'hologram',
};

/** The fields by number of the kind, without the kind itself; undefined: no such kind. */
export const MESSAGE_FIELDS: readonly (readonly MessageField[] | undefined)[] = fieldsByKind();

/** The fields of a board's entry. */
export const ENTRY_FIELDS: readonly MessageField[] = listed(ENTRY_FORMS);

function fieldsByKind(): (readonly MessageField[] | undefined)[] {
  const fields: (readonly MessageField[] | undefined)[] = [undefined];
  for (const kind of Object.values(MessageKind)) fields[kind] = listed(FORMS[kind]);
  return fields;
}

function listed(forms: Readonly<Record<string, FieldForm>>): readonly MessageField[] {
  return Object.entries(forms).map(([name, form]) => ({ name, form }));
}

/** Takes the values of a message's fields, in their order. */
export interface FieldSink {
  /** Also flags: 0 or 1. */
  number(value: number): void;
  hologram(hologram: Hologram): void;
  entries(entries: readonly BoardEntry[]): void;
}

/** Gives the values of a message's fields, in their order. */
export interface FieldSource {
  number(): number;
  hologram(): Hologram;
  entries(): readonly BoardEntry[];
}

/** By kind: whether it has holograms. */
const SUMMARIES: readonly boolean[] = MESSAGE_FIELDS.map(
  (fields) => fields?.some(({ form }) => form === 'hologram' || form === 'entries') === true,
);

/** @returns True if messages of a kind carry holograms. O(1). */
export function carriesSummaries(kind: MessageKindCode): boolean {
  return SUMMARIES[kind] as boolean;
}

/** @returns True if a number is that of a kind of messages. */
export function isMessageKind(kind: unknown): kind is MessageKindCode {
  return typeof kind === 'number' && MESSAGE_FIELDS[kind] !== undefined;
}

/** Writes a message: its kind, then its fields. O(fields). */
export function writeMessageFields(message: Message, sink: FieldSink): void {
  sink.number(message.kind);
  writeFields(message, MESSAGE_FIELDS[message.kind] as readonly MessageField[], sink);
}

/** Reads what `writeMessageFields` wrote. @param source At a number of `MessageKind`. */
export function readMessageFields(source: FieldSource): Message {
  const kind = source.number();
  assert(isMessageKind(kind), 'a message of no known kind is read');
  return readFields({ kind }, MESSAGE_FIELDS[kind] as readonly MessageField[], source) as never;
}

/** Writes an entry of a board. O(fields). */
export function writeEntryFields(entry: BoardEntry, sink: FieldSink): void {
  writeFields(entry, ENTRY_FIELDS, sink);
}

/** Reads what `writeEntryFields` wrote. */
export function readEntryFields(source: FieldSource): BoardEntry {
  return readFields({}, ENTRY_FIELDS, source) as never;
}

function writeFields(record: object, fields: readonly MessageField[], sink: FieldSink): void {
  const values = record as Readonly<Record<string, unknown>>;
  for (const { name, form } of fields) {
    const value = values[name];
    if (form === 'number') sink.number(value as number);
    else if (form === 'flag') sink.number(value === true ? 1 : 0);
    else if (form === 'hologram') sink.hologram(value as Hologram);
    else sink.entries(value as readonly BoardEntry[]);
  }
}

function readFields(
  record: Record<string, unknown>,
  fields: readonly MessageField[],
  source: FieldSource,
): object {
  for (const { name, form } of fields) {
    if (form === 'number') record[name] = source.number();
    else if (form === 'flag') record[name] = source.number() === 1;
    else record[name] = form === 'hologram' ? source.hologram() : source.entries();
  }
  return record;
}
