/**
 * One central scheduler in the manner of kube-scheduler: one queue, one decision at a time, fresh state.
 *
 * Behaviour. Pods are decided one after the other, each takes `decisionSeconds`; a job of n pods takes n of them. From
 * where the last search ended it walks the nodes until enough fit, scores these by MostAllocated (kube-scheduler's
 * bin-packing profile: its default, LeastAllocated, spreads pods and leaves no room for large ones) and takes the best.
 * The queue is ordered by priority, then by time of entry. A job that fits nowhere waits aside until any pod ends, and
 * at least 1, 2, 4, 8, 10, 10 … seconds; less if the scheduler is idle otherwise. Above 1 / `decisionSeconds` pods a
 * second the queue grows without bound: this model exists to show that delay.
 *
 * Simplified. `decisionSeconds` does not depend on the number of nodes, nor on whether anything fits: favourable to it.
 * At most `nodesToScoreMax` nodes are scored, as if percentageOfNodesToScore were set down to its floor; where fewer
 * fit they are found as by a walk over all nodes. Gangs are all or nothing in one cycle (real ones need a plugin, or
 * v1.35's workload scheduling). Left out: BalancedAllocation and the scores that are alike for all nodes here,
 * preemption, the API server (modelled as one message each way), failed binds, the cost of watching nodes.
 *
 * @source kubernetes v1.34: pkg/scheduler/schedule_one.go, backend/queue/, plugins/noderesources. The rate:
 *         test/integration/scheduler_perf/misc, SchedulingBasic/5000Nodes_50000Pods.
 */
import { grown } from '../../src/kernel/grown.ts';
import { TimeHeap } from '../../src/kernel/time-heap.ts';
import { feasibleNodesToFind } from '../../src/simulation/baselines/kube-scheduler.ts';
import { EligibleNodes } from './eligible-nodes.ts';
import { FeasibleNodes } from './feasible-nodes.ts';
import { mostAllocatedScore } from './pack-score.ts';
import { type PeerEntry, requireIntegerOption, requireNumberOption } from './peer.ts';
import { type PeerModel, PeerWorld } from './peer-world.ts';

/** Options of the central scheduler. */
export interface CentralOptions {
  /** Virtual time that a pod's decision takes; ≥ 0. */
  readonly decisionSeconds: number;
  /** Most fitting nodes that are scored; integer in [1, 100 000]. Lower where kube-scheduler looks for fewer. */
  readonly nodesToScoreMax: number;
}

/**
 * Plain pods a second on 5,000 nodes that kube-scheduler's own tests require; a floor, with hardly any API server. End
 * to end, 300 to 1,000 have been reported.
 */
const KUBE_PODS_PER_SECOND = 810;
/** The least that kube-scheduler ever looks for in a cluster of that many. */
const NODES_TO_SCORE = 100;

/** Defaults of `central`. */
export const CENTRAL_DEFAULTS: CentralOptions = {
  decisionSeconds: 1 / KUBE_PODS_PER_SECOND,
  nodesToScoreMax: NODES_TO_SCORE,
};

/** Wait after the n-th failure. */
const BACKOFF_SECONDS = [1, 2, 4, 8, 10];

/** Kinds of events. */
const QUEUED = 1;
const DECIDED = 2;
const BACK = 3;

/** @returns The central scheduler. @throws TegError TEG_OPTION_INVALID. */
export function createCentral(options: Partial<CentralOptions> = {}): PeerEntry {
  const full = { ...CENTRAL_DEFAULTS, ...options };
  const { decisionSeconds, nodesToScoreMax } = full;
  requireNumberOption(
    'decisionSeconds',
    decisionSeconds,
    decisionSeconds >= 0,
    'a finite number of at least 0',
  );
  requireIntegerOption('nodesToScoreMax', nodesToScoreMax, 1, 100_000);
  return {
    name: 'central',
    description: 'One queue, one decision at a time, fresh state: kube-scheduler.',
    run: (run) => {
      const world = new PeerWorld(run);
      return world.run('central', new Central(world, full));
    },
  };
}

