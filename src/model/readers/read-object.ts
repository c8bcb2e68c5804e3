/**
 * Reading of untrusted parsed API objects: hand-written checks, since they run on every watch event.
 *
 * Invariant: for any JSON, a reader returns a value of its type or throws a `TegError` TEG_KUBE_OBJECT with the path of
 * the wrong field. A field that is absent or null has its Kubernetes default.
 */
import { TegError } from '../errors.ts';

/** An object of parsed JSON. */
export type ApiObject = Readonly<Record<string, unknown>>;

const EMPTY_RECORD: ApiObject = Object.freeze({});
const EMPTY_STRINGS: Readonly<Record<string, string>> = Object.freeze({});
const EMPTY_LIST: readonly unknown[] = Object.freeze([]);

/** Longest part of a wrong value that is repeated in a message. */
const GOT_CHARS_MAX = 60;

/** A field that violates the API, for readers that report it in their own words. */
export class MalformedField extends TegError {
  /** Its path: `spec.containers[].resources`. */
  readonly path: string;
  /** The value in a few characters. */
  readonly got: string;
  readonly expected: string;

  /** @param got Shown in a few characters, however large it is. */
  constructor(path: string, got: unknown, expected: string) {
    super('TEG_KUBE_OBJECT', `${path}: got ${shown(got)}, expected ${expected}; the object is skipped`);
    this.path = path;
    this.got = shown(got);
    this.expected = expected;
  }
}

/** @returns The error of a field that violates the API. */
export function malformed(path: string, got: unknown, expected: string): MalformedField {
  return new MalformedField(path, got, expected);
}

/** A wrong value in a few characters, however large it is. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, GOT_CHARS_MAX));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** True if the value is an object (not a list). */
export function isRecord(value: unknown): value is ApiObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A required object. */
export function recordOf(value: unknown, path: string): ApiObject {
  if (isRecord(value)) return value;
  throw malformed(path, value, 'an object');
}

/** An object, or an empty one. */
export function maybeRecord(value: unknown, path: string): ApiObject {
  return value === undefined || value === null ? EMPTY_RECORD : recordOf(value, path);
}

/** A list, or an empty one. */
export function maybeList(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return EMPTY_LIST;
  if (Array.isArray(value)) return value;
  throw malformed(path, value, 'a list');
}

/** A required text that is not empty. */
export function textOf(value: unknown, path: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw malformed(path, value, 'a text that is not empty');
}

/** A text, or ''. */
export function maybeText(value: unknown, path: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw malformed(path, value, 'a text');
}

/** A list of texts, or an empty one. */
export function maybeTexts(value: unknown, path: string): readonly string[] {
  const list = maybeList(value, path);
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] !== 'string') throw malformed(`${path}[${i}]`, list[i], 'a text');
  }
  return list as readonly string[];
}

/** true, or false if it is absent. */
export function maybeFlag(value: unknown, path: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw malformed(path, value, 'true or false');
}

/** An integer from `least` to `most`, or `missing`. */
export function maybeInteger(
  value: unknown,
  path: string,
  least: number,
  most: number,
  missing: number,
): number {
  if (value === undefined || value === null) return missing;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw malformed(path, value, `an integer from ${least} to ${most}`);
}

/** Labels and similar maps: texts by name; an empty object if they are absent. The object itself, not a copy. */
export function maybeStrings(value: unknown, path: string): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return EMPTY_STRINGS;
  const record = recordOf(value, path);
  for (const key in record) {
    if (typeof record[key] !== 'string') throw malformed(`${path}[${key}]`, record[key], 'a text');
  }
  return record as Readonly<Record<string, string>>;
}

/** A time in the API's format, in seconds since 1970; 0 if it is absent. */
export function maybeSeconds(value: unknown, path: string): number {
  const text = maybeText(value, path);
  if (text === '') return 0;
  const milliseconds = Date.parse(text);
  if (Number.isFinite(milliseconds)) return milliseconds / 1000;
  throw malformed(path, value, 'a time such as 2026-01-31T12:00:00Z');
}

/**
 * Runs a projection; an error names its object.
 *
 * @param kind For messages: `Pod`.
 * @throws TegError TEG_KUBE_OBJECT only: JSON nested so deeply that it cannot be walked is malformed, too.
 */
export function projecting<Description>(
  kind: string,
  object: unknown,
  project: (object: ApiObject) => Description,
): Description {
  try {
    return project(recordOf(object, 'the object'));
  } catch (error) {
    const what = `${kind} ${nameForMessages(object)}`;
    if (error instanceof TegError)
      throw new TegError(error.code, `${what}: ${error.message}`, { cause: error });
    if (error instanceof RangeError) {
      throw new TegError(
        'TEG_KUBE_OBJECT',
        `${what}: too large or nested too deeply; the object is skipped`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

/** @returns `namespace/name`, as far as the object has them. */
function nameForMessages(object: unknown): string {
  const metadata = isRecord(object) && isRecord(object.metadata) ? object.metadata : EMPTY_RECORD;
  const { namespace, name } = metadata;
  const own = typeof name === 'string' ? name.slice(0, GOT_CHARS_MAX * 5) : '(no name)';
  return typeof namespace === 'string' ? `${namespace.slice(0, GOT_CHARS_MAX * 5)}/${own}` : own;
}
