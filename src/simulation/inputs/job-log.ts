/**
 * The outcome of every job of a run, recorded as it happens: the contents of `--jobs-out`.
 *
 * Some 40 bytes a job, and 4 for each pod of those that ran.
 */
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import { EffectKind, Reason } from '../../governor/zone/zone-events.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { JobTable } from './job-table.ts';

/** States of a job when the run ends, by their number. */
export const JOB_STATES = ['not-arrived', 'waiting', 'running', 'finished', 'dropped', 'failed'] as const;

const WAITING = 1;
const RUNNING = 2;
const FINISHED = 3;
const DROPPED = 4;
const FAILED = 5;

/**
 * Jobs by index, in order of arrival. Plain data that crosses threads. @shape every array, unless stated otherwise,
 * [jobs]
 */
export interface JobRecords {
  readonly ids: readonly string[];
  /** Its tenant, as an index into `tenantNames`. */
  readonly tenants: Int32Array;
  /** @shape [tenants] */
  readonly tenantNames: readonly string[];
  /** Seconds from the first arrival. */
  readonly submitSeconds: Float64Array;
  /** Of its first run; NaN if it never started. */
  readonly firstStartSeconds: Float64Array;
  /** Of its last run; NaN if it never started. */
  readonly startSeconds: Float64Array;
  /** End of its last run, on its own or by a failure; NaN if it never started, or runs. */
  readonly endSeconds: Float64Array;
  /** How often it started. */
  readonly runs: Int32Array;
  /** Index into JOB_STATES. */
  readonly states: Uint8Array;
  /** Where the pods of its last run are in `nodes`. @shape [jobs + 1] */
  readonly podOffsets: Int32Array;
  /** Node of each pod, as an index into `nodeNames`. @shape [pods of last runs] */
  readonly nodes: Int32Array;
  /** @shape [nodes] */
  readonly nodeNames: readonly string[];
}

/** Keeps the records of one run. */
export class JobLog {
  private readonly table: JobTable;
  private readonly cluster: ClusterState;
  private readonly firstStarts: Float64Array;
  private readonly starts: Float64Array;
  private readonly ends: Float64Array;
  private readonly runs: Int32Array;
  private readonly states: Uint8Array;
  /** Node of a job of one pod, −1 if it never ran. */
  private readonly single: Int32Array;
  /** Nodes of jobs of several pods. */
  private readonly several = new Map<number, Int32Array>();

  constructor(table: JobTable, cluster: ClusterState) {
    const { count } = table;
    this.table = table;
    this.cluster = cluster;
    this.firstStarts = new Float64Array(count).fill(Number.NaN);
    this.starts = new Float64Array(count).fill(Number.NaN);
    this.ends = new Float64Array(count).fill(Number.NaN);
    this.runs = new Int32Array(count);
    this.states = new Uint8Array(count);
    this.single = new Int32Array(count).fill(-1);
  }

  /** Takes the effects of a step. */
  afterStep(effects: EffectBuffer, now: number): void {
    const { kinds, jobs, counts, reasons, length } = effects;
    for (let i = 0; i < length; i++) {
      const job = jobs[i] as number;
      switch (kinds[i]) {
        case EffectKind.JobStarted:
          // The PodPlaced entries of its pods come right before it.
          this.started(job, effects.nodes.subarray(i - (counts[i] as number), i), now);
          break;
        case EffectKind.JobReleased:
          this.ends[job] = now;
          this.states[job] = reasons[i] === Reason.Finished ? FINISHED : FAILED;
          break;
        case EffectKind.JobWaiting:
        case EffectKind.JobRequeued:
          this.states[job] = WAITING;
          break;
        case EffectKind.JobDropped:
          this.states[job] = DROPPED;
          break;
        case EffectKind.JobFailed:
          this.states[job] = FAILED;
          break;
        default:
          break;
      }
    }
  }

  /** @returns The records. O(jobs + pods). */
  records(): JobRecords {
    const { table, single, several } = this;
    const podOffsets = new Int32Array(table.count + 1);
    for (let job = 0; job < table.count; job++) {
      const pods = several.get(job)?.length ?? ((single[job] as number) < 0 ? 0 : 1);
      podOffsets[job + 1] = (podOffsets[job] as number) + pods;
    }
    const nodes = new Int32Array(podOffsets[table.count] as number);
    for (let job = 0; job < table.count; job++) {
      const of = several.get(job);
      if (of !== undefined) nodes.set(of, podOffsets[job]);
      else if ((single[job] as number) >= 0) nodes[podOffsets[job] as number] = single[job] as number;
    }
    return {
      ids: Array.from({ length: table.count }, (_, job) => table.idOf(job)),
      tenants: table.tenantIds,
      tenantNames: table.tenants.toList(),
      submitSeconds: table.submitSeconds,
      firstStartSeconds: this.firstStarts,
      startSeconds: this.starts,
      endSeconds: this.ends,
      runs: this.runs,
      states: this.states,
      podOffsets,
      nodes,
      nodeNames: this.cluster.names.slice(),
    };
  }

  private started(job: number, nodes: Int32Array, now: number): void {
    if (this.runs[job] === 0) this.firstStarts[job] = now;
    this.runs[job] = (this.runs[job] as number) + 1;
    this.starts[job] = now;
    this.ends[job] = Number.NaN;
    this.states[job] = RUNNING;
    if (nodes.length === 1) this.single[job] = nodes[0] as number;
    else this.several.set(job, nodes.slice());
  }
}
