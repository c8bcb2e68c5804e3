/**
 * The same arrivals on one zone that holds all nodes and always knows their current state: the reference for a
 * federation.
 */
import type { TypicalWorkload } from '../../src/field/typical-workload.ts';
import { TegPolicy } from '../../src/governor/policy/teg-policy.ts';
import { Zone } from '../../src/governor/zone/zone.ts';
import { EffectKind, type JobSubmittedEvent, ZoneEventKind } from '../../src/governor/zone/zone-events.ts';
import { EventQueue } from '../../src/kernel/event-queue.ts';
import { Random } from '../../src/kernel/random.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { DEFAULT_TENANT } from '../../src/model/tenants.ts';
import type { JobTable } from '../../src/simulation/inputs/job-table.ts';
import { clusterFor } from '../../src/simulation/inputs/workload-of.ts';

/** Results of the zone. */
export interface SingleZoneResult {
  /** Share of all GPUs in use at the end, and the mean of the samples in the second half. */
  readonly allocation: number;
  readonly allocationMean: number;
  readonly placedJobs: number;
}

/**
 * @param horizonSeconds End of the run. @param sampleSeconds Between two samples of the use.
 * @cost Some 10 µs of CPU a job, 100 bytes a node.
 */
export function runSingleZone(
  nodes: readonly NodeSpec[],
  jobs: JobTable,
  typical: TypicalWorkload | undefined,
  seed: number,
  horizonSeconds: number,
  sampleSeconds: number,
): SingleZoneResult {
  const cluster = clusterFor(nodes, jobs);
  const random = new Random(seed, 1);
  const policy = new TegPolicy(typical === undefined ? { cluster, random } : { cluster, random, typical });
  const membersMax = jobs.podCounts.reduce((most, pods) => Math.max(most, pods), 1);
  const zone = new Zone(cluster, policy, {
    waitingJobsMax: Math.max(1, jobs.count),
    jobsMax: Math.max(1, jobs.count),
    membersMax,
    effectsMax: Math.max(1 << 16, 2 * membersMax + 2),
  });
  const run = new SingleZoneRun(zone, jobs);
  const used: number[] = [];
  for (let at = sampleSeconds; ; at += sampleSeconds) {
    run.until(Math.min(at, horizonSeconds));
    used.push(run.runningGpuMilli / cluster.capacity.gpuMilli);
    if (at >= horizonSeconds) break;
  }
  const late = used.slice(Math.floor(used.length / 2));
  return {
    allocation: used[used.length - 1] as number,
    allocationMean: late.reduce((sum, share) => sum + share, 0) / late.length,
    placedJobs: zone.counters.started,
  };
}

/** Feeds the zone. */
class SingleZoneRun {
  runningGpuMilli = 0;
  private readonly zone: Zone;
  private readonly jobs: JobTable;
  private readonly queue = new EventQueue();
  private nextJob = 0;
  private readonly submitted: JobSubmittedEvent = {
    kind: ZoneEventKind.JobSubmitted,
    job: 0,
    demandId: 0,
    podCount: 1,
    gangMin: 1,
    priority: 0,
    tenant: DEFAULT_TENANT,
  };

  constructor(zone: Zone, jobs: JobTable) {
    this.zone = zone;
    this.jobs = jobs;
  }

  /** Processes all events up to then. */
  until(timeSeconds: number): void {
    const { jobs, queue } = this;
    for (;;) {
      const arrival = this.nextJob < jobs.count ? (jobs.submitSeconds[this.nextJob] as number) : Infinity;
      const end = queue.peekTime();
      if (Math.min(arrival, end) > timeSeconds) return;
      if (end <= arrival) this.step({ kind: ZoneEventKind.JobFinished, job: queue.pop() }, end);
      else this.submit(this.nextJob++, arrival);
    }
  }

  private submit(job: number, timeSeconds: number): void {
    const { submitted, jobs } = this;
    submitted.job = job;
    submitted.demandId = jobs.demandIds[job] as number;
    submitted.podCount = jobs.podCounts[job] as number;
    submitted.gangMin = jobs.gangMins[job] as number;
    submitted.priority = jobs.priorities[job] as number;
    submitted.tenant = jobs.tenantIds[job] as number;
    this.step(submitted, timeSeconds);
  }

  private step(event: Parameters<Zone['step']>[0], timeSeconds: number): void {
    this.carryOut(event, timeSeconds);
    while (this.zone.hasPostponed) this.carryOut({ kind: ZoneEventKind.Tick }, timeSeconds);
  }

  private carryOut(event: Parameters<Zone['step']>[0], timeSeconds: number): void {
    const { jobs, queue } = this;
    const effects = this.zone.step(event, timeSeconds);
    for (let i = 0; i < effects.length; i++) {
      const kind = effects.kinds[i];
      if (kind !== EffectKind.JobStarted && kind !== EffectKind.JobReleased) continue;
      const job = effects.jobs[i] as number;
      const gpuMilli = jobs.demandOf(job).gpuTotalMilli * (effects.counts[i] as number);
      if (kind === EffectKind.JobReleased) this.runningGpuMilli -= gpuMilli;
      else {
        this.runningGpuMilli += gpuMilli;
        const duration = jobs.durationSeconds[job] as number;
        if (duration !== Number.POSITIVE_INFINITY) queue.push(timeSeconds + duration, job);
      }
    }
  }
}
