/** Objects of other schedulers, with where they come from, so that every message and every dropped field has a path. */
import { parseAllDocuments } from 'yaml';
import { TegError } from '../../../model/errors.ts';
import { durationSeconds } from '../../../model/readers/durations.ts';
import { GPU_RESOURCES } from '../../../model/readers/gpus.ts';
import { parseQuantity } from '../../../model/readers/quantity.ts';
import { BYTES_PER_MIB } from '../../../model/units.ts';

/** Longest text that is read, in characters. */
const SOURCE_CHARS_MAX = 1 << 26;

/** What is not taken over, or not as it was. */
export interface LostField {
  /** File and object. */
  readonly at: string;
  /** Of the field in the object; '' for the object as a whole. */
  readonly path: string;
  readonly value: unknown;
  readonly why: string;
}

/** One object of a source. */
export interface SourceObject {
  readonly kind: string;
  /** `file: Kind 'name'`. */
  readonly at: string;
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A text with its name. */
export interface SourceText {
  readonly origin: string;
  readonly text: string;
}

/** @returns The failure of one field, with file, path, value, what was expected and what to do. */
export function badSource(
  at: string,
  path: string,
  got: unknown,
  expected: string,
  remedy: string,
): TegError {
  const shown = (JSON.stringify(got) ?? 'nothing').slice(0, 200);
  const where = path === '' ? at : `${at}: ${path}`;
  return new TegError('TEG_CONFIG_INVALID', `${where}: got ${shown}, expected ${expected}; ${remedy}`);
}

/** @returns Whether a value is an object with fields. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @returns The values of all YAML or JSON documents, lists taken apart.
 * @throws TegError TEG_CONFIG_INVALID: not YAML, or too long.
 */
export function documentsOf({ origin, text }: SourceText): unknown[] {
  if (text.length > SOURCE_CHARS_MAX) {
    throw badSource(origin, '', text.length, `at most ${SOURCE_CHARS_MAX} characters`, 'split the file');
  }
  const values: unknown[] = [];
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error !== undefined)
      throw badSource(origin, '', error.message.trimEnd(), 'YAML or JSON', 'correct it');
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      throw badSource(origin, '', String(cause), 'YAML or JSON', 'correct it');
    }
    const items = Array.isArray(value) ? value : isFields(value) ? value['items'] : undefined;
    if (Array.isArray(items)) values.push(...items);
    else if (value !== null && value !== undefined) values.push(value);
  }
  return values;
}

/**
 * @param kinds Of the source.
 * @returns The objects of all texts.
 * @throws TegError TEG_CONFIG_INVALID: another kind, or no name.
 */
export function objectsOfTexts(texts: readonly SourceText[], kinds: readonly string[]): SourceObject[] {
  return texts.flatMap((text) =>
    documentsOf(text).map((value, i) =>
      sourceObject(value, `${text.origin}: object ${i + 1}`, text.origin, kinds),
    ),
  );
}

function sourceObject(value: unknown, place: string, origin: string, kinds: readonly string[]): SourceObject {
  const kind = isFields(value) ? value['kind'] : undefined;
  if (!isFields(value) || typeof kind !== 'string' || !kinds.includes(kind)) {
    throw badSource(
      place,
      'kind',
      kind ?? value,
      `one of ${kinds.join(', ')}`,
      'remove it, or name the right source',
    );
  }
  const metadata = value['metadata'];
  const name = isFields(metadata) ? metadata['name'] : undefined;
  if (kind === 'Configuration') return { kind, at: `${origin}: ${kind}`, name: '', value };
  if (typeof name !== 'string' || name === '') {
    throw badSource(`${place} (${kind})`, 'metadata.name', name, 'a name', 'name it');
  }
  return { kind, at: `${origin}: ${kind} '${name}'`, name, value };
}

/** Reads fields of an object, and knows which nobody has read. */
export class SourceFields {
  readonly at: string;
  private readonly value: unknown;
  private readonly taken = new Set<string>();

  constructor(at: string, value: unknown) {
    this.at = at;
    this.value = value;
  }

  /** @returns The value at a path such as `spec.flavors[0].name`; undefined if there is nothing, or null. Counts as read. */
  get(path: string): unknown {
    let value = this.value;
    for (const key of path.replaceAll(/\[(\d+)\]/g, '.$1').split('.')) {
      value = Array.isArray(value)
        ? value[Number(key)]
        : isFields(value) && Object.hasOwn(value, key)
          ? value[key]
          : undefined;
    }
    this.taken.add(path);
    return value ?? undefined;
  }

  /** @throws TegError TEG_CONFIG_INVALID if the value is not a text. */
  text(path: string): string | undefined {
    const value = this.get(path);
    if (value === undefined || typeof value === 'string') return value;
    throw badSource(this.at, path, value, 'a text', 'correct it');
  }

  /** @throws TEG_CONFIG_INVALID if the value is none of these. */
  choice(path: string, choices: readonly string[], unset: string): string {
    const value = this.text(path) ?? unset;
    if (choices.includes(value)) return value;
    throw badSource(this.at, path, value, `one of ${choices.join(', ')}`, 'correct it');
  }

