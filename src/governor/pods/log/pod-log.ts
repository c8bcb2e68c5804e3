/**
 * The event log of the pod scheduler: one line of JSON a step, from which a fresh scheduler repeats it.
 *
 * The common part of pods of one controller, and of nodes of one kind, is written once and referred to by number. Each
 * step has a digest of the effects of all steps so far, and the effects themselves where there are any, so that a
 * replay can name the first step that differs, and how.
 *
 *     {"format":"teg-pod-log","version":2,"teg":"…","effects":true,"seed":7,"options":{…}}
 *     ["P",{"namespace":"a",…}]                                pod template 0
 *     ["N",{"labels":{…},"taints":[],…}]                       node shape 0
 *     {"t":12.5,"event":{"kind":"pod","pod":{…,"template":0}},"digest":4022871197}
 *     {"t":12.5,"event":{"kind":"decide","max":64},"digest":…,"effects":[…]}
 *     ["C"]                                                    the numbers of templates and shapes begin at 0 again
 *     {"end":"complete","steps":2}
 *
 * Not here: files; a driver stores the lines where it likes.
 */
import { TegError } from '../../../model/errors.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { isRecord } from '../../../model/readers/read-object.ts';
import type { PodEffect, PodEvent, PodSchedulerOptions } from '../pod-events.ts';
import { digestOf } from './pod-effects-digest.ts';
import {
  CHECK_EVENT,
  CHECK_NODE_SHAPE,
  CHECK_OPTIONS,
  CHECK_TEMPLATE,
  type Mismatch,
  type ValueCheck,
} from './pod-log-checks.ts';

/**
 * Version of the format; a reader refuses others: decisions on a log of another version cannot be repeated now. 2:
 * nominations of others, victims known by their status, reports that are renewed, DeviceClasses.
 */
export const POD_LOG_VERSION = 2;

const FORMAT = 'teg-pod-log';

/** Most characters of a line, without its end. An API object has at most 1.5 MB. */
export const LOG_LINE_CHARS_MAX: number = 8 * 1024 * 1024;

/** Most templates and node shapes that are referred to at once, and most characters of them. */
export const LOG_TEMPLATES_MAX = 8192;
const TEMPLATE_CHARS_MAX = 64 * 1024 * 1024;

/** Stands in a node shape for the node's own name; no label value of a real node has it. */
const OWN_NAME = '\u0000name';
const HOSTNAME = 'kubernetes.io/hostname';

/** The common part of nodes of one kind. */
type NodeShape = Omit<NodeDescription, 'name' | 'uid'>;

/** Options of writing a log. */
export interface PodLogWriterOptions {
  /** The version of TEG that writes it, for people. */
  readonly madeBy?: string;
  /** Whether effects are written besides their digest; default true. */
  readonly withEffects?: boolean;
  /** Default LOG_TEMPLATES_MAX, which is also the most. */
  readonly templatesMax?: number;
  /** Default LOG_LINE_CHARS_MAX, which is also the most. */
  readonly lineCharsMax?: number;
}

/** Numbers of objects by their content. */
class Interned {
  private readonly byContent = new Map<string, number>();
  private byObject = new WeakMap<object, number>();
  chars = 0;

  get size(): number {
    return this.byContent.size;
  }

  /** @returns The number, or −1 if it has none yet; then `add` it. */
  find(object: object, content: () => string): number {
    const known = this.byObject.get(object);
    if (known !== undefined) return known;
    const number = this.byContent.get(content()) ?? -1;
    if (number >= 0) this.byObject.set(object, number);
    return number;
  }

  add(object: object, content: string): number {
    const number = this.byContent.size;
    this.byContent.set(content, number);
    this.byObject.set(object, number);
    this.chars += content.length;
    return number;
  }

  clear(): void {
    this.byContent.clear();
    this.byObject = new WeakMap();
    this.chars = 0;
  }
}

/** Writes a log; every call returns the text to append, with line ends. */
export class PodLogWriter {
  /** Steps written. */
  steps = 0;
  private digest = 0;
  private isDigestKnown = true;
  private readonly templates = new Interned();
  private readonly shapes = new Interned();
  private readonly options: PodSchedulerOptions;
  private readonly madeBy: string;
  private readonly withEffects: boolean;
  private readonly templatesMax: number;
  private readonly lineCharsMax: number;

