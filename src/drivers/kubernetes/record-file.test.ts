import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type LoggedStep, PodLogReader } from '../../governor/pods/log/pod-log.ts';
import { POD_OPTIONS, someEvent } from '../../governor/pods/pod-events.fixtures.ts';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { readLog } from './log-lines.ts';
import { openRecordFile, type RecordFile, type RecordFileOptions } from './record-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-record-'));
afterAll(() => rmSync(folder, { recursive: true }));

const events = fc.sample(someEvent, { numRuns: 3_000, seed: 5 });
const decide: PodEvent = { kind: 'decide', max: 1 };

async function record(
  name: string,
  options: Partial<RecordFileOptions> = {},
): Promise<{ path: string; file: RecordFile; warnings: string[] }> {
  const path = name.startsWith('/') ? name : join(folder, name);
  const warnings: string[] = [];
  const file = await openRecordFile(path, POD_OPTIONS, {
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  return { path, file, warnings };
}

async function readAll(path: string): Promise<{ steps: LoggedStep[]; reader: PodLogReader }> {
  const reader = new PodLogReader();
  const steps: LoggedStep[] = [];
  for await (const step of readLog(path, reader)) steps.push(step);
  return { steps, reader };
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a recording', () => {
  test.each(['plain.jsonl', 'packed.jsonl.gz'])('can be read back: %s', async (name) => {
    const { path, file, warnings } = await record(name);
    for (const [i, event] of events.entries()) file.step(event, i, []);
    await file.close();
    await file.close();
    const { steps, reader } = await readAll(path);
    expect(steps.map(({ event }) => event)).toEqual(events);
    expect(reader).toMatchObject({ end: 'complete', isTruncated: false });
    expect(warnings).toEqual([]);
    expect(file.facts).toMatchObject({ recording: false, steps: events.length, stopped: '' });
    if (!name.endsWith('.gz')) expect(file.facts.bytes).toBe(readFileSync(path).length);
    else expect(readFileSync(path).length).toBeLessThan(file.facts.bytes / 4);
  });

  test.each(['killed.jsonl', 'killed.jsonl.gz'])(
    'can be read while it is written, and cut anywhere: %s',
    async (name) => {
      const { path, file } = await record(name, { flushMs: 20 });
      for (const [i, event] of events.entries()) file.step(event, i, []);
      let found = 0;
      for (let tries = 0; found < events.length && tries < 250; tries++) {
        await later(20);
        // On a busy machine not even the head may be flushed yet.
        found = await readAll(path).then(
          ({ steps }) => steps.length,
          () => 0,
        );
      }
      expect(found).toBe(events.length);
      const bytes = readFileSync(path);
      await file.close();
      const cut = join(folder, `cut-${name}`);
      for (const share of [0.2, 0.5, 0.9]) {
        writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length * share)));
        const { steps, reader } = await readAll(cut);
        expect(steps.length).toBeGreaterThan(events.length * share * 0.5);
        expect(steps.map(({ event }) => event)).toEqual(events.slice(0, steps.length));
        expect(reader.end).toBeUndefined();
      }
    },
  );

  test('keeps the file that was there', async () => {
    for (const max of [1, 2, 3]) {
      const { file } = await record('again.jsonl');
      file.step({ kind: 'decide', max }, 0, []);
      await file.close();
    }
    const maxOf = async (path: string): Promise<unknown> =>
      (await readAll(join(folder, path))).steps[0]?.event;
    expect(await maxOf('again.jsonl')).toEqual({ kind: 'decide', max: 3 });
    expect(await maxOf('again.jsonl.1')).toEqual({ kind: 'decide', max: 2 });
  });

  test.each(['limit.jsonl', 'limit.jsonl.gz'])(
    'ends in order when the file is as large as allowed: %s',
    async (name) => {
      const bytesMax = 40_000;
      const { path, file, warnings } = await record(name, { bytesMax });
      for (let i = 0; i < 3_000; i++) {
        file.step(events[i % events.length] as PodEvent, i, []);
        if (i % 100 === 0) await later(1);
      }
      expect(file.facts.recording).toBe(false);
      await file.close();
      expect(warnings).toEqual([expect.stringMatching(/ended after \d+ steps: the limit of 40000 bytes/)]);
      const { steps, reader } = await readAll(path);
      expect(steps.length).toBe(file.facts.steps);
      expect(steps.length).toBeGreaterThan(20);
      expect(reader.end).toBe('the limit of 40000 bytes is reached');
      expect(readFileSync(path).length).toBeLessThan(bytesMax + 10_000);
    },
  );

  test('ends in order before an event that is too long', async () => {
    const { path, file, warnings } = await record('long.jsonl', { lineCharsMax: 500 });
    file.step(decide, 0, []);
    file.step({ kind: 'namespace', name: 'n', labels: { a: 'x'.repeat(500) } }, 1, []);
    file.step(decide, 2, []);
    await file.close();
    expect(warnings).toHaveLength(1);
    const { steps, reader } = await readAll(path);
    expect(steps).toHaveLength(1);
    expect(reader.end).toContain("an event 'namespace'");
  });
});

describe('a disk that fails', () => {
  test.runIf(existsSync('/dev/full'))('ends the recording with one warning', async () => {
    const { file, warnings } = await record('/dev/full', { flushMs: 5 });
    for (let i = 0; i < 50; i++) {
      file.step(decide, i, []);
      await later(2);
    }
    await file.close();
    expect(warnings).toEqual([expect.stringContaining('ENOSPC')]);
    expect(file.facts).toMatchObject({ recording: false, stopped: expect.stringContaining('ENOSPC') });
    expect(existsSync('/dev/full.1')).toBe(false);
  });

  test.runIf(process.platform === 'linux')('that is too slow ends it when too much waits', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, 'r+');
    const { file, warnings } = await record(pipe, { backlogBytesMax: 200_000, flushMs: 5 });
    for (let i = 0; i < 100_000 && file.facts.recording; i++) {
      file.step(decide, i, []);
    }
    expect(warnings).toEqual([expect.stringContaining('more than 200000 bytes wait')]);
    expect(file.facts.bytes).toBeLessThan(1_000_000);
    closeSync(reader);
    await file.close();
  });

  test('no file at all is an error at once', async () => {
    await expect(record('no/such/folder/x.jsonl')).rejects.toMatchObject({
      code: 'TEG_OUTPUT_FAILED',
      message: expect.stringContaining('ENOENT'),
    });
    await expect(record(folder)).rejects.toMatchObject({ code: 'TEG_OUTPUT_FAILED' });
  });
});

describe('reading', () => {
  test('a missing file, a folder, and a file that is not a log', async () => {
    await expect(readAll(join(folder, 'none'))).rejects.toMatchObject({ code: 'TEG_INPUT_NOT_FOUND' });
    await expect(readAll(folder)).rejects.toMatchObject({ code: 'TEG_INPUT_NOT_FOUND' });
    const path = join(folder, 'bad');
    writeFileSync(path, '');
    await expect(readAll(path)).rejects.toMatchObject({ code: 'TEG_LOG_INVALID' });
    writeFileSync(path, Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    await expect(readAll(path)).rejects.toMatchObject({ code: 'TEG_INPUT_CORRUPT' });
    writeFileSync(path, '{"a":"'.padEnd(9 * 1024 * 1024, 'x'));
    await expect(readAll(path)).rejects.toMatchObject({ code: 'TEG_LOG_INVALID' });
  });
});
