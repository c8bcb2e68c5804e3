/**
 * Makes the pods of jobs, as their controllers would: each with its own uid, in a new group if the job is a gang
 * without one.
 */
import type { PodDescription, PodGroupDescription } from '../../model/kubernetes/pod.ts';
import type { JobTable } from '../inputs/job-table.ts';
import { GRACE_SECONDS_DEFAULT, type JobPod, type PodWorld } from '../inputs/pod-world.ts';
import type { SimulatedJob, SimulatedPod } from './pod-ledger.ts';

/** Makes pods of one run. */
export class PodMaker {
  private readonly world: PodWorld;
  private readonly table: JobTable;

  constructor(world: PodWorld, table: JobTable) {
    this.world = world;
    this.table = table;
  }

  /** @returns The first jobs by uid of the pod that was recorded for each; by id where none was. */
  jobsOfTheStart(count: number): Map<string, number> {
    const { table, world } = this;
    const jobs = new Map<string, number>();
    for (let job = 0; job < count; job++) {
      const id = table.specIdOf(job);
      // Members of an array have one prototype; only recorded pods have a job of their own.
      jobs.set(table.idOf(job) === id ? (world.pods.get(id)?.pod.uid ?? id) : table.idOf(job), job);
    }
    return jobs;
  }

  /** @returns The described pod of a job. */
  prototypeOf(job: number): JobPod | undefined {
    return this.world.pods.get(this.table.specIdOf(job));
  }

  /** @returns A recorded pod. @param job −1: of none. */
  recorded(description: PodDescription, job: number): SimulatedPod {
    return this.simulated(description, job, 0, job < 0 ? undefined : this.prototypeOf(job));
  }

  /** @returns The group of a gang that has none of its own, undefined for other jobs. */
  groupOf(job: number): PodGroupDescription | undefined {
    const { table } = this;
    const pod = this.prototypeOf(job)?.pod;
    if (pod === undefined || pod.group !== '' || table.podCounts[job] === 1) return undefined;
    const key = `core:${pod.namespace}/job ${table.idOf(job)}`;
    return { key, uid: key, minCount: table.gangMins[job] as number, topologyKeys: [], unsupported: [] };
  }

  /**
   * @returns A new pod of a job, not assigned; undefined if the job's pods have no description. @param now Virtual
   *   time.
   */
  make(job: SimulatedJob, member: number, now: number): SimulatedPod | undefined {
    const { table, world } = this;
    const of = this.prototypeOf(job.job);
    if (of === undefined) return undefined;
    const id = table.idOf(job.job);
    const isSingle = table.podCounts[job.job] === 1;
    const isItself = job.made++ === 0 && isSingle && id === table.specIdOf(job.job);
    const suffix = isSingle ? '' : `-${member}`;
    const description: PodDescription = {
      ...of.pod,
      ...(isItself
        ? {}
        : {
            uid: `${id}${suffix}~${job.made}`,
            name: `${id.slice(id.indexOf('/') + 1)}${suffix}`,
            createdSeconds: world.originSeconds + now,
            nominatedNodeName: '',
          }),
      nodeName: '',
      deleting: false,
      preempted: false,
      startedSeconds: 0,
      group: this.groupOf(job.job)?.key ?? of.pod.group,
    };
    return this.simulated(description, job.job, member, of);
  }

  private simulated(
    description: PodDescription,
    job: number,
    member: number,
    of: JobPod | undefined,
  ): SimulatedPod {
    return {
      description,
      job,
      member,
      node: -1,
      gpuMask: 0,
      counted: false,
      graceSeconds: of?.graceSeconds ?? GRACE_SECONDS_DEFAULT,
      comesBack: of?.comesBack ?? false,
    };
  }
}
