/**
 * Durations as Kubernetes writes them in configurations: `15s`, `1m30s`, `500ms`.
 *
 * @source Go's time.ParseDuration, without signs.
 */

const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };
const PART = /(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)/g;
const WHOLE = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|us|ns|h|m|s))+$/;

/** @returns Seconds ≥ 0; NaN if the text is not a duration. */
export function durationSeconds(text: string): number {
  if (!WHOLE.test(text) || text.length > 60) return Number.NaN;
  let seconds = 0;
  for (const [, number = '', unit = ''] of text.matchAll(PART))
    seconds += Number(number) * (UNIT_SECONDS[unit] as number);
  // Sums such as 1.1 s of parts must not differ from the number by a rounding.
  return Number(seconds.toPrecision(12));
}
