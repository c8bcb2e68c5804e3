/**
 * The parts of a zone, and the transitions of jobs: attempt, start, release, wait, leave.
 *
 * Every transition keeps cluster accounts, pod table, job table, waiting queue and counters in step with each other and
 * writes its effects. Not here: the transitions that an event causes (`zone.ts`) and the retries of waiting jobs
 * (`zone-retries.ts`).
 */

import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import { isShortOf, type NodeState } from '../../model/node-state.ts';
import { type Accounts, type AccountsRefusal, newAsk } from '../accounts.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import { EffectBuffer } from './effects.ts';
import { HeldBackJobs } from './held-back-jobs.ts';
import { type HeldPod, HeldPods } from './held-pods.ts';
import { NodeStates } from './node-states.ts';
import { PodTable } from './pod-table.ts';
import { WaitingQueue } from './waiting-queue.ts';
import { couldHold } from './zone-capacity.ts';
import {
  EffectKind,
  JobState,
  Reason,
  type ReasonCode,
  ZONE_DEFAULTS,
  type ZoneOptions,
} from './zone-events.ts';
import { ZoneJobTable } from './zone-jobs.ts';
import { GangPlacer } from './zone-placement.ts';
import { ZoneShapeTable } from './zone-shapes.ts';

/** Counters of a zone since it was made. submitted = waiting + running + finished + cancelled + dropped + failed. */
export interface ZoneCounters {
  /** Jobs accepted as submissions, dropped ones included. */
  submitted: number;
  /** Starts, restarts included. */
  started: number;
  finished: number;
  /** Waiting or running when cancelled. */
  cancelled: number;
  /** At their submission. */
  dropped: number;
  /** Times that a job went back to waiting because it lost a node. */
  requeued: number;
  /** Jobs abandoned because they lost a node. */
  failed: number;
  /** Events without effect because they came late or twice. */
  ignored: number;
  /** Attempts to place a job. */
  attempts: number;
}

/** The state of one zone. */
export class ZoneCore {
  readonly cluster: ClusterState;
  readonly policy: PlacementPolicy;
  readonly options: Required<ZoneOptions>;
  readonly effects: EffectBuffer;
  readonly jobs: ZoneJobTable = new ZoneJobTable();
  readonly shapes: ZoneShapeTable;
  readonly pods: PodTable = new PodTable();
  readonly nodeStates: NodeStates = new NodeStates();
  readonly waiting: WaitingQueue;
  /** Waiting jobs that are not in `waiting`, because the accounts do not admit them. */
  readonly heldBack: HeldBackJobs = new HeldBackJobs(this.jobs);
  /** Room that jobs of a queue discipline hold before they start. */
  readonly held: HeldPods = new HeldPods();
  readonly accounts: Accounts;
  readonly counters: ZoneCounters = {
    submitted: 0,
    started: 0,
    finished: 0,
    cancelled: 0,
    dropped: 0,
    requeued: 0,
    failed: 0,
    ignored: 0,
    attempts: 0,
  };
  /** The time of the last step. */
  timeSeconds = Number.NEGATIVE_INFINITY;
  /** Jobs running. */
  runningJobs = 0;
  /** True if a queue discipline decides: room that was freed is recorded for its next pass. */
  isDisciplined = false;
  /** Waiting jobs whose order a queue discipline decides (`disciplined-jobs.ts`). */
  disciplinedCount = 0;
  /** Nodes whose free resources grew in this step and that are up, each once. @shape [touchedCount] */
  touched: Int32Array = new Int32Array(64);
  touchedCount = 0;
  /** Nodes of each flavour, up or down. */
  readonly flavorNodes: number[] = [];

  readonly placer: GangPlacer;
  /** Reused for every call of the accounts. */
  private readonly ask = newAsk();
  /** @shape [nodes] 1: in `touched`. */
  private touchedFlags: Uint8Array = new Uint8Array(64);
  /** Number of the last submission. */
  private lastRank = 0;

