/**
 * Samples the whole cluster at instants of virtual time, for quantities that no running sum can give. The instants are
 * evenly spaced until the last arrival, and again after it.
 *
 * Invariants: until the last arrival no row is dropped: `samples` distances lie there, for any length of the run. After
 * it fewer than `samples` rows are kept (at least two): when they are as many, every second one goes and the distance
 * doubles. The instants depend on virtual time only. Means weigh each sample with the distance in force.
 */
import type { Fragmentation } from '../../field/fragmentation.ts';
import { podsFitting } from '../../governor/zone/zone-capacity.ts';
import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { EquilibriumLook, EquilibriumSampler } from '../equilibrium/equilibrium-sampler.ts';
import { EnergyMeter } from './energy-meter.ts';
import type { JobShapes } from './job-shapes.ts';

/** Most nodes whose fragmentation is computed at an instant; beyond it they take turns in a seeded order. */
export const FRAGMENTATION_NODES_MAX = 2048;

/** Most nodes × typical shapes at an instant, but at least 256 nodes. */
const FRAGMENTATION_CHECKS_MAX = 60_000;

/** Most node checks at one instant for finding which waiting jobs would fit. */
export const FIT_CHECKS_MAX = 500_000;

/** Least number of kept instants at which the distance from an equilibrium is sampled; the others are skipped. */
export const EQUILIBRIUM_LOOKS = 25;

/** The run's figures at an instant that need no scan of nodes. */
export interface RunState {
  /** In use, in milli-GPU, milli-CPU and MiB. */
  readonly usedGpuMilli: number;
  readonly usedCpuMilli: number;
  readonly usedMemoryMib: number;
  readonly runningJobs: number;
  readonly waitingJobs: number;
  /** Nodes up. */
  readonly nodesUp: number;
  /** @shape [shapes] waiting jobs of each kind. */
  readonly waitingByShape: Int32Array;
}

/** Rows kept; every array has the same length. Amounts, not shares. */
export interface SampleColumns {
  readonly at: number[];
  readonly usedGpu: number[];
  readonly usedCpu: number[];
  readonly usedMemory: number[];
  /** F ÷ idle GPU; NaN where none is idle, and after the window: a draining cluster says nothing. */
  readonly fragmentationRatio: number[];
  readonly fragmentationShare: number[];
  readonly waitingJobs: number[];
  readonly waitingGpu: number[];
  readonly fittingGpu: number[];
  readonly runningJobs: number[];
  readonly nodesUp: number[];
  /** Φ; NaN where it was not sampled. */
  readonly potential: number[];
  /** Mean gain of a pod that moves alone, milli-GPU; NaN where it was not sampled or none ran. */
  readonly exploitability: number[];
}

/** Weighted sums over the instants of the measured window. */
export interface SampleMeans {
  samples: number;
  weight: number;
  ratioWeight: number;
  ratio: number;
  share: number;
  fittingGpu: number;
  fittingCpu: number;
  /** Samples of the equilibrium, the weight of all, and of those that found pods. */
  looks: number;
  lookWeight: number;
  podWeight: number;
  potential: number;
  /** Mean gain of a pod; gains ÷ GPUs held (by its own weight); shares of pods. */
  gain: number;
  relativeWeight: number;
  relativeGain: number;
  gaining: number;
  gainingBeyondMove: number;
}

