/**
 * The sizes of holograms on the wire, without writing each of them.
 *
 * Nearly all bytes of a hologram are its classes, and a zone without changes publishes the same ones again with other
 * sums. So the bytes of the classes are written once, and those of the sums are counted. Exact: the measurement must
 * not depend on the order in which a thread saw the holograms.
 */
import { isNothingHeld } from '../../field/hologram/held-part.ts';
import {
  COUNTED_SUMS,
  type Hologram,
  type HologramMaxima,
  type HologramModel,
} from '../../field/hologram/hologram.ts';
import { RATE_UNIT } from '../../field/hologram/hologram-limits.ts';
import { encodeHologram } from '../../field/hologram/wire.ts';
import { type FieldSink, writeMessageFields } from '../../governor/federation/message-fields.ts';
import type { BoardEntry, Message } from '../../governor/federation/messages.ts';

/** Maxima that are written as whole numbers. */
const COUNTED_MAXIMA = [
  'zoneFreeGpuMilli',
  'zoneWholeGpus',
] as const satisfies readonly (keyof HologramMaxima)[];

/** Bytes of a hologram but for its sums and maxima. */
interface Rest {
  readonly models: readonly HologramModel[];
  readonly demandMilli: number;
  readonly bytes: number;
}

/** Bytes of a board's entry beside its hologram. */
const ENTRY_BYTES = 16;

/** Sizes of holograms, cached as long as these live. */
export class WireSizes implements FieldSink {
  /** Of the fields of the message that is being measured. */
  private bytes = 0;
  private readonly sizes = new WeakMap<Hologram, number>();
  private readonly rests = new WeakMap<object, Rest>();

  /** @returns Bytes of a message's holograms and entries; 0 if it is of a kind without. O(entries). */
  contentOf(message: Message): number {
    this.bytes = 0;
    writeMessageFields(message, this);
    return this.bytes;
  }

  number(): void {}

  hologram(hologram: Hologram): void {
    this.bytes += this.bytesOf(hologram);
  }

  entries(entries: readonly BoardEntry[]): void {
    for (const { hologram } of entries) this.bytes += ENTRY_BYTES + this.bytesOf(hologram);
  }

  /** @returns The length of `encodeHologram(hologram)`. O(1) where its classes are known. */
  bytesOf(hologram: Hologram): number {
    let size = this.sizes.get(hologram);
    if (size === undefined) {
      size = this.restOf(hologram) + sumBytes(hologram);
      this.sizes.set(hologram, size);
    }
    return size;
  }

  private restOf(hologram: Hologram): number {
    const { classes, models, demandMilli } = hologram;
    const known = this.rests.get(classes);
    if (known !== undefined && known.models === models && known.demandMilli === demandMilli)
      return known.bytes;
    const bytes = encodeHologram(hologram).length - sumBytes(hologram);
    this.rests.set(classes, { models, demandMilli, bytes });
    return bytes;
  }
}

/** Bytes of the parts that change although the classes stay. */
function sumBytes({ sums, maxima, held }: Hologram): number {
  let bytes = countBytes(sums.arrivalsPerSecond / RATE_UNIT);
  for (const name of COUNTED_SUMS) bytes += countBytes(sums[name]);
  for (const name of COUNTED_MAXIMA) bytes += countBytes(maxima[name]);
  if (isNothingHeld(held)) return bytes;
  const { gpuMilli, cpuMilli, champion } = held;
  bytes += countBytes(gpuMilli) + countBytes(cpuMilli) + 1;
  if (champion === undefined) return bytes;
  return bytes + 8 + countBytes(champion.gang) + countBytes(champion.demandId) + countBytes(champion.pods);
}

/** Bytes of a whole number on the wire: seven bits each. */
function countBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