class Central implements PeerModel {
  private readonly world: PeerWorld;
  private readonly options: CentralOptions;
  private readonly eligible: EligibleNodes;
  private readonly feasible: FeasibleNodes;
  private readonly wanted: number;
  /** By −priority, then by time of entry. */
  private readonly queue = new TimeHeap();
  private queued = 0;
  /** Jobs that fit nowhere, since the last pod ended: `parked[0 … parkedCount)`. @shape [grows to jobs] */
  private parked: Int32Array = new Int32Array(64);
  private parkedCount = 0;
  /** Jobs that may try again, by time. */
  private readonly backoff = new TimeHeap();
  /** @shape [jobs] */
  private readonly failures: Uint8Array;
  private readonly retryAt: Float64Array;
  private isBusy = false;
  /** Where the next walk begins. */
  private start = 0;

  constructor(world: PeerWorld, options: CentralOptions) {
    this.world = world;
    this.options = options;
    const { nodeCount } = world.cluster;
    this.wanted = Math.min(feasibleNodesToFind(nodeCount), options.nodesToScoreMax);
    this.eligible = new EligibleNodes(world.cluster);
    this.feasible = new FeasibleNodes(world.cluster, this.eligible, this.wanted);
    this.failures = new Uint8Array(world.jobs.count);
    this.retryAt = new Float64Array(world.jobs.count);
  }

  arrive(job: number): void {
    this.world.announce(this.world.arrivalOfMessage(), QUEUED, job);
  }

  handle(kind: number, job: number): void {
    if (kind === QUEUED) {
      this.enqueue(job);
    } else if (kind === DECIDED) {
      this.isBusy = false;
      this.decide(job);
    } else {
      this.takeBack();
    }
    this.begin();
  }

  freed(node: number): void {
    const { world } = this;
    this.feasible.freed(node);
    for (let i = 0; i < this.parkedCount; i++) {
      const job = this.parked[i] as number;
      const at = this.retryAt[job] as number;
      this.backoff.push(at, this.queued++, job);
      if (at > world.now) world.announce(at, BACK, 0);
    }
    this.parkedCount = 0;
    this.begin();
  }

  private enqueue(job: number): void {
    this.queue.push(-(this.world.jobs.priorities[job] as number), this.queued++, job);
  }

  /** Jobs whose wait is over come back into the queue. */
  private takeBack(): void {
    const { backoff, world } = this;
    while (backoff.size > 0 && (backoff.times[0] as number) <= world.now) this.enqueue(backoff.pop());
  }

  /** Starts on the next job, if there is one. */
  private begin(): void {
    const { queue, backoff, world } = this;
    if (this.isBusy) return;
    this.takeBack();
    // No other job waits: a job need not sit out its wait.
    if (queue.size === 0 && backoff.size > 0) this.enqueue(backoff.pop());
    if (queue.size === 0) return;
    const job = queue.pop();
    this.isBusy = true;
    const pods = world.jobs.podCounts[job] as number;
    world.announce(world.now + pods * this.options.decisionSeconds, DECIDED, job);
  }

  private decide(job: number): void {
    const { world, failures } = this;
    world.meter.decisions++;
    const pods = world.jobs.podCounts[job] as number;
    const got = world.holdAll(job, this.nodeOf);
    if (got === pods) {
      world.startJob(job, world.arrivalOfMessage(), 1);
      return;
    }
    const begin = world.podOffsets[job] as number;
    for (let pod = begin; pod < begin + got; pod++) this.feasible.freed(world.podNodes[pod] as number);
    const failed = failures[job] as number;
    failures[job] = Math.min(failed + 1, BACKOFF_SECONDS.length - 1);
    this.retryAt[job] = world.now + (BACKOFF_SECONDS[failed] as number);
    // A pod that no empty node could hold is not retried: no ending pod makes room for it.
    if (this.eligible.of(world.jobs.demandOf(job)).count > 0) this.park(job);
  }

  /** The best of the nodes found. */
  private readonly nodeOf = (job: number): number => {
    const { world, feasible } = this;
    const demand = world.jobs.demandOf(job);
    const got = feasible.walk(demand, this.start, this.wanted);
    let best = -1;
    let bestScore = -1;
    for (let i = 0; i < got; i++) {
      const node = feasible.found[i] as number;
      const score = mostAllocatedScore(world.cluster, node, demand);
      if (score > bestScore) {
        best = node;
        bestScore = score;
      }
    }
    // A walk examines at least as many nodes as it finds.
    if (got > 0) this.start = ((feasible.found[got - 1] as number) + 1) % world.cluster.nodeCount;
    return best;
  };

  private park(job: number): void {
    if (this.parkedCount === this.parked.length) {
      this.parked = grown(this.parked, 2 * this.parked.length);
    }
    this.parked[this.parkedCount++] = job;
  }
}
