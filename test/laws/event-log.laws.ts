/**
 * Laws of an event log: a run is recorded as one JSON value a line; the same run gives the same log; the log gives the run
 * back bit for bit; and a log of another format, one without its head, and one with a broken line are refused with
 * TEG_LOG_INVALID.
 */
import { expect } from 'vitest';
import { TegError } from '../../src/model/errors.ts';

/** A format of event logs, and a world to record. */
export interface TestLog {
  readonly name: string;
  /** Records the run of a seed. @returns The lines, without newlines, and the digest of all that was decided. */
  record(seed: number): { readonly lines: readonly string[]; readonly digest: number | string };
  /** @returns The digest of what was decided again. @throws TegError TEG_LOG_INVALID. */
  replay(lines: readonly string[]): number | string;
  /** @returns The log with one input changed so that other decisions follow. */
  spoil(lines: readonly string[]): readonly string[];
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof TegError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Recording is deterministic, and each line is one JSON value. */
export function checkRecording({ record }: TestLog): void {
  const { lines, digest } = record(1);
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    expect(line).not.toContain('\n');
    expect(JSON.stringify(JSON.parse(line)), 'the shortest form').toBe(line);
  }
  expect(record(1)).toEqual({ lines, digest });
  expect(record(2).lines).not.toEqual(lines);
}

/** The log gives back what was decided; and does not if it was changed. */
export function checkReplay({ record, replay, spoil }: TestLog): void {
  for (const seed of [1, 2, 3]) {
    const { lines, digest } = record(seed);
    expect(replay(lines), `seed ${seed}`).toBe(digest);
    const spoilt = spoil(lines);
    expect(spoilt).not.toEqual(lines);
    expect(replay(spoilt), `seed ${seed}, changed`).not.toBe(digest);
  }
}

/** Logs of other formats, and broken ones, are refused. */
export function checkRefusals(log: TestLog, others: readonly TestLog[]): void {
  const { lines } = log.record(1);
  for (const other of others) {
    expect(
      codeOf(() => log.replay(other.record(1).lines)),
      other.name,
    ).toBe('TEG_LOG_INVALID');
  }
  expect(codeOf(() => log.replay(lines.slice(1)))).toBe('TEG_LOG_INVALID');
  for (let at = 0; at < lines.length; at += Math.max(1, lines.length >> 4)) {
    const line = lines[at] as string;
    const broken = lines.with(at, line.slice(0, -1));
    expect(
      codeOf(() => log.replay(broken)),
      `line ${at} is cut short`,
    ).toBe('TEG_LOG_INVALID');
  }
}
