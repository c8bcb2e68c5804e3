/**
 * Old names of configuration fields, from before they were named as in KubeSchedulerConfiguration: still read, with a
 * warning.
 */
import { isRecord } from '../../../model/readers/read-object.ts';

/** A field's old and new name, each with its section before a dot; without a dot the field is at the top. */
interface Renamed {
  readonly old: string;
  readonly now: string;
  /** Converts the old value to the new form; a value without a new form passes unchanged, and is refused there. */
  readonly convert: (value: unknown) => unknown;
}

const same = (value: unknown): unknown => value;
const duration = (value: unknown): unknown => (typeof value === 'number' ? `${value}s` : value);
const listed = (value: unknown): unknown => (typeof value === 'string' ? [value] : value);
/** Fractions were allowed once. Rounded up: a wait of 0 s is not a wait. */
const wholeSeconds = (value: unknown): unknown => (typeof value === 'number' ? Math.ceil(value) : value);

/** All renamed fields. */
export const RENAMED: readonly Renamed[] = [
  { old: 'schedulerName', now: 'schedulerNames', convert: listed },
  { old: 'leaderElection.enabled', now: 'leaderElection.leaderElect', convert: same },
  { old: 'leaderElection.leaseName', now: 'leaderElection.resourceName', convert: same },
  { old: 'leaderElection.leaseNamespace', now: 'leaderElection.resourceNamespace', convert: same },
  { old: 'leaderElection.leaseDurationSeconds', now: 'leaderElection.leaseDuration', convert: duration },
  { old: 'leaderElection.renewDeadlineSeconds', now: 'leaderElection.renewDeadline', convert: duration },
  { old: 'leaderElection.retryPeriodSeconds', now: 'leaderElection.retryPeriod', convert: duration },
  { old: 'queue.backoffSecondsFirst', now: 'podInitialBackoffSeconds', convert: wholeSeconds },
  { old: 'queue.backoffSecondsMax', now: 'podMaxBackoffSeconds', convert: wholeSeconds },
];

/** A configuration with new names only. */
export interface RenewedNames {
  readonly input: unknown;
  /** One line for each old name that was read. */
  readonly warnings: readonly string[];
  /** One line for each field that is present under both names. */
  readonly problems: readonly string[];
}

/** @returns The input with old names replaced; the input is not changed. */
export function renewNames(input: unknown): RenewedNames {
  const warnings: string[] = [];
  const problems: string[] = [];
  if (!isRecord(input)) return { input, warnings, problems };
  let result = input;
  for (const { old, now, convert } of RENAMED) {
    const value = valueAt(result, old);
    if (value === undefined) continue;
    const name = now.slice(now.indexOf('.') + 1);
    if (valueAt(result, now) !== undefined) {
      problems.push(`${old}: got it beside ${now}, expected one of them; ${name} is its name now`);
      continue;
    }
    const converted = convert(value);
    result = withValue(withValue(result, old, undefined), now, converted);
    const rounded = typeof value === 'number' && typeof converted === 'number' && converted !== value;
    const note = rounded ? ` (whole seconds; ${value} is read as ${converted})` : '';
    warnings.push(`${old} is named ${now} now: write ${name}: ${JSON.stringify(converted)}${note}`);
  }
  return { input: result, warnings, problems };
}

/** @returns The field at a path of one or two names; undefined if it is absent. YAML and JSON have no undefined. */
function valueAt(input: Record<string, unknown>, path: string): unknown {
  const [key = '', inner] = path.split('.');
  const value = Object.hasOwn(input, key) ? input[key] : undefined;
  if (inner === undefined) return value;
  return isRecord(value) && Object.hasOwn(value, inner) ? value[inner] : undefined;
}

/** @returns A copy with the field set; undefined: removed. */
function withValue(input: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [key = '', inner] = path.split('.');
  const { [key]: before, ...others } = input;
  if (inner === undefined) return value === undefined ? others : { ...input, [key]: value };
  return { ...input, [key]: withValue(isRecord(before) ? before : {}, inner, value) };
}