/** Takes the samples of one run. */
export class StateSampler {
  /** Virtual time of the next instant. */
  nextAt = 0;
  /** Distance of the instants now. */
  private intervalSeconds: number;
  readonly columns: SampleColumns = {
    at: [],
    usedGpu: [],
    usedCpu: [],
    usedMemory: [],
    fragmentationRatio: [],
    fragmentationShare: [],
    waitingJobs: [],
    waitingGpu: [],
    fittingGpu: [],
    runningJobs: [],
    nodesUp: [],
    potential: [],
    exploitability: [],
  };
  readonly means: SampleMeans = {
    samples: 0,
    weight: 0,
    ratioWeight: 0,
    ratio: 0,
    share: 0,
    fittingGpu: 0,
    fittingCpu: 0,
    looks: 0,
    lookWeight: 0,
    podWeight: 0,
    potential: 0,
    gain: 0,
    relativeWeight: 0,
    relativeGain: 0,
    gaining: 0,
    gainingBeyondMove: 0,
  };
  /** Pods sampled in all, the largest gain of one, and Φ at the last sample, milli-GPU. */
  podsLooked = 0;
  gainMaxMilli = 0;
  potentialLastMilli = Number.NaN;
  readonly energy: EnergyMeter;
  /** Absent: not measured. */
  readonly equilibrium: EquilibriumSampler | undefined;
  /** Rows from one sample of the equilibrium to the next. */
  private readonly rowsPerLook: number;
  /** Nodes whose fragmentation is computed at one instant. */
  readonly fragmentationNodes: number;
  /** All nodes with GPUs, in a seeded order. */
  private readonly gpuNodes: Int32Array;
  private gpuNodeCursor = 0;
  private readonly cluster: ClusterState;
  private readonly shapes: JobShapes;
  private readonly fragmentation: Fragmentation;
  /** Rows until the last arrival, and its position. */
  private readonly denseRows: number;
  private readonly denseSeconds: number;
  /** Rows after it at which they are thinned out. */
  private readonly tailRowsMax: number;
  private readonly windowFrom: number;
  private readonly windowTo: number;
  /** Where the bounded search among waiting kinds continues at the next instant. */
  private shapeCursor = 0;
  private fittingGpuMilli = 0;
  private fittingCpuMilli = 0;

  /**
   * @param arrivalsEnd     Last arrival or horizon, whichever is first; ≥ 0.
   * @param intervalSeconds First distance where all jobs arrive at once, > 0; else it is `arrivalsEnd / samples`.
   * @param samples         Distances until the last arrival, ≥ 1.
   * @param window          Virtual times whose samples count for the means.
   * @param equilibrium     Absent: the distance from an equilibrium is not measured.
   */
  constructor(
    cluster: ClusterState,
    shapes: JobShapes,
    fragmentation: Fragmentation,
    random: Random,
    arrivalsEnd: number,
    intervalSeconds: number,
    samples: number,
    window: readonly [number, number],
    equilibrium?: EquilibriumSampler,
  ) {
    // Otherwise the next instant would be the last one again, for ever.
    assert(arrivalsEnd >= 0 && intervalSeconds > 0 && samples >= 1, 'samples at no distance');
    this.cluster = cluster;
    this.energy = new EnergyMeter(cluster);
    this.shapes = shapes;
    this.fragmentation = fragmentation;
    this.denseSeconds = arrivalsEnd;
    this.denseRows = arrivalsEnd > 0 ? samples + 1 : 1;
    this.intervalSeconds = arrivalsEnd > 0 ? arrivalsEnd / samples : intervalSeconds;
    this.tailRowsMax = Math.max(2, samples);
    this.equilibrium = equilibrium;
    this.rowsPerLook = Math.max(1, Math.floor(samples / EQUILIBRIUM_LOOKS));
    this.windowFrom = window[0];
    this.windowTo = window[1];
    this.gpuNodes = shuffledGpuNodes(cluster, random);
    const affordable = Math.floor(FRAGMENTATION_CHECKS_MAX / Math.max(1, fragmentation.shapes.count));
    const most = Math.min(FRAGMENTATION_NODES_MAX, Math.max(256, affordable));
    this.fragmentationNodes = Math.min(this.gpuNodes.length, most);
  }

