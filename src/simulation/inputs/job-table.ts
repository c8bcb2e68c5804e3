/**
 * The jobs of a workload as typed arrays, in order of arrival: what a simulation reads.
 *
 * Invariants: `submitSeconds` ascends and begins at 0; jobs that arrive together keep the order of the source. The
 * members of an elastic array (gangMin 1, more than one pod) are jobs of their own, because each may start and end
 * alone. Names stay with the specifications, one a source row.
 */
import { assert } from '../../kernel/assert.ts';
import { isCount32 } from '../../kernel/limits.ts';
import type { Random } from '../../kernel/random.ts';
import type { Demand, DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import { EVICTION_DEFAULTS, type EvictionTerms } from '../../model/eviction-terms.ts';
import type { JobSpec } from '../../model/job.ts';
import { TenantTable } from '../../model/tenants.ts';

/** Default limit of the pods of a workload: some 40 bytes each. */
export const WORKLOAD_PODS_MAX = 20_000_000;

/** Options of unfolding a workload. */
export interface JobTableOptions {
  /** Most pods, after repetition; default WORKLOAD_PODS_MAX. */
  readonly podsMax?: number;
  /** Arrivals come this many times as fast; > 0, default 1. */
  readonly load?: number;
  /** Runs through the workload, one after the other; integer ≥ 1, default 1. */
  readonly repeat?: number;
  /** If given, each arrival instant gets a job drawn from the whole workload with replacement (a bootstrap). */
  readonly resample?: Random;
}

/** Jobs by index. Immutable once built. @shape every array [count] */
export class JobTable {
  readonly demands: DemandTable;
  readonly tenants: TenantTable;
  readonly count: number;
  /** Pods of all jobs. */
  readonly podTotal: number;
  /** Ascending from 0. */
  readonly submitSeconds: Float64Array;
  /** ≥ 0; Infinity: never ends. */
  readonly durationSeconds: Float64Array;
  /** Run time that its owner requested, ≥ 0; NaN: unknown. */
  readonly requestedSeconds: Float64Array;
  readonly demandIds: Int32Array;
  readonly podCounts: Int32Array;
  readonly gangMins: Int32Array;
  readonly priorities: Int32Array;
  /** Owner (user) of each job, numbered from 0 in order of appearance; −1: unknown. */
  readonly ownerIds: Int32Array;
  /** Tenant of each job, by number in `tenants`. */
  readonly tenantIds: Int32Array;
  /** Distinct terms of evictions; those of most jobs are the first. */
  readonly terms: readonly EvictionTerms[];
  private readonly termIds: Int32Array;
  private readonly specIds: readonly string[];
  private readonly specIndexes: Int32Array;
  /** Number within its elastic array, −1 for a whole job. */
  private readonly memberNumbers: Int32Array;
  private readonly repetitions: Uint32Array;

  /** Made by `JobTableBuilder`. */
  constructor(
    { demands, tenants, terms }: JobTableParts,
    specIds: readonly string[],
    count: number,
    podTotal: number,
  ) {
    this.demands = demands;
    this.tenants = tenants;
    this.terms = terms;
    this.specIds = specIds;
    this.count = count;
    this.podTotal = podTotal;
    this.submitSeconds = new Float64Array(count);
    this.durationSeconds = new Float64Array(count);
    this.requestedSeconds = new Float64Array(count);
    this.demandIds = new Int32Array(count);
    this.podCounts = new Int32Array(count);
    this.gangMins = new Int32Array(count);
    this.priorities = new Int32Array(count);
    this.tenantIds = new Int32Array(count);
    this.ownerIds = new Int32Array(count);
    this.termIds = new Int32Array(count);
    this.specIndexes = new Int32Array(count);
    this.memberNumbers = new Int32Array(count);
    this.repetitions = new Uint32Array(count);
  }

  /** Seconds from the first to the last arrival. */
  get spanSeconds(): number {
    return this.count === 0 ? 0 : (this.submitSeconds[this.count - 1] as number);
  }

  /** @returns The demand of a job's pods. */
  demandOf(job: number): Demand {
    return this.demands.demands[this.demandIds[job] as number] as Demand;
  }

  /** True if any job has other terms than `EVICTION_DEFAULTS`. */
  get hasTerms(): boolean {
    return this.terms.length > 1;
  }

  /** @returns How a job takes evictions; `EVICTION_DEFAULTS` itself if it says nothing. O(1). */
  termsOf(job: number): EvictionTerms {
    return this.terms[this.termIds[job] as number] as EvictionTerms;
  }

  /** @returns The source's id, with `/member` for a member of an array and `#n` in the n-th repetition. */
  idOf(job: number): string {
    const member = this.memberNumbers[job] as number;
    const repetition = this.repetitions[job] as number;
    const id = this.specIds[this.specIndexes[job] as number] as string;
    return `${id}${member >= 0 ? `/${member}` : ''}${repetition > 0 ? `#${repetition + 1}` : ''}`;
  }

  /** @returns The source's id of a job, without member and repetition. */
  specIdOf(job: number): string {
    return this.specIds[this.specIndexes[job] as number] as string;
  }

  /** @returns The first job of that id (or, of an array's id, its first member), −1 if none. O(count). */
  indexOf(id: string): number {
    for (let job = 0; job < this.count; job++) {
      const specId = this.specIds[this.specIndexes[job] as number] as string;
      if (id === specId || (id.startsWith(specId) && id === this.idOf(job))) return job;
    }
    return -1;
  }

  /** Writes one job; for `JobTableBuilder`. */
  write(job: number, rows: JobRows, row: number, member: number, repetition: number, submit: number): void {
    this.submitSeconds[job] = submit;
    this.durationSeconds[job] = rows.durations[row] as number;
    this.requestedSeconds[job] = rows.requests[row] as number;
    this.demandIds[job] = rows.demandIds[row] as number;
    this.podCounts[job] = member >= 0 ? 1 : (rows.podCounts[row] as number);
    this.gangMins[job] = member >= 0 ? 1 : (rows.gangMins[row] as number);
    this.priorities[job] = rows.priorities[row] as number;
    this.tenantIds[job] = rows.tenantIds[row] as number;
    this.ownerIds[job] = rows.ownerIds[row] as number;
    this.termIds[job] = rows.termIds[row] as number;
    this.specIndexes[job] = row;
    this.memberNumbers[job] = member;
    this.repetitions[job] = repetition;
  }
}

/** Source rows in the order in which they were added. @shape every array [rows] */
export interface JobRows {
  readonly submits: number[];
  readonly durations: number[];
  readonly requests: number[];
  readonly demandIds: number[];
  readonly podCounts: number[];
  readonly gangMins: number[];
  readonly priorities: number[];
  readonly tenantIds: number[];
  readonly ownerIds: number[];
  readonly termIds: number[];
}

/** What the rows refer to. */
interface JobTableParts {
  readonly demands: DemandTable;
  readonly tenants: TenantTable;
  readonly terms: readonly EvictionTerms[];
}

/** Takes job specifications one at a time (so that a file need not fit in memory as objects) and builds tables. */
export class JobTableBuilder {
  readonly demands: DemandTable;
  readonly tenants: TenantTable;
  /** Distinct terms of evictions, the defaults first. */
  readonly terms: EvictionTerms[] = [EVICTION_DEFAULTS];
  private readonly termIds = new Map<string, number>([['Infinity:all', 0]]);
  private readonly ids: string[] = [];
  private readonly owners = new Map<string, number>();
  private readonly rows: JobRows = {
    submits: [],
    durations: [],
    requests: [],
    demandIds: [],
    podCounts: [],
    gangMins: [],
    priorities: [],
    tenantIds: [],
    ownerIds: [],
    termIds: [],
  };

  /** @param demands Where pod shapes are interned. @param tenants Where tenants are. */
  constructor(demands: DemandTable, tenants: TenantTable = new TenantTable()) {
    this.demands = demands;
    this.tenants = tenants;
  }

  /** Jobs added so far. */
  get count(): number {
    return this.ids.length;
  }

  /**
   * Adds a validated specification.
   *
   * @throws TegError TEG_LIMIT_REACHED for a tenant beyond TENANTS_MAX; nothing was added then.
   */
  add(spec: JobSpec): void {
    const { podCount, gangMin, submitSeconds, durationSeconds, priority } = spec;
    assert(
      isCount32(podCount) && gangMin >= 1 && gangMin <= podCount,
      'pods or a gang of a job out of bounds',
    );
    assert(
      Number.isFinite(submitSeconds) && durationSeconds >= 0,
      'a job comes at no time, or ends before it starts',
    );
    assert((priority | 0) === priority, 'a priority is not an integer of 32 bits');
    this.rows.tenantIds.push(this.tenants.intern(spec.tenant));
    this.ids.push(spec.id);
    this.rows.ownerIds.push(this.ownerId(spec.user));
    this.rows.termIds.push(this.termId(spec));
    this.rows.submits.push(spec.submitSeconds);
    this.rows.durations.push(spec.durationSeconds);
    this.rows.requests.push(spec.requestedSeconds);
    this.rows.demandIds.push(this.demands.intern(spec).id);
    this.rows.podCounts.push(spec.podCount);
    this.rows.gangMins.push(spec.gangMin);
    this.rows.priorities.push(spec.priority);
  }

  private termId(spec: JobSpec): number {
    const { checkpointSeconds, disruption } = { ...EVICTION_DEFAULTS, ...spec };
    const key = `${checkpointSeconds}:${disruption}`;
    let id = this.termIds.get(key);
    if (id === undefined) {
      id = this.terms.push({ checkpointSeconds, disruption }) - 1;
      this.termIds.set(key, id);
    }
    return id;
  }

  private ownerId(user: string | undefined): number {
    if (user === undefined || user === '') return -1;
    const known = this.owners.get(user);
    if (known !== undefined) return known;
    this.owners.set(user, this.owners.size);
    return this.owners.size - 1;
  }

  /**
   * @returns A table of all jobs added so far. O(jobs log jobs), or O(jobs) if they came in order.
   * @throws TegError TEG_LIMIT_REACHED if there are more than `podsMax` pods.
   */
  build(options: JobTableOptions = {}): JobTable {
    const { podsMax = WORKLOAD_PODS_MAX, load = 1, repeat = 1 } = options;
    assert(
      load > 0 && load < Infinity && isCount32(repeat) && repeat >= 1,
      'a load or a repetition out of bounds',
    );
    if (this.count * repeat > podsMax) throw tooManyPods(this.count * repeat, repeat, podsMax);
    const arrivals = this.arrivalOrder();
    const bodies = this.drawBodies(arrivals, repeat, options.resample);
    const { jobs, pods } = this.measure(bodies);
    if (pods > podsMax) throw tooManyPods(pods, repeat, podsMax);
    const table = new JobTable(this, this.ids, jobs, pods);
    const n = arrivals.length;
    const first = n === 0 ? 0 : (this.rows.submits[arrivals[0] as number] as number);
    const span = n === 0 ? 0 : (this.rows.submits[arrivals[n - 1] as number] as number) - first;
    const period = span + (n > 1 ? span / (n - 1) : 0);
    let job = 0;
    for (let k = 0; k < bodies.length; k++) {
      const repetition = Math.floor(k / n);
      const at = (this.rows.submits[arrivals[k - repetition * n] as number] as number) - first;
      const submit = (repetition * period + at) / load;
      job = this.unfold(table, job, bodies[k] as number, repetition, submit);
    }
    return table;
  }

  /** Row numbers in order of submission; ties in source order. */
  private arrivalOrder(): Uint32Array {
    const { submits } = this.rows;
    const order = Uint32Array.from(submits, (_, row) => row);
    let sorted = true;
    for (let row = 1; row < submits.length && sorted; row++) {
      sorted = (submits[row] as number) >= (submits[row - 1] as number);
    }
    return sorted ? order : order.sort((a, b) => (submits[a] as number) - (submits[b] as number) || a - b);
  }

  /** Which row arrives at each instant, over all repetitions. */
  private drawBodies(arrivals: Uint32Array, repeat: number, random: Random | undefined): Uint32Array {
    const bodies = new Uint32Array(arrivals.length * repeat);
    for (let k = 0; k < bodies.length; k++) {
      bodies[k] =
        random === undefined ? (arrivals[k % arrivals.length] as number) : random.nextInt(arrivals.length);
    }
    return bodies;
  }

  private isElastic(row: number): boolean {
    return this.rows.gangMins[row] === 1 && (this.rows.podCounts[row] as number) > 1;
  }

  private measure(bodies: Uint32Array): { jobs: number; pods: number } {
    let jobs = 0;
    let pods = 0;
    for (let k = 0; k < bodies.length; k++) {
      const row = bodies[k] as number;
      const podCount = this.rows.podCounts[row] as number;
      pods += podCount;
      jobs += this.isElastic(row) ? podCount : 1;
    }
    return { jobs, pods };
  }

  private unfold(table: JobTable, job: number, row: number, repetition: number, submit: number): number {
    if (!this.isElastic(row)) {
      table.write(job, this.rows, row, -1, repetition, submit);
      return job + 1;
    }
    const members = this.rows.podCounts[row] as number;
    for (let m = 0; m < members; m++) table.write(job + m, this.rows, row, m, repetition, submit);
    return job + members;
  }
}

function tooManyPods(pods: number, repeat: number, podsMax: number): TegError {
  return new TegError(
    'TEG_LIMIT_REACHED',
    `the workload has ${pods} pods or more after ${repeat} repetition(s); expected at most ${podsMax}: ` +
      'use a shorter workload or fewer repetitions',
  );
}
