/** Times as the API writes them. */

/**
 * The second that was written last: events come many a second, and the calendar costs more than the rest of an event.
 */
let latestSecond = Number.NaN;
let latestText = '';

/** @returns `2026-01-31T12:00:00`. */
function calendarText(second: number): string {
  if (second !== latestSecond) {
    latestText = new Date(second * 1000).toISOString().slice(0, 19);
    latestSecond = second;
  }
  return latestText;
}

/** @returns `2026-01-31T12:00:00.123456Z`, the form of a MicroTime. @param wallSeconds Seconds since 1970, ≥ 0. */
export function microTimeText(wallSeconds: number): string {
  const micros = Math.floor(wallSeconds * 1e6);
  const second = Math.floor(micros / 1e6);
  return `${calendarText(second)}.${String(micros - second * 1e6).padStart(6, '0')}Z`;
}

/** @returns `2026-01-31T12:00:00Z`, the form of a Time. @param wallSeconds Seconds since 1970, ≥ 0. */
export function secondTime(wallSeconds: number): string {
  return `${calendarText(Math.floor(wallSeconds))}Z`;
}
