/**
 * Batch sampling with late binding, in the manner of Sparrow.
 *
 * Behaviour. For a request of n pods its scheduler sends ⌈d·n⌉ probes to distinct nodes, drawn from those whose
 * hardware could hold the pod. A probe puts a reservation into its node's queue. When a node can run the head of its
 * queue it holds the place and asks the scheduler, which gives it a pod that is still unplaced, or answers that there
 * is none; then the node continues. Once the last pod is given, the scheduler cancels the remaining reservations
 * (proactive cancellation); a cancelled reservation costs its node nothing.
 *
 * Readings. Sparrow's nodes have slots of one kind. Here a node serves its queue strictly in order: the head is served
 * when it fits beside running pods and held room, and no reservation overtakes it (unless `looksMax` says otherwise);
 * while its answer is in transit the next one may be requested, as in Sparrow slot by slot. Sparrow has no gangs:
 * members start as they get their places, run for the job's duration from then on, and the job counts as placed with
 * the last one. Of fewer nodes than probes, each gets several. Schedulers are many and cost no time. A full queue
 * refuses a probe; a request whose probes no longer suffice for its pods sends new ones `reprobeSeconds` later: a bound
 * that Sparrow, with unbounded queues, does not need. Left out: per-task constraints beside hardware (locality), users
 * and priorities, loss of messages and nodes.
 *
 * @source Ousterhout, Wendell, Zaharia, Stoica 2013, Sparrow: distributed, low latency scheduling, SOSP, §3 and §4;
 *         radlab/sparrow, UnconstrainedTaskPlacer.java and FifoTaskScheduler.java.
 */
import { EligibleNodes } from './eligible-nodes.ts';
import { type PeerEntry, requireIntegerOption, requireNumberOption } from './peer.ts';
import { type PeerModel, PeerWorld } from './peer-world.ts';
import { ReservationQueues } from './reservation-queues.ts';
import { requestsOf } from './sparrow-requests.ts';

/** Options of Sparrow. */
export interface SparrowOptions {
  /** Probes a pod, d; in [1, 100]. */
  readonly probeRatio: number;
  /** Most reservations in the queue of a node; integer in [1, 1 000 000]. */
  readonly queueMax: number;
  /**
   * Reservations at the head of a queue that do not fit and are passed over, plus one; 1: none overtakes. In [1, 1024].
   */
  readonly looksMax: number;
  /** True if reservations are cancelled once the last pod is given, rather than answered in their turn. */
  readonly cancels: boolean;
  /** How long a request waits before it replaces refused probes; > 0. */
  readonly reprobeSeconds: number;
}

/** Defaults of `sparrow`. */
export const SPARROW_DEFAULTS: SparrowOptions = {
  probeRatio: 2,
  queueMax: 1024,
  looksMax: 1,
  cancels: true,
  reprobeSeconds: 5,
};

/** Kinds of events; all but the last are of a reservation. */
const PROBED = 1;
const ASKED = 2;
const REFUSED = 3;
const POD_ENDS = 4;
const REPROBE = 5;

/** @returns Sparrow. @throws TegError TEG_OPTION_INVALID. */
export function createSparrow(options: Partial<SparrowOptions> = {}): PeerEntry {
  const full = { ...SPARROW_DEFAULTS, ...options };
  const { probeRatio, queueMax, looksMax, reprobeSeconds } = full;
  requireNumberOption('probeRatio', probeRatio, probeRatio >= 1 && probeRatio <= 100, 'a number in [1, 100]');
  requireIntegerOption('queueMax', queueMax, 1, 1_000_000);
  requireIntegerOption('looksMax', looksMax, 1, 1024);
  requireNumberOption('reprobeSeconds', reprobeSeconds, reprobeSeconds > 0, 'a finite number above 0');
  return {
    name: 'sparrow',
    description: 'Two probes a pod, late binding: Sparrow.',
    run: (run) => {
      const world = new PeerWorld(run);
      return world.run('sparrow', new Sparrow(world, full));
    },
  };
}