  /** Takes the sample of `nextAt` and moves on. */
  sample(state: RunState): void {
    const at = this.nextAt;
    const { columns } = this;
    columns.at.push(at);
    columns.usedGpu.push(state.usedGpuMilli);
    columns.usedCpu.push(state.usedCpuMilli);
    columns.usedMemory.push(state.usedMemoryMib);
    columns.runningJobs.push(state.runningJobs);
    columns.nodesUp.push(state.nodesUp);
    columns.waitingJobs.push(state.waitingJobs);
    this.energy.sample(at);
    this.sampleFragmentation(state);
    this.sampleWaiting(state);
    this.addToMeans(at);
    this.sampleEquilibrium(at);
    if (columns.at.length >= this.denseRows + this.tailRowsMax) this.thinTail();
    this.nextAt = this.instantOf(columns.at.length);
  }

  private instantOf(row: number): number {
    const last = this.denseRows - 1;
    if (row < last) return row * this.intervalSeconds;
    // Not a product for the row of the last arrival: rounding must not put it beyond.
    return this.denseSeconds + (row - last) * this.intervalSeconds;
  }

  private sampleFragmentation(state: RunState): void {
    const { cluster, fragmentation, gpuNodes } = this;
    if (this.nextAt > this.windowTo) {
      this.columns.fragmentationRatio.push(Number.NaN);
      this.columns.fragmentationShare.push(Number.NaN);
      return;
    }
    let fragments = 0;
    let idle = 0;
    let at = this.gpuNodeCursor;
    for (let i = 0; i < this.fragmentationNodes; i++) {
      const node = gpuNodes[at] as number;
      at = at + 1 < gpuNodes.length ? at + 1 : 0;
      if (cluster.up[node] === 0) continue;
      idle += cluster.freeGpuMilli[node] as number;
      fragments += fragmentation.ofNode(node);
    }
    this.gpuNodeCursor = at;
    const ratio = idle > 0 ? fragments / idle : Number.NaN;
    const capacity = cluster.capacity.gpuMilli;
    const idleShare = capacity > 0 ? 1 - state.usedGpuMilli / capacity : 0;
    this.columns.fragmentationRatio.push(ratio);
    this.columns.fragmentationShare.push(idle > 0 ? ratio * idleShare : 0);
  }

  /** The waiting jobs, and how much of them would fit now: the head-of-line loss of this instant. */
  private sampleWaiting(state: RunState): void {
    const { shapes } = this;
    const kinds: number[] = [];
    let waitingGpu = 0;
    for (let s = 0; s < shapes.count; s++) {
      const jobs = state.waitingByShape[s] as number;
      if (jobs === 0) continue;
      kinds.push(s);
      waitingGpu += jobs * (shapes.podGpuMilli[s] as number) * (shapes.podCounts[s] as number);
    }
    this.columns.waitingGpu.push(waitingGpu);
    this.measureFitting(state, kinds);
    this.columns.fittingGpu.push(this.fittingGpuMilli);
  }

  /**
   * Σ of the requests of waiting jobs that would fit now, each on its own, capped by the idle amounts. Kinds beyond the
   * budget of node checks are left out in turn, and the sum is scaled up by the checked share.
   */
  private measureFitting(state: RunState, kinds: readonly number[]): void {
    const { shapes, cluster } = this;
    const budget = Math.max(4, Math.floor(FIT_CHECKS_MAX / Math.max(1, cluster.nodeCount)));
    const looked = Math.min(kinds.length, budget);
    let gpu = 0;
    let cpu = 0;
    let lookedJobs = 0;
    let waitingJobs = 0;
    for (const s of kinds) waitingJobs += state.waitingByShape[s] as number;
    for (let i = 0; i < looked; i++) {
      const s = kinds[(this.shapeCursor + i) % kinds.length] as number;
      const jobs = state.waitingByShape[s] as number;
      lookedJobs += jobs;
      if (!gangFitsNow(cluster, shapes.demands[s] as Demand, shapes.gangMins[s] as number)) continue;
      const pods = jobs * (shapes.podCounts[s] as number);
      gpu += pods * (shapes.podGpuMilli[s] as number);
      cpu += pods * (shapes.podCpuMilli[s] as number);
    }
    if (looked < kinds.length) this.shapeCursor += looked;
    const scale = lookedJobs > 0 ? waitingJobs / lookedJobs : 0;
    this.fittingGpuMilli = Math.min(cluster.capacity.gpuMilli - state.usedGpuMilli, gpu * scale);
    this.fittingCpuMilli = Math.min(cluster.capacity.cpuMilli - state.usedCpuMilli, cpu * scale);
  }

