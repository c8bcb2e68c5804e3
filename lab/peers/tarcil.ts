/**
 * Sampling with a sample size by load, and admission control, in the manner of Tarcil.
 *
 * Behaviour. For each pod a scheduler samples R nodes of a stale view, takes the best of those that fit, and asks that
 * node, which checks; after a refusal it samples again, `attemptsMax` times. R is the least number for which the best
 * sample's mean quality meets `qualityTarget`, given the share f of nodes that fit the pod in the view: it grows as the
 * cluster fills (sample-size.ts). Where R would pass `samplesMax`, and after that many refusals or no fitting sample,
 * the job waits for admission. It is admitted in one of three ways: at a refresh of the view that brings R below the
 * cap, as many as there are fitting nodes; when a pod ends on a node where its pod fits now (the oldest such job of one
 * pod, requested by the node); or after `admissionSeconds`, doubled at every return up to 16 times, when it samples
 * `samplesMax` nodes in any case.
 *
 * Readings. Schedulers are many, cost no time, and share one view, refreshed at once. The share f is measured for each
 * demand on FIT_SAMPLES nodes of the view, once a refresh. Tarcil's quality is how a job suits a server (interference,
 * hardware), learnt by classification; here it is how tightly the pod packs, and rank among fitting nodes takes its
 * place in the formula. A gang is committed on all its nodes at once or on none. That a node offers itself is our
 * reading of "queued until suitable resources free up", and favourable: it needs no probe. The paper's text was not at
 * hand: the abstract was, and the rest is from memory; target and cap are assumed (0.8 and 32), not quoted.
 *
 * @source Delimitrou, Sanchez, Kozyrakis 2015, Tarcil, SoCC, https://doi.org/10.1145/2806777.2806779.
 */
import type { Demand } from '../../src/model/demand.ts';
import { clusterFor } from '../../src/simulation/inputs/workload-of.ts';
import { EligibleNodes } from './eligible-nodes.ts';
import { binPackScore } from './pack-score.ts';
import { type PeerEntry, type PeerOptions, requireIntegerOption, requireNumberOption } from './peer.ts';
import { type PeerModel, PeerWorld } from './peer-world.ts';
import { samplesFor } from './sample-size.ts';
import { StaleBoard } from './stale-board.ts';
import { WaitingLines } from './waiting-lines.ts';

/** Options of Tarcil. */
export interface TarcilOptions {
  /** Mean quality that the best of the sample has to have; in (0, 1). */
  readonly qualityTarget: number;
  /** Most nodes sampled for a pod; integer in [1, 1024]. */
  readonly samplesMax: number;
  /** Commits tried before a job waits for admission; integer in [1, 100]. */
  readonly attemptsMax: number;
  /** Longest wait for admission, the first time; > 0. */
  readonly admissionSeconds: number;
}

/** Defaults of `tarcil`. Assumed. */
export const TARCIL_DEFAULTS: TarcilOptions = {
  qualityTarget: 0.8,
  samplesMax: 32,
  attemptsMax: 3,
  admissionSeconds: 10,
};

/** Nodes on which the share that fits is measured; the sample sizes are tabulated at its multiples. */
const FIT_SAMPLES = 256;
/** Most doublings of the wait for admission. */
const RETURNS_MAX = 4;

/** Kinds of events; all of a job but the last two. */
const QUEUED = 1;
const COMMITTED = 2;
const REFUSED = 3;
const OVERDUE = 4;
const OFFERED = 5;
const REFRESHED = 6;

/** @returns Tarcil. @throws TegError TEG_OPTION_INVALID. */
export function createTarcil(options: Partial<TarcilOptions> = {}): PeerEntry {
  const full = { ...TARCIL_DEFAULTS, ...options };
  const { qualityTarget, samplesMax, attemptsMax, admissionSeconds } = full;
  requireNumberOption(
    'qualityTarget',
    qualityTarget,
    qualityTarget > 0 && qualityTarget < 1,
    'a number in (0, 1)',
  );
  requireIntegerOption('samplesMax', samplesMax, 1, 1024);
  requireIntegerOption('attemptsMax', attemptsMax, 1, 100);
  requireNumberOption('admissionSeconds', admissionSeconds, admissionSeconds > 0, 'a finite number above 0');
  return {
    name: 'tarcil',
    description: 'The best of a sample whose size grows with load, with admission control: Tarcil.',
    run: (run) => {
      const world = new PeerWorld(run);
      return world.run('tarcil', new Tarcil(world, run, full));
    },
  };
}

