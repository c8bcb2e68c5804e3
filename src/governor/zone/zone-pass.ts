/**
 * One pass of a queue discipline over its zone: starts, evictions, closed nodes, and trials that are taken back.
 *
 * Invariants: outside `decide` no node is closed and no trial is open. During a trial the cluster's free resources
 * differ from the pod table; the log of trials brings them back in reverse order, to the same GPUs.
 */

import { assert } from '../../kernel/assert.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { AccountsRefusal } from '../accounts.ts';
import { type SchedulingPass, StartResult, type StartResultCode } from './queue-discipline.ts';
import type { ZoneCore } from './zone-core.ts';
import { JobState } from './zone-events.ts';

/** A pod that a trial moved. */
interface TriedPod {
  readonly demand: Demand;
  readonly node: number;
  readonly gpuMask: number;
  /** True if the trial placed it, false if it freed it. */
  readonly placed: boolean;
}

/** What a pass needs beyond the core: the end of an eviction. */
export interface PassHost {
  /** A waiting job starts: it is no longer counted as waiting. */
  starting(job: number): void;
  evicted(job: number): void;
}

/** The pass of one zone, used again for each `decide`. */
export class ZonePass implements SchedulingPass {
  readonly cluster: ClusterState;
  refusal: AccountsRefusal | undefined;
  found = 0;
  /** True if a start did not find room among the effects of this step. */
  isStepFull = false;
  private readonly core: ZoneCore;
  private readonly host: PassHost;
  private readonly tried: TriedPod[] = [];
  /** Where the pods of the last `tryPlace` begin in `tried`. */
  private triedFrom = 0;
  /** Jobs whose room is freed for a look ahead. */
  private readonly peeked: number[] = [];
  private readonly closed: number[] = [];
  /** [node] position in `closed` + 1; absent or 0: open. */
  private readonly closedAt: number[] = [];

  constructor(core: ZoneCore, host: PassHost) {
    this.core = core;
    this.host = host;
    this.cluster = core.cluster;
  }

  get timeSeconds(): number {
    return this.core.timeSeconds;
  }

  /** Begins a pass. */
  begin(): void {
    this.isStepFull = false;
    this.refusal = undefined;
  }

  /** Ends a pass: opens all nodes. */
  end(): void {
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a pass ended within a trial');
    while (this.closed.length > 0) this.open(this.closed[this.closed.length - 1] as number);
    this.core.clearTouched();
  }

  /** See `SchedulingPass`. */
  forEachFreed(visit: (node: number) => void): void {
    const { core } = this;
    for (let i = 0; i < core.touchedCount; i++) visit(core.touched[i] as number);
  }

  /** See `SchedulingPass`. */
  start(job: number): StartResultCode {
    const { core } = this;
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a job was started within a trial');
    assert(core.jobs.stateOf(job) === JobState.Waiting, 'a job was started that does not wait');
    const shape = core.jobs.shapeOf(job);
    const gangMin = core.shapes.gangMins[shape] as number;
    const held = core.held.countOf(job);
    assert(held === 0 || held >= gangMin, 'a job was started that holds too few pods');
    if (core.effects.room < (core.shapes.podCounts[shape] as number) + 1) {
      this.isStepFull = true;
      return StartResult.StepFull;
    }
    this.refusal = core.refusalOf(job);
    if (this.refusal !== undefined) return StartResult.NotAdmitted;
    if (held > 0) {
      this.host.starting(job);
      core.startHeld(job);
      return StartResult.Started;
    }
    const found = core.attemptAdmitted(job);
    if (found < gangMin) {
      this.found = found;
      this.refusal = core.narrowedRefusal;
      return this.refusal === undefined ? StartResult.NoRoom : StartResult.NotAdmitted;
    }
    this.host.starting(job);
    core.start(job, found);
    return StartResult.Started;
  }

