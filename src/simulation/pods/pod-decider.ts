/**
 * The pod scheduler as the decider of a simulation: it receives a Kubernetes cluster, then the pods of each arriving
 * job, and immediate answers as from an API server and its controllers: bindings succeed, claims get their volumes,
 * victims end after their grace period and come back if a controller makes them again.
 *
 * Invariants: the scheduler receives all objects of the start before its first decision, in the order of the source;
 * its inputs are those of a live one. Simultaneous events are decided on one after the other, as in a zone.
 * Not here: virtual time and metrics (`../run/simulation-run.ts`).
 */
import type { Accounts } from '../../governor/accounts.ts';
import { createConstraints } from '../../governor/pods/constraints/cluster-constraints.ts';
import type { BindEffect, EvictEffect, PodEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import type { Explanation } from '../../governor/policy/policy.ts';
import { EffectBuffer } from '../../governor/zone/effects.ts';
import {
  EffectKind,
  JobState,
  type JobStateCode,
  Reason,
  type ReasonCode,
  type ZoneEvent,
  ZoneEventKind,
} from '../../governor/zone/zone-events.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import type { Decider, Timers } from '../inputs/decider.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { PodWorld } from '../inputs/pod-world.ts';
import { EmptyRoom } from './empty-room.ts';
import { LeavingPods } from './leaving-pods.ts';
import { PodLedger, type SimulatedJob, type SimulatedPod } from './pod-ledger.ts';
import { PodMaker } from './pod-maker.ts';
import { VolumeController } from './volume-controller.ts';

/** Decisions of one turn at most, as in the live driver. */
const DECISIONS_A_TURN = 64;

/** Turns in a row without an effect before the scheduler is left alone until the next event. */
const IDLE_TURNS_MAX = 100;

/** The API server itself reports this of a pod with gates. */
const GATED_TEXT = 'Scheduling is blocked due to non-empty scheduling gates';

/** A pod that lost its room to another. */
export interface Victim {
  readonly pod: SimulatedPod;
  /** `namespace/name` of the pod that it made room for; '' for a member of a gang that was released. */
  readonly by: string;
  readonly node: string;
  readonly atSeconds: number;
  /** The pod that its controller made in its place. */
  successor: SimulatedPod | undefined;
}

/**
 * Ticks in a row that come to nothing before the scheduler's own timers are left alone until something happens. It looks at
 * incomplete groups every second, and says the last of them after `gangRepairSeconds`.
 */
const IDLE_TICKS_MAX = 100;

/** A job that is to be explained. */
export interface WatchedJob {
  readonly job: number;
  /** Called once, before the first decision on it. */
  explained(explanation: Explanation): void;
  /** Called when it waits. */
  waitsBecause(reason: string): void;
}

/** The inputs of a decider. */
export interface PodDeciderOptions {
  readonly world: PodWorld;
  readonly table: JobTable;
  readonly cluster: ClusterState;
  /** Jobs that are there at the start: those that stay on their nodes, then those that wait. */
  readonly kept: number;
  readonly pending: number;
  readonly lostPods: 'requeue' | 'fail';
  /** Called with the reason why a job goes to its node, or waits. */
  readonly watch?: WatchedJob;
  /** Accounts that admit pods; absent: every pod is admitted. */
  readonly accounts?: Accounts;
  /**
   * Called for each turn of decisions. @param failed Of them, those that found no node. @param examined Nodes examined.
   */
  readonly onDecisions: (decisions: number, failed: number, examined: number) => void;
}

/** The pod scheduler as a decider; see the head of the file. */
export class PodDecider implements Decider, Timers {
  readonly hasPostponed = false;
  readonly victims: Victim[] = [];
  readonly scheduler: PodScheduler;
  private readonly options: PodDeciderOptions;
  private readonly ledger: PodLedger;
  private readonly maker: PodMaker;
  private readonly room: EmptyRoom;
  private readonly volumes = new VolumeController();
  private readonly effects = new EffectBuffer(Number.POSITIVE_INFINITY);
  private readonly nodes = new Map<string, NodeDescription>();
  private readonly leaving = new LeavingPods();
  private readonly todo: PodEffect[] = [];
  private readonly touched = new Set<SimulatedJob>();
  /** Pods placed since the effects of their job were written. */
  private readonly arrivedPods = new Map<SimulatedJob, SimulatedPod[]>();
  private draining = false;
  /** Effects carried out so far. */
  private carried = 0;
  /** Ticks in a row that came to nothing. */
  private idleTicks = 0;
  /** Jobs of the start that were submitted. */
  private begun = 0;
  private now = 0;

  constructor(options: PodDeciderOptions) {
    const { world, table, cluster } = options;
    this.options = options;
    this.scheduler = new PodScheduler(
      { ...world.core, renewalSeconds: 0 },
      createConstraints(),
      options.accounts,
    );
    this.ledger = new PodLedger(table, cluster);
    this.maker = new PodMaker(world, table);
    const jobs = this.maker.jobsOfTheStart(options.kept + options.pending);
    for (const event of world.events) {
      if (event.kind === 'node') this.nodes.set(event.node.name, event.node);
      if (event.kind === 'pod') this.enterRecorded(event.pod, jobs.get(event.pod.uid));
      this.feed(event);
    }
    for (const job of jobs.values()) if (this.ledger.jobOf(job).pods.length === 0) this.arrive(job);
    for (const { uid, seconds } of world.leaving) {
      const pod = this.ledger.pods.get(uid);
      if (pod !== undefined) this.leaving.add(pod, seconds);
    }
    this.room = new EmptyRoom([...this.nodes.values()]);
  }

  get leavingPods(): number {
    return this.leaving.size;
  }

  get dueSeconds(): number {
    const { leaving, scheduler } = this;
    if (this.idleTicks >= IDLE_TICKS_MAX) return leaving.dueSeconds;
    return Math.min(
      leaving.dueSeconds,
      Math.max(this.now, scheduler.dueSeconds - this.options.world.originSeconds),
    );
  }

  step(event: ZoneEvent, timeSeconds: number): EffectBuffer {
    this.effects.clear();
    this.now = timeSeconds;
    const { carried } = this;
    switch (event.kind) {
      case ZoneEventKind.JobSubmitted:
        this.submit(event.job);
        break;
      case ZoneEventKind.JobFinished:
        this.finish(this.ledger.jobOf(event.job));
        break;
      case ZoneEventKind.JobCancelled:
        this.cancel(this.ledger.jobOf(event.job));
        break;
      case ZoneEventKind.NodeDown:
        this.lose(event.node);
        break;
      case ZoneEventKind.NodeUp:
        this.raise(event.node);
        break;
      case ZoneEventKind.NodeJoined:
        throw new Error('nodes of a simulated cluster are known from the start');
      case ZoneEventKind.Tick:
        this.letLeave();
        this.decide();
        break;
    }
    const isIdle = event.kind === ZoneEventKind.Tick && this.carried === carried;
    this.idleTicks = isIdle ? this.idleTicks + 1 : 0;
    return this.effects;
  }

  stateOf(job: number): JobStateCode {
    return this.ledger.stateOf(job);
  }

  demandOf(job: number): Demand {
    return this.options.table.demandOf(job);
  }

  forEachPod(job: number, visit: (member: number, node: number, gpuMask: number) => void): void {
    for (const pod of this.ledger.jobOf(job).pods)
      if (pod.node >= 0) visit(pod.member, pod.node, pod.gpuMask);
  }

  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void {
    for (const pod of this.ledger.podsOn(node)) if (pod.counted) visit(pod.job, pod.gpuMask);
  }

  /** @returns When the job started last; NaN if it never did. */
  startOf(job: number): number {
    return this.ledger.jobOf(job).startedSeconds;
  }

  /** @returns Why a job waits, in the scheduler's words on the first of its waiting pods; '' if there is no report. */
  textOf(job: number): string {
    for (const { node, description } of this.ledger.jobOf(job).pods) {
      if (node < 0 && description.gates.length > 0) return GATED_TEXT;
      const text = node < 0 ? this.scheduler.whyWaiting(description.uid) : '';
      if (text !== '') return text;
    }
    return '';
  }

  private enterRecorded(description: PodDescription, job = -1): void {
    if (description.ended) return;
    const pod = this.maker.recorded(description, job);
    this.ledger.add(pod);
    if (description.nodeName !== '') this.ledger.place(pod);
  }

  /** Seconds since 1970. Timed work is due regardless of rounding of sums. */
  private nowSeconds(): number {
    const { originSeconds } = this.options.world;
    const at = originSeconds + this.now;
    const due = this.scheduler.dueSeconds;
    return due > at && due - originSeconds <= this.now ? due : at;
  }

  /** Passes an event to the scheduler and carries out its effects and their consequences. */
  private feed(event: PodEvent): void {
    this.volumes.see(event);
    this.todo.push(...this.scheduler.step(event, this.nowSeconds()));
    if (this.draining) return;
    this.draining = true;
    for (let i = 0; i < this.todo.length; i++) this.carryOut(this.todo[i] as PodEffect);
    this.carried += this.todo.length;
    this.todo.length = 0;
    this.draining = false;
  }

  private carryOut(effect: PodEffect): void {
    switch (effect.kind) {
      case 'bind':
        this.bind(effect);
        return;
      case 'unschedulable':
        return;
      case 'evict':
        this.evict(effect);
        return;
      case 'nominate': {
        const pod = this.ledger.pods.get(effect.uid);
        if (pod !== undefined) this.describe(pod, { nominatedNodeName: effect.node });
        return;
      }
      case 'gang-release':
        for (const uid of effect.uids) {
          const pod = this.ledger.pods.get(uid);
          if (pod !== undefined) this.takeAway(pod, '', {});
        }
        return;
    }
  }

  private describe(pod: SimulatedPod, changes: Partial<PodDescription>): void {
    pod.description = { ...pod.description, ...changes };
    this.feed({ kind: 'pod', pod: pod.description });
  }

  private bind(effect: BindEffect): void {
    const pod = this.ledger.pods.get(effect.uid);
    if (pod === undefined) {
      this.feed({ kind: 'bind-done', uid: effect.uid, outcome: 'gone' });
      return;
    }
    for (const event of this.volumes.bind(effect)) this.feed(event);
    this.feed({ kind: 'bind-done', uid: effect.uid, outcome: 'bound' });
    this.describe(pod, { nodeName: effect.node, startedSeconds: this.nowSeconds() });
    this.ledger.place(pod);
    if (pod.job < 0) return;
    const job = this.ledger.jobOf(pod.job);
    this.touched.add(job);
    const arrived = this.arrivedPods.get(job);
    if (arrived === undefined) this.arrivedPods.set(job, [pod]);
    else arrived.push(pod);
  }

  private evict(effect: EvictEffect): void {
    const pod = this.ledger.pods.get(effect.uid);
    this.feed({ kind: 'evict-done', uid: effect.uid, done: true });
    if (pod !== undefined) this.takeAway(pod, effect.by, { preempted: true });
  }

  /** Deletes a pod: it is gone after its grace period. */
  private takeAway(pod: SimulatedPod, by: string, changes: Partial<PodDescription>): void {
    const { description } = pod;
    if (description.deleting) return;
    this.victims.push({ pod, by, node: description.nodeName, atSeconds: this.now, successor: undefined });
    this.describe(pod, { deleting: true, ...changes });
    this.leaving.add(pod, this.now + pod.graceSeconds);
  }

  /** Removes the pods whose time is over. */
  private letLeave(): void {
    for (;;) {
      const pod = this.leaving.takeDue(this.now);
      if (pod === undefined) return;
      if (this.ledger.pods.get(pod.description.uid) === pod) this.leave(pod);
    }
  }

  private leave(pod: SimulatedPod): void {
    const job = pod.job < 0 ? undefined : this.ledger.jobOf(pod.job);
    const ran = pod.node >= 0;
    const { member, node, gpuMask } = pod;
    this.ledger.remove(pod);
    this.feed({ kind: 'pod-gone', uid: pod.description.uid });
    if (job === undefined) return;
    if (ran && job.placed > 0) this.effects.pushPod(EffectKind.PodLeft, job.job, member, node, gpuMask);
    else if (ran) this.effects.pushJob(EffectKind.JobReleased, job.job, 1, Reason.Preempted);
    if (pod.comesBack) {
      const successor = this.make(job, pod.member);
      const victim = this.victims.findLast((each) => each.pod === pod);
      if (victim !== undefined) victim.successor = successor;
    }
    if (ran && job.placed === 0) this.requeue(job, pod.comesBack, Reason.Preempted);
  }

  private requeue(job: SimulatedJob, comesBack: boolean, reason: ReasonCode): void {
    job.state = comesBack ? JobState.Waiting : JobState.Failed;
    this.effects.pushJob(comesBack ? EffectKind.JobRequeued : EffectKind.JobFailed, job.job, 0, reason);
  }

  private submit(job: number): void {
    const { kept, pending } = this.options;
    if (job < kept) this.keep(this.ledger.jobOf(job));
    if (job >= kept + pending) {
      this.arrive(job);
      this.explain(job);
      this.decide();
      this.told(this.ledger.jobOf(job));
      return;
    }
    if (++this.begun < kept + pending) return;
    for (let each = kept; each < kept + pending; each++) this.explain(each);
    this.decide();
    for (let each = kept; each < kept + pending; each++) this.told(this.ledger.jobOf(each));
  }

  /** Explains the watched job in the state before its decision. */
  private explain(job: number): void {
    const { watch } = this.options;
    const [first] = this.ledger.jobOf(job).pods;
    if (watch?.job !== job || first === undefined) return;
    // Decides on no pod, but makes the prices that nodes are compared by.
    this.feed({ kind: 'decide', max: 0 });
    const explanation = this.scheduler.explain(first.description.uid);
    if (explanation === undefined) return;
    const lacking = explanation.refusals.map(({ reason, nodes }): [string, number] => [reason, nodes]);
    watch.explained({
      policy: explanation.policy,
      node: explanation.node,
      better: explanation.better,
      candidates: explanation.candidates.map(({ node, nodes, value, parts }) => ({
        label: node,
        nodes,
        value,
        parts,
      })),
      lacking: Object.fromEntries(lacking),
    });
  }

  /** A job that was on its node when the cluster was recorded. */
  private keep(job: SimulatedJob): void {
    job.state = JobState.Running;
    job.startedSeconds = this.now;
    for (const { member, node, gpuMask } of job.pods)
      this.effects.pushPod(EffectKind.PodPlaced, job.job, member, node, gpuMask);
    this.effects.pushJob(EffectKind.JobStarted, job.job, job.pods.length, Reason.None);
  }

  /** Reports that a job that does not run waits. */
  private told(job: SimulatedJob): void {
    if (job.state === JobState.Running) return;
    job.state = JobState.Waiting;
    const reason = this.isImpossible(job) ? Reason.Impossible : Reason.NoFit;
    if (this.options.watch?.job === job.job) this.options.watch.waitsBecause(this.textOf(job.job));
    this.effects.pushJob(EffectKind.JobWaiting, job.job, 0, reason);
  }

  private isImpossible({ job, pods: [first] }: SimulatedJob): boolean {
    if (first === undefined) return true;
    return this.room.podsOf(first.description.template) < (this.options.table.gangMins[job] as number);
  }

  /** Passes the pods of a job to the scheduler, and their group if the job is a gang that has none. */
  private arrive(job: number): void {
    const group = this.maker.groupOf(job);
    if (group !== undefined) this.feed({ kind: 'group', group });
    const simulated = this.ledger.jobOf(job);
    const count = this.options.table.podCounts[job] as number;
    for (let member = 0; member < count; member++) this.make(simulated, member);
  }

  private make(job: SimulatedJob, member: number): SimulatedPod | undefined {
    const pod = this.maker.make(job, member, this.now);
    if (pod === undefined) return undefined;
    this.ledger.add(pod);
    this.feed({ kind: 'pod', pod: pod.description });
    return pod;
  }

  /** Decides until nothing is left to decide now, and reports the jobs that started or grew. */
  private decide(): void {
    const { counters } = this.scheduler;
    for (let idle = 0; idle < IDLE_TURNS_MAX; idle++) {
      const { scheduled, unschedulable, examined } = counters;
      const carried = this.carried;
      this.feed({ kind: 'decide', max: DECISIONS_A_TURN });
      const failed = counters.unschedulable - unschedulable;
      const decisions = counters.scheduled - scheduled + failed;
      this.options.onDecisions(decisions, failed, counters.examined - examined);
      if (!this.scheduler.hasWork) break;
      if (this.carried > carried) idle = 0;
    }
    for (const job of this.touched) this.grown(job, this.arrivedPods.get(job) as SimulatedPod[]);
    this.touched.clear();
    this.arrivedPods.clear();
  }

  private grown(job: SimulatedJob, pods: readonly SimulatedPod[]): void {
    const isStart = job.state !== JobState.Running;
    const kind = isStart ? EffectKind.PodPlaced : EffectKind.PodJoined;
    for (const { member, node, gpuMask } of pods) this.effects.pushPod(kind, job.job, member, node, gpuMask);
    if (!isStart) return;
    job.state = JobState.Running;
    job.startedSeconds = this.now;
    this.effects.pushJob(EffectKind.JobStarted, job.job, pods.length, Reason.None);
  }

  private finish(job: SimulatedJob): void {
    if (job.state !== JobState.Running) return;
    const { placed } = job;
    this.end(job);
    job.state = JobState.Finished;
    this.effects.pushJob(EffectKind.JobReleased, job.job, placed, Reason.Finished);
    this.decide();
  }

  /** All pods of a job are gone. */
  private end(job: SimulatedJob): void {
    for (const pod of [...job.pods]) {
      this.ledger.remove(pod);
      this.feed({ kind: 'pod-gone', uid: pod.description.uid });
    }
    const group = this.maker.groupOf(job.job);
    if (group !== undefined) this.feed({ kind: 'group-gone', key: group.key });
  }

  /** A job is abandoned. Its pods stay and wait: the scheduler's reports on them are needed. */
  private cancel(job: SimulatedJob): void {
    if (job.state !== JobState.Waiting) return;
    job.state = JobState.Cancelled;
    this.effects.pushJob(EffectKind.JobDropped, job.job, 0, Reason.Cancelled);
  }

  /** A node is lost with all its pods, and the jobs that had one there lose all of theirs. */
  private lose(node: number): void {
    const { cluster, lostPods } = this.options;
    const jobs = new Set<SimulatedJob>();
    for (const pod of [...this.ledger.podsOn(node)]) {
      if (pod.job >= 0) jobs.add(this.ledger.jobOf(pod.job));
      else this.leave(pod);
    }
    for (const job of jobs) {
      const { placed } = job;
      this.end(job);
      this.effects.pushJob(EffectKind.JobReleased, job.job, placed, Reason.NodeLost);
      this.requeue(job, lostPods === 'requeue', Reason.NodeLost);
    }
    cluster.setUp(node, false);
    this.feed({ kind: 'node-gone', name: cluster.names[node] as string });
    for (const job of jobs) if (job.state === JobState.Waiting) this.arrive(job.job);
    this.decide();
  }

  private raise(node: number): void {
    const { cluster } = this.options;
    const description = this.nodes.get(cluster.names[node] as string);
    cluster.setUp(node, true);
    if (description !== undefined) this.feed({ kind: 'node', node: description });
    this.decide();
  }
}
