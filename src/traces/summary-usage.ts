/** Summary of usage samples: the share of their limit that pods use, on average and at their peak. */
import {
  type Sketch,
  type SketchFactory,
  Tally,
  type TraceDistribution,
  toDistribution,
} from './summary-parts.ts';
import type { UsageSample } from './usage.ts';

/** Summary of usage samples. */
export interface UsageSummary {
  readonly samples: number;
  readonly pods: number;
  readonly spanSeconds: number;
  /** Share of its limit that a pod uses: of all samples, its mean, its peak. */
  readonly memoryShare: TraceDistribution;
  readonly podMean: TraceDistribution;
  readonly podPeak: TraceDistribution;
  /** Of pods that use anything. */
  readonly peakOverMean: TraceDistribution;
  /** Pods that never pass half of their limit. */
  readonly podsBelowHalf: number;
}

interface PodUsage {
  samples: number;
  sum: number;
  peak: number;
}

/** Gathers the summary; `add` every sample, then `result`. */
export class UsageSummarizer {
  count = 0;
  private readonly makeSketch: SketchFactory;
  private readonly shares: Sketch;
  private readonly pods = new Tally<PodUsage>(() => ({ samples: 0, sum: 0, peak: 0 }));
  private first = Number.POSITIVE_INFINITY;
  private last = Number.NEGATIVE_INFINITY;

  constructor(makeSketch: SketchFactory) {
    this.makeSketch = makeSketch;
    this.shares = makeSketch();
  }

  /** Takes a sample. */
  add(sample: UsageSample): void {
    const { seconds, memoryShare } = sample;
    this.count++;
    this.shares.insert(memoryShare);
    if (seconds < this.first) this.first = seconds;
    if (seconds > this.last) this.last = seconds;
    const pod = this.pods.of(sample.pod);
    pod.samples++;
    pod.sum += memoryShare;
    if (memoryShare > pod.peak) pod.peak = memoryShare;
  }

  /** @returns The summary of all samples so far. */
  result(): UsageSummary {
    const means = this.makeSketch();
    const peaks = this.makeSketch();
    const ratios = this.makeSketch();
    let podsBelowHalf = 0;
    for (const { sums } of this.pods.top(Number.MAX_SAFE_INTEGER, (pod) => pod.peak)) {
      const mean = sums.sum / sums.samples;
      means.insert(mean);
      peaks.insert(sums.peak);
      if (mean > 0) ratios.insert(sums.peak / mean);
      if (sums.peak <= 0.5) podsBelowHalf++;
    }
    return {
      samples: this.count,
      pods: this.pods.size,
      spanSeconds: this.last - this.first,
      memoryShare: toDistribution(this.shares),
      podMean: toDistribution(means),
      podPeak: toDistribution(peaks),
      peakOverMean: toDistribution(ratios),
      podsBelowHalf,
    };
  }
}
