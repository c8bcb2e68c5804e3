/**
 * Two choices on a stale snapshot and a serial plan applier, in the manner of Nomad.
 *
 * Behaviour. Evaluations wait in a broker, by priority, then by time of arrival. A worker takes one, looks through the
 * snapshot's nodes in random order until two fit, takes the one of better fit, sends the plan to the leader and waits.
 * The leader applies plans one after the other, `applySeconds` a pod, against the true state. A plan that no longer
 * fits is rejected; the same worker tries again on a snapshot as fresh as the answer, `attemptsMax` times in all. An
 * evaluation that finds no room, or was rejected that often, is blocked. Blocked ones are taken up when the snapshot is
 * refreshed and shows nodes that fit: as many as there are such nodes (up to 64), oldest first, and one more for each
 * that succeeds.
 *
 * Readings. Batch jobs: two choices, two attempts (services: ⌈log2 N⌉ and five). A gang is a job with all_at_once:
 * rejected as a whole. The snapshot is one board that all servers share and refresh at once. Real Nomad unblocks every
 * evaluation of a node class whenever any allocation of that class ends; the rule here wastes fewer evaluations, so it
 * is favourable. Nomad's cost of shuffling all nodes for each evaluation is part of `evaluationSeconds`, which does not
 * grow with N here: favourable too. Left out: penalty for a second pod of a job on a node, skipping of bad scores,
 * preemption, raft.
 *
 * @source hashicorp/nomad: scheduler/stack.go, scheduler/generic_sched.go, nomad/plan_apply.go, nomad/blocked_evals.go.
 *         The rate of the applier: C1M, 3,750 containers a second on 5,000 nodes, hashicorp.com/c1m.
 */
import { TimeHeap } from '../../src/kernel/time-heap.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';
import { clusterFor } from '../../src/simulation/inputs/workload-of.ts';
import { EligibleNodes } from './eligible-nodes.ts';
import { FeasibleNodes } from './feasible-nodes.ts';
import { binPackScore } from './pack-score.ts';
import { type PeerEntry, type PeerOptions, requireIntegerOption, requireNumberOption } from './peer.ts';
import { type PeerModel, PeerWorld } from './peer-world.ts';
import { StaleBoard } from './stale-board.ts';
import { WaitingLines } from './waiting-lines.ts';

/** Options of Nomad. */
export interface NomadOptions {
  /** Nodes that fit and are scored; integer in [1, 64]. */
  readonly choices: number;
  /** Virtual time that the leader needs to apply a plan, a pod; ≥ 0. */
  readonly applySeconds: number;
  /** Virtual time that a worker needs to evaluate, a pod; ≥ 0. */
  readonly evaluationSeconds: number;
  /** Workers on all servers; integer in [1, 1 000 000]. */
  readonly workers: number;
  /** Plans sent for one evaluation; integer in [1, 100]. */
  readonly attemptsMax: number;
}

/** Defaults of `nomad`. Workers and their speed are assumed, such that the applier is the bottleneck. */
export const NOMAD_DEFAULTS: NomadOptions = {
  choices: 2,
  applySeconds: 1 / 3750,
  evaluationSeconds: 0.005,
  workers: 128,
  attemptsMax: 2,
};

/** Most nodes that fit a blocked demand which are looked for at a refresh. */
const WAKES_MAX = 64;

/** Kinds of events; all of a job but the last. */
const QUEUED = 1;
const EVALUATED = 2;
const SUBMITTED = 3;
const APPLIED = 4;
const ACCEPTED = 5;
const REJECTED = 6;
const REFRESHED = 7;

/** @returns Nomad. @throws TegError TEG_OPTION_INVALID. */
export function createNomad(options: Partial<NomadOptions> = {}): PeerEntry {
  const full = { ...NOMAD_DEFAULTS, ...options };
  const { choices, applySeconds, evaluationSeconds, workers, attemptsMax } = full;
  requireIntegerOption('choices', choices, 1, WAKES_MAX);
  requireIntegerOption('workers', workers, 1, 1_000_000);
  requireIntegerOption('attemptsMax', attemptsMax, 1, 100);
  requireNumberOption('applySeconds', applySeconds, applySeconds >= 0, 'a finite number of at least 0');
  requireNumberOption(
    'evaluationSeconds',
    evaluationSeconds,
    evaluationSeconds >= 0,
    'a finite number of at least 0',
  );
  return {
    name: 'nomad',
    description: 'The better of two nodes of a stale snapshot, a serial plan applier: Nomad.',
    run: (run) => {
      const world = new PeerWorld(run);
      return world.run('nomad', new Nomad(world, run, full));
    },
  };
}

