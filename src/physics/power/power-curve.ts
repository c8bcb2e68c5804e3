/**
 * Power as a function of load, from parts to the meter: parts, converters with a constant and a proportional loss, and
 * consumers that are always on.
 */
import { assert } from '../../kernel/assert.ts';

/** Parts of one kind: linear from idle to full load. */
export interface PoweredPart {
  readonly count: number;
  /** Watts of one at load 0 and at load 1; idle ≤ full. */
  readonly idleWatts: number;
  readonly fullWatts: number;
}

/** A converter: it draws (output + constant)/efficiency. */
export interface Converter {
  readonly constantWatts: number;
  /** In (0, 1]. */
  readonly efficiency: number;
}

/**
 * Power of parts of several kinds.
 *
 * @param loads Load of each kind, cut to [0, 1]; its mean over the parts of the kind. @shape [parts.length]
 * @returns     Watts at the output of the converters.
 */
export function partsWatts(parts: readonly PoweredPart[], loads: readonly number[]): number {
  assert(loads.length === parts.length, 'loads of other parts');
  let watts = 0;
  parts.forEach(({ count, idleWatts, fullWatts }, i) => {
    const load = Math.min(Math.max(loads[i] as number, 0), 1);
    watts += count * (idleWatts + load * (fullWatts - idleWatts));
  });
  return watts;
}

/** @returns Watts that a converter draws to give `watts`. */
export function drawnWatts({ constantWatts, efficiency }: Converter, watts: number): number {
  return (watts + constantWatts) / efficiency;
}

/**
 * The Frontier system as RAPS (ExaDigiT) describes it.
 *
 * @source RAPS, configuration `frontier`: published idle and peak power of the system are 7.24 and 28.2 MW.
 */
export const FRONTIER = {
  /** CPU, GPUs (modules), and what does not depend on load: memory 74.26 W, two disks of 15 W, four network ports of 20 W. */
  parts: [
    { count: 1, idleWatts: 90, fullWatts: 280 },
    { count: 4, idleWatts: 88, fullWatts: 560 },
    { count: 1, idleWatts: 184.26, fullWatts: 184.26 },
  ],
  /** One a node. */
  nodeConverter: { constantWatts: 13, efficiency: 0.98 },
  /** One for `nodesPerRectifier` nodes. */
  rectifier: { constantWatts: 17, efficiency: 0.96 },
  nodesPerRectifier: 4,
  nodesPerRack: 128,
  /** 32 switches of 250 W. */
  rackOtherWatts: 8000,
  racks: 74,
  /** 25 cooling distribution units. */
  systemOtherWatts: 25 * 8473.47,
} as const;

/** Power at three meters, W. */
export interface SystemWatts {
  readonly node: number;
  readonly rack: number;
  readonly system: number;
}

/** Power of Frontier with all CPUs and all GPUs at a load. @param cpuLoad, gpuLoad In [0, 1]. */
export function frontierWatts(cpuLoad: number, gpuLoad: number): SystemWatts {
  const { parts, nodeConverter, rectifier, nodesPerRectifier, nodesPerRack } = FRONTIER;
  const node = drawnWatts(nodeConverter, partsWatts(parts, [cpuLoad, gpuLoad, 1]));
  const rectified = drawnWatts(rectifier, nodesPerRectifier * node);
  const rack = (nodesPerRack / nodesPerRectifier) * rectified + FRONTIER.rackOtherWatts;
  return { node, rack, system: FRONTIER.racks * rack + FRONTIER.systemOtherWatts };
}
