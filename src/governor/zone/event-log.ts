/**
 * The event log of a zone: one line of JSON for each event, from which a fresh zone repeats it.
 *
 * Events name demands by number, so the log also carries the vocabulary: every further resource and every demand is
 * written once, in the order of the demand table, before the first event that could refer to it. Numbers are written so
 * that they read back as the same doubles.
 *
 *     {"log":"teg-zone-events","version":2,"options":{…}}
 *     ["R","example.com/rdma"]                      further resource 0
 *     ["D",{"cpuMilli":4000,…}]                     demand 0
 *     [0,1,{"name":"node-0","cpuMilli":96000,…}]    time, NodeJoined, spec
 *     [0,4,17,0,3,3,0,2]                            time, JobSubmitted, job, demand, pods, gang, priority, tenant
 *     [0,4,18,0,3,3,0,2,1]                          the same of a job whose pods run already
 *     [0,4,19,0,3,3,0,2,0,7,3600]                   the same of owner 7, expected to run 3600 s (−1: unknown)
 *     [0,4,20,0,3,3,0,2,{"checkpointSeconds":600}]  the same with terms of evictions, behind whatever else there is
 *     [60.5,5,17,1]                                 time, JobFinished, job, run
 *     [61,8,0,5,300]                                time, NodeState, node, pressure (1 memory, 2 disk, 4 pid), watts of headroom
 *
 * Not here: files; a driver stores the lines where it likes.
 */
