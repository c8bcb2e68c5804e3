/** Spans of time in words, the same in every output: `45 s`, `2 m 05 s`, `3 h 07 m`, `12 d 04 h`. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** @param seconds Finite, ≥ 0; rounded to what is shown. @returns The span in its two largest units. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(whole, MINUTE, 'm', 1, 's');
  const minutes = Math.round(seconds / MINUTE) * MINUTE;
  if (minutes < DAY) return pair(minutes, HOUR, 'h', MINUTE, 'm');
  return pair(Math.round(seconds / HOUR) * HOUR, DAY, 'd', HOUR, 'h');
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = String(Math.floor((seconds % large) / small)).padStart(2, '0');
  const count = String(Math.floor(seconds / large)).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${count} ${largeName} ${rest} ${smallName}`;
}
