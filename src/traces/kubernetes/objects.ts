/**
 * Kubernetes objects of a JSON or YAML file as parsed values, one after the other: lists, single objects, several
 * documents. Every command that reads objects from a file reads them here.
 */
import { parseDocument } from 'yaml';
import {
  type ApiObject,
  isRecord,
  malformed,
  maybeList,
  maybeText,
} from '../../model/readers/read-object.ts';
import { quoted, ReadContext } from '../context.ts';
import { readLines } from '../lines.ts';
import { type OpenedInput, openInput } from '../source.ts';
import type { TraceInput } from '../trace-input.ts';
import { JsonSplitter } from './split-json.ts';
import { type ObjectText, YamlSplitter } from './split-yaml.ts';
import { asJson } from './yaml-values.ts';

/** Most aliases that a YAML document may resolve in total: more than people write, less than a bomb needs. */
const ALIASES_MAX = 100;

/** Most lists within lists. */
export const LIST_DEPTH_MAX = 4;

/** A file's objects, cut but not parsed, and their parser. */
export interface OpenedObjects {
  /** In file order. To be iterated once. @throws TegError TEG_INPUT_TOO_LARGE. */
  readonly texts: AsyncGenerator<ObjectText[]>;
  /** @throws TegError TEG_TRACE_BAD_ROW, with the line, for a text that is neither JSON nor YAML. */
  readonly parse: (text: ObjectText) => unknown;
}

/** Starts cutting a file into objects: JSON if it begins like that, otherwise YAML. */
export function openObjects(input: OpenedInput, context: ReadContext): OpenedObjects {
  const isJson = /^[{[]/.test(new TextDecoder().decode(input.head.subarray(0, 4_096)).trimStart());
  return {
    texts: isJson ? jsonObjects(input, context) : yamlObjects(input, context),
    parse: (text) => (isJson ? parseJson(text, context) : parseYaml(text, context)),
  };
}

/**
 * Reads every object of a file, those in lists one by one, each with its kind.
 *
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT, TEG_INPUT_TOO_LARGE; TEG_TRACE_BAD_ROW, with the line, for
 *   text that holds no Kubernetes object or is cut off.
 */
export async function* readObjects(source: TraceInput): AsyncGenerator<ApiObject> {
  const input = await openInput(source);
  try {
    const context = new ReadContext(input.name, {});
    const { texts, parse } = openObjects(input, context);
    for await (const batch of texts) {
      for (const text of batch) {
        const value = parse(text);
        if (!isRecord(value) || kindOf(value) === '') throw notAnObject(context, text);
        yield* flattened(value, 0);
      }
    }
  } finally {
    await input.close();
  }
}

function* flattened(object: ApiObject, depth: number): Generator<ApiObject> {
  const kind = kindOf(object);
  if (!kind.endsWith('List')) {
    yield object.kind === kind ? object : { ...object, kind };
    return;
  }
  if (depth >= LIST_DEPTH_MAX) throw malformed('items', object, 'no lists within lists');
  for (const item of maybeList(object.items, 'items')) if (isRecord(item)) yield* flattened(item, depth + 1);
}

function notAnObject(context: ReadContext, { text, line }: ObjectText): Error {
  const expected = 'a Kubernetes object in JSON or YAML, with kind, metadata and spec';
  return context.error('TEG_TRACE_BAD_ROW', line, '', quoted(text.trim()), expected);
}

/** @returns The kind of an object, guessed where it has none; '' if it cannot be guessed. */
export function kindOf(object: ApiObject): string {
  return maybeText(object.kind, 'kind') || guessKind(object);
}

/** Items of a PodList or NodeList of the API itself do not repeat their kind. */
function guessKind(value: ApiObject): string {
  if (Object.hasOwn(value, 'items')) return 'List';
  const { spec, status } = value;
  if (isRecord(spec) && Object.hasOwn(spec, 'containers')) return 'Pod';
  return isRecord(status) && Object.hasOwn(status, 'capacity') ? 'Node' : '';
}

async function* yamlObjects(input: OpenedInput, context: ReadContext): AsyncGenerator<ObjectText[]> {
  const splitter = new YamlSplitter(input.name, context.limits);
  for await (const lines of readLines(input.name, input.chunks, context.limits.lineCharsMax)) {
    for (const line of lines) {
      const objects = splitter.push(line);
      if (objects.length > 0) yield objects;
    }
  }
  yield splitter.end();
}

async function* jsonObjects(input: OpenedInput, context: ReadContext): AsyncGenerator<ObjectText[]> {
  const splitter = new JsonSplitter(input.name, context.limits);
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of input.chunks) yield splitter.push(decoder.decode(chunk, { stream: true }));
  yield [...splitter.push(decoder.decode()), ...splitter.end()];
}

function parseJson(object: ObjectText, context: ReadContext): unknown {
  try {
    return JSON.parse(object.text) as unknown;
  } catch (error) {
    throw context.error('TEG_TRACE_BAD_ROW', object.line, '', (error as Error).message, 'JSON');
  }
}

/** All scalars stay text: quantities are exact, and names such as `1e3` or `no` are names. */
function parseYaml(object: ObjectText, context: ReadContext): unknown {
  const { bracketsMax } = context.limits;
  if (bracketDepth(object.text) > bracketsMax) {
    const expected = `at most ${bracketsMax} open at once`;
    throw context.error('TEG_TRACE_BAD_ROW', object.line, '', 'deeply nested brackets', expected);
  }
  try {
    const document = parseDocument(object.text, {
      schema: 'failsafe',
      // The check of keys is quadratic, and kubectl also takes the last of two equal keys.
      uniqueKeys: false,
      // As in kubectl: `<<: *anchor`.
      merge: true,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return asJson(document.toJS({ maxAliasCount: ALIASES_MAX }));
  } catch (error) {
    const line = object.line + lineWithin(object.text, error);
    const reason = reasonOf(error as Error);
    throw context.error('TEG_TRACE_BAD_ROW', line, '', `not YAML (${reason.slice(0, 200)})`, 'YAML');
  }
}

/** Items of a list are read one by one, so that an alias does not reach an anchor in another one. */
function reasonOf({ message }: Error): string {
  const [first = ''] = message.split('\n');
  if (!first.startsWith('Unresolved alias')) return first;
  return `${first}; anchors count within one object: convert the file to JSON`;
}

/** Most brackets that are open at once, those in texts included (they come in pairs as a rule). */
function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 91 || code === 123) deepest = Math.max(deepest, ++depth);
    else if ((code === 93 || code === 125) && depth > 0) depth--;
  }
  return deepest;
}

function lineWithin(text: string, error: unknown): number {
  const position = (error as { pos?: readonly number[] }).pos?.[0] ?? 0;
  let lines = 0;
  for (let i = 0; i < position; i++) if (text.charCodeAt(i) === 10) lines++;
  return lines;
}