  /** See `Zone`. */
  constructor(cluster: ClusterState, policy: PlacementPolicy, options: ZoneOptions, accounts: Accounts) {
    this.cluster = cluster;
    this.policy = policy;
    this.options = resolveOptions(options);
    this.accounts = accounts;
    this.effects = new EffectBuffer(this.options.effectsMax);
    this.shapes = new ZoneShapeTable(cluster.demands);
    this.waiting = new WaitingQueue(cluster, this.jobs, this.shapes, this.options.queue === 'strict-fifo');
    this.placer = new GangPlacer(cluster, policy, this.waiting.gangs);
    for (let node = 0; node < cluster.nodeCount; node++) {
      assert(cluster.podCounts[node] === 0, 'a zone starts on a cluster without pods');
      this.countNode(node);
    }
  }

  /** Adds a node that was just added to the cluster. */
  addNode(node: number): void {
    this.countNode(node);
    this.waiting.gangs.after(node);
    this.policy.nodeChanged?.(node);
  }

  /** Sets whether a node takes pods. */
  setUp(node: number, up: boolean): void {
    const { gangs } = this.waiting;
    gangs.before(node);
    this.cluster.setUp(node, up);
    gangs.after(node);
    this.policy.nodeChanged?.(node);
  }

  /** Takes the report of a node: one that is short costs more from now on. */
  setState(node: number, state: NodeState): void {
    this.nodeStates.set(node, state);
    if (this.cluster.setShort(node, isShortOf(state))) this.policy.nodeChanged?.(node);
  }

  /** Keeps pods off a node that is up, for a pass, or takes that back. */
  setClosed(node: number, closed: boolean): void {
    const { gangs } = this.waiting;
    gangs.before(node);
    this.cluster.setClosed(node, closed);
    gangs.after(node);
    this.policy.nodeChanged?.(node);
  }

  private countNode(node: number): void {
    const flavor = this.cluster.flavorIds[node] as number;
    while (this.flavorNodes.length <= flavor) this.flavorNodes.push(0);
    this.flavorNodes[flavor] = (this.flavorNodes[flavor] as number) + 1;
  }

  /** @returns The demand of a shape. */
  demandOf(shape: number): Demand {
    return this.shapes.demands[shape] as Demand;
  }

  /** @returns True if the shape could not even start on the empty cluster. O(1) once known for these nodes. */
  isImpossible(shape: number): boolean {
    const generation = this.cluster.nodeCount;
    if (this.shapes.impossibleSince[shape] === generation) return true;
    const gangMin = this.shapes.gangMins[shape] as number;
    if (couldHold(this.cluster, this.flavorNodes, this.demandOf(shape), gangMin)) return false;
    this.shapes.impossibleSince[shape] = generation;
    return true;
  }

  /** @returns True if it is already known, for these nodes, that the shape is impossible. O(1). */
  isKnownImpossible(shape: number): boolean {
    return this.shapes.impossibleSince[shape] === this.cluster.nodeCount;
  }

  /** Makes the entry of a submitted job, which neither waits nor runs yet. */
  enter(job: number, shape: number, priority: number, tenant: number): void {
    this.jobs.submit(job, shape, priority, tenant, ++this.lastRank);
  }

  /** Jobs waiting, wherever they wait. */
  get waitingJobs(): number {
    return this.waiting.jobCount + this.heldBack.jobCount + this.disciplinedCount;
  }

  /** @returns Why the accounts do not admit a job now; undefined: they do. Call before `attemptAdmitted`. */
  refusalOf(job: number): AccountsRefusal | undefined {
    const { jobs, shapes } = this;
    const shape = jobs.shapeOf(job);
    return this.refusalOfPods(job, shapes.podCounts[shape] as number, shapes.gangMins[shape] as number);
  }

