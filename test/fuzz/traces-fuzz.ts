/**
 * Fuzzes the readers of traces: mutated files and random bytes give a result or a TegError, in bounded time and memory.
 *
 *     node test/fuzz/traces-fuzz.ts --inputs 1000000 --seed 1      all inputs, in a worker under watch
 *     node test/fuzz/traces-fuzz.ts --seed 1 --only 4711           one of them again, in this process
 *
 * Input i depends on the seed and on i only.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { Random } from '../../src/kernel/random.ts';
import { TegError } from '../../src/model/errors.ts';
import {
  DEFAULT_LIMITS,
  type ReadOptions,
  TRACE_FORMATS,
  type TraceFormat,
} from '../../src/traces/format.ts';
import { openTrace } from '../../src/traces/readers.ts';
import { bytesInput } from '../../src/traces/source.ts';
import { makeCorpus } from './corpus.ts';
import { mutate, randomBytes } from './mutate.ts';

/** Longest that one input may take. */
export const INPUT_MS_MAX = 5_000;

/** Heap that reading any input has to get by with. */
export const HEAP_MB_MAX = 256;

/** One input: bytes, how they arrive, and the options they are read with. */
export interface FuzzInput {
  readonly bytes: Uint8Array;
  readonly chunkBytes: number;
  readonly options: ReadOptions;
}

/** What became of many inputs. */
export interface FuzzReport {
  inputs: number;
  /** How many ended how: `ok`, or the code of a TegError. */
  outcomes: Record<string, number>;
  /** Items that came out of all inputs. */
  items: number;
  slowestMs: number;
  slowestInput: number;
}

/** Raised when an input ends in anything but a result or a TegError. */
export class FuzzFailure extends Error {}

const FORMATS = Object.keys(TRACE_FORMATS) as TraceFormat[];
const SMALL_LIMITS = {
  ...DEFAULT_LIMITS,
  lineCharsMax: 300,
  fieldsMax: 15,
  fieldCharsMax: 40,
  objectCharsMax: 600,
};

/** @returns Input `index` of a seed. */
export function makeInput(corpus: readonly Uint8Array[], seed: number, index: number): FuzzInput {
  const random = new Random(seed, index);
  const pick = (): Uint8Array => corpus[random.nextInt(corpus.length)] as Uint8Array;
  const isRandom = random.nextInt(16) === 0;
  const plain = isRandom ? randomBytes(random) : mutate(pick(), pick(), random);
  const bytes = random.nextInt(12) === 0 ? gzipSync(plain) : plain;
  const names = random.nextInt(4) === 0;
  return {
    bytes,
    chunkBytes: [7, 64, 65_536][random.nextInt(3)] as number,
    options: {
      skipBad: [0, 0, 1, 1_000][random.nextInt(4)] as number,
      ...(names ? { format: FORMATS[random.nextInt(FORMATS.length)] as TraceFormat } : {}),
      ...(random.nextInt(8) === 0 ? { limits: SMALL_LIMITS } : {}),
    },
  };
}

/** @returns `ok` or the code of the TegError, and the items. @throws FuzzFailure. */
export async function runInput(input: FuzzInput): Promise<{ outcome: string; items: number }> {
  let items = 0;
  try {
    const trace = await openTrace(bytesInput('fuzz', input.bytes, input.chunkBytes), input.options);
    for await (const batch of trace.batches) items += batch.items.length;
    return { outcome: 'ok', items };
  } catch (error) {
    if (error instanceof TegError) return { outcome: error.code, items };
    throw new FuzzFailure((error as Error).stack ?? String(error));
  }
}

/**
 * Runs inputs [from, to) of a seed in this process.
 *
 * @param onInput Called with the index of each input before it runs.
 * @throws FuzzFailure naming the input, also if one takes longer than INPUT_MS_MAX.
 */
export async function fuzz(
  seed: number,
  from: number,
  to: number,
  onInput: (index: number) => void = () => {},
): Promise<FuzzReport> {
  const corpus = await makeCorpus();
  const report: FuzzReport = { inputs: 0, outcomes: {}, items: 0, slowestMs: 0, slowestInput: -1 };
  for (let index = from; index < to; index++) {
    onInput(index);
    const begin = performance.now();
    try {
      const { outcome, items } = await runInput(makeInput(corpus, seed, index));
      report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
      report.items += items;
    } catch (error) {
      throw new FuzzFailure(`seed ${seed}, input ${index}: ${(error as Error).message}`);
    }
    const ms = performance.now() - begin;
    if (ms > report.slowestMs) Object.assign(report, { slowestMs: ms, slowestInput: index });
    if (ms > INPUT_MS_MAX) throw new FuzzFailure(`seed ${seed}, input ${index}: took ${Math.round(ms)} ms`);
    report.inputs++;
  }
  return report;
}

/** Runs inputs in a worker with a small heap, and ends it if one hangs. */
async function fuzzUnderWatch(seed: number, inputs: number): Promise<FuzzReport> {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./traces-fuzz-worker.ts', import.meta.url), {
    workerData: { seed, inputs, progress },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  return new Promise((resolve, reject) => {
    let last = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      const index = Atomics.load(progress, 0);
      if (index !== last) {
        last = index;
        since = performance.now();
        if (process.stderr.isTTY) process.stderr.write(`\r${index} of ${inputs}`);
      } else if (index > 0 && performance.now() - since > 2 * INPUT_MS_MAX) {
        reject(new FuzzFailure(`seed ${seed}, input ${index}: hangs`));
      }
    }, 1_000);
    const where = (): string => `seed ${seed}, input ${Atomics.load(progress, 0)}`;
    worker.on('message', resolve);
    worker.on('error', (error: Error) => reject(new FuzzFailure(`${where()}: ${error.message}`)));
    worker.on('exit', (code) => {
      clearInterval(watch);
      if (code !== 0) reject(new FuzzFailure(`${where()}: the worker ended with ${code}`));
    });
  }).finally(() => worker.terminate()) as Promise<FuzzReport>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const begin = performance.now();
  if (values.only !== undefined) {
    const input = makeInput(await makeCorpus(), seed, Number(values.only));
    process.stdout.write(`${JSON.stringify(Buffer.from(input.bytes).toString('latin1'))}\n`);
    process.stdout.write(`${JSON.stringify(input.options)} ${JSON.stringify(await runInput(input))}\n`);
    return;
  }
  const report = await fuzzUnderWatch(seed, Number(values.inputs));
  const seconds = Math.round((performance.now() - begin) / 1_000);
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1_024);
  process.stdout.write(`${JSON.stringify({ seed, ...report, seconds, rssMb }, null, 2)}\n`);
}

if (import.meta.main) await main();
