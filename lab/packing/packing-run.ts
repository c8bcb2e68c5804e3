/**
 * One run of the packing benchmark and the row it gives.
 */

import { ClusterPower } from '../../src/field/node-power.ts';
import type { PolicyEntry } from '../../src/governor/policy/policy.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { type PackingResult, runPacking } from '../../src/simulation/packing/packing.ts';
import { nodesByRank, packingArrivals } from '../../src/simulation/packing/packing-arrivals.ts';
import type { PackingList } from './packing-inputs.ts';

/** Output of `teg bench packing --json` for a run. */
export interface PackingRow {
  /** Name of the pod list. */
  readonly list: string;
  /** Name of the policy, or the path of its file. */
  readonly policy: string;
  readonly seed: number;
  /** Allocated GPUs in percent when 100 % of the cluster's GPUs have been requested. */
  readonly alloc100: number;
  /** The same at 130 %. */
  readonly alloc130: number;
  /** Fragmented share of the idle GPUs in percent at 130 %. */
  readonly fragRatio130: number;
  /** Pods that did not fit on any node when they arrived. */
  readonly dropped: number;
  /** Median and 99th percentile of a decision with its updates, in microseconds. */
  readonly decisionMicrosP50: number;
  readonly decisionMicrosP99: number;
  /** Power of all nodes when that many percent of the GPUs were allocated first, kW; null: never. */
  readonly kilowatts: Readonly<Record<string, number | null>>;
}

/** The run and its list. */
export interface PackingRun {
  readonly list: PackingList;
  readonly policy: PolicyEntry;
  readonly seed: number;
  readonly typical: 'list' | 'learned';
}

/** Runs one; blocks for a tenth of a second to some seconds. */
export function runPackingList(nodes: readonly NodeSpec[], run: PackingRun): PackingRow {
  const { list, policy, seed, typical } = run;
  const { order, ranks } = list.given.get(seed) ?? packingArrivals(list.jobs, nodes, seed);
  const meter = new PowerMeter();
  const result = runPacking({
    nodes: nodesByRank(nodes, ranks),
    jobs: list.jobs,
    order,
    createPolicy: policy.create,
    observe: (cluster, node) => meter.placed(cluster, node),
    typical,
    seed,
    clockMicros: () => performance.now() * 1000,
  });
  return toRow(run, result, meter);
}

function toRow({ list, policy, seed }: PackingRun, result: PackingResult, meter: PowerMeter): PackingRow {
  return {
    list: list.name,
    policy: policy.name,
    seed,
    alloc100: result.alloc[100] as number,
    alloc130: result.alloc[130] as number,
    fragRatio130: rounded(result.fragRatio[130] as number, 2),
    dropped: result.dropped,
    decisionMicrosP50: rounded(result.decisionMicrosP50, 3),
    decisionMicrosP99: rounded(result.decisionMicrosP99, 3),
    kilowatts: meter.kilowatts(),
  };
}

/** Percents of the GPUs at whose allocation the power is read. */
export const POWER_LEVELS: readonly number[] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

/** Reads the power of a cluster as it fills. */
class PowerMeter {
  private power: ClusterPower | undefined;
  private readonly free: number[] = [];
  private used = 0;
  private readonly read: number[] = [];

  /** A pod was placed on a node; −1: dropped. O(GPUs of the node), after the first. */
  placed(cluster: ClusterState, node: number): void {
    if (node < 0) return;
    if (this.power === undefined) {
      this.power = new ClusterPower(cluster);
      for (let n = 0; n < cluster.nodeCount; n++) this.free.push(cluster.freeGpuMilli[n] as number);
      this.used = cluster.capacity.gpuMilli - this.free.reduce((sum, free) => sum + free, 0);
    } else {
      this.power.nodeChanged(node);
      this.used += (this.free[node] as number) - (cluster.freeGpuMilli[node] as number);
      this.free[node] = cluster.freeGpuMilli[node] as number;
    }
    for (;;) {
      const level = POWER_LEVELS[this.read.length];
      if (level === undefined || this.used < (level / 100) * cluster.capacity.gpuMilli) return;
      this.read.push(this.power.watts / 1000);
    }
  }

  kilowatts(): Record<string, number | null> {
    return Object.fromEntries(
      POWER_LEVELS.map((level, i) => [
        String(level),
        i < this.read.length ? rounded(this.read[i] as number, 1) : null,
      ]),
    );
  }
}