  /** @param options Of the pod scheduler whose events are written. */
  constructor(options: PodSchedulerOptions, writing: PodLogWriterOptions = {}) {
    this.options = options;
    this.madeBy = writing.madeBy ?? '';
    this.withEffects = writing.withEffects ?? true;
    this.templatesMax = Math.min(LOG_TEMPLATES_MAX, writing.templatesMax ?? LOG_TEMPLATES_MAX);
    this.lineCharsMax = Math.min(LOG_LINE_CHARS_MAX, writing.lineCharsMax ?? LOG_LINE_CHARS_MAX);
  }

  /** @returns The first line. */
  head(): string {
    const { seed, ...options } = this.options;
    const head = { format: FORMAT, version: POD_LOG_VERSION, teg: this.madeBy, effects: this.withEffects };
    return `${JSON.stringify({ ...head, seed, options })}\n`;
  }

  /**
   * Writes a step, after it was done (or after it failed: then without effects).
   *
   * @param timeSeconds Finite.
   * @param effects     The step's effects; undefined: unknown, and no digest is written from here on.
   * @throws TegError TEG_LIMIT_REACHED if a line would be too long: the log is unusable from here on.
   */
  step(event: PodEvent, timeSeconds: number, effects: readonly PodEffect[] | undefined): string {
    const before = this.makeRoom(event);
    const [templates, written] = this.encode(event);
    const head = `{"t":${JSON.stringify(timeSeconds)},"event":${JSON.stringify(written)}`;
    let tail = '}';
    if (effects === undefined) this.isDigestKnown = false;
    else if (this.isDigestKnown) {
      this.digest = digestOf(effects, this.digest);
      tail = `,"digest":${this.digest}}`;
      if (this.withEffects && effects.length > 0) {
        const full = `,"digest":${this.digest},"effects":${JSON.stringify(effects)}}`;
        const fits = head.length + full.length <= this.lineCharsMax;
        tail = fits ? full : `,"digest":${this.digest},"effects":null}`;
      }
    }
    this.requireShort(head.length + tail.length, event.kind);
    this.steps++;
    return `${before}${templates}${head}${tail}\n`;
  }

  /** @returns The last line. @param reason `complete`, or why recording stopped. */
  end(reason: string): string {
    return `${JSON.stringify({ end: reason, steps: this.steps })}\n`;
  }

  /** When the numbers are used up, they begin again: memory stays bounded. */
  private makeRoom(event: PodEvent): string {
    if (event.kind !== 'pod' && event.kind !== 'node') return '';
    const { templates, shapes } = this;
    const isFull =
      templates.size + shapes.size >= this.templatesMax ||
      templates.chars + shapes.chars >= TEMPLATE_CHARS_MAX;
    if (!isFull) return '';
    templates.clear();
    shapes.clear();
    return '["C"]\n';
  }

  /** @returns Lines that have to precede the event, and the event in written form. */
  private encode(event: PodEvent): [string, unknown] {
    if (event.kind === 'pod') {
      const { template } = event.pod;
      const [line, number] = this.refer('P', this.templates, template, () => JSON.stringify(template));
      return [line, { kind: 'pod', pod: { ...event.pod, template: number } }];
    }
    if (event.kind === 'node') {
      const { node } = event;
      const [line, number] = this.refer('N', this.shapes, node, () => JSON.stringify(shapeOf(node)));
      return [line, { kind: 'node', node: { name: node.name, uid: node.uid, shape: number } }];
    }
    return ['', event];
  }

  private refer(tag: string, interned: Interned, object: object, toContent: () => string): [string, number] {
    let content: string | undefined;
    const contentOf = (): string => {
      content ??= toContent();
      return content;
    };
    const known = interned.find(object, contentOf);
    if (known >= 0) return ['', known];
    const line = `["${tag}",${contentOf()}]`;
    this.requireShort(line.length, tag === 'P' ? 'pod' : 'node');
    return [`${line}\n`, interned.add(object, contentOf())];
  }