class Nomad implements PeerModel {
  private readonly world: PeerWorld;
  private readonly options: NomadOptions;
  private readonly stalenessSeconds: number;
  private readonly board: StaleBoard;
  private readonly onBoard: FeasibleNodes;
  private readonly fresh: FeasibleNodes;
  /** The view that the current evaluation reads. */
  private view: ClusterState;
  private finder: FeasibleNodes;
  /** By −priority, then by time of arrival. */
  private readonly broker = new TimeHeap();
  private queued = 0;
  private readonly blocked: WaitingLines;
  private idleWorkers: number;
  private applierFreeAt = 0;
  /** Plans rejected for the present evaluation. @shape [jobs] */
  private readonly attempts: Uint8Array;
  /** Examined nodes that fitted. @shape [jobs] */
  private readonly probes: Int32Array;

  constructor(world: PeerWorld, run: PeerOptions, options: NomadOptions) {
    this.world = world;
    this.options = options;
    this.stalenessSeconds = run.stalenessSeconds;
    const { cluster, jobs } = world;
    this.board = new StaleBoard(cluster, clusterFor(run.nodes, run.jobs));
    const eligible = new EligibleNodes(cluster);
    this.onBoard = new FeasibleNodes(this.board.cluster, eligible, WAKES_MAX);
    this.fresh = new FeasibleNodes(cluster, eligible, WAKES_MAX);
    this.view = this.board.cluster;
    this.finder = this.onBoard;
    this.blocked = new WaitingLines(jobs.count, jobs.demands.demands.length);
    this.idleWorkers = options.workers;
    this.attempts = new Uint8Array(jobs.count);
    this.probes = new Int32Array(jobs.count);
    world.announce(this.stalenessSeconds, REFRESHED, 0);
  }

  arrive(job: number): void {
    this.world.announce(this.world.arrivalOfMessage(), QUEUED, job);
  }

  handle(kind: number, job: number): void {
    if (kind === QUEUED) this.enqueue(job);
    else if (kind === EVALUATED) this.evaluate(job);
    else if (kind === SUBMITTED) this.submit(job);
    else if (kind === APPLIED) this.apply(job);
    else if (kind === ACCEPTED) this.accepted(job);
    else if (kind === REJECTED) this.rejected(job);
    else this.refresh();
    this.work();
  }

  freed(node: number): void {
    this.board.freedAt(node);
    this.fresh.freed(node);
  }

  private demandId(job: number): number {
    return this.world.jobs.demandIds[job] as number;
  }

  private enqueue(job: number): void {
    this.broker.push(-(this.world.jobs.priorities[job] as number), this.queued++, job);
  }

  /** Idle workers take evaluations. */
  private work(): void {
    while (this.idleWorkers > 0 && this.broker.size > 0) {
      this.idleWorkers--;
      this.beginEvaluation(this.broker.pop());
    }
  }

  private beginEvaluation(job: number): void {
    const seconds = (this.world.jobs.podCounts[job] as number) * this.options.evaluationSeconds;
    this.world.announce(this.world.now + seconds, EVALUATED, job);
  }

  /** Makes a plan: on the board, or after a rejection on the current state. */
  private evaluate(job: number): void {
    const { world } = this;
    const isRetry = this.attempts[job] !== 0;
    this.view = isRetry ? world.cluster : this.board.cluster;
    this.finder = isRetry ? this.fresh : this.onBoard;
    world.meter.decisions++;
    if (this.plan(job)) world.announce(world.arrivalOfMessage(), SUBMITTED, job);
    else this.block(job);
  }

