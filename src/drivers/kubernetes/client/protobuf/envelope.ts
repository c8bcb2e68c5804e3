/**
 * The wrapping of objects in an API server's protobuf: the envelope of every answer, events of watches, lists, and
 * Status.
 *
 * @source k8s.io/apimachinery/pkg/runtime/serializer/protobuf: answers and objects within events have the four bytes
 *   `k8s\0` before them and are an `Unknown` whose `raw` is the object; the events of a watch have neither.
 */
import { ProtobufError, readMessage } from './message-reader.ts';
import { bytes, integer, type MessageSchema, many, message, one, strings, text } from './message-schema.ts';

/** Media type to request. */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** Bytes before every object. */
export const MAGIC = Buffer.from('k8s\0', 'latin1');

const UNKNOWN = message({ typeMeta: one(1, message({ kind: text(2) })), raw: bytes(2) });
const WATCH_EVENT = message({ type: text(1), object: one(2, message({ raw: bytes(1) })) });
const NO_BYTES = Buffer.alloc(0);

/** The metadata of every object; of deleted objects and bookmarks nothing else matters. */
const IDENTITY = message({
  metadata: one(
    1,
    message({
      name: text(1),
      namespace: text(3),
      uid: text(5),
      resourceVersion: text(6),
      annotations: strings(12),
    }),
  ),
});

const STATUS = message({
  status: text(2),
  message: text(3),
  reason: text(4),
  details: one(5, message({ retryAfterSeconds: integer(5) })),
  code: integer(6),
});

const LIST_META = message({ resourceVersion: text(2), continue: text(3) });

/** @returns The Status in an answer; undefined if the answer is something else. */
export function readStatus(whole: Buffer): unknown {
  const { kind, raw } = opened(whole);
  return kind === 'Status' ? readMessage(raw, STATUS) : undefined;
}

/** Readers of the answers about one resource. */
export interface ProtobufReader {
  /** An answer that was read whole: a list of the resource, or a Status. @throws ProtobufError. */
  readAnswer(whole: Buffer): unknown;
  /** A frame of a watch. @throws ProtobufError. */
  readEvent(frame: Buffer): { type: string; object: unknown };
}

/** @returns Readers for a resource whose objects have the schema. */
export function protobufReader(schema: MessageSchema): ProtobufReader {
  const list = message({ metadata: one(1, LIST_META), items: many(2, schema) });
  return {
    readAnswer: (whole) => {
      const { kind, raw } = opened(whole);
      if (kind === 'Status') return readMessage(raw, STATUS);
      return { items: [], ...readMessage(raw, list) };
    },
    readEvent: (frame) => {
      const { type = '', object = {} } = readMessage(frame, WATCH_EVENT) as {
        type?: string;
        object?: { raw?: Buffer };
      };
      const { raw } = opened(object.raw ?? NO_BYTES);
      return { type, object: readMessage(raw, schemaOfEvent(type, schema)) };
    },
  };
}

function schemaOfEvent(type: string, schema: MessageSchema): MessageSchema {
  if (type === 'ADDED' || type === 'MODIFIED') return schema;
  return type === 'ERROR' ? STATUS : IDENTITY;
}

/** Removes the envelope. */
function opened(whole: Buffer): { kind: string; raw: Buffer } {
  if (!whole.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new ProtobufError('an object does not begin as protobuf of an API server does');
  }
  const unknown = readMessage(whole.subarray(MAGIC.length), UNKNOWN) as {
    typeMeta?: { kind?: string };
    raw?: Buffer;
  };
  return { kind: unknown.typeMeta?.kind ?? '', raw: unknown.raw ?? NO_BYTES };
}
