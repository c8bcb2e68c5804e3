/**
 * Reads fields of a Kubernetes object that came from outside as text: every step is checked, every error names the path.
 *
 * YAML arrives with all scalars as text (so that `0.1` stays exact), JSON with numbers and booleans: both are taken.
 */
import type { TegError } from '../../model/errors.ts';
import { quoted, type ReadContext } from '../context.ts';
import { parseInteger } from '../row.ts';
import { parseQuantity, type QuantityUnit, type Rounding } from './quantity.ts';

/** A mapping of a YAML or JSON document. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = {};

/** Most different quantities that are remembered. */
const QUANTITIES_MAX = 4_096;

/** Reader of the fields of one object after the other. */
export class FieldReader {
  readonly context: ReadContext;
  /** Line where the current object begins. */
  line = 0;
  private readonly quantities = new Map<string, number>();

  constructor(context: ReadContext) {
    this.context = context;
  }

  /** @returns A mapping; an empty one if it is absent or null. @throws TegError TEG_TRACE_BAD_VALUE. */
  fields(parent: Fields, key: string, path: string): Fields {
    const value = own(parent, key);
    if (isAbsent(value)) return NOTHING;
    if (isFields(value)) return value;
    throw this.bad(join(path, key), value, 'a mapping');
  }

  /** @returns A list; an empty one if it is absent or null. @throws TegError TEG_TRACE_BAD_VALUE. */
  list(parent: Fields, key: string, path: string): readonly unknown[] {
    const value = own(parent, key);
    if (isAbsent(value)) return [];
    if (Array.isArray(value)) return value;
    throw this.bad(join(path, key), value, 'a list');
  }

  /** @returns A list of mappings. @throws TegError TEG_TRACE_BAD_VALUE. */
  listOfFields(parent: Fields, key: string, path: string): readonly Fields[] {
    const list = this.list(parent, key, path);
    for (const value of list) {
      if (!isFields(value)) throw this.bad(`${join(path, key)}[]`, value, 'a mapping');
    }
    return list as readonly Fields[];
  }

  /** @returns A scalar as text; '' if it is absent or null. @throws TegError TEG_TRACE_BAD_VALUE. */
  text(parent: Fields, key: string, path: string): string {
    const value = own(parent, key);
    if (isAbsent(value)) return '';
    return this.scalar(value, join(path, key));
  }

  /** @returns A scalar as text. @throws TegError TEG_TRACE_BAD_VALUE. */
  scalar(value: unknown, path: string): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw this.bad(path, value, 'a text or a number');
  }

  /** @returns A text that is not empty. @throws TegError TEG_TRACE_BAD_VALUE. */
  name(parent: Fields, key: string, path: string): string {
    const text = this.text(parent, key, path);
    if (text === '') throw this.bad(join(path, key), '', 'a name that is not empty');
    return text;
  }

  /** @returns An integer, or `absent` if there is none. @throws TegError TEG_TRACE_BAD_VALUE. */
  integer(parent: Fields, key: string, path: string, absent: number): number {
    const text = this.text(parent, key, path);
    if (text === '') return absent;
    const value = parseInteger(text);
    if (Number.isNaN(value)) throw this.bad(join(path, key), text, 'an integer');
    return value;
  }

  /** @returns A quantity in units. @throws TegError TEG_TRACE_BAD_VALUE. */
  quantity(value: unknown, path: string, unit: QuantityUnit, rounding: Rounding): number {
    const text = this.scalar(value, path);
    const key = `${unit}${rounding}${text}`;
    const known = this.quantities.get(key);
    if (known !== undefined) return known;
    const units = parseQuantity(text, unit, rounding);
    if (Number.isNaN(units)) throw this.bad(path, text, 'a quantity ≥ 0 such as 500m, 2, 16Gi or 1e3');
    if (this.quantities.size < QUANTITIES_MAX) this.quantities.set(key, units);
    return units;
  }

  /** @returns The error about a field of the current object. */
  bad(path: string, value: unknown, expected: string): TegError {
    const got = quoted(typeof value === 'object' ? shape(value) : String(value));
    return this.context.error('TEG_TRACE_BAD_VALUE', this.line, path, got, expected);
  }
}

/** @returns Whether a value is a mapping. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(parent: Fields, key: string): unknown {
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

/** YAML's nulls are texts here, because all its scalars are. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 'null' || value === '~';
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function shape(value: unknown): string {
  return Array.isArray(value) ? 'a list' : value === null ? 'null' : 'a mapping';
}