class Tarcil implements PeerModel {
  private readonly world: PeerWorld;
  private readonly options: TarcilOptions;
  private readonly stalenessSeconds: number;
  private readonly board: StaleBoard;
  private readonly eligible: EligibleNodes;
  private readonly admission: WaitingLines;
  /** Sample size by the number of FIT_SAMPLES nodes that fitted. @shape [FIT_SAMPLES + 1] */
  private readonly sizes: Int32Array;
  /** How many fitted, and at which refresh that was measured. @shape [demands] */
  private readonly fits: Int32Array;
  private readonly measuredIn: Int32Array;
  private refreshes = 0;
  /** Of the jobs. @shape [jobs] */
  private readonly attempts: Uint8Array;
  private readonly returns: Uint8Array;
  private readonly probes: Int32Array;
  private readonly dueAt: Float64Array;

  constructor(world: PeerWorld, run: PeerOptions, options: TarcilOptions) {
    this.world = world;
    this.options = options;
    this.stalenessSeconds = run.stalenessSeconds;
    const { cluster, jobs } = world;
    const demands = jobs.demands.demands.length;
    this.board = new StaleBoard(cluster, clusterFor(run.nodes, run.jobs));
    this.eligible = new EligibleNodes(cluster);
    this.admission = new WaitingLines(jobs.count, demands);
    this.sizes = Int32Array.from({ length: FIT_SAMPLES + 1 }, (_, fitted) =>
      samplesFor(options.qualityTarget, fitted / FIT_SAMPLES, options.samplesMax),
    );
    this.fits = new Int32Array(demands);
    this.measuredIn = new Int32Array(demands).fill(-1);
    this.attempts = new Uint8Array(jobs.count);
    this.returns = new Uint8Array(jobs.count);
    this.probes = new Int32Array(jobs.count);
    this.dueAt = new Float64Array(jobs.count);
    world.announce(this.stalenessSeconds, REFRESHED, 0);
  }

  arrive(job: number): void {
    this.world.announce(this.world.arrivalOfMessage(), QUEUED, job);
  }

  handle(kind: number, index: number): void {
    if (kind === QUEUED) this.consider(index);
    else if (kind === COMMITTED) this.commit(index);
    else if (kind === REFUSED) this.refused(index);
    else if (kind === OVERDUE) this.overdue(index);
    else if (kind === OFFERED) this.offer(index);
    else this.refresh();
  }

  freed(node: number): void {
    this.board.freedAt(node);
    if (this.admission.size > 0) this.world.announce(this.world.arrivalOfMessage(), OFFERED, node);
  }

  private demandOf(job: number): Demand {
    return this.world.jobs.demandOf(job);
  }

  /** Samples, unless the cluster is too full for it. */
  private consider(job: number): void {
    const samples = this.samplesOf(this.demandOf(job));
    if (samples <= this.options.samplesMax) this.sample(job, samples);
    else this.wait(job);
  }

  /** @returns The sample size for a demand; more than `samplesMax` if none will do. */
  private samplesOf(demand: Demand): number {
    const { eligible, board, world } = this;
    if (this.measuredIn[demand.id] !== this.refreshes) {
      this.measuredIn[demand.id] = this.refreshes;
      const set = eligible.of(demand);
      let fitted = 0;
      for (let i = 0; i < FIT_SAMPLES && set.count > 0; i++) {
        if (board.cluster.fits(eligible.draw(set, world.random), demand)) fitted++;
      }
      this.fits[demand.id] = fitted;
    }
    return this.sizes[this.fits[demand.id] as number] as number;
  }

  /** Plans a node for every pod on the view, and asks the nodes. */
  private sample(job: number, samples: number): void {
    const { world } = this;
    const pods = world.jobs.podCounts[job] as number;
    const begin = world.podOffsets[job] as number;
    world.meter.decisions++;
    for (let member = 0; member < pods; member++) {
      const node = this.bestOf(this.demandOf(job), samples);
      this.probes[job] = (this.probes[job] as number) + samples;
      if (node < 0) {
        this.wait(job);
        return;
      }
      world.podNodes[begin + member] = node;
    }
    world.announce(world.arrivalOfMessage(), COMMITTED, job);
  }