  /** See `SchedulingPass`. */
  startOn(job: number, nodes: readonly number[]): StartResultCode {
    const { core } = this;
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a job was started within a trial');
    assert(core.jobs.stateOf(job) === JobState.Waiting, 'a job was started that does not wait');
    assert(core.held.countOf(job) === 0, 'a job that holds pods is started on others');
    const shape = core.jobs.shapeOf(job);
    assert(nodes.length >= (core.shapes.gangMins[shape] as number), 'a gang starts on too few nodes');
    assert(
      nodes.length <= (core.shapes.podCounts[shape] as number),
      'a job starts with more pods than it has',
    );
    if (core.effects.room < nodes.length + 1) {
      this.isStepFull = true;
      return StartResult.StepFull;
    }
    this.refusal = core.refusalOf(job);
    if (this.refusal !== undefined) return StartResult.NotAdmitted;
    if (!core.attemptOn(job, nodes)) {
      this.refusal = core.narrowedRefusal;
      return this.refusal === undefined ? StartResult.NoRoom : StartResult.NotAdmitted;
    }
    this.host.starting(job);
    core.start(job, nodes.length);
    return StartResult.Started;
  }

  /** See `SchedulingPass`. */
  hold(job: number): number {
    const { core } = this;
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a job holds pods within a trial');
    assert(core.jobs.stateOf(job) === JobState.Waiting, 'a job holds pods that does not wait');
    this.refusal = core.refusalOf(job);
    return this.refusal === undefined ? core.hold(job) : core.held.countOf(job);
  }

  /** See `SchedulingPass`. */
  letGo(job: number): void {
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a job lets pods go within a trial');
    this.core.letGo(job);
  }

  /** See `SchedulingPass`. */
  heldPods(job: number): number {
    return this.core.held.countOf(job);
  }

  /** See `SchedulingPass`. */
  forEachHeldPod(job: number, visit: (node: number) => void): void {
    this.core.held.forEachOf(job, visit);
  }

  /** See `SchedulingPass`. */
  evict(job: number): void {
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a job was evicted within a trial');
    assert(this.core.jobs.stateOf(job) === JobState.Running, 'a job was evicted that does not run');
    this.host.evicted(job);
  }

  /** See `SchedulingPass`. */
  evictPod(job: number, node: number, gpuMask: number): void {
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a pod was evicted within a trial');
    assert(this.core.jobs.stateOf(job) === JobState.Running, 'a pod was evicted of a job that does not run');
    this.core.shrink(job, node, gpuMask);
  }

  /** See `SchedulingPass`. */
  grow(job: number): number {
    assert(this.tried.length === 0 && this.peeked.length === 0, 'a job grows within a trial');
    let added = 0;
    for (let left = this.missingPods(job); left > 0 && this.core.effects.room > 0; left--) {
      if (!this.core.grow(job)) break;
      added++;
    }
    return added;
  }

  /** See `SchedulingPass`. */
  missingPods(job: number): number {
    const { jobs, shapes } = this.core;
    assert(jobs.stateOf(job) === JobState.Running, 'a job that does not run lacks no pods');
    return (shapes.podCounts[jobs.shapeOf(job)] as number) - jobs.previousOf(job);
  }

  /** See `SchedulingPass`. */
  close(node: number): void {
    if (this.cluster.up[node] === 0) return;
    this.closed.push(node);
    this.closedAt[node] = this.closed.length;
    this.core.setClosed(node, true);
  }

  /** See `SchedulingPass`. */
  open(node: number): void {
    const at = this.closedAt[node] ?? 0;
    if (at === 0) return;
    const last = this.closed.pop() as number;
    if (last !== node) {
      this.closed[at - 1] = last;
      this.closedAt[last] = at;
    }
    this.closedAt[node] = 0;
    this.core.setClosed(node, false);
  }