import type { Demand, DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import { areTermsSound, EVICTION_DEFAULTS, type EvictionTerms } from '../../model/eviction-terms.ts';
import type { PodSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { NODE_PRESSURES, pressureBits, pressuresOf } from '../../model/node-state.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import { type JobSubmittedEvent, type ZoneEvent, ZoneEventKind, type ZoneOptions } from './zone-events.ts';

/**
 * Version of the format that is written. 2: submissions name a tenant, by the caller's number; in a log of version 1, which is
 * read as well, all jobs are the default tenant's. Others are refused.
 */
const EVENT_LOG_VERSION = 2;
const EVENT_LOG_VERSION_MIN = 1;

/** All pressures at once. */
const PRESSURE_BITS_MAX = pressureBits(NODE_PRESSURES);

/** Placeholder in a log for unknown power headroom. */
const HEADROOM_UNKNOWN = -1;

/** Placeholder in a log for an unknown owner or expected run time. */
const UNKNOWN = -1;

const LOG_NAME = 'teg-zone-events';

/** An event and its time. */
export interface TimedEvent {
  readonly timeSeconds: number;
  readonly event: ZoneEvent;
}

/** Kind → fields after time and kind, all integers; NodeJoined is apart. */
const FIELDS: Readonly<Record<number, readonly string[]>> = {
  [ZoneEventKind.NodeUp]: ['node'],
  [ZoneEventKind.NodeDown]: ['node'],
  [ZoneEventKind.JobSubmitted]: ['job', 'demandId', 'podCount', 'gangMin', 'priority', 'tenant'],
  [ZoneEventKind.JobFinished]: ['job', 'run'],
  [ZoneEventKind.JobCancelled]: ['job'],
  [ZoneEventKind.Tick]: [],
  [ZoneEventKind.NodeState]: ['node', 'pressure', 'powerHeadroomWatts'],
};

/** Required fields of a demand and a node. */
const POD_NUMBERS = ['cpuMilli', 'memoryMib', 'gpuCount', 'gpuMilli'];
const NODE_NUMBERS = ['cpuMilli', 'memoryMib', 'gpuCount', 'podsMax'];

/** @returns The event's line, without a newline. @param timeSeconds Finite. */
export function encodeEvent(event: ZoneEvent, timeSeconds: number): string {
  switch (event.kind) {
    case ZoneEventKind.NodeJoined:
      return JSON.stringify([timeSeconds, event.kind, event.spec]);
    case ZoneEventKind.NodeUp:
    case ZoneEventKind.NodeDown:
      return JSON.stringify([timeSeconds, event.kind, event.node]);
    case ZoneEventKind.JobSubmitted:
      return JSON.stringify(submissionFields(event, timeSeconds));
    case ZoneEventKind.JobFinished:
      return JSON.stringify([timeSeconds, event.kind, event.job, event.run ?? 0]);
    case ZoneEventKind.JobCancelled:
      return JSON.stringify([timeSeconds, event.kind, event.job]);
    case ZoneEventKind.NodeState: {
      const { pressure, powerHeadroomWatts = HEADROOM_UNKNOWN } = event.state;
      return JSON.stringify([
        timeSeconds,
        event.kind,
        event.node,
        pressureBits(pressure),
        powerHeadroomWatts,
      ]);
    }
    case ZoneEventKind.Tick:
      return JSON.stringify([timeSeconds, event.kind]);
  }
}

function submissionFields(event: JobSubmittedEvent, timeSeconds: number): unknown[] {
  const { kind, job, demandId, podCount, gangMin, priority, tenant = DEFAULT_TENANT } = event;
  const { owner, expectedSeconds, terms = EVICTION_DEFAULTS } = event;
  const running = event.running === true ? 1 : 0;
  const fields: unknown[] = [timeSeconds, kind, job, demandId, podCount, gangMin, priority, tenant];
  if (owner !== undefined || expectedSeconds !== undefined)
    fields.push(running, owner ?? UNKNOWN, expectedSeconds ?? UNKNOWN);
  else if (running === 1) fields.push(1);
  // Only what is not the default: Infinity is not JSON.
  const stated = Object.entries(terms).filter(
    ([name, value]) => EVICTION_DEFAULTS[name as keyof EvictionTerms] !== value,
  );
  if (stated.length > 0) fields.push(Object.fromEntries(stated));
  return fields;
}

/** Takes the terms of evictions off the end of a submission. */
function takeTerms(line: string, rest: unknown[]): Partial<JobSubmittedEvent> {
  const last = rest.at(-1);
  if (typeof last !== 'object' || last === null) return {};
  const terms = { ...EVICTION_DEFAULTS, ...last };
  const isKnown = Object.keys(last).every((name) => name in EVICTION_DEFAULTS);
  if (Array.isArray(last) || !isKnown || !areTermsSound(terms)) {
    throw invalid(line, 'known terms of evictions, intervals > 0');
  }
  rest.pop();
  return { terms };
}

/**
 * Reads back the output of `encodeEvent`.
 *
 * @throws TegError TEG_LOG_INVALID if the line is not a possible output of `encodeEvent`.
 */
export function decodeEvent(line: string): TimedEvent {
  const value = parseLine(line);
  if (!Array.isArray(value)) throw invalid(line, 'an array of time, kind and fields');
  const [timeSeconds, kind, ...rest] = value as unknown[];
  if (typeof timeSeconds !== 'number') throw invalid(line, 'a time in seconds at the start');
  if (kind === ZoneEventKind.NodeJoined) {
    const spec = rest[0];
    if (rest.length !== 1 || !hasNumbers(spec, NODE_NUMBERS) || typeof (spec as NodeSpec).name !== 'string') {
      throw invalid(line, 'a node');
    }
    return { timeSeconds, event: { kind, spec: spec as NodeSpec } };
  }
  const names = typeof kind === 'number' ? FIELDS[kind] : undefined;
  if (names === undefined) throw invalid(line, `a kind of event in [1, ${ZoneEventKind.NodeState}]`);
  const isSubmission = kind === ZoneEventKind.JobSubmitted;
  const terms = isSubmission ? takeTerms(line, rest) : {};
  if (isSubmission && rest.length === names.length - 1) rest.push(DEFAULT_TENANT);
  const extras = isSubmission ? { ...takeExtras(rest, names.length), ...terms } : {};
  if (rest.length !== names.length || !rest.every(Number.isInteger)) {
    throw invalid(line, names.length === 0 ? 'no further field' : `the integers ${names.join(', ')}`);
  }
  if (kind === ZoneEventKind.NodeState) {
    const [, bits = 0, watts = 0] = rest as number[];
    if (bits < 0 || bits > PRESSURE_BITS_MAX || watts < HEADROOM_UNKNOWN) {
      throw invalid(line, `pressure in [0, ${PRESSURE_BITS_MAX}] and watts of at least ${HEADROOM_UNKNOWN}`);
    }
    return { timeSeconds, event: nodeStateEvent(...(rest as [number, number, number])) };
  }
  const event = Object.fromEntries([['kind', kind], ...names.map((name, i) => [name, rest[i]])]);
  Object.assign(event, extras);
  return { timeSeconds, event: event as unknown as ZoneEvent };
}

/** Takes the fields behind the tenant off a submission; those that are malformed stay, and are refused. */
function takeExtras(rest: unknown[], length: number): Partial<JobSubmittedEvent> {
  if (rest.length === length + 1 && rest.at(-1) === 1) {
    rest.pop();
    return { running: true };
  }
  if (rest.length !== length + 3) return {};
  const [running, owner, expectedSeconds] = rest.slice(length) as number[];
  if (owner === UNKNOWN && expectedSeconds === UNKNOWN) return {};
  const isSound = (running === 0 || running === 1) && Number.isInteger(owner) && Number(owner) >= UNKNOWN;
  if (
    !isSound ||
    typeof expectedSeconds !== 'number' ||
    !(expectedSeconds >= 0 || expectedSeconds === UNKNOWN)
  ) {
    return {};
  }
  rest.length = length;
  return {
    ...(running === 1 ? { running: true } : {}),
    ...(owner === UNKNOWN ? {} : { owner: owner as number }),
    ...(expectedSeconds === UNKNOWN ? {} : { expectedSeconds }),
  };
}

/** @param watts −1: unknown. */
function nodeStateEvent(node: number, bits: number, watts: number): ZoneEvent {
  const pressure = pressuresOf(bits);
  const state = watts === HEADROOM_UNKNOWN ? { pressure } : { pressure, powerHeadroomWatts: watts };
  return { kind: ZoneEventKind.NodeState, node, state };
}

/** Writes a zone's events together with the vocabulary that they refer to. */
export class EventLogWriter {
  private readonly demands: DemandTable;
  private readonly write: (line: string) => void;
  private resourcesWritten = 0;
  private demandsWritten = 0;

  /**
   * @param demands The demand table of the zone's cluster.
   * @param options The zone's options, for the header.
   * @param write   Takes each line, without newline.
   */
  constructor(demands: DemandTable, options: ZoneOptions, write: (line: string) => void) {
    this.demands = demands;
    this.write = write;
    write(JSON.stringify({ log: LOG_NAME, version: EVENT_LOG_VERSION, options }));
  }

  /** Writes an event. Call it before the zone's step, so that the vocabulary is that before the step. */
  append(event: ZoneEvent, timeSeconds: number): void {
    const { resourceNames, demands } = this.demands;
    for (; this.resourcesWritten < resourceNames.length; this.resourcesWritten++) {
      this.write(JSON.stringify(['R', resourceNames[this.resourcesWritten]]));
    }
    for (; this.demandsWritten < demands.length; this.demandsWritten++) {
      const demand = demands[this.demandsWritten] as Demand;
      this.write(JSON.stringify(['D', specOf(this.demands, demand)]));
    }
    this.write(encodeEvent(event, timeSeconds));
  }
}

/** Reads a log line by line and brings the vocabulary back into a demand table. */
export class EventLogReader {
  /** The recorded zone's options; undefined before the first line. */
  options: ZoneOptions | undefined;
  private readonly demands: DemandTable;
  private resourcesRead = 0;
  private demandsRead = 0;

  /** @param demands The demand table of the new zone's cluster, as empty as it was when the recording began. */
  constructor(demands: DemandTable) {
    this.demands = demands;
  }

  /**
   * Takes one line.
   *
   * @returns The event, or undefined if the line was the header or vocabulary.
   * @throws TegError TEG_LOG_INVALID if the line is malformed, the version another, or the vocabulary differs.
   */
  read(line: string): TimedEvent | undefined {
    if (this.options === undefined) {
      this.options = decodeHeader(line);
      return undefined;
    }
    if (line.startsWith('["R",')) {
      const name = (parseLine(line) as unknown[])[1];
      if (typeof name !== 'string') throw invalid(line, 'the name of a further resource');
      this.requireNext(line, this.demands.resourceId(name), this.resourcesRead++);
      return undefined;
    }
    if (line.startsWith('["D",')) {
      const spec = (parseLine(line) as unknown[])[1];
      if (!hasNumbers(spec, POD_NUMBERS) || !Array.isArray((spec as PodSpec).gpuModels)) {
        throw invalid(line, 'a demand');
      }
      this.requireNext(line, this.intern(line, spec as PodSpec), this.demandsRead++);
      return undefined;
    }
    return decodeEvent(line);
  }

  private intern(line: string, spec: PodSpec): number {
    try {
      return this.demands.intern(spec).id;
    } catch (cause) {
      throw invalid(line, 'a demand', cause);
    }
  }

  private requireNext(line: string, id: number, expected: number): void {
    if (id !== expected) throw invalid(line, `a name that gets number ${expected} in the table, got ${id}`);
  }
}

function decodeHeader(line: string): ZoneOptions {
  const header = parseLine(line) as { log?: unknown; version?: unknown; options?: unknown };
  const { version } = header ?? {};
  if (header?.log !== LOG_NAME || !(version === EVENT_LOG_VERSION || version === EVENT_LOG_VERSION_MIN)) {
    throw invalid(line, `a header of ${LOG_NAME}, version ${EVENT_LOG_VERSION_MIN} or ${EVENT_LOG_VERSION}`);
  }
  return (header.options ?? {}) as ZoneOptions;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw invalid(line, 'one JSON value', cause);
  }
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => Number.isInteger((value as Record<string, unknown>)[name]));
}

