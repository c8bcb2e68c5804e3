/**
 * Names that fields of the configuration had before they were named as in KubeSchedulerConfiguration: still read, with a warning.
 */
import { isRecord } from '../../../model/kubernetes/read-object.ts';

/** A field under its old and its new name, in one section. */
interface Renamed {
  readonly section: string;
  readonly old: string;
  readonly now: string;
  /** The old value in the new form. */
  readonly convert: (value: unknown) => unknown;
}

const same = (value: unknown): unknown => value;
const seconds = (value: unknown): unknown => (typeof value === 'number' ? `${value}s` : value);

/** All that were renamed. */
export const RENAMED: readonly Renamed[] = [
  { section: 'leaderElection', old: 'enabled', now: 'leaderElect', convert: same },
  { section: 'leaderElection', old: 'leaseName', now: 'resourceName', convert: same },
  { section: 'leaderElection', old: 'leaseNamespace', now: 'resourceNamespace', convert: same },
  { section: 'leaderElection', old: 'leaseDurationSeconds', now: 'leaseDuration', convert: seconds },
  { section: 'leaderElection', old: 'renewDeadlineSeconds', now: 'renewDeadline', convert: seconds },
  { section: 'leaderElection', old: 'retryPeriodSeconds', now: 'retryPeriod', convert: seconds },
];

/** A configuration with new names only. */
export interface RenewedNames {
  readonly input: unknown;
  /** One line for each old name that was read. */
  readonly warnings: readonly string[];
  /** One line for each field that stands there under both names. */
  readonly problems: readonly string[];
}

/** @returns The input with old names replaced; the input is not changed. */
export function renewNames(input: unknown): RenewedNames {
  const warnings: string[] = [];
  const problems: string[] = [];
  if (!isRecord(input)) return { input, warnings, problems };
  const result: Record<string, unknown> = { ...input };
  for (const { section, old, now, convert } of RENAMED) {
    const fields = result[section];
    if (!isRecord(fields) || !Object.hasOwn(fields, old)) continue;
    if (Object.hasOwn(fields, now)) {
      problems.push(
        `${section}.${old}: got it beside ${section}.${now}, expected one of them; ${now} is its name now`,
      );
      continue;
    }
    const { [old]: value, ...others } = fields;
    result[section] = { ...others, [now]: convert(value) };
    warnings.push(
      `${section}.${old} is named ${section}.${now} now: write ${now}: ${JSON.stringify(convert(value))}`,
    );
  }
  return { input: result, warnings, problems };
}
