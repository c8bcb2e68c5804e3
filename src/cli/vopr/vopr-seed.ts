/** One seed of `teg vopr`, with its output while it runs; and the replay of a recorded log. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { TegError } from '../../model/errors.ts';
import type { Plant } from '../../simulation/federation/vopr/planted-bugs.ts';
import type { ScenarioSpaces } from '../../simulation/federation/vopr/scenario-space.ts';
import {
  recordVopr,
  replayVopr,
  type VoprReplayResult,
} from '../../simulation/federation/vopr/vopr-replay.ts';
import { runVopr, type VoprOutcome } from '../../simulation/federation/vopr/vopr-run.ts';
import { TRACE_HEADER, VoprTraceWriter } from '../../simulation/federation/vopr/vopr-trace.ts';
import { asOutputFailure } from '../files/output-file.ts';

/** Options of a run of one seed. */
export interface SeedOptions {
  readonly steps: number;
  readonly plant?: Plant;
  /** Print a line for each step. */
  readonly trace: boolean;
  /** Write the event log to this file. */
  readonly record?: string;
}

/** Characters that are written at a time. */
const CHUNK = 1 << 16;

/** Runs a seed. @throws TegError TEG_OUTPUT_FAILED if the log cannot be written. */
export function runSeed(seed: number, spaces: ScenarioSpaces, options: SeedOptions): VoprOutcome {
  const { steps, plant, trace, record } = options;
  const common = { steps, ...(plant === undefined ? {} : { plant }) };
  if (record !== undefined) {
    const file = new LineFile(record);
    try {
      const outcome = recordVopr(seed, spaces, common, (line) => file.write(line));
      file.finish();
      if (!trace) return outcome;
    } finally {
      file.close();
    }
  }
  if (!trace) return runVopr(seed, spaces, common);
  const writer = new VoprTraceWriter((line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${TRACE_HEADER}\n`);
  return runVopr(seed, spaces, {
    ...common,
    observer: writer,
    onEvent: (event, timeSeconds) => writer.next(event, timeSeconds),
    onFault: (kind) => writer.fault(kind),
  });
}

/** Replays a file. @throws TegError TEG_INPUT_NOT_FOUND, TEG_LOG_INVALID. */
export function replayFile(path: string, spaces: ScenarioSpaces): VoprReplayResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `could not read '${path}': ${reason}; name a log that --record wrote`,
      {
        cause,
      },
    );
  }
  return replayVopr(text.split('\n'), spaces);
}

/** A file that lines are appended to; it has its name only once it is finished. Devices and pipes are written directly. */
class LineFile {
  private readonly path: string;
  private readonly part: string;
  private readonly file: number;
  private text = '';
  private finished = false;

  constructor(path: string) {
    this.path = path;
    const found = statSync(path, { throwIfNoEntry: false });
    const isSpecial = found !== undefined && !found.isFile() && !found.isDirectory();
    this.part = isSpecial ? path : `${path}.part-${process.pid}`;
    this.file = this.guard(() => openSync(found?.isDirectory() ? path : this.part, 'w'));
  }

  write(line: string): void {
    this.text += `${line}\n`;
    if (this.text.length >= CHUNK) this.flush();
  }

  /** Writes the rest and gives the file its name. */
  finish(): void {
    this.flush();
    if (this.part !== this.path) {
      this.guard(() => {
        fsyncSync(this.file);
        renameSync(this.part, this.path);
      });
    }
    this.finished = true;
  }

  /** Closes the file; one that is not finished is removed. */
  close(): void {
    closeSync(this.file);
    if (!this.finished && this.part !== this.path) rmSync(this.part, { force: true });
  }

  private flush(): void {
    this.guard(() => writeFileSync(this.file, this.text));
    this.text = '';
  }

  private guard<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw asOutputFailure(this.path, error);
    }
  }
}