class Sparrow implements PeerModel {
  private readonly world: PeerWorld;
  private readonly options: SparrowOptions;
  private readonly eligible: EligibleNodes;
  private readonly queues: ReservationQueues;
  /** First job of each request. @shape [requests + 1] */
  private readonly firsts: Int32Array;
  /** Pods given, pods in all, probes sent, reservations without an answer yet. @shape [requests] */
  private readonly given: Int32Array;
  private readonly pods: Int32Array;
  private readonly sent: Int32Array;
  private readonly unanswered: Int32Array;
  /** @shape [requests] 1: new probes will be sent */
  private readonly isReprobing: Uint8Array;
  /** Time from which its cancellations have reached the nodes. @shape [requests] */
  private readonly cancelledAt: Float64Array;
  /** When the latest pod starts. @shape [requests] */
  private readonly startsAt: Float64Array;
  private nextRequest = 0;
  /** Which draw met a node last. @shape [nodes] */
  private readonly metIn: Int32Array;
  private draws = 0;

  constructor(world: PeerWorld, options: SparrowOptions) {
    this.world = world;
    this.options = options;
    const { cluster, jobs, podOffsets } = world;
    this.eligible = new EligibleNodes(cluster);
    this.queues = new ReservationQueues(cluster.nodeCount, options.queueMax);
    this.metIn = new Int32Array(cluster.nodeCount);
    this.firsts = requestsOf(jobs);
    const requests = this.firsts.length - 1;
    this.given = new Int32Array(requests);
    this.pods = new Int32Array(requests);
    this.sent = new Int32Array(requests);
    this.unanswered = new Int32Array(requests);
    this.isReprobing = new Uint8Array(requests);
    this.cancelledAt = new Float64Array(requests).fill(Number.POSITIVE_INFINITY);
    this.startsAt = new Float64Array(requests);
    for (let r = 0; r < requests; r++) {
      const begin = podOffsets[this.firsts[r] as number] as number;
      this.pods[r] = (podOffsets[this.firsts[r + 1] as number] as number) - begin;
    }
  }

  arrive(job: number): void {
    if (job !== this.firsts[this.nextRequest]) return;
    const request = this.nextRequest++;
    this.probe(request, this.probesFor(this.pods[request] as number));
  }

  handle(kind: number, index: number): void {
    if (kind === PROBED) this.reserve(index);
    else if (kind === ASKED) this.answer(index);
    else if (kind === REFUSED) this.goOn(index);
    else if (kind === POD_ENDS) this.endPod(index);
    else this.probeAgain(index);
  }

  /** Pods end by their own events here. */
  freed(node: number): void {
    this.serve(node);
  }

  private probesFor(pods: number): number {
    return Math.ceil(this.options.probeRatio * pods);
  }

  /** Sends probes to distinct nodes; if there are fewer, to all of them, and again. */
  private probe(request: number, probes: number): void {
    const { eligible, world } = this;
    const set = eligible.of(world.jobs.demandOf(this.firsts[request] as number));
    if (set.count === 0) return;
    let left = probes;
    for (; left >= set.count; left -= set.count) {
      for (let i = 0; i < set.count; i++) this.send(request, eligible.at(set, i));
    }
    // A draw that would meet most nodes again and again takes a run of them instead.
    const isDense = 2 * left > set.count;
    const start = isDense ? world.random.nextInt(set.count) : 0;
    const draw = ++this.draws;
    for (let i = 0; i < left; ) {
      const node = isDense ? eligible.at(set, (start + i) % set.count) : eligible.draw(set, world.random);
      if (this.metIn[node] === draw) continue;
      this.metIn[node] = draw;
      this.send(request, node);
      i++;
    }
  }

  private send(request: number, node: number): void {
    this.sent[request] = (this.sent[request] as number) + 1;
    this.unanswered[request] = (this.unanswered[request] as number) + 1;
    this.world.announce(this.world.arrivalOfMessage(), PROBED, this.queues.take(node, request));
  }

