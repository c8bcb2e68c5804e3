/**
 * The two formats in which an API server describes a resource: JSON, or protobuf where a schema of its objects is
 * known.
 *
 * Requests accept both and prefer protobuf; the answer states which one it uses. Servers that extend the API (custom
 * resources) know JSON only, and a proxy may send answers of its own.
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

/** Takes the bytes of a watch, reports its events. */
export interface EventStream {
  /** @throws GarbageError, LineTooLongError, FrameTooLongError, or an exception of its listener. */
  push(chunk: Buffer): void;
  /** The answer has ended. @throws GarbageError if it was within an event. */
  end(): void;
}

/** How answers are requested and read. */
export interface AnswerFormat {
  /** Value of the header Accept. */
  readonly accept: string;
  /** @returns The object of an answer that was read whole; undefined if it does not hold one. */
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

/** Reads the body of an answer; undefined if it is not of the stated type. */
export type BodyReader = (chunks: readonly Buffer[]) => unknown;

/** @returns The reader of answers to single requests: JSON, or a Status in protobuf; undefined for other types. */
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

/** Bytes that are not an event are garbage, as are lines that are not. */
function orGarbage<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtobufError)
      throw new GarbageError(`a frame of the watch is not an event: ${error.message}`);
    throw error;
  }
}
