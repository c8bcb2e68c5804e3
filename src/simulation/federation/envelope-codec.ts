/**
 * Letters as flat arrays, for the way between threads: numbers in rows, each hologram once in its wire format.
 */

import type { Hologram } from '../../field/hologram/hologram.ts';
import { decodeHologram, encodeHologram } from '../../field/hologram/wire.ts';
import type {
  BoardEntry,
  FederationReasonCode,
  Message,
  MessageKindCode,
} from '../../governor/federation/messages.ts';
import type { Envelope } from './network.ts';

/** Numbers of a letter. */
const ROW = 20;
/** Numbers of a board entry. */
const ENTRY_ROW = 5;

/** Letters that can be transferred to another thread. */
export interface EncodedEnvelopes {
  /** @shape [letters × ROW] */
  readonly rows: Float64Array;
  /** Entries of all boards, one board after the other. @shape [entries × ENTRY_ROW] */
  readonly entries: Float64Array;
  readonly holograms: readonly Uint8Array[];
}

/** Packs letters in their order. O(letters + bytes of the holograms). */
export function encodeEnvelopes(letters: readonly Envelope[]): EncodedEnvelopes {
  const rows = new Float64Array(letters.length * ROW);
  const entries: number[] = [];
  const boards = new Map<readonly BoardEntry[], number>();
  const known = new Map<Hologram, number>();
  const holograms: Uint8Array[] = [];
  const indexOf = (hologram: Hologram): number => {
    let index = known.get(hologram);
    if (index === undefined) {
      index = holograms.length;
      holograms.push(encodeHologram(hologram));
      known.set(hologram, index);
    }
    return index;
  };
  letters.forEach((letter, i) => {
    const m = letter.message;
    let hologram = -1;
    let board = -1;
    if (m.hologram !== undefined) hologram = indexOf(m.hologram);
    if (m.entries !== undefined) {
      board = boards.get(m.entries) ?? -1;
      if (board < 0) {
        board = entries.length / ENTRY_ROW;
        boards.set(m.entries, board);
        for (const e of m.entries)
          entries.push(e.id, e.isGroup ? 1 : 0, e.position, e.version, indexOf(e.hologram));
      }
    }
    rows.set(
      [
        letter.arrivesAt,
        letter.number,
        m.kind,
        m.from,
        m.to,
        m.job,
        m.attempt,
        m.offer,
        m.zone,
        m.host,
        m.demandId,
        m.podCount,
        m.gangMin,
        m.hops,
        m.reason,
        m.price,
        m.deadline,
        m.version,
        m.entries === undefined ? hologram : board,
        m.entries === undefined ? -1 : m.entries.length,
      ],
      i * ROW,
    );
  });
  return { rows, entries: Float64Array.from(entries), holograms };
}

/** Unpacks letters, and caches holograms: those of a board are mostly the same as on the last one. */
export class EnvelopeDecoder {
  /** The newest board entry of each process. */
  private readonly entries = new Map<number, BoardEntry>();

  /** @returns The letters in the order in which they were packed. @throws TegError of `decodeHologram`. */
  unpack(packed: EncodedEnvelopes): Envelope[] {
    const { rows, holograms } = packed;
    const decoded: (Hologram | undefined)[] = holograms.map(() => undefined);
    const hologramOf = (index: number): Hologram => {
      const hologram = decoded[index] ?? decodeHologram(holograms[index] as Uint8Array);
      decoded[index] = hologram;
      return hologram;
    };
    const boards = new Map<number, readonly BoardEntry[]>();
    const letters: Envelope[] = [];
    for (let at = 0; at < rows.length; at += ROW) {
      const row = rows.subarray(at, at + ROW);
      const reference = row[18] as number;
      const length = row[19] as number;
      let entries: readonly BoardEntry[] | undefined;
      if (length === 0) entries = [];
      else if (length > 0) {
        // Its start distinguishes boards, unless they are empty.
        entries = boards.get(reference) ?? this.board(packed, reference, length, hologramOf);
        boards.set(reference, entries);
      }
      const hologram = length < 0 && reference >= 0 ? hologramOf(reference) : undefined;
      letters.push({
        arrivesAt: row[0] as number,
        number: row[1] as number,
        message: messageOf(row, hologram, entries),
      });
    }
    return letters;
  }

  private board(
    packed: EncodedEnvelopes,
    first: number,
    length: number,
    hologramOf: (index: number) => Hologram,
  ): readonly BoardEntry[] {
    const list: BoardEntry[] = [];
    for (let i = first; i < first + length; i++) {
      const at = i * ENTRY_ROW;
      const id = packed.entries[at] as number;
      const version = packed.entries[at + 3] as number;
      const known = this.entries.get(id);
      if (known !== undefined && known.version === version) {
        list.push(known);
        continue;
      }
      const entry: BoardEntry = {
        id,
        isGroup: packed.entries[at + 1] === 1,
        position: packed.entries[at + 2] as number,
        version,
        hologram: hologramOf(packed.entries[at + 4] as number),
      };
      this.entries.set(id, entry);
      list.push(entry);
    }
    return list;
  }
}

function messageOf(
  row: Float64Array,
  hologram: Hologram | undefined,
  entries: readonly BoardEntry[] | undefined,
): Message {
  return {
    kind: row[2] as MessageKindCode,
    from: row[3] as number,
    to: row[4] as number,
    job: row[5] as number,
    attempt: row[6] as number,
    offer: row[7] as number,
    zone: row[8] as number,
    host: row[9] as number,
    demandId: row[10] as number,
    podCount: row[11] as number,
    gangMin: row[12] as number,
    hops: row[13] as number,
    reason: row[14] as FederationReasonCode,
    price: row[15] as number,
    deadline: row[16] as number,
    version: row[17] as number,
    hologram,
    entries,
  };
}