  /** @returns The node of best fit among some drawn with replacement, −1 if the pod fits on none. */
  private bestOf(demand: Demand, samples: number): number {
    const { eligible, board, world } = this;
    const set = eligible.of(demand);
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < samples && set.count > 0; i++) {
      const node = eligible.draw(set, world.random);
      if (!board.cluster.fits(node, demand)) continue;
      const score = binPackScore(board.cluster, node, demand);
      if (score > bestScore) {
        best = node;
        bestScore = score;
      }
    }
    return best;
  }

  private commit(job: number): void {
    const { world } = this;
    const got = world.holdAll(job, this.plannedNode);
    if (got === world.jobs.podCounts[job]) {
      this.start(job, world.now);
      return;
    }
    world.meter.refusals++;
    world.announce(world.arrivalOfMessage(), REFUSED, job);
  }

  /** The planned node, if the pod still fits there. */
  private readonly plannedNode = (job: number, member: number): number => {
    const { world } = this;
    const node = world.podNodes[(world.podOffsets[job] as number) + member] as number;
    return world.cluster.fits(node, this.demandOf(job)) ? node : -1;
  };

  private start(job: number, at: number): void {
    const { world } = this;
    const begin = world.podOffsets[job] as number;
    const pods = world.jobs.podCounts[job] as number;
    for (let pod = begin; pod < begin + pods; pod++) this.board.filledAt(world.podNodes[pod] as number);
    world.startJob(job, at, this.probes[job] as number);
  }

  private refused(job: number): void {
    const attempts = (this.attempts[job] as number) + 1;
    this.attempts[job] = attempts;
    if (attempts < this.options.attemptsMax) this.consider(job);
    else this.wait(job);
  }

  /** A job waits for admission. */
  private wait(job: number): void {
    const { world } = this;
    const returns = this.returns[job] as number;
    this.attempts[job] = 0;
    this.returns[job] = Math.min(returns + 1, RETURNS_MAX);
    this.dueAt[job] = world.now + this.options.admissionSeconds * 2 ** returns;
    this.admission.push(world.jobs.demandIds[job] as number, job);
    world.announce(this.dueAt[job] as number, OVERDUE, job);
  }

  private admit(job: number): void {
    this.admission.remove(this.world.jobs.demandIds[job] as number, job);
  }

  /** A job has waited long enough: it takes the best of a full sample. */
  private overdue(job: number): void {
    if (!this.admission.has(job) || (this.dueAt[job] as number) > this.world.now) return;
    this.admit(job);
    this.sample(job, this.options.samplesMax);
  }

  /** A node that has got freer takes the oldest jobs that fit on it. */
  private offer(node: number): void {
    const { world } = this;
    for (let job = this.oldestFor(node); job >= 0; job = this.oldestFor(node)) {
      this.admit(job);
      this.probes[job] = (this.probes[job] as number) + 1;
      world.meter.decisions++;
      world.holdMember(job, 0, node);
      this.start(job, world.arrivalOfMessage());
    }
  }

  /** @returns The oldest waiting job of one pod that fits on a node, −1 if there is none. O(demands that wait). */
  private oldestFor(node: number): number {
    const { admission, world } = this;
    const { jobs, cluster } = world;
    let oldest = -1;
    for (let i = 0; i < admission.activeCount; i++) {
      const id = admission.active[i] as number;
      const demand = jobs.demands.demands[id] as Demand;
      if (!cluster.fits(node, demand)) continue;
      const job = this.firstSingle(id);
      if (job >= 0 && (oldest < 0 || job < oldest)) oldest = job;
    }
    return oldest;
  }

  /** @returns The first job of one pod in a demand's line, −1 if there is none near its head. */
  private firstSingle(demand: number): number {
    const { admission, world } = this;
    let job = admission.first(demand);
    for (let looks = 0; job >= 0 && looks < 16; looks++) {
      if (world.jobs.podCounts[job] === 1) return job;
      job = admission.after(job);
    }
    return -1;
  }

  /** The view is refreshed; demands for which sampling is now sufficient are admitted. */
  private refresh(): void {
    const { board, admission, world } = this;
    board.refresh();
    this.refreshes++;
    for (let i = admission.activeCount - 1; i >= 0; i--) {
      const id = admission.active[i] as number;
      const demand = world.jobs.demands.demands[id] as Demand;
      const samples = this.samplesOf(demand);
      if (samples > this.options.samplesMax) continue;
      const share = (this.fits[id] as number) / FIT_SAMPLES;
      let left = Math.ceil(share * this.eligible.of(demand).count);
      for (let job = admission.first(id); job >= 0 && left > 0; job = admission.first(id)) {
        left -= world.jobs.podCounts[job] as number;
        this.admit(job);
        this.sample(job, samples);
      }
    }
    world.announce(world.now + this.stalenessSeconds, REFRESHED, 0);
  }
}
