/** Whether a status has changed by enough to be written: by more than 1 % in a figure, or at all in anything else. */
import { isDeepStrictEqual } from 'node:util';
import type { StatusObject } from './status-objects.ts';

/** Least change of a figure that is written, of the larger of both. */
export const STATUS_CHANGE_MIN = 0.01;

/** Columns of tables, made from other fields: they change with these. */
const COLUMNS: ReadonlySet<string> = new Set([
  'quota',
  'quotaUsed',
  'borrowed',
  'lent',
  'price',
  'slope',
  'utilisation',
]);
/** Names, which may look like numbers. */
const NAMES: ReadonlySet<string> = new Set(['job', 'tenant', 'name', 'flavor', 'rank', 'observedGeneration']);
const FIGURE = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/;

/** @returns True if it is to be written. @param before As the API server has it. @param wanted null: no such field. */
export function hasChanged(before: StatusObject, wanted: StatusObject): boolean {
  const { conditions: old = null, ...rest } = before;
  const { conditions = null, ...fields } = wanted;
  if (!isDeepStrictEqual(old, conditions)) return true;
  return fieldsOf(rest, fields).some((field) => {
    const [a, b] = [rest[field] ?? null, fields[field] ?? null];
    // It goes with what else is written: no write of its own, unless there is none yet.
    if (field === 'snapshot') return (a === null) !== (b === null);
    const isShown = typeof a === 'string' && typeof b === 'string' && COLUMNS.has(field);
    return !isShown && differ(a, b, field, 0);
  });
}

/** @param scale A hundredth of it is small. */
function differ(a: unknown, b: unknown, field: string, scale: number): boolean {
  if (a === b) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length !== b.length || a.some((each, at) => differ(each, b[at], field, scale));
  }
  if (isObject(a) && isObject(b)) {
    // What of a budget is spent counts by the budget.
    const inner = field === 'budget' ? Number(b.tokens) : 0;
    // A job's message has times in it that pass: it is written with the reason.
    return fieldsOf(a, b).some((each) => each !== 'message' && differ(a[each], b[each], each, inner));
  }
  if (NAMES.has(field)) return true;
  const [x, y] = [FIGURE.exec(String(a)), FIGURE.exec(String(b))];
  if (x === null || y === null || x[2] !== y[2]) return true;
  const [before, now] = [Number(x[1]), Number(y[1])];
  return Math.abs(before - now) > STATUS_CHANGE_MIN * Math.max(before, now, scale);
}

function isObject(value: unknown): value is StatusObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(a: StatusObject, b: StatusObject): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
