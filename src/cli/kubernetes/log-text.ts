/**
 * Log lines for people: `12:00:01 info  synced with the API server nodes=5 pods=2`.
 */
import { pino } from 'pino';

/** Fields that the line shows in its own way. */
const OWN: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

/** @returns A stream that takes pino's lines and writes text. */
export function textStream(out: { write(text: string): unknown }): { write(line: string): void } {
  return { write: (line) => void out.write(textOf(line)) };
}

function textOf(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const time = new Date(entry.time as number).toISOString().slice(11, 19);
  const level = (pino.levels.labels[entry.level as number] ?? '').padEnd(5);
  const fields = Object.entries(entry)
    .filter(([key]) => !OWN.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${time} ${level} ${String(entry.msg ?? '')}${fields.join('')}\n`;
}