  private refusalOfPods(job: number, count: number, countMin: number): AccountsRefusal | undefined {
    const { ask, jobs } = this;
    ask.tenant = jobs.tenantOf(job);
    ask.holder = job;
    ask.priority = jobs.priorityOf(job);
    ask.pods = count;
    ask.podsMin = countMin;
    ask.demands[0] = this.demandOf(jobs.shapeOf(job));
    ask.counts[0] = ask.pods;
    ask.mayNarrow = true;
    ask.otherwise = undefined;
    return this.accounts.admit(ask, this.timeSeconds);
  }

  /**
   * Lets a job wait, which is in no line, until the accounts wake its tenant. After the request for it, and the attempt if it was
   * admitted.
   *
   * @param sinceSeconds When it began to wait.
   */
  holdBack(job: number, refusal: AccountsRefusal, sinceSeconds: number): void {
    this.heldBack.push(job, refusal, refusal === this.ask.otherwise);
    this.jobs.enter(job, JobState.Waiting, Reason.NotAdmitted, sinceSeconds);
  }

  /** Why the job that was just admitted is held back if it finds no place: it was admitted on some nodes only. */
  get narrowedRefusal(): AccountsRefusal | undefined {
    return this.ask.otherwise;
  }

  /** Tries to place the job that was just admitted, on the nodes that it was admitted on. As `attempt`. */
  attemptAdmitted(job: number): number {
    return this.attempt(job, this.ask.demands[0]);
  }

  /** As `attemptAdmitted`, with a pod on each of these nodes. @returns True if all are placed. */
  attemptOn(job: number, nodes: readonly number[]): boolean {
    this.counters.attempts++;
    this.jobs.countAttempt(job);
    return this.placer.placeOn(this.ask.demands[0] as Demand, nodes);
  }

  /**
   * Tries to place a job, all or nothing. Follow up with `start` if enough was placed.
   *
   * @param demand Its pods' demand, or a narrower one.
   * @returns Members that found room: placed if at least the gang's minimum, else none is placed any more.
   */
  attempt(job: number, demand = this.demandOf(this.jobs.shapeOf(job))): number {
    const shape = this.jobs.shapeOf(job);
    const { podCounts, gangMins } = this.shapes;
    this.counters.attempts++;
    this.jobs.countAttempt(job);
    return this.placer.place(demand, podCounts[shape] as number, gangMins[shape] as number);
  }

  /**
   * Holds room for further pods of the waiting job that was just admitted, as many as find it, up to all of them.
   *
   * @returns Pods that it holds now.
   */
  hold(job: number): number {
    const { held, placer, jobs } = this;
    const had = held.countOf(job);
    this.counters.attempts++;
    jobs.countAttempt(job);
    const missing = (this.shapes.podCounts[jobs.shapeOf(job)] as number) - had;
    const found = placer.place(this.ask.demands[0] as Demand, missing, 0);
    for (let i = 0; i < found; i++) held.add(job, placer.nodes[i] as number, placer.gpuMasks[i] as number);
    return had + found;
  }

  /** Gives back the room that a waiting job holds, if it does. */
  letGo(job: number): void {
    const demand = this.demandOf(this.jobs.shapeOf(job));
    for (const { node, gpuMask } of this.held.take(job)) this.placer.release(node, demand, gpuMask);
  }

