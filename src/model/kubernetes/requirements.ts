/** Requirements on labels, as kube-scheduler reads them: operators, validity, numbers. */
import type { LabelRequirement, LabelSelector } from './pod.ts';

type Labels = Readonly<Record<string, string>>;

const INTEGER = /^[+-]?[0-9]+$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_MAX = 63;
const PREFIX_MAX = 253;

/** A label's own value; undefined if it is absent (a label may be called `constructor`). */
export function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** @returns The number of a text as Go's `strconv.ParseInt(text, 10, 64)` reads it, undefined if it cannot. */
export function parseInt64(text: string): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value < INT64_MIN || value > INT64_MAX ? undefined : value;
}

/** True if a value (undefined: no such label) meets a requirement. */
export function meetsRequirement(requirement: LabelRequirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const own = value === undefined ? undefined : parseInt64(value);
      const bound = requirement.values.length === 1 ? parseInt64(requirement.values[0] as string) : undefined;
      if (own === undefined || bound === undefined) return false;
      return requirement.operator === 'Gt' ? own > bound : own < bound;
    }
  }
}

/** True if labels meet all requirements; an absent selector matches nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  for (const requirement of selector) {
    if (!meetsRequirement(requirement, labelOf(labels, requirement.key))) return false;
  }
  return true;
}

/** True if kube-scheduler accepts a requirement on node labels; an invalid one makes its term match nothing. */
export function isValidRequirement(requirement: LabelRequirement): boolean {
  const { key, operator, values } = requirement;
  if (!isLabelKey(key) || !values.every(isLabelValue)) return false;
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0;
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0;
    case 'Gt':
    case 'Lt':
      return values.length === 1 && parseInt64(values[0] as string) !== undefined;
  }
}

/** True if kube-scheduler accepts a requirement on a node's fields: `In` or `NotIn` of exactly one value. */
export function isValidFieldRequirement(requirement: LabelRequirement): boolean {
  return (
    (requirement.operator === 'In' || requirement.operator === 'NotIn') && requirement.values.length === 1
  );
}

/** True if the API accepts a text as the value of a label. */
export function isLabelValue(value: string): boolean {
  return value.length <= NAME_MAX && LABEL_VALUE.test(value);
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash >= 0) {
    const prefix = key.slice(0, slash);
    if (prefix.length > PREFIX_MAX || !DNS_NAME.test(prefix)) return false;
  }
  return name.length <= NAME_MAX && LABEL_NAME.test(name);
}
