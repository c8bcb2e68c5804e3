/**
 * The event log of a seed: every input of every process with a digest of the process's output, one line of JSON each.
 * `docs/vopr.md` describes the format.
 *
 *     {"log":"teg-vopr","version":2,"seed":7,"steps":500,"plant":null,"scenario":123456}
 *     ["H",0,"VEVHSAEA…"]                      hologram 0, in its wire format, as base64
 *     ["S",0,0,3,1]                            event, time, process, incarnation: it starts with nothing
 *     ["C",41,1.25,3] ["L",57,1.5,3]           event, time, process: it crashes; it comes back from its log
 *     ["I",12,0.5,3,"receive",[…],987654]      event, time, process, kind, its fields, digest
 *     ["E",913,null]                           events in all, failure
 *
 * Not here: files; a driver stores the lines where it likes.
 */
import type { Hologram } from '../../../field/hologram/hologram.ts';
import { decodeHologram, encodeHologram } from '../../../field/hologram/wire.ts';
import type { SubmittedJob } from '../../../governor/federation/host/host-jobs.ts';
import {
  type FieldSink,
  type FieldSource,
  isMessageKind,
  readEntryFields,
  readMessageFields,
  writeEntryFields,
  writeMessageFields,
} from '../../../governor/federation/message-fields.ts';
import type { BoardEntry, Message } from '../../../governor/federation/messages.ts';
import { TegError } from '../../../model/errors.ts';
import { PLANTS, type Plant } from './planted-bugs.ts';
import type { ProcessInput } from './process-input.ts';

/** Version of the format; a reader refuses others. */
const LOG_VERSION = 3;
const LOG_NAME = 'teg-vopr';

/** The first line. */
export interface VoprLogHeader {
  readonly seed: number;
  readonly steps: number;
  readonly plant: Plant | undefined;
  /** Digest of the seed's scenario; a different one means another version of TEG. */
  readonly scenario: number;
}

/** A line after the first. */
export type VoprLogLine =
  | {
      readonly kind: 'start';
      readonly event: number;
      readonly timeSeconds: number;
      readonly process: number;
      readonly incarnation: number;
    }
  | {
      readonly kind: 'crash' | 'resume';
      readonly event: number;
      readonly timeSeconds: number;
      readonly process: number;
    }
  | {
      readonly kind: 'input';
      readonly event: number;
      readonly timeSeconds: number;
      readonly process: number;
      readonly input: ProcessInput;
      /** Of the messages and actions; −1: the process threw. */
      readonly digest: number;
    }
  | { readonly kind: 'end'; readonly events: number; readonly failure: string };

/** Fields of a job that is given to a host. */
const JOB_FIELDS: readonly (keyof SubmittedJob)[] = [
  'job',
  'demandId',
  'podCount',
  'gangMin',
  'priority',
  'tenant',
];

/** Fields of the other inputs. */
const INPUT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  wake: [],
  submit: JOB_FIELDS,
  cancel: ['job'],
  'adopt-job': [...JOB_FIELDS, 'zone', 'offer'],
  'adopt-part': [...JOB_FIELDS, 'part', 'zone', 'offer', 'pods', 'isOver'],
  'adopt-ended': ['job', 'offer', 'host', 'reason'],
  'node-up': ['node'],
  'node-down': ['node'],
  exit: ['job', 'offer'],
};

/** A message's fields as an array: numbers, numbers of holograms, and an array of arrays for the entries of a board. */
class ArraySink implements FieldSink {
  readonly values: unknown[] = [];
  private readonly hologramId: (hologram: Hologram) => number;

  constructor(hologramId: (hologram: Hologram) => number) {
    this.hologramId = hologramId;
  }

  number(value: number): void {
    this.values.push(value);
  }

  hologram(hologram: Hologram): void {
    this.values.push(this.hologramId(hologram));
  }

  entries(entries: readonly BoardEntry[]): void {
    this.values.push(
      entries.map((entry) => {
        const sink = new ArraySink(this.hologramId);
        writeEntryFields(entry, sink);
        return sink.values;
      }),
    );
  }
}

/** Reads what `ArraySink` wrote. */
class ArraySource implements FieldSource {
  private readonly values: readonly unknown[];
  private readonly hologramOf: (id: unknown) => Hologram;
  private readonly invalid: () => TegError;
  private at = 0;