  /** @returns The pods of a running job on other nodes than one that is lost, if such jobs hold on (`ZoneOptions.onNodeLost`). */
  survivorsOf(job: number, lostNode: number): readonly HeldPod[] {
    const survivors: HeldPod[] = [];
    if (this.options.onNodeLost !== 'hold') return survivors;
    const { jobs, pods } = this;
    for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
      const node = pods.nodeOf(pod);
      if (node !== lostNode) survivors.push({ node, gpuMask: pods.gpuMaskOf(pod) });
    }
    return survivors;
  }

  /** A job that was released in this step, and waits, holds pods where it had them. */
  holdAgain(job: number, survivors: readonly HeldPod[]): void {
    const demand = this.demandOf(this.jobs.shapeOf(job));
    for (const { node, gpuMask } of survivors) {
      this.placer.restore(node, demand, gpuMask);
      this.held.add(job, node, gpuMask);
    }
  }

  /** Gives back the room held on a node that is lost. */
  letGoOn(node: number): void {
    this.held.takeOn(node, (job, { gpuMask }) => {
      this.placer.release(node, this.demandOf(this.jobs.shapeOf(job)), gpuMask);
    });
  }

  /** Visits the pods on a node, in no particular order. O(its pods). */
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void {
    const { pods } = this;
    for (let pod = pods.firstOnNode(node); pod >= 0; pod = pods.nextOnNode(pod)) {
      visit(pods.jobOf(pod), pods.gpuMaskOf(pod));
    }
  }

  /** Visits the pods that waiting jobs hold. */
  forEachHeld(visit: (demand: Demand, node: number, gpuMask: number) => void): void {
    if (this.held.isEmpty) return;
    this.held.forEach((job, { node, gpuMask }) => {
      visit(this.demandOf(this.jobs.shapeOf(job)), node, gpuMask);
    });
  }

  /** Starts a waiting job on the room that it holds. */
  startHeld(job: number): void {
    const pods = this.held.take(job);
    this.placer.adopt(pods);
    this.start(job, pods.length);
  }

  /** Enters the members that the last `attempt` placed as a running job. */
  start(job: number, members: number): void {
    const { jobs, pods, placer, effects, accounts, timeSeconds } = this;
    assert(
      members >= 1 && members <= placer.nodes.length,
      'a job starts with no member, or more than were placed',
    );
    const demand = this.demandOf(jobs.shapeOf(job));
    const tenant = jobs.tenantOf(job);
    let last = -1;
    for (let member = 0; member < members; member++) {
      const node = placer.nodes[member] as number;
      const gpuMask = placer.gpuMasks[member] as number;
      const pod = pods.add(job, node, gpuMask, last);
      if (last < 0) jobs.setFirst(job, pod);
      last = pod;
      effects.pushPod(EffectKind.PodPlaced, job, member, node, gpuMask);
      accounts.onHold(tenant, job, demand, node, timeSeconds);
    }
    jobs.setPrevious(job, members);
    jobs.countRun(job);
    jobs.enter(job, JobState.Running, Reason.None, timeSeconds);
    this.runningJobs++;
    this.counters.started++;
    effects.pushJob(EffectKind.JobStarted, job, members, Reason.None);
  }

  /** Releases all pods of a running job, and touches their nodes. The caller sets its next state. */
  release(job: number, reason: ReasonCode): void {
    const { jobs, pods, accounts, timeSeconds } = this;
    const demand = this.demandOf(jobs.shapeOf(job));
    const tenant = jobs.tenantOf(job);
    let members = 0;
    for (let pod = jobs.firstOf(job); pod >= 0; members++) {
      const node = pods.nodeOf(pod);
      this.placer.release(node, demand, pods.gpuMaskOf(pod));
      accounts.onRelease(tenant, job, demand, node, timeSeconds);
      this.touch(node);
      pod = pods.remove(pod);
    }
    assert(members === jobs.previousOf(job), 'a running job lost members');
    this.runningJobs--;
    this.effects.pushJob(EffectKind.JobReleased, job, members, reason);
  }

  /** Releases one pod of a running job that continues without it. O(members). */
  shrink(job: number, node: number, gpuMask: number): void {
    const { jobs, pods } = this;
    let before = -1;
    let member = 0;
    let pod = jobs.firstOf(job);
    for (; pod >= 0 && !(pods.nodeOf(pod) === node && pods.gpuMaskOf(pod) === gpuMask); member++) {
      before = pod;
      pod = pods.nextOfJob(pod);
    }
    assert(pod >= 0, 'a job has no pod there');
    const left = jobs.previousOf(job) - 1;
    assert(left >= (this.shapes.gangMins[jobs.shapeOf(job)] as number), 'a job falls below its minimum');
    const demand = this.demandOf(jobs.shapeOf(job));
    this.placer.release(node, demand, gpuMask);
    this.accounts.onRelease(jobs.tenantOf(job), job, demand, node, this.timeSeconds);
    this.touch(node);
    if (before < 0) jobs.setFirst(job, pods.nextOfJob(pod));
    else pods.skipNext(before);
    pods.remove(pod);
    jobs.setPrevious(job, left);
    this.effects.pushPod(EffectKind.PodLeft, job, member, node, gpuMask);
  }

  /** Adds one pod to a running job, if the accounts admit it and it finds room. O(members). @returns True if it was added. */
  grow(job: number): boolean {
    const { jobs, pods, placer, ask } = this;
    const demand = this.demandOf(jobs.shapeOf(job));
    if (this.refusalOfPods(job, 1, 1) !== undefined) return false;
    if (placer.place(ask.demands[0] as Demand, 1, 1) === 0) return false;
    const node = placer.nodes[0] as number;
    const gpuMask = placer.gpuMasks[0] as number;
    let last = jobs.firstOf(job);
    for (let pod = last; pod >= 0; pod = pods.nextOfJob(pod)) last = pod;
    const member = jobs.previousOf(job);
    pods.add(job, node, gpuMask, last);
    jobs.setPrevious(job, member + 1);
    this.effects.pushPod(EffectKind.PodJoined, job, member, node, gpuMask);
    this.accounts.onHold(jobs.tenantOf(job), job, demand, node, this.timeSeconds);
    return true;
  }

  /** Puts a job among the waiting ones. @param parked True if its shape is impossible, if it is the first. */
  wait(job: number, parked: boolean): void {
    this.waiting.push(job, parked);
    this.jobs.enter(job, JobState.Waiting, Reason.None, this.timeSeconds);
  }

  /** Records that a node has more room than before, if it takes pods and any job waits. Amortised O(1). */
  touch(node: number): void {
    if ((this.waiting.activeJobCount === 0 && !this.isDisciplined) || this.cluster.up[node] === 0) return;
    if (node >= this.touchedFlags.length) this.widenFlags(node);
    if (this.touchedFlags[node] === 1) return;
    this.touchedFlags[node] = 1;
    if (this.touchedCount === this.touched.length) {
      this.touched = grown(this.touched, this.touchedCount * 2);
    }
    this.touched[this.touchedCount++] = node;
  }

  /** Clears the touched nodes. */
  clearTouched(): void {
    for (let i = 0; i < this.touchedCount; i++) this.touchedFlags[this.touched[i] as number] = 0;
    this.touchedCount = 0;
  }

  private widenFlags(node: number): void {
    this.touchedFlags = grown(this.touchedFlags, Math.max(node + 1, this.touchedFlags.length * 2));
  }
}

/** Fills in the defaults and checks the bounds. */
function resolveOptions(options: ZoneOptions): Required<ZoneOptions> {
  const all: Required<ZoneOptions> = { ...ZONE_DEFAULTS, ...options };
  requireBound('waitingJobsMax', all.waitingJobsMax, 0, 2 ** 30);
  requireBound('jobsMax', all.jobsMax, 1, 2 ** 30);
  requireBound('gangAttemptsPerEventMax', all.gangAttemptsPerEventMax, 1, 2 ** 30);
  requireBound('membersMax', all.membersMax, 1, 2 ** 20);
  requireBound('countRoomNodesMax', all.countRoomNodesMax, 0, 2 ** 30);
  requireBound('effectsMax', all.effectsMax, all.membersMax + 2, 2 ** 30);
  return all;
}

function requireBound(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `zone option ${name} is ${value}; expected an integer in [${least}, ${most}]: correct it`,
  );
}
