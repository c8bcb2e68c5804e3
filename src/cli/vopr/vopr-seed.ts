/**
 * One seed of `teg vopr`, with what is printed or written while it runs; and the replay of what was written.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { TegError } from '../../model/errors.ts';
import type { Plant } from '../../simulation/federation/vopr/plants.ts';
import type { Universes } from '../../simulation/federation/vopr/universe.ts';
import { type ReplayResult, recordVopr, replayVopr } from '../../simulation/federation/vopr/vopr-replay.ts';
import { runVopr, type VoprOutcome } from '../../simulation/federation/vopr/vopr-run.ts';
import { TRACE_HEADER, TraceWriter } from '../../simulation/federation/vopr/vopr-trace.ts';

/** How one seed is run. */
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
export function runSeed(seed: number, universes: Universes, options: SeedOptions): VoprOutcome {
  const { steps, plant, trace, record } = options;
  const common = { steps, ...(plant === undefined ? {} : { plant }) };
  if (record !== undefined) {
    const file = new LineFile(record);
    try {
      const outcome = recordVopr(seed, universes, common, (line) => file.write(line));
      file.flush();
      if (!trace) return outcome;
    } finally {
      file.close();
    }
  }
  if (!trace) return runVopr(seed, universes, common);
  const writer = new TraceWriter((line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${TRACE_HEADER}\n`);
  return runVopr(seed, universes, {
    ...common,
    observer: writer,
    onEvent: (event, timeSeconds) => writer.next(event, timeSeconds),
    onFault: (kind) => writer.fault(kind),
  });
}

/** Replays a file. @throws TegError TEG_INPUT_NOT_FOUND, TEG_LOG_INVALID. */
export function replayFile(path: string, universes: Universes): ReplayResult {
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
  return replayVopr(text.split('\n'), universes);
}

/** A file that lines are appended to. */
class LineFile {
  private readonly path: string;
  private readonly file: number;
  private text = '';

  constructor(path: string) {
    this.path = path;
    this.file = this.guard(() => openSync(path, 'w'));
  }

  write(line: string): void {
    this.text += `${line}\n`;
    if (this.text.length >= CHUNK) this.flush();
  }

  flush(): void {
    this.guard(() => writeSync(this.file, this.text));
    this.text = '';
  }

  close(): void {
    closeSync(this.file);
  }

  private guard<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new TegError(
        'TEG_OUTPUT_FAILED',
        `could not write '${this.path}': ${reason}; choose another path`,
        {
          cause,
        },
      );
    }
  }
}