  private addToMeans(at: number): void {
    if (at < this.windowFrom || at > this.windowTo) return;
    const { means, columns } = this;
    const row = columns.at.length - 1;
    const weight = this.intervalSeconds;
    const ratio = columns.fragmentationRatio[row] as number;
    means.samples++;
    means.weight += weight;
    if (!Number.isNaN(ratio)) {
      means.ratioWeight += weight;
      means.ratio += weight * ratio;
    }
    means.share += weight * (columns.fragmentationShare[row] as number);
    means.fittingGpu += weight * this.fittingGpuMilli;
    means.fittingCpu += weight * this.fittingCpuMilli;
  }

  /** Not after the window: a draining cluster says nothing. */
  private sampleEquilibrium(at: number): void {
    const { equilibrium, columns } = this;
    const row = columns.at.length - 1;
    if (equilibrium === undefined || at > this.windowTo || row % this.rowsPerLook !== 0) {
      columns.potential.push(Number.NaN);
      columns.exploitability.push(Number.NaN);
      return;
    }
    const look = equilibrium.look();
    columns.potential.push(look.potentialMilli);
    columns.exploitability.push(look.pods > 0 ? look.gainMilli / look.pods : Number.NaN);
    if (at >= this.windowFrom) this.addLook(look);
  }

  private addLook(look: EquilibriumLook): void {
    const { means } = this;
    const { pods } = look;
    const weight = this.intervalSeconds;
    this.potentialLastMilli = look.potentialMilli;
    means.looks++;
    means.lookWeight += weight;
    means.potential += weight * look.potentialMilli;
    if (pods === 0) return;
    this.podsLooked += pods;
    this.gainMaxMilli = Math.max(this.gainMaxMilli, look.gainMaxMilli);
    means.podWeight += weight;
    means.gain += (weight * look.gainMilli) / pods;
    means.gaining += (weight * look.gaining) / pods;
    means.gainingBeyondMove += (weight * look.gainingBeyondMove) / pods;
    if (look.heldMilli === 0) return;
    means.relativeWeight += weight;
    means.relativeGain += (weight * look.gainMilli) / look.heldMilli;
  }

  /** Keeps every second row after the last arrival, at twice the distance. */
  private thinTail(): void {
    const from = this.denseRows;
    const kept = Math.floor((this.columns.at.length - from) / 2);
    for (const column of Object.values(this.columns) as number[][]) {
      for (let i = 0; i < kept; i++) column[from + i] = column[from + 2 * i + 1] as number;
      column.length = from + kept;
    }
    this.intervalSeconds *= 2;
  }
}

/** All nodes with GPUs, in a seeded order if they have to take turns. */
function shuffledGpuNodes(cluster: ClusterState, random: Random): Int32Array {
  const nodes: number[] = [];
  for (let n = 0; n < cluster.nodeCount; n++) {
    if ((cluster.gpuOffsets[n + 1] as number) > (cluster.gpuOffsets[n] as number)) nodes.push(n);
  }
  for (let i = nodes.length - 1; i > 0; i--) {
    const j = random.nextInt(i + 1);
    const taken = nodes[j] as number;
    nodes[j] = nodes[i] as number;
    nodes[i] = taken;
  }
  return Int32Array.from(nodes);
}

/** @returns True if `pods` pods of a demand would fit now together. O(nodes), stops when they do. */
export function gangFitsNow(cluster: ClusterState, demand: Demand, pods: number): boolean {
  let left = pods;
  for (let node = 0; node < cluster.nodeCount && left > 0; node++) {
    if (cluster.fits(node, demand)) left -= left === 1 ? 1 : podsFitting(cluster, node, demand);
  }
  return left <= 0;
}
