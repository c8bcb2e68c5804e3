/** Times as the API writes them. */

/** @returns `2026-01-31T12:00:00.123456Z`, the form of a MicroTime. @param wallSeconds Seconds since 1970, ≥ 0. */
export function microTime(wallSeconds: number): string {
  const micros = Math.floor(wallSeconds * 1e6);
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, '0');
  return new Date(millis).toISOString().replace('Z', `${rest}Z`);
}

/** @returns `2026-01-31T12:00:00Z`, the form of a Time. @param wallSeconds Seconds since 1970, ≥ 0. */
export function secondTime(wallSeconds: number): string {
  return `${new Date(Math.floor(wallSeconds) * 1000).toISOString().slice(0, 19)}Z`;
}
