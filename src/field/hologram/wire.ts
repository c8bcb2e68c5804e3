/**
 * Holograms as bytes: encoded in one form only, decoded with every bound checked.
 *
 * The same hologram gives the same bytes, and bytes that `encodeHologram` would not write are refused, so that bytes
 * can be compared instead of holograms. `docs/hologram.md` describes the format byte by byte.
 */
import { TegError } from '../../model/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { type ChampionBid, type HeldPart, isNothingHeld, NO_HELD_PART } from './held-part.ts';
import {
  COUNTED_SUMS,
  Hologram,
  type HologramMaxima,
  type HologramModel,
  type HologramSums,
} from './hologram.ts';
import { HOLOGRAM_LIMITS, RATE_UNIT, SUM_MAX } from './hologram-limits.ts';
import { readClasses, writeClasses } from './wire-classes.ts';

/** `TEGH`. */
const MAGIC = [0x54, 0x45, 0x47, 0x48] as const;

/** The version that is written where nothing is held idle, as it was before there were gangs across zones. */
export const HOLOGRAM_VERSION = 1;
/** The version with a held part, after everything else. The latest that is read. */
export const HOLOGRAM_HELD_VERSION = 2;

const SECONDS_MAX = Number.MAX_VALUE;

/**
 * @returns Fresh bytes.
 * @throws  TegError TEG_LIMIT_REACHED if a text or a number of labels or resources passes `HOLOGRAM_LIMITS`.
 * @cost    O(classes + texts).
 */
export function encodeHologram(hologram: Hologram): Uint8Array {
  const writer = new ByteWriter();
  for (const byte of MAGIC) writer.byte(byte);
  const holds = !isNothingHeld(hologram.held);
  writer.byte(holds ? HOLOGRAM_HELD_VERSION : HOLOGRAM_VERSION);
  writer.double(hologram.takenAt);
  writer.double(hologram.newestAt);
  writeSums(writer, hologram.sums);
  writeMaxima(writer, hologram.maxima);
  const texts = textsOf(hologram);
  const textIds = writeTexts(writer, texts);
  writer.count(hologram.demandMilli);
  writer.count(hologram.models.length);
  for (const model of hologram.models) {
    writer.count(textIds.get(model.gpuModel) as number);
    writer.count(model.freeMilli);
    writer.count(model.capacityMilli);
    writer.count(model.boundMilli);
  }
  writeClasses(writer, hologram.classes, textIds);
  if (holds) writeHeld(writer, hologram.held);
  requireAtMost('bytes of a hologram', writer.length, HOLOGRAM_LIMITS.bytesMax);
  return writer.finish();
}

/**
 * @param bytes Of unknown origin. Not kept.
 * @throws TegError TEG_HOLOGRAM_INVALID on anything that `encodeHologram` would not write. Memory O(bytes).
 */
export function decodeHologram(bytes: Uint8Array): Hologram {
  const reader = new ByteReader(bytes);
  if (bytes.length > HOLOGRAM_LIMITS.bytesMax) {
    reader.refuse(`${bytes.length} bytes`, `at most ${HOLOGRAM_LIMITS.bytesMax}`);
  }
  const version = readHead(reader);
  const times = readTimes(reader);
  const sums = readSums(reader);
  const maxima = readMaxima(reader);
  const texts = readTexts(reader);
  const used = new Uint8Array(texts.length);
  const demandMilli = reader.count('milli-GPU of demand', SUM_MAX);
  const models = readModels(reader, texts, used);
  const classes = readClasses(reader, texts, used);
  const held = version === HOLOGRAM_HELD_VERSION ? readHeld(reader) : NO_HELD_PART;
  if (reader.left > 0) reader.refuse(`${reader.left} more bytes`, 'the end');
  const unused = used.indexOf(0);
  if (unused >= 0) reader.refuse(`text ${unused}, which nothing refers to`, 'no such text');
  return new Hologram({ ...times, sums, maxima, demandMilli, models, classes, held });
}

function readHead(reader: ByteReader): number {
  for (const expected of MAGIC) {
    const got = reader.byte();
    if (got !== expected) reader.refuse(`byte ${got}`, `byte ${expected} of 'TEGH'`, reader.at - 1);
  }
  const version = reader.byte();
  if (version === HOLOGRAM_VERSION || version === HOLOGRAM_HELD_VERSION) return version;
  throw new TegError(
    'TEG_HOLOGRAM_INVALID',
    `got a hologram of version ${version}; expected version ${HOLOGRAM_VERSION} or ${HOLOGRAM_HELD_VERSION}: upgrade whichever of sender and ` +
      'reader is older',
  );
}

function writeHeld(writer: ByteWriter, { gpuMilli, cpuMilli, champion }: HeldPart): void {
  writer.count(gpuMilli);
  writer.count(cpuMilli);
  writer.byte(champion === undefined ? 0 : 1);
  if (champion === undefined) return;
  writer.double(champion.rankSeconds);
  writer.count(champion.gang);
  writer.count(champion.demandId);
  writer.count(champion.pods);
}

function readHeld(reader: ByteReader): HeldPart {
  const begin = reader.at;
  const gpuMilli = reader.count('milli-GPU held idle', SUM_MAX);
  const cpuMilli = reader.count('thousandths of a core held idle', SUM_MAX);
  const has = reader.byte();
  if (has > 1) reader.refuse(`byte ${has}`, '0 or 1 champions', reader.at - 1);
  const held = { gpuMilli, cpuMilli, champion: has === 1 ? readBid(reader) : undefined };
  // One form only: what holds nothing is written as version 1.
  if (isNothingHeld(held)) reader.refuse('a held part without content', 'version 1', begin);
  return held;
}

