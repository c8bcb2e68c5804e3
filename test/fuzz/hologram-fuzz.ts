/**
 * Fuzzes the reader of holograms: mutated holograms and random bytes give a hologram or a TegError, in bounded time and
 * memory. What is accepted is written back to the same bytes, merges, and can be asked for offers.
 *
 *     node test/fuzz/hologram-fuzz.ts --inputs 1000000 --seed 1    all inputs, in a worker under watch
 *     node test/fuzz/hologram-fuzz.ts --seed 1 --only 4711         one of them again, in this process
 *
 * Input i depends on the seed and on i only.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { cheapPrice, hologramOf, randomZone } from '../../src/field/hologram/hologram.fixtures.ts';
import { type Hologram, mergeHolograms } from '../../src/field/hologram/hologram.ts';
import { OfferReader } from '../../src/field/hologram/offer-reader.ts';
import { decodeHologram, encodeHologram } from '../../src/field/hologram/wire.ts';
import { Random } from '../../src/kernel/random.ts';
import { type Demand, DemandTable } from '../../src/model/demand.ts';
import { TegError } from '../../src/model/errors.ts';
import { mutate, randomBytes } from './mutate.ts';

/** Longest that one input may take. */
export const INPUT_MS_MAX = 1_000;

/** Heap that any inputs have to get by with. */
export const HEAP_MB_MAX = 64;

/** What became of many inputs. */
export interface FuzzReport {
  inputs: number;
  /** How many ended how: `ok`, or what was expected where the input was refused. */
  outcomes: Record<string, number>;
  /** Classes of all holograms accepted, and offers they made. */
  classes: number;
  offers: number;
  slowestMs: number;
  slowestInput: number;
}

/** Raised when an input ends in anything but a hologram that keeps its promises or a TegError. */
export class FuzzFailure extends Error {}

/** Holograms that inputs are made of, and what reads them. */
export class HologramFuzzer {
  private readonly corpus: readonly Uint8Array[];
  private readonly reader: OfferReader;
  private readonly demands: readonly Demand[];
  private readonly other: Hologram;

  constructor() {
    const random = new Random(1, 77);
    const table = new DemandTable();
    const zones = [1, 1, 2, 3, 5, 8, 20, 60].map((nodes) => randomZone(nodes, random, table));
    const holograms = zones.map((zone) => hologramOf(zone, random));
    this.corpus = [...holograms, mergeHolograms(holograms), mergeHolograms([])].map(encodeHologram);
    const [zone] = zones.slice(-1);
    if (zone === undefined) throw new Error('no zones');
    this.demands = zone.demands;
    this.other = holograms[0] as Hologram;
    // Small, so that bounds are met.
    const bounds = { classesMax: 500, cellsMax: 8192, demandsMax: 20 };
    this.reader = new OfferReader(table, cheapPrice(zone.cluster, zone.demands), bounds);
  }

  /** @returns Input `index` of a seed. */
  input(seed: number, index: number): Uint8Array {
    const random = new Random(seed, index);
    const pick = (): Uint8Array => this.corpus[random.nextInt(this.corpus.length)] as Uint8Array;
    if (random.nextInt(16) === 0) return randomBytes(random);
    if (random.nextInt(3) === 0) return withBytesChanged(pick(), random);
    const bytes = mutate(pick(), pick(), random);
    // Half of the inputs get past the head.
    if (random.nextInt(2) === 0 && bytes.length > 5) bytes.set(this.corpus[0]?.subarray(0, 5) ?? []);
    return bytes;
  }

  /** Reads an input and uses what comes out. @throws FuzzFailure. */
  run(bytes: Uint8Array): { outcome: string; classes: number; offers: number } {
    try {
      const hologram = decodeHologram(bytes);
      return { outcome: 'ok', classes: hologram.classes.count, offers: this.use(hologram, bytes) };
    } catch (error) {
      if (!(error instanceof TegError)) throw new FuzzFailure((error as Error).stack ?? String(error));
      const [, what = ''] = /; expected (?:at least |at most )?([a-z0-9 ]*)/.exec(error.message) ?? [];
      return { outcome: `${error.code}: ${what.replace(/\d+/g, 'n').trim()}`, classes: 0, offers: 0 };
    }
  }

  /** @returns Offers. */
  private use(hologram: Hologram, bytes: Uint8Array): number {
    if (Buffer.compare(encodeHologram(hologram), bytes) !== 0) {
      throw new Error('what was accepted is not written back to the same bytes');
    }
    const left = encodeHologram(mergeHolograms([hologram, this.other]));
    const right = encodeHologram(mergeHolograms([this.other, hologram]));
    if (Buffer.compare(left, right) !== 0) throw new Error('merging depends on the order');
    decodeHologram(left);
    const offer = { price: 0, slope: 0, near: 0, slots: 0 };
    let offers = 0;
    for (const demand of this.demands) {
      if (!this.reader.read(hologram, demand, 1, offer)) continue;
      offers++;
      const { price, slope, near, slots } = offer;
      if (
        !(
          Number.isFinite(price) &&
          slope > 0 &&
          slope < Number.POSITIVE_INFINITY &&
          near >= 1 &&
          slots >= near
        )
      )
        throw new Error(`an offer of price ${price}, slope ${slope}, near ${near}, slots ${slots}`);
    }
    return offers;
  }
}

/** Changes one or two bytes behind times and sums: most of these are numbers of classes, and stay well-formed. */
function withBytesChanged(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const from = Math.min(60, bytes.length >> 1);
  for (let i = random.nextInt(2); i >= 0; i--) {
    changed[from + random.nextInt(bytes.length - from)] = random.nextInt(random.nextInt(2) === 0 ? 8 : 256);
  }
  return changed;
}

/**
 * Runs inputs [from, to) of a seed in this process.
 *
 * @param onInput Called with the index of each input before it runs.
 * @throws FuzzFailure naming the input, also if one takes longer than INPUT_MS_MAX.
 */
export function fuzz(
  seed: number,
  from: number,
  to: number,
  onInput: (index: number) => void = () => {},
): FuzzReport {
  const fuzzer = new HologramFuzzer();
  const report: FuzzReport = {
    inputs: 0,
    outcomes: {},
    classes: 0,
    offers: 0,
    slowestMs: 0,
    slowestInput: -1,
  };
  for (let index = from; index < to; index++) {
    onInput(index);
    const begin = performance.now();
    try {
      const { outcome, classes, offers } = fuzzer.run(fuzzer.input(seed, index));
      report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
      report.classes += classes;
      report.offers += offers;
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
  const worker = new Worker(new URL('./hologram-fuzz-worker.ts', import.meta.url), {
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
      } else if (index > 0 && performance.now() - since > 5 * INPUT_MS_MAX) {
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
  if (values.only !== undefined) {
    const fuzzer = new HologramFuzzer();
    const bytes = fuzzer.input(seed, Number(values.only));
    process.stdout.write(`${Buffer.from(bytes).toString('hex')}\n${JSON.stringify(fuzzer.run(bytes))}\n`);
    return;
  }
  const begin = performance.now();
  const report = await fuzzUnderWatch(seed, Number(values.inputs));
  const seconds = Math.round((performance.now() - begin) / 1_000);
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1_024);
  process.stdout.write(`${JSON.stringify({ seed, ...report, seconds, rssMb }, null, 2)}\n`);
}

if (import.meta.main) await main();
