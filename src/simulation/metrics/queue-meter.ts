/**
 * What a queue does to jobs, exactly: the head-of-line loss as an integral over every instant, and promises of starts.
 *
 *     headOfLine = 1/(C·T) ∫ min(idle, Σ waiting jobs that would fit now, each on its own) dt
 *
 * C counts GPUs, or CPUs where there are no GPUs; T lasts until the last arrival. Room that waiting jobs hold is idle, and
 * counts as room. Unlike the samples of
 * `state-sampler.ts` nothing is left out: O(distinct demands waiting × nodes) an instant.
 */
import { podsFitting } from '../../governor/zone/zone-capacity.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { Decider } from '../inputs/decider.ts';
import type { QueueFigures } from '../inputs/queue-figures.ts';
import type { JobShapes } from './job-shapes.ts';
import type { RunState } from './state-sampler.ts';

/** Measures one run. */
export class QueueMeter {
  private readonly cluster: ClusterState;
  private readonly shapes: JobShapes;
  private readonly state: RunState;
  private readonly arrivalsEnd: number;
  private readonly counts: 'gpu' | 'cpu';
  private now = 0;
  private arriving = 0;
  private all = 0;
  /** [demand] pods of it that fit now, up to the most that a waiting job needs; −1: not counted yet. */
  private readonly rooms: Int32Array;
  /** [demand] most pods of a waiting gang. */
  private readonly needs: Int32Array;
  private readonly decider: Pick<Decider, 'forEachHeld'>;
  private readonly freeHeld: (demand: Demand, node: number, gpuMask: number) => void;
  private readonly takeHeld: (demand: Demand, node: number, gpuMask: number) => void;

  /** @param arrivalsEnd Last arrival or horizon, whichever is first. */
  constructor(
    cluster: ClusterState,
    shapes: JobShapes,
    state: RunState,
    arrivalsEnd: number,
    decider: Pick<Decider, 'forEachHeld'>,
  ) {
    this.decider = decider;
    this.freeHeld = (demand, node, gpuMask) => cluster.release(node, demand, gpuMask);
    this.takeHeld = (demand, node, gpuMask) => cluster.place(node, demand, gpuMask);
    this.cluster = cluster;
    this.shapes = shapes;
    this.state = state;
    this.arrivalsEnd = arrivalsEnd;
    this.counts = cluster.capacity.gpus > 0 ? 'gpu' : 'cpu';
    this.rooms = new Int32Array(cluster.demands.demands.length);
    this.needs = new Int32Array(cluster.demands.demands.length);
  }

  /** Lets virtual time pass until `t`, before the events of that time. Nothing has changed since the last call's events. */
  advance(t: number): void {
    const seconds = t - this.now;
    if (seconds <= 0) return;
    if (this.state.waitingJobs > 0) {
      const lost = seconds * this.lossNow();
      this.all += lost;
      // Arrivals are events, so no stretch reaches over the last one.
      if (this.now < this.arrivalsEnd) this.arriving += lost;
    }
    this.now = t;
  }

  /** @param promises As of `QueueDiscipline`. */
  figures(promises: QueueFigures['promises'] | undefined): QueueFigures {
    const { capacity } = this.cluster;
    const amount = this.counts === 'gpu' ? capacity.gpuMilli : capacity.cpuMilli;
    return {
      headOfLine: this.arrivalsEnd > 0 ? this.arriving / (amount * this.arrivalsEnd) : 0,
      headOfLineToEnd: this.now > 0 ? this.all / (amount * this.now) : 0,
      promises: promises == null ? null : { made: promises.made, kept: promises.kept },
    };
  }

  /** Milli-GPUs or milli-CPUs that waiting jobs could use now, were nothing held. */
  private lossNow(): number {
    this.decider.forEachHeld?.(this.freeHeld);
    const loss = this.lossOfFree();
    this.decider.forEachHeld?.(this.takeHeld);
    return loss;
  }

  private lossOfFree(): number {
    const { shapes, state, cluster, rooms, needs } = this;
    const isGpu = this.counts === 'gpu';
    const idle = isGpu
      ? cluster.capacity.gpuMilli - state.usedGpuMilli
      : cluster.capacity.cpuMilli - state.usedCpuMilli;
    if (idle <= 0) return 0;
    needs.fill(0);
    for (let s = 0; s < shapes.count; s++) {
      if (state.waitingByShape[s] === 0) continue;
      const { id } = shapes.demands[s] as Demand;
      rooms[id] = -1;
      needs[id] = Math.max(needs[id] as number, shapes.gangMins[s] as number);
    }
    const amounts = isGpu ? shapes.podGpuMilli : shapes.podCpuMilli;
    let fitting = 0;
    for (let s = 0; s < shapes.count && fitting < idle; s++) {
      const jobs = state.waitingByShape[s] as number;
      if (jobs === 0) continue;
      const demand = shapes.demands[s] as Demand;
      if (rooms[demand.id] === -1) rooms[demand.id] = this.roomFor(demand, needs[demand.id] as number);
      if ((rooms[demand.id] as number) < (shapes.gangMins[s] as number)) continue;
      fitting += jobs * (shapes.podCounts[s] as number) * (amounts[s] as number);
    }
    return Math.min(idle, fitting);
  }

  /** @returns Pods that fit now together, counted up to `most`. */
  private roomFor(demand: Demand, most: number): number {
    const { cluster } = this;
    let room = 0;
    for (let node = 0; node < cluster.nodeCount && room < most; node++)
      if (cluster.fits(node, demand)) room += podsFitting(cluster, node, demand);
    return room;
  }
}