  /** Chooses a node for every pod, each given the ones before it. @returns True if there was one for every pod. */
  private plan(job: number): boolean {
    const { world, view } = this;
    const demand = world.jobs.demandOf(job);
    const begin = world.podOffsets[job] as number;
    const pods = world.jobs.podCounts[job] as number;
    if (pods === 1) {
      const node = this.choose(job);
      world.podNodes[begin] = node;
      return node >= 0;
    }
    const masks: number[] = [];
    for (let node = this.choose(job); node >= 0; node = this.choose(job)) {
      const mask = view.bestFitGpus(node, demand);
      view.place(node, demand, mask);
      world.podNodes[begin + masks.length] = node;
      masks.push(mask);
      if (masks.length === pods) break;
    }
    masks.forEach((mask, i) => {
      view.release(world.podNodes[begin + i] as number, demand, mask);
    });
    for (let i = 0; i < masks.length; i++) this.finder.freed(world.podNodes[begin + i] as number);
    return masks.length === pods;
  }

  /** @returns The better of some nodes that fit in the view, −1 if none does. */
  private choose(job: number): number {
    const { world, finder } = this;
    const demand = world.jobs.demandOf(job);
    const got = finder.draw(demand, world.random, this.options.choices);
    this.probes[job] = (this.probes[job] as number) + got;
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < got; i++) {
      const node = finder.found[i] as number;
      const score = binPackScore(this.view, node, demand);
      if (score > bestScore) {
        best = node;
        bestScore = score;
      }
    }
    return best;
  }

  /** A plan comes to the leader's queue. */
  private submit(job: number): void {
    const { world } = this;
    const seconds = (world.jobs.podCounts[job] as number) * this.options.applySeconds;
    this.applierFreeAt = Math.max(world.now, this.applierFreeAt) + seconds;
    world.announce(this.applierFreeAt, APPLIED, job);
  }

  private apply(job: number): void {
    const { world } = this;
    const pods = world.jobs.podCounts[job] as number;
    const got = world.holdAll(job, this.plannedNode);
    const begin = world.podOffsets[job] as number;
    const at = world.arrivalOfMessage();
    if (got < pods) {
      for (let pod = begin; pod < begin + got; pod++) this.fresh.freed(world.podNodes[pod] as number);
      world.meter.refusals++;
      world.announce(at, REJECTED, job);
      return;
    }
    for (let pod = begin; pod < begin + pods; pod++) this.board.filledAt(world.podNodes[pod] as number);
    world.startJob(job, at, this.probes[job] as number);
    world.announce(at, ACCEPTED, job);
  }

  /** The planned node, if the pod still fits there. */
  private readonly plannedNode = (job: number, member: number): number => {
    const { world } = this;
    const node = world.podNodes[(world.podOffsets[job] as number) + member] as number;
    return world.cluster.fits(node, world.jobs.demandOf(job)) ? node : -1;
  };

  private accepted(job: number): void {
    this.idleWorkers++;
    this.unblock(this.demandId(job), 1);
  }

  private rejected(job: number): void {
    const attempts = (this.attempts[job] as number) + 1;
    this.attempts[job] = attempts;
    if (attempts < this.options.attemptsMax) this.beginEvaluation(job);
    else this.block(job);
  }

  /** Puts an evaluation aside; its worker is idle again. */
  private block(job: number): void {
    this.attempts[job] = 0;
    this.idleWorkers++;
    this.blocked.push(this.demandId(job), job);
  }

  private unblock(demand: number, jobs: number): void {
    for (let left = jobs; left > 0; left--) {
      const job = this.blocked.first(demand);
      if (job < 0) return;
      this.blocked.remove(demand, job);
      this.enqueue(job);
    }
  }

  private refresh(): void {
    const { board, blocked, world } = this;
    board.refresh();
    for (let i = 0; i < board.freedCount; i++) this.onBoard.freed(board.freed[i] as number);
    for (let i = blocked.activeCount - 1; i >= 0; i--) {
      const id = blocked.active[i] as number;
      const demand = world.jobs.demands.demands[id] as Demand;
      this.unblock(id, this.onBoard.walk(demand, world.random.nextU32(), WAKES_MAX));
    }
    world.announce(world.now + this.stalenessSeconds, REFRESHED, 0);
  }
}
