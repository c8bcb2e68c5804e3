/**
 * Measurements of a peer, counted as they happen.
 *
 * Invariant: `usedGpuMilli` is the sum over the pods that have been started and have not ended; room that a node holds
 * for a pod that may come is not in use.
 */
import { QuantileSketch } from '../../src/kernel/quantile-sketch.ts';
import type { PeerResult } from './peer.ts';

/** Milliseconds: the unit of the sketch of delays, which is exact for integers up to 256. */
const PER_SECOND = 1000;

/** Counts of one run. */
export class PeerMeter {
  decisions = 0;
  placedPods = 0;
  placedJobs = 0;
  arrivedJobs = 0;
  refusals = 0;
  usedGpuMilli = 0;
  private readonly capacityGpuMilli: number;
  private readonly horizonSeconds: number;
  private readonly delays = new QuantileSketch();
  private readonly probes = new QuantileSketch();
  private delaySum = 0;
  private delayMax = 0;
  /** Milli-GPU seconds in the second half. */
  private area = 0;
  private changedAt = 0;

  /** @param capacityGpuMilli Of the cluster. @param horizonSeconds End of the run. */
  constructor(capacityGpuMilli: number, horizonSeconds: number) {
    this.capacityGpuMilli = capacityGpuMilli;
    this.horizonSeconds = horizonSeconds;
  }

  /** GPUs in use change. @param gpuMilli The increase; negative if pods end. */
  use(gpuMilli: number, now: number): void {
    const from = Math.max(this.changedAt, this.horizonSeconds / 2);
    if (now > from) this.area += this.usedGpuMilli * (now - from);
    this.changedAt = now;
    this.usedGpuMilli += gpuMilli;
  }

  /** The last pod of a job has been started. @param probes Nodes queried for it. */
  placed(delaySeconds: number, probes: number): void {
    this.placedJobs++;
    this.delaySum += delaySeconds;
    if (delaySeconds > this.delayMax) this.delayMax = delaySeconds;
    this.delays.insert(delaySeconds * PER_SECOND);
    this.probes.insert(probes);
  }

  /** Closes the books at the horizon. @returns The result. */
  finish(name: string): PeerResult {
    this.use(0, this.horizonSeconds);
    const { capacityGpuMilli, placedJobs } = this;
    const share = (gpuMilli: number) => (capacityGpuMilli > 0 ? gpuMilli / capacityGpuMilli : 0);
    const perJob = (sum: number) => (placedJobs > 0 ? sum / placedJobs : 0);
    const delay = (q: number) => (placedJobs > 0 ? this.delays.quantile(q) / PER_SECOND : 0);
    return {
      name,
      decisions: this.decisions,
      placedPods: this.placedPods,
      probesMean: this.probes.mean,
      probesP99: placedJobs > 0 ? this.probes.quantile(0.99) : 0,
      refusals: perJob(this.refusals),
      allocation: share(this.usedGpuMilli),
      allocationMean: share(this.area / (this.horizonSeconds / 2)),
      delayMeanSeconds: perJob(this.delaySum),
      delayP50Seconds: delay(0.5),
      delayP99Seconds: delay(0.99),
      delayMaxSeconds: this.delayMax,
      waitingAtEnd: this.arrivedJobs - placedJobs,
    };
  }
}
