/**
 * The two formats of what an API server says of a resource: JSON, or protobuf where a schema of its objects is known.
 *
 * Both are asked for, protobuf first; which one came, the answer says. Servers that extend the API (custom resources) know
 * JSON only, and a proxy may answer on its own.
 */
import { parseJsonChunks } from './connection.ts';
import { LineSplitter } from './line-splitter.ts';
import { PROTOBUF, type ProtobufReader, protobufReader, readStatus } from './protobuf/envelope.ts';
import { FrameSplitter } from './protobuf/frame-splitter.ts';
import { ProtobufError } from './protobuf/message-reader.ts';
import type { MessageSchema } from './protobuf/message-schema.ts';
import { GarbageError, parseWatchEvent, type WatchEvent } from './watch-events.ts';

/** Media type of JSON. */
export const JSON_TYPE = 'application/json';

/** Value of the header Accept where both formats can be read: protobuf is preferred. */
export const BOTH_TYPES = `${PROTOBUF},${JSON_TYPE}`;

/** Takes the bytes of a watch, tells of its events. */
export interface EventStream {
  /** @throws GarbageError, LineTooLongError, FrameTooLongError, or what its listener threw. */
  push(chunk: Buffer): void;
  /** The answer has ended. @throws GarbageError if it was within an event. */
  end(): void;
}

/** How answers are asked for and read. */
export interface AnswerFormat {
  /** Value of the header Accept. */
  readonly accept: string;
  /** @returns The object of an answer that was read whole; undefined if it is none. */
  whole(contentType: string, chunks: readonly Buffer[]): unknown;
  /** @param bytesMax Longest event. */
  watch(contentType: string, bytesMax: number, onEvent: (event: WatchEvent) => void): EventStream;
}

/** @returns The formats of a resource. @param schema Of its objects; undefined: JSON only. */
export function answerFormatOf(schema: MessageSchema | undefined): AnswerFormat {
  const protobuf = schema && protobufReader(schema);
  return {
    accept: protobuf === undefined ? JSON_TYPE : BOTH_TYPES,
    whole: (contentType, chunks) =>
      protobuf !== undefined && contentType.startsWith(PROTOBUF)
        ? readWhole(protobuf.readAnswer, chunks)
        : parseJsonChunks(chunks),
    watch: (contentType, bytesMax, onEvent) =>
      protobuf !== undefined && contentType.startsWith(PROTOBUF)
        ? framesOf(protobuf, bytesMax, onEvent)
        : new LineSplitter((line) => onEvent(parseWatchEvent(line)), bytesMax),
  };
}

/** Reads the body of an answer; undefined if it is not what it is said to be. */
export type BodyReader = (chunks: readonly Buffer[]) => unknown;

/** @returns What reads answers to single requests: JSON, or a Status in protobuf; undefined for other types. */
export function bodyReaderOf(contentType: string): BodyReader | undefined {
  if (contentType.startsWith(PROTOBUF)) return (chunks) => readWhole(readStatus, chunks);
  return contentType.includes('json') ? parseJsonChunks : undefined;
}

function readWhole(read: (whole: Buffer) => unknown, chunks: readonly Buffer[]): unknown {
  try {
    return read(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}

function framesOf(
  protobuf: ProtobufReader,
  bytesMax: number,
  onEvent: (event: WatchEvent) => void,
): EventStream {
  const splitter = new FrameSplitter(
    (frame) => onEvent(orGarbage(() => protobuf.readEvent(frame))),
    bytesMax,
  );
  return {
    push: (chunk) => splitter.push(chunk),
    end: () => orGarbage(() => splitter.end()),
  };
}

/** Bytes that are no event are garbage, as lines that are none. */
function orGarbage<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtobufError)
      throw new GarbageError(`a frame of the watch is no event: ${error.message}`);
    throw error;
  }
}