  /** @throws TEG_CONFIG_INVALID if the value is not a number of at least `least`; texts of numbers are numbers. */
  number(path: string, least: number): number | undefined {
    const value = this.get(path);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && number >= least && number < Infinity) return number;
    throw badSource(this.at, path, value, `a number of at least ${least}`, 'correct it');
  }

  /** @throws TEG_CONFIG_INVALID if the value is not a duration. */
  seconds(path: string): number | undefined {
    const value = this.text(path);
    if (value === undefined) return undefined;
    const seconds = durationSeconds(value);
    if (Number.isNaN(seconds)) throw badSource(this.at, path, value, 'a duration such as 10m', 'correct it');
    return seconds;
  }

  /** @returns Whether the field is true; `unset` if it is absent. */
  flag(path: string, unset: boolean): boolean {
    const value = this.get(path) ?? unset;
    if (typeof value === 'boolean') return value;
    throw badSource(this.at, path, value, 'true or false', 'correct it');
  }

  /** @returns Length of the list at a path; 0 if it is absent. Its elements do not count as read. */
  listLength(path: string): number {
    const value = this.get(path);
    this.taken.delete(path);
    if (value === undefined) return 0;
    if (Array.isArray(value)) return value.length;
    throw badSource(this.at, path, value, 'a list', 'correct it');
  }

  /** @returns Names of the fields of the object at a path, which do not count as read. */
  keys(path: string): string[] {
    const value = this.get(path);
    this.taken.delete(path);
    if (value === undefined) return [];
    if (isFields(value)) return Object.keys(value);
    throw badSource(this.at, path, value, 'an object', 'correct it');
  }

  /**
   * @param why By prefix of the path without indices; the longest that fits counts.
   * @returns The fields that nobody has read: whole subtrees where nothing in them was read.
   */
  rest(root: string, why: Readonly<Record<string, string>>): LostField[] {
    const top = this.get(root);
    this.taken.delete(root);
    return isFields(top) || Array.isArray(top) ? this.unread(top, root, why) : [];
  }

  private unread(value: unknown, path: string, why: Readonly<Record<string, string>>): LostField[] {
    if (this.taken.has(path) || value === null) return [];
    const isBranch = isFields(value) || Array.isArray(value);
    if (isBranch && Object.keys(value).length === 0) return [];
    const isRead = [...this.taken].some(
      (taken) => taken.startsWith(`${path}.`) || taken.startsWith(`${path}[`),
    );
    const isRoot = !/[.[]/.test(path);
    if (isBranch && (isRead || isRoot)) {
      return Object.entries(value).flatMap(([key, child]) =>
        this.unread(child, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, why),
      );
    }
    const plain = path.replaceAll(/\[\d+\]/g, '');
    const prefixes = Object.keys(why).filter((prefix) => plain === prefix || plain.startsWith(`${prefix}.`));
    const prefix = prefixes.sort((a, b) => b.length - a.length)[0];
    return [
      {
        at: this.at,
        path,
        value,
        why: prefix === undefined ? 'TEG has nothing like it' : (why[prefix] as string),
      },
    ];
  }
}

/** Amounts of a flavour as quotas count them; absent: not named. */
export interface MutableAmounts {
  cpuMilli?: number;
  memoryMib?: number;
  gpuMilli?: number;
}

/** Which column a resource is of; undefined: TEG has no quotas of it. */
export function columnOfResource(resource: string, cpu = 'cpu'): keyof MutableAmounts | undefined {
  if (resource === cpu) return 'cpuMilli';
  if (resource === 'memory') return 'memoryMib';
  return GPU_RESOURCES.includes(resource) ? 'gpuMilli' : undefined;
}

/**
 * Reads a quantity in the units of its column: thousandths of a core, MiB, thousandths of a GPU; rounded down, which is
 * reported.
 *
 * @param value For example `16`, `500m` or `64Gi`.
 * @throws TegError TEG_CONFIG_INVALID if it is not a quantity ≥ 0.
 */
export function columnQuantity(
  at: string,
  path: string,
  value: unknown,
  column: keyof MutableAmounts,
  lost: LostField[],
): number {
  const isMemory = column === 'memoryMib';
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const unit = isMemory ? 'one' : 'milli';
  const units = parseQuantity(text, unit, 'down');
  if (Number.isNaN(units)) {
    throw badSource(at, path, value, 'a quantity ≥ 0 such as 16, 500m or 64Gi', 'correct it');
  }
  const amount = isMemory ? Math.floor(units / BYTES_PER_MIB) : units;
  const isExact = parseQuantity(text, unit, 'up') === units && (!isMemory || units % BYTES_PER_MIB === 0);
  if (!isExact) lost.push({ at, path, value, why: 'rounded down: TEG counts whole MiB, and thousandths' });
  return amount;
}

/**
 * @param cpu Name of the resource CPU in this source.
 * @returns Amounts of a map of quantities by resource, GPUs of all kinds summed; other resources are reported as lost.
 */
export function amountsAt(
  fields: SourceFields,
  path: string,
  lost: LostField[],
  cpu = 'cpu',
): MutableAmounts {
  const written = fields.get(path) ?? {};
  if (!isFields(written)) throw badSource(fields.at, path, written, 'quantities by resource', 'correct it');
  const amounts: MutableAmounts = {};
  for (const [resource, value] of Object.entries(written)) {
    const column = columnOfResource(resource, cpu);
    const at = `${path}.${resource}`;
    if (column === undefined) {
      lost.push({ at: fields.at, path: at, value, why: 'TEG has quotas of CPU, memory and GPUs only' });
    } else {
      amounts[column] = (amounts[column] ?? 0) + columnQuantity(fields.at, at, value, column, lost);
    }
  }
  return amounts;
}