  /** @param invalid Makes the error for values of another form. */
  constructor(values: readonly unknown[], hologramOf: (id: unknown) => Hologram, invalid: () => TegError) {
    this.values = values;
    this.hologramOf = hologramOf;
    this.invalid = invalid;
  }

  number(): number {
    const value = this.values[this.at++];
    if (!isNumber(value)) throw this.invalid();
    return value;
  }

  hologram(): Hologram {
    return this.hologramOf(this.values[this.at++]);
  }

  entries(): readonly BoardEntry[] {
    const lists = this.values[this.at++];
    if (!Array.isArray(lists)) throw this.invalid();
    return lists.map((list: unknown) => {
      if (!Array.isArray(list)) throw this.invalid();
      const source = new ArraySource(list, this.hologramOf, this.invalid);
      const entry = readEntryFields(source);
      source.end();
      return entry;
    });
  }

  /** All values are read. */
  end(): void {
    if (this.at !== this.values.length) throw this.invalid();
  }
}

/** Writes a log. */
export class VoprLogWriter {
  private readonly write: (line: string) => void;
  private readonly holograms = new Map<string, number>();

  /** @param write Takes each line, without newline. */
  constructor(write: (line: string) => void, { seed, steps, plant, scenario }: VoprLogHeader) {
    this.write = write;
    const header = { log: LOG_NAME, version: LOG_VERSION, seed, steps, plant: plant ?? null, scenario };
    write(JSON.stringify(header));
  }

  /** Writes a line, and before it the holograms that it names. */
  append(line: VoprLogLine): void {
    const json = this.encode(line);
    this.write(JSON.stringify(json));
  }

  private encode(line: VoprLogLine): unknown[] {
    switch (line.kind) {
      case 'start':
        return ['S', line.event, line.timeSeconds, line.process, line.incarnation];
      case 'crash':
        return ['C', line.event, line.timeSeconds, line.process];
      case 'resume':
        return ['L', line.event, line.timeSeconds, line.process];
      case 'input': {
        const { event, timeSeconds, process, input, digest } = line;
        return ['I', event, timeSeconds, process, input.kind, this.fieldsOf(input), digest];
      }
      case 'end':
        return ['E', line.events, line.failure];
    }
  }

  private fieldsOf(input: ProcessInput): unknown {
    if (input.kind === 'receive') {
      const sink = new ArraySink((hologram) => this.hologramId(hologram));
      writeMessageFields(input.message, sink);
      return sink.values;
    }
    if (input.kind === 'adopt-run') {
      const { job, offer, host, demandId, tenant, nodes, gpuMasks } = input.run;
      return [job, offer, host, demandId, tenant, nodes, gpuMasks];
    }
    const record = input as unknown as Record<string, number>;
    return (INPUT_FIELDS[input.kind] as readonly string[]).map((name) => record[name]);
  }

  private hologramId(hologram: Hologram): number {
    const text = Buffer.from(encodeHologram(hologram)).toString('base64');
    let id = this.holograms.get(text);
    if (id === undefined) {
      id = this.holograms.size;
      this.holograms.set(text, id);
      this.write(JSON.stringify(['H', id, text]));
    }
    return id;
  }
}

/** Reads a log line by line. */
export class VoprLogReader {
  /** Undefined before the first line. */
  header: VoprLogHeader | undefined;
  private readonly holograms: Hologram[] = [];
  private lines = 0;

  /** @returns The line; undefined for the header and for holograms. @throws TegError TEG_LOG_INVALID with the line's number. */
  read(text: string): VoprLogLine | undefined {
    this.lines++;
    const value = this.parse(text);
    if (this.header === undefined) {
      this.header = this.headerOf(value);
      return undefined;
    }
    if (!Array.isArray(value)) throw this.invalid(text, 'an array');
    return this.lineOf(value, text);
  }

  /** @returns The failure that a reader of line `lines` reports. */
  invalid(text: string, expected: string, cause?: unknown): TegError {
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    return new TegError(
      'TEG_LOG_INVALID',
      `line ${this.lines} of the event log is '${shown}'; expected ${expected}: replay a whole log of this version of TEG`,
      { cause },
    );
  }