  /** See `SchedulingPass`. */
  tryRelease(job: number): void {
    const { core, tried } = this;
    assert(core.jobs.stateOf(job) === JobState.Running, 'a trial frees a job that does not run');
    const demand = core.demandOf(core.jobs.shapeOf(job));
    for (let pod = core.jobs.firstOf(job); pod >= 0; pod = core.pods.nextOfJob(pod)) {
      const node = core.pods.nodeOf(pod);
      const gpuMask = core.pods.gpuMaskOf(pod);
      core.placer.release(node, demand, gpuMask);
      tried.push({ demand, node, gpuMask, placed: false });
    }
  }

  /** See `SchedulingPass`. */
  tryReleasePod(job: number, node: number, gpuMask: number): void {
    const demand = this.core.demandOf(this.core.jobs.shapeOf(job));
    this.core.placer.release(node, demand, gpuMask);
    this.tried.push({ demand, node, gpuMask, placed: false });
  }

  /** See `SchedulingPass`. */
  tryPlace(job: number): boolean {
    const { core, tried } = this;
    const { placer, shapes } = core;
    const shape = core.jobs.shapeOf(job);
    const demand = core.demandOf(shape);
    const gangMin = shapes.gangMins[shape] as number;
    const found = placer.place(demand, shapes.podCounts[shape] as number, gangMin);
    if (found < gangMin) return false;
    this.triedFrom = tried.length;
    for (let member = 0; member < found; member++) {
      const node = placer.nodes[member] as number;
      tried.push({ demand, node, gpuMask: placer.gpuMasks[member] as number, placed: true });
    }
    return true;
  }

  /** See `SchedulingPass`. */
  forEachTried(visit: (node: number, gpuMask: number) => void): void {
    for (let i = this.triedFrom; i < this.tried.length; i++) {
      const pod = this.tried[i] as TriedPod;
      if (pod.placed) visit(pod.node, pod.gpuMask);
    }
  }

  /** See `SchedulingPass`. */
  endTrial(): void {
    const { placer } = this.core;
    for (let pod = this.tried.pop(); pod !== undefined; pod = this.tried.pop()) {
      if (pod.placed) placer.release(pod.node, pod.demand, pod.gpuMask);
      else placer.restore(pod.node, pod.demand, pod.gpuMask);
    }
    this.triedFrom = 0;
  }

  /** See `SchedulingPass`. */
  peekRelease(job: number, touched: (node: number) => void, matters?: Uint8Array): void {
    const { jobs, pods, cluster } = this.core;
    assert(this.tried.length === 0, 'a look ahead within a trial');
    assert(jobs.stateOf(job) === JobState.Running, 'a look ahead frees a job that does not run');
    if (matters !== undefined && !this.hasPodOn(job, matters)) return;
    const demand = this.core.demandOf(jobs.shapeOf(job));
    this.peeked.push(job);
    for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
      const node = pods.nodeOf(pod);
      cluster.release(node, demand, pods.gpuMaskOf(pod));
      touched(node);
    }
  }

  private hasPodOn(job: number, nodes: Uint8Array): boolean {
    const { jobs, pods } = this.core;
    for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
      if (nodes[pods.nodeOf(pod)] === 1) return true;
    }
    return false;
  }

  /** See `SchedulingPass`. */
  endPeek(): void {
    const { jobs, pods, cluster } = this.core;
    for (let job = this.peeked.pop(); job !== undefined; job = this.peeked.pop()) {
      const demand = this.core.demandOf(jobs.shapeOf(job));
      for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
        cluster.place(pods.nodeOf(pod), demand, pods.gpuMaskOf(pod));
      }
    }
  }

  /** See `SchedulingPass`. */
  forEachPod(job: number, visit: (node: number, gpuMask: number) => void): void {
    const { jobs, pods } = this.core;
    if (jobs.stateOf(job) !== JobState.Running) return;
    for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
      visit(pods.nodeOf(pod), pods.gpuMaskOf(pod));
    }
  }

  /** See `SchedulingPass`. */
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void {
    this.core.forEachPodOn(node, visit);
  }
}
