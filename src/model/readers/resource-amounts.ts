/**
 * Amounts of resources, exact to the nano-unit as in Kubernetes, and the choice of those that kube-scheduler counts.
 *
 * Why not numbers: two containers of 0.5m each request 1m together, not for two millis rounded up one by one.
 */
import { parseQuantityNanos, type QuantityUnit } from './quantity.ts';
import { type ApiObject, malformed, maybeRecord } from './read-object.ts';

/** Nano-units by name of the resource. */
export type Amounts = Map<string, bigint>;

/** Quantity texts that are cached; clusters use few different ones. */
const REMEMBERED_MAX = 4096;

const NANOS_PER_MILLI = 1_000_000n;
const NANOS_PER_ONE = 1_000_000_000n;

/** More than any machine has of any resource: larger amounts are not distinguished. */
const MAX_UNITS = BigInt(Number.MAX_SAFE_INTEGER);

const nanosOfText = new Map<string, bigint>();
const countsOfText: Readonly<Record<QuantityUnit, Map<string, number>>> = {
  milli: new Map(),
  one: new Map(),
};

/** @returns Value of `map`, made and stored if it is absent. The map is emptied when it is full. */
function remembered<Value>(map: Map<string, Value>, key: string, value: Value): Value {
  if (map.size >= REMEMBERED_MAX) map.clear();
  map.set(key, value);
  return value;
}

/** The API writes quantities as texts, and takes numbers. */
function quantityText(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw malformed(path, value, 'a quantity such as 500m or 2Gi');
}

/**
 * @returns A quantity rounded up to whole units as `Quantity.Value` and `MilliValue` do; more than 2^53 − 1 counts as
 *   2^53 − 1.
 */
export function countOf(value: unknown, unit: QuantityUnit, path: string): number {
  const text = quantityText(value, path);
  const known = countsOfText[unit].get(text);
  if (known !== undefined) return known;
  const nanos = parseQuantityNanos(text);
  if (nanos === undefined) throw malformed(path, text, 'a quantity ≥ 0 such as 500m or 2Gi');
  return remembered(countsOfText[unit], text, wholeUnits(nanos, unit));
}

/**
 * @returns Bytes of storage, rounded up to whole ones. Beyond 2^53 the nearest double, so that sizes keep their order
 *   and equal ones stay equal.
 */
export function storageBytes(value: unknown, path: string): number {
  const text = quantityText(value, path);
  const nanos = parseQuantityNanos(text);
  if (nanos === undefined) throw malformed(path, text, 'a quantity ≥ 0 such as 500M or 2Gi');
  return Number((nanos + NANOS_PER_ONE - 1n) / NANOS_PER_ONE);
}

/** @returns The amounts of a resource list (`requests`, `overhead`); empty if it is absent. */
export function amountsOf(list: unknown, path: string): Amounts {
  const record: ApiObject = maybeRecord(list, path);
  const amounts: Amounts = new Map();
  for (const name in record) {
    const text = quantityText(record[name], `${path}[${name}]`);
    const known = nanosOfText.get(text);
    if (known !== undefined) {
      amounts.set(name, known);
      continue;
    }
    const nanos = parseQuantityNanos(text);
    if (nanos === undefined) throw malformed(`${path}[${name}]`, text, 'a quantity such as 500m or 2Gi');
    amounts.set(name, remembered(nanosOfText, text, nanos));
  }
  return amounts;
}

/** Adds `more` to `sum`. */
export function addAmounts(sum: Amounts, more: Amounts): void {
  for (const [name, nanos] of more) sum.set(name, (sum.get(name) ?? 0n) + nanos);
}

/** Raises `high` to `other` where that is more. */
export function raiseAmounts(high: Amounts, other: Amounts): void {
  for (const [name, nanos] of other) {
    const before = high.get(name);
    if (before === undefined || nanos > before) high.set(name, nanos);
  }
}

/** @returns Whole units, rounded up once; more than 2^53 − 1 counts as 2^53 − 1. */
export function wholeUnits(nanos: bigint, unit: QuantityUnit): number {
  const size = unit === 'milli' ? NANOS_PER_MILLI : NANOS_PER_ONE;
  const units = (nanos + size - 1n) / size;
  return units > MAX_UNITS ? Number.MAX_SAFE_INTEGER : Number(units);
}

const QUALIFIED_NAME =
  /^(?=[^/]{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

const countedNames = new Map<string, boolean>();

/**
 * True if kube-scheduler counts a resource besides cpu and memory: ephemeral-storage, huge pages, attachable volumes,
 * and names with a domain (`IsScalarResourceName`). It ignores others.
 */
export function isCountedResource(name: string): boolean {
  const known = countedNames.get(name);
  if (known !== undefined) return known;
  const counted =
    name === 'ephemeral-storage' ||
    name.startsWith('hugepages-') ||
    name.startsWith('attachable-volumes-') ||
    name.includes('kubernetes.io/') ||
    (!name.startsWith('requests.') && QUALIFIED_NAME.test(name));
  return remembered(countedNames, name, counted);
}