  private parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.invalid(text, 'one JSON value', cause);
    }
  }

  private headerOf(value: unknown): VoprLogHeader {
    const { log, version, seed, steps, plant, scenario } = (value ?? {}) as Record<string, unknown>;
    const isHeader = log === LOG_NAME && version === LOG_VERSION;
    const areNumbers = [seed, steps, scenario].every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
    const isPlant = plant === null || (typeof plant === 'string' && Object.hasOwn(PLANTS, plant));
    if (!isHeader || !areNumbers || !isPlant) {
      throw this.invalid(`${JSON.stringify(value)}`, `a header of ${LOG_NAME}, version ${LOG_VERSION}`);
    }
    return {
      seed: seed as number,
      steps: steps as number,
      scenario: scenario as number,
      plant: plant === null ? undefined : (plant as Plant),
    };
  }

  private lineOf(value: unknown[], text: string): VoprLogLine | undefined {
    const [tag, ...rest] = value;
    if (tag === 'H') return this.readHologram(rest, text);
    if (tag === 'E') {
      const [events, failure] = rest;
      if (!isNumber(events) || typeof failure !== 'string')
        throw this.invalid(text, 'a number of events and a failure');
      return { kind: 'end', events, failure };
    }
    const [event, timeSeconds, process, ...more] = rest;
    if (!isNumber(event) || !isNumber(timeSeconds) || !isNumber(process)) {
      throw this.invalid(text, 'event, time and process');
    }
    const place = { event, timeSeconds, process };
    if (tag === 'C') return { kind: 'crash', ...place };
    if (tag === 'L') return { kind: 'resume', ...place };
    if (tag === 'S') {
      if (!isNumber(more[0])) throw this.invalid(text, 'an incarnation');
      return { kind: 'start', ...place, incarnation: more[0] };
    }
    if (tag !== 'I') throw this.invalid(text, 'H, S, C, L, I or E at its start');
    const [kind, fields, digest] = more;
    if (typeof kind !== 'string' || !Array.isArray(fields) || !isNumber(digest)) {
      throw this.invalid(text, 'an input with its fields and a digest');
    }
    return { kind: 'input', ...place, input: this.inputOf(kind, fields, text), digest };
  }

  private readHologram([id, text]: unknown[], line: string): undefined {
    if (id !== this.holograms.length || typeof text !== 'string')
      throw this.invalid(line, 'the next hologram');
    try {
      this.holograms.push(decodeHologram(new Uint8Array(Buffer.from(text, 'base64'))));
    } catch (cause) {
      throw this.invalid(line, 'a hologram in its wire format', cause);
    }
    return undefined;
  }

  private inputOf(kind: string, fields: unknown[], text: string): ProcessInput {
    if (kind === 'receive') return { kind, message: this.messageOf(fields, text) };
    if (kind === 'adopt-run') {
      const [job, offer, host, demandId, tenant, nodes, gpuMasks] = fields;
      const sound =
        [job, offer, host, demandId, tenant].every(isNumber) && isNumbers(nodes) && isNumbers(gpuMasks);
      if (!sound) throw this.invalid(text, 'a run');
      return { kind, run: { job, offer, host, demandId, tenant, nodes, gpuMasks } as never };
    }
    const names = Object.hasOwn(INPUT_FIELDS, kind) ? (INPUT_FIELDS[kind] as readonly string[]) : undefined;
    if (names === undefined) throw this.invalid(text, 'a known kind of input');
    if (fields.length !== names.length || !fields.every(isNumber)) {
      throw this.invalid(text, names.length === 0 ? 'no field' : `the numbers ${names.join(', ')}`);
    }
    return Object.fromEntries([['kind', kind], ...names.map((name, i) => [name, fields[i]])]) as never;
  }

  private messageOf(fields: unknown[], text: string): Message {
    if (!isMessageKind(fields[0])) throw this.invalid(text, 'a known kind of message');
    const source = new ArraySource(
      fields,
      (id) => this.hologram(id, text),
      () => this.invalid(text, 'the fields of its kind of message'),
    );
    const message = readMessageFields(source);
    source.end();
    return message;
  }

  private hologram(id: unknown, text: string): Hologram {
    const hologram = typeof id === 'number' ? this.holograms[id] : undefined;
    if (hologram === undefined) throw this.invalid(text, 'the number of a hologram that was written before');
    return hologram;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isNumber);
}