function readBid(reader: ByteReader): ChampionBid {
  const rankSeconds = reader.double('seconds of a rank', 0, SECONDS_MAX);
  const gang = reader.count('the number of a gang', SUM_MAX);
  const demandId = reader.count('the number of a demand', SUM_MAX);
  const begin = reader.at;
  const pods = reader.count('pods', SUM_MAX);
  if (pods === 0) reader.refuse('a champion that lacks nothing', 'at least 1 pod', begin);
  return { rankSeconds, gang, demandId, pods };
}

function readTimes(reader: ByteReader): { takenAt: number; newestAt: number } {
  const begin = reader.at;
  const takenAt = reader.double('a time', -SECONDS_MAX, Number.POSITIVE_INFINITY);
  const newestAt = reader.double('a time', Number.NEGATIVE_INFINITY, SECONDS_MAX);
  const ofNothing = takenAt === Number.POSITIVE_INFINITY && newestAt === Number.NEGATIVE_INFINITY;
  const ofSomething = takenAt <= newestAt && Number.isFinite(takenAt) && Number.isFinite(newestAt);
  if (!ofNothing && !ofSomething) {
    reader.refuse(`times ${takenAt} and ${newestAt}`, 'the oldest not after the newest', begin);
  }
  return { takenAt, newestAt };
}

function writeSums(writer: ByteWriter, sums: HologramSums): void {
  for (const name of COUNTED_SUMS) writer.count(sums[name]);
  writer.count(sums.arrivalsPerSecond / RATE_UNIT);
}

function readSums(reader: ByteReader): HologramSums {
  const counted = Object.fromEntries(COUNTED_SUMS.map((name) => [name, reader.count(name, SUM_MAX)]));
  const arrivalsPerSecond = reader.count('arrivals', SUM_MAX) * RATE_UNIT;
  return { ...counted, arrivalsPerSecond } as Record<keyof HologramSums, number>;
}

function writeMaxima(writer: ByteWriter, maxima: HologramMaxima): void {
  writer.double(maxima.oldestWaitSeconds);
  writer.count(maxima.zoneFreeGpuMilli);
  writer.count(maxima.zoneWholeGpus);
  writer.double(maxima.heldShare);
}

function readMaxima(reader: ByteReader): HologramMaxima {
  return {
    oldestWaitSeconds: reader.double('seconds of waiting', 0, SECONDS_MAX),
    zoneFreeGpuMilli: reader.count('milli-GPU of a zone', SUM_MAX),
    zoneWholeGpus: reader.count('GPUs of a zone', SUM_MAX),
    heldShare: reader.double('a share', 0, 1),
  };
}

/** All texts of a hologram, ascending, each once. */
function textsOf({ models, classes }: Hologram): string[] {
  const texts = new Set<string>();
  for (const { gpuModel } of models) texts.add(gpuModel);
  for (const { gpuModel, labels } of classes.flavors) {
    texts.add(gpuModel);
    for (const [key, value] of Object.entries(labels)) texts.add(key).add(value);
  }
  for (const { amounts } of classes.extended) for (const [name] of amounts) texts.add(name);
  return [...texts].sort(byCodeUnits);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): Map<string, number> {
  requireAtMost('texts in a hologram', texts.length, HOLOGRAM_LIMITS.stringsMax);
  writer.count(texts.length);
  for (const text of texts) {
    const bytes = writer.text(text);
    requireAtMost('bytes of a label, model or resource name', bytes, HOLOGRAM_LIMITS.stringBytesMax);
  }
  return new Map(texts.map((text, i) => [text, i]));
}

function readTexts(reader: ByteReader): string[] {
  const texts: string[] = [];
  const count = reader.countOf('texts', HOLOGRAM_LIMITS.stringsMax, 1);
  for (let i = 0; i < count; i++) {
    const begin = reader.at;
    const text = reader.text('a text', HOLOGRAM_LIMITS.stringBytesMax);
    if (i > 0 && !((texts[i - 1] as string) < text))
      reader.refuse('a text out of order', 'a later one', begin);
    texts.push(text);
  }
  return texts;
}

function readModels(reader: ByteReader, texts: readonly string[], used: Uint8Array): HologramModel[] {
  const models: HologramModel[] = [];
  const count = reader.countOf('GPU models', HOLOGRAM_LIMITS.modelsMax, 4);
  let last = -1;
  for (let i = 0; i < count; i++) {
    const begin = reader.at;
    const text = reader.count('the number of a text', texts.length - 1);
    if (text <= last) reader.refuse('a GPU model out of order', 'a later one', begin);
    last = text;
    used[text] = 1;
    models.push({
      gpuModel: texts[text] as string,
      freeMilli: reader.count('milli-GPU', SUM_MAX),
      capacityMilli: reader.count('milli-GPU', SUM_MAX),
      boundMilli: reader.count('milli-GPU', SUM_MAX),
    });
  }
  return models;
}

function requireAtMost(what: string, got: number, max: number): void {
  if (got <= max) return;
  throw new TegError(
    'TEG_LIMIT_REACHED',
    `got ${got} ${what}; expected at most ${max}: shorten or drop labels`,
  );
}