  /** A probe comes to its node. */
  private reserve(slot: number): void {
    const { queues, world } = this;
    if (queues.push(slot)) {
      this.serve(queues.nodes[slot] as number);
      return;
    }
    world.meter.refusals++;
    const request = queues.owners[slot] as number;
    this.answered(request);
    queues.drop(slot);
    this.replace(request);
  }

  /** Requests a pod for the reservation that fits at the head of a queue, or within `looksMax` places of it. */
  private serve(node: number): void {
    const { queues, world } = this;
    let before = -1;
    let passed = 0;
    let slot = queues.first(node);
    while (slot >= 0 && passed < this.options.looksMax) {
      const next = queues.after(slot);
      const request = queues.owners[slot] as number;
      const demand = world.jobs.demandOf(this.firsts[request] as number);
      if ((this.cancelledAt[request] as number) <= world.now) {
        queues.remove(slot, before);
        this.answered(request);
        queues.drop(slot);
      } else if (world.cluster.fits(node, demand)) {
        queues.remove(slot, before);
        queues.masks[slot] = world.hold(node, demand);
        world.announce(world.arrivalOfMessage(), ASKED, slot);
      } else {
        before = slot;
        passed++;
      }
      slot = next;
    }
  }

  /** A node requests a pod: late binding. */
  private answer(slot: number): void {
    const { queues, world } = this;
    const request = queues.owners[slot] as number;
    const number = this.given[request] as number;
    world.meter.decisions++;
    this.answered(request);
    const at = world.arrivalOfMessage();
    if (number === this.pods[request]) {
      world.announce(at, REFUSED, slot);
      return;
    }
    this.given[request] = number + 1;
    this.startsAt[request] = Math.max(at, this.startsAt[request] as number);
    const job = this.giveTo(request, number, queues.nodes[slot] as number, at);
    world.announce(at + (world.jobs.durationSeconds[job] as number), POD_ENDS, slot);
    if (this.options.cancels && number + 1 === this.pods[request]) {
      this.cancelledAt[request] = world.now + world.delaySeconds;
    }
  }

  /** The pod of that number of a request goes to a node. @returns Its job. */
  private giveTo(request: number, number: number, node: number, at: number): number {
    const { world } = this;
    const first = this.firsts[request] as number;
    const jobs = (this.firsts[request + 1] as number) - first;
    const probes = (this.sent[request] as number) / jobs;
    if (jobs > 1) {
      world.startPod(first + number, 0, node, at);
      world.jobPlaced(first + number, at, probes);
      return first + number;
    }
    world.startPod(first, number, node, at);
    if (number + 1 === this.pods[request]) {
      world.jobPlaced(first, this.startsAt[request] as number, probes);
    }
    return first;
  }

  /** There was no pod: the node gives the place back. */
  private goOn(slot: number): void {
    const { queues, world } = this;
    const node = queues.nodes[slot] as number;
    const demand = world.jobs.demandOf(this.firsts[queues.owners[slot] as number] as number);
    world.giveBack(node, demand, queues.masks[slot] as number);
    queues.drop(slot);
    this.serve(node);
  }

  private endPod(slot: number): void {
    const { world, queues } = this;
    const demand = world.jobs.demandOf(this.firsts[queues.owners[slot] as number] as number);
    world.meter.use(-demand.gpuTotalMilli, world.now);
    this.goOn(slot);
  }

  /** A reservation will not get another answer. */
  private answered(request: number): void {
    this.unanswered[request] = (this.unanswered[request] as number) - 1;
  }

  /** Probes were refused: if the others cannot place all pods, new ones will be sent. */
  private replace(request: number): void {
    const { world } = this;
    if (this.missing(request) <= 0 || this.isReprobing[request] === 1) return;
    this.isReprobing[request] = 1;
    world.announce(world.now + this.options.reprobeSeconds, REPROBE, request);
  }

  /** Pods not given that no reservation can come to. */
  private missing(request: number): number {
    const left = (this.pods[request] as number) - (this.given[request] as number);
    return left - (this.unanswered[request] as number);
  }

  private probeAgain(request: number): void {
    this.isReprobing[request] = 0;
    const missing = this.missing(request);
    if (missing > 0) this.probe(request, this.probesFor(missing));
  }
}