  private requireShort(chars: number, what: string): void {
    if (chars <= this.lineCharsMax) return;
    throw new TegError(
      'TEG_LIMIT_REACHED',
      `event log: got an event '${what}' of ${chars} characters, expected at most ${this.lineCharsMax}; ` +
        'it cannot be recorded, and a log without it cannot be replayed: record again without that object',
    );
  }
}

/** One step of a log. */
export interface LoggedStep {
  /** Line of the file, from 1. */
  readonly line: number;
  /** Number of the step, from 0. */
  readonly step: number;
  readonly timeSeconds: number;
  readonly event: PodEvent;
  /** Of all effects so far; undefined where the step's effects were not known. */
  readonly digest: number | undefined;
  /** Undefined where only the digest was written. */
  readonly effects: readonly PodEffect[] | undefined;
}

/** Reads a log line by line. */
export class PodLogReader {
  /** The recorded scheduler's options; undefined before the first line. */
  options: PodSchedulerOptions | undefined;
  /** The version of TEG that wrote it, '' if it is not recorded. */
  madeBy = '';
  /** Lines read, steps read. */
  lines = 0;
  steps = 0;
  /** Why it ends: `complete` or a reason; undefined: not recorded (the writer was killed). */
  end: string | undefined;
  /** True if the last line was cut off and left out. */
  isTruncated = false;
  private templates: PodTemplate[] = [];
  private shapes: NodeShape[] = [];
  private withEffects = false;

