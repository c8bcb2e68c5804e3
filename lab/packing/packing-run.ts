/**
 * One run of the packing benchmark and the row it gives.
 */

import type { PolicyEntry } from '../../src/governor/policy/policy.ts';
import { rounded } from '../../src/kernel/statistics.ts';
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
  const result = runPacking({
    nodes: nodesByRank(nodes, ranks),
    jobs: list.jobs,
    order,
    createPolicy: policy.create,
    typical,
    seed,
    clockMicros: () => performance.now() * 1000,
  });
  return toRow(run, result);
}

function toRow({ list, policy, seed }: PackingRun, result: PackingResult): PackingRow {
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
  };
}
