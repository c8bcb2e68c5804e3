import { beforeAll, describe, expect, test } from 'vitest';
import { TegError } from '../../../model/errors.ts';
import { ScenarioSpaces } from './scenario-space.ts';
import { VoprLogReader } from './vopr-log.ts';
import { recordVopr, replayVopr } from './vopr-replay.ts';
import { runVopr } from './vopr-run.ts';

const spaces = new ScenarioSpaces();
/** A seed with crashes of all kinds; see the first test. */
const SEED = 5;
const STEPS = 600;
let lines: string[];

function record(seed: number, options: Parameters<typeof recordVopr>[2]) {
  const written: string[] = [];
  const outcome = recordVopr(seed, spaces, options, (line) => written.push(line));
  return { written, outcome };
}

beforeAll(() => {
  lines = record(SEED, { steps: STEPS }).written;
});

function refused(changed: readonly string[]): TegError {
  try {
    replayVopr(changed, spaces);
  } catch (error) {
    expect(error).toBeInstanceOf(TegError);
    return error as TegError;
  }
  throw new Error('the log was not refused');
}

/** The log with one line changed. */
function withLine(at: number, text: string): string[] {
  return lines.map((line, i) => (i === at ? text : line));
}

describe('a record', () => {
  test('does not change the run, and has its inputs, starts, crashes and restarts', () => {
    const outcome = record(SEED, { steps: STEPS }).outcome;
    expect(outcome).toEqual(runVopr(SEED, spaces, { steps: STEPS }));
    const kinds = new Set(lines.slice(1).map((line) => JSON.parse(line)[0]));
    expect(kinds).toEqual(new Set(['S', 'H', 'I', 'C', 'L', 'E']));
    const inputs = new Set(
      lines.filter((line) => line.startsWith('["I"')).map((line) => JSON.parse(line)[4] as string),
    );
    expect(inputs).toContain('receive');
    expect(inputs).toContain('submit');
  });

  test('is replayed bit for bit', () => {
    const result = replayVopr(lines, spaces);
    expect(result).toMatchObject({ seed: SEED, steps: STEPS, difference: '', failure: '' });
    expect(result.inputs).toBe(lines.filter((line) => line.startsWith('["I"')).length);
  });

  test('every kind of input comes back', () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 16; seed++) {
      const { written } = record(seed, { steps: 400 });
      const reader = new VoprLogReader();
      for (const line of written) {
        const read = reader.read(line);
        if (read?.kind === 'input') kinds.add(read.input.kind);
      }
      if (seed % 8 === 0) expect(replayVopr(written, spaces).difference).toBe('');
    }
    expect([...kinds].sort()).toEqual([
      'adopt-ended',
      'adopt-job',
      'adopt-run',
      'cancel',
      'exit',
      'node-down',
      'node-up',
      'receive',
      'submit',
      'wake',
    ]);
  });

  test('of a run that failed says so, and is replayed up to there', () => {
    const { written, outcome } = record(1, { steps: 2000, plant: 'unchecked-arbiter' });
    expect(outcome.failure?.kind).toBe('safety');
    const result = replayVopr(written, spaces);
    expect(result.difference).toBe('');
    expect(result.failure).toBe(`safety: ${outcome.failure?.message}`);
  });
});

describe('a replay that differs', () => {
  test('says at which event, process and input', () => {
    const at = lines.findIndex((line) => line.startsWith('["I"') && line.includes('"submit"'));
    const [tag, event, time, process, kind, fields, digest] = JSON.parse(lines[at] as string);
    const changed = JSON.stringify([tag, event, time, process, kind, fields, digest ^ 1]);
    const { difference } = replayVopr(withLine(at, changed), spaces);
    expect(difference).toMatch(
      new RegExp(`^event ${event}, process ${process}, submit: its output has digest`),
    );
  });

  test('also where a process throws', () => {
    const at = lines.findIndex((line) => line.startsWith('["I"') && line.includes('"submit"'));
    const [tag, event, time, , kind, fields, digest] = JSON.parse(lines[at] as string);
    const { difference } = replayVopr(
      withLine(at, JSON.stringify([tag, event, time, 0, kind, fields, digest])),
      spaces,
    );
    expect(difference).toMatch(/process 0, submit: it threw/);
  });
});

describe('a log that is not one', () => {
  test('is refused with the number of the line', () => {
    const input = lines.findIndex((line) => line.startsWith('["I"'));
    const hologram = lines.findIndex((line) => line.startsWith('["H"'));
    const start = lines.findIndex((line) => line.startsWith('["S"'));
    for (const [at, text] of [
      [0, '{"log":"teg-zone-events","version":1}'],
      [0, '{"log":"teg-vopr","version":3,"seed":1,"steps":1,"plant":null,"scenario":1}'],
      [0, 'null'],
      [input, 'not json'],
      [input, '{}'],
      [input, '[]'],
      [input, '["X",1,2,3]'],
      [input, '["I",1,2,3,"receive",[1,2],4]'],
      [input, '["I",1,2,3,"receive",[9,1,2,3,4,5],4]'],
      [input, '["I",1,2,3,"receive",[16,1,2,3,4],4]'],
      [input, '["I",1,2,3,"receive",[11,1,2,[[1]]],4]'],
      [input, '["I",1,2,3,"receive",[10,1,2,1,"x"],4]'],
      [input, '["I",1,2,3,"frobnicate",[],4]'],
      [input, '["I",1,2,3,"toString",[],4]'],
      [input, '["I",1,2,3,"wake",[1],4]'],
      [input, '["I",1,2,3,"wake",[]]'],
      [input, '["I",1,2,3,"adopt-run",[1,2,3,4,5,6],4]'],
      [input, '["I",1,2,99,"wake",[],4]'],
      [hologram, '["H",0,"AAAA"]'],
      [hologram, '["H",7,"AAAA"]'],
      [start, '["S",0,0,0,"1"]'],
    ] as const) {
      const error = refused(withLine(at, text));
      expect(error.code).toBe('TEG_LOG_INVALID');
      expect(error.message).toContain(`line ${at + 1} of`);
    }
  });

  test('is refused if it is cut off, continues after its end, or is of another scenario', () => {
    expect(refused(lines.slice(0, -1)).message).toMatch(/the end after the last event/);
    expect(refused([]).message).toMatch(/the end/);
    expect(refused([...lines, lines.at(-2) as string]).message).toMatch(/nothing after the end/);
    const header = JSON.parse(lines[0] as string);
    const other = JSON.stringify({ ...header, scenario: header.scenario + 1 });
    expect(refused(withLine(0, other)).message).toMatch(/same scenario/);
  });

  test('is refused if a process was never started', () => {
    const kept = lines.filter((line) => !line.startsWith('["S"'));
    expect(refused(kept).message).toMatch(/started before/);
  });
});