  /**
   * Takes the next line, without its end.
   *
   * @returns The step, or undefined for the first line, templates and the end.
   * @throws TegError TEG_LOG_INVALID with the line's number.
   */
  read(line: string): LoggedStep | undefined {
    this.lines++;
    if (line.length > LOG_LINE_CHARS_MAX)
      throw this.invalid(line, `at most ${LOG_LINE_CHARS_MAX} characters`);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw this.invalid(line, 'one JSON value', cause);
    }
    if (this.options === undefined) return this.readHead(line, value);
    if (this.end !== undefined) throw this.invalid(line, 'nothing after the end of the log');
    if (Array.isArray(value)) return this.readTemplate(line, value);
    if (isRecord(value) && Object.hasOwn(value, 'end')) return this.readEnd(line, value);
    return this.readStep(line, value);
  }

  /**
   * Takes the end of the file.
   *
   * @param rest The text after the last line end. The writer of a log may be killed in the middle of a line: if it is
   *             not a whole line it is left out, and `isTruncated` says so.
   * @throws TegError TEG_LOG_INVALID if there is not even a first line, or the rest is JSON but not a line of a log.
   */
  finish(rest = ''): LoggedStep | undefined {
    let step: LoggedStep | undefined;
    if (rest !== '') {
      if (isJson(rest)) step = this.read(rest);
      else this.isTruncated = true;
    }
    if (this.options === undefined) {
      this.lines++;
      throw this.invalid(rest, `the head of a ${FORMAT} of version ${POD_LOG_VERSION}`);
    }
    return step;
  }

  private readHead(line: string, value: unknown): undefined {
    const expected = `the head of a ${FORMAT} of version ${POD_LOG_VERSION}`;
    if (!isRecord(value) || value.format !== FORMAT) throw this.invalid(line, expected);
    if (value.version !== POD_LOG_VERSION) {
      const { teg } = value;
      const by = typeof teg === 'string' && teg !== '' ? `teg ${teg.slice(0, 40)}` : 'another version of TEG';
      throw new TegError(
        'TEG_LOG_INVALID',
        `event log line 1 '${line.slice(0, 80)}': got version ${String(value.version).slice(0, 20)} of the format, written by ` +
          `${by}, expected version ${POD_LOG_VERSION}; replay it with the version of TEG that wrote it, or record again with this one`,
      );
    }
    const options = { ...(isRecord(value.options) ? value.options : {}), seed: value.seed };
    this.require(line, 'options', CHECK_OPTIONS(options));
    this.options = options as unknown as PodSchedulerOptions;
    this.madeBy = typeof value.teg === 'string' ? value.teg : '';
    this.withEffects = value.effects === true;
    return undefined;
  }

  private readTemplate(line: string, value: readonly unknown[]): undefined {
    const [tag, content] = value;
    if (tag === 'C') {
      this.templates = [];
      this.shapes = [];
      return undefined;
    }
    if (tag !== 'P' && tag !== 'N') throw this.invalid(line, 'a template, a node shape, a step or the end');
    if (this.templates.length + this.shapes.length >= LOG_TEMPLATES_MAX) {
      throw this.invalid(line, `at most ${LOG_TEMPLATES_MAX} templates and node shapes at once`);
    }
    const check: ValueCheck = tag === 'P' ? CHECK_TEMPLATE : CHECK_NODE_SHAPE;
    this.require(line, tag === 'P' ? 'template' : 'node shape', check(content));
    if (tag === 'P') this.templates.push(content as PodTemplate);
    else this.shapes.push(content as NodeShape);
    return undefined;
  }

  private readEnd(line: string, value: Record<string, unknown>): undefined {
    if (typeof value.end !== 'string') throw this.invalid(line, 'a reason for the end');
    if (value.steps !== this.steps) throw this.invalid(line, `the end after ${this.steps} steps`);
    this.end = value.end;
    return undefined;
  }

  private readStep(line: string, value: unknown): LoggedStep {
    if (!isRecord(value) || typeof value.t !== 'number') throw this.invalid(line, 'a step with a time t');
    const { digest, effects } = value;
    const isDigest = Number.isSafeInteger(digest) && (digest as number) >= 0 && (digest as number) < 2 ** 32;
    if (digest !== undefined && !isDigest) throw this.invalid(line, 'a digest of 32 bits');
    const isList = Array.isArray(effects) && effects.every(isRecord);
    if (effects !== undefined && effects !== null && !isList) throw this.invalid(line, 'a list of effects');
    this.require(line, 'event', CHECK_EVENT(value.event));
    const event = this.decode(line, value.event as Record<string, unknown>);
    return {
      line: this.lines,
      step: this.steps++,
      timeSeconds: value.t,
      event,
      digest: digest as number | undefined,
      effects:
        effects === undefined
          ? this.effectsAbsent(digest)
          : ((effects ?? undefined) as PodEffect[] | undefined),
    };
  }

  /** The effects of a step without recorded ones: none, if effects are written at all. */
  private effectsAbsent(digest: unknown): readonly PodEffect[] | undefined {
    return this.withEffects && digest !== undefined ? [] : undefined;
  }

  private decode(line: string, event: Record<string, unknown>): PodEvent {
    if (event.kind === 'pod') {
      const { tenant = '', ...pod } = event.pod as Record<string, unknown>;
      const template = this.referred(line, this.templates, pod.template as number);
      return { kind: 'pod', pod: { ...pod, tenant, template } } as unknown as PodEvent;
    }
    if (event.kind === 'node') {
      const { name, uid, shape } = event.node as { name: string; uid: string; shape: number };
      const content = this.referred(line, this.shapes, shape);
      return { kind: 'node', node: nodeOf(name, uid, content) };
    }
    return event as unknown as PodEvent;
  }

  private referred<T>(line: string, of: readonly T[], number: number): T {
    const content = of[number];
    if (content === undefined)
      throw this.invalid(line, `a number below ${of.length} that was written before`);
    return content;
  }

  private require(line: string, what: string, mismatch: Mismatch | undefined): void {
    if (mismatch !== undefined) throw this.invalid(line, `(${what}${mismatch.at}) ${mismatch.expected}`);
  }

  private invalid(line: string, expected: string, cause?: unknown): TegError {
    const shown = line.length > 80 ? `${line.slice(0, 80)}…` : line;
    return new TegError(
      'TEG_LOG_INVALID',
      `event log line ${this.lines} '${shown}': expected ${expected}; replay a log that --record of this version wrote, from its first line`,
      { cause },
    );
  }
}

/** The node without its names; where its hostname is its name, as nearly everywhere, a mark replaces it. */
function shapeOf({ name, uid: _, ...shape }: NodeDescription): NodeShape {
  if (shape.labels[HOSTNAME] !== name) return shape;
  return { ...shape, labels: { ...shape.labels, [HOSTNAME]: OWN_NAME } };
}

function nodeOf(name: string, uid: string, shape: NodeShape): NodeDescription {
  const labels = shape.labels[HOSTNAME] === OWN_NAME ? { ...shape.labels, [HOSTNAME]: name } : shape.labels;
  return { name, uid, ...shape, labels };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