function invalid(line: string, expected: string, cause?: unknown): TegError {
  const shown = line.length > 80 ? `${line.slice(0, 80)}…` : line;
  return new TegError(
    'TEG_LOG_INVALID',
    `event log line '${shown}': expected ${expected}; replay a log of this version, from its first line`,
    { cause },
  );
}

/** The pod spec that interns to this demand. */
function specOf(table: DemandTable, demand: Demand): PodSpec {
  const constraint = table.constraints[demand.constraintId];
  const extended = demand.extended.flatMap((amount, r) =>
    amount > 0 ? [[table.resourceNames[r] as string, amount] as const] : [],
  );
  const limited = demand.spreadGroupId >= 0;
  return {
    cpuMilli: demand.cpuMilli,
    memoryMib: demand.memoryMib,
    gpuCount: demand.gpuCount,
    gpuMilli: demand.gpuMilli,
    gpuModels: constraint?.gpuModels ?? [],
    ...(extended.length > 0 ? { extended: Object.fromEntries(extended) } : {}),
    ...(constraint !== undefined && constraint.affinity.length > 0 ? { affinity: constraint.affinity } : {}),
    ...(limited
      ? {
          podsPerNodeMax: demand.podsPerNodeMax,
          spreadGroup: table.spreadGroups[demand.spreadGroupId] as string,
        }
      : {}),
  };
}
