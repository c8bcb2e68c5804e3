/** Generated clusters from a mix of machines: any size, the same machines for the same options. */
import { TegError } from '../model/errors.ts';
import { GPUS_PER_NODE_MAX, type NodeSpec, PODS_PER_NODE_DEFAULT } from '../model/node.ts';

/** One kind of machine of a mix. */
export interface NodeKind {
  /** GPU model; '' for a machine without GPUs. */
  readonly model: string;
  /** GPUs a machine; integer in [0, GPUS_PER_NODE_MAX]. */
  readonly gpus: number;
  /** Cores a machine; integer > 0. */
  readonly cores: number;
  readonly memoryMib: number;
  /** Weight among the kinds; > 0. Need not sum to 1. */
  readonly share: number;
}

/**
 * A mix in the manner of the openb GPU cluster: eleven kinds with their shares rounded to half a percent; about 5.1
 * GPUs and 88 cores a node. Not the published list: kinds below half a percent are left out.
 *
 * @source Shape of https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2023.
 */
export const OPENB_LIKE_MIX: readonly NodeKind[] = [
  { model: 'G2', gpus: 8, cores: 96, memoryMib: 393_216, share: 0.45 },
  { model: 'T4', gpus: 2, cores: 104, memoryMib: 524_288, share: 0.32 },
  { model: 'P100', gpus: 2, cores: 16, memoryMib: 122_880, share: 0.09 },
  { model: 'G3', gpus: 8, cores: 128, memoryMib: 786_432, share: 0.03 },
  { model: 'V100M16', gpus: 4, cores: 32, memoryMib: 131_072, share: 0.025 },
  { model: 'P100', gpus: 2, cores: 64, memoryMib: 262_144, share: 0.02 },
  { model: 'V100M32', gpus: 8, cores: 96, memoryMib: 786_432, share: 0.02 },
  { model: 'V100M16', gpus: 1, cores: 8, memoryMib: 32_768, share: 0.015 },
  { model: 'T4', gpus: 4, cores: 96, memoryMib: 393_216, share: 0.015 },
  { model: 'V100M32', gpus: 4, cores: 48, memoryMib: 376_832, share: 0.01 },
  { model: 'V100M16', gpus: 8, cores: 64, memoryMib: 262_144, share: 0.005 },
];

/** A mix of one kind: 8 GPUs, 128 cores, 1 TiB. */
export const HOMOGENEOUS_MIX: readonly NodeKind[] = [
  { model: 'H100', gpus: 8, cores: 128, memoryMib: 1_048_576, share: 1 },
];

/** Most nodes of a generated cluster. */
export const GENERATED_NODES_MAX = 10_000_000;

/** Options of a generated cluster. */
export interface ClusterOptions {
  /** Integer in [1, GENERATED_NODES_MAX]. */
  readonly nodes: number;
  /** Default OPENB_LIKE_MIX. */
  readonly mix?: readonly NodeKind[];
  /** Default `node`; names are prefix-0 … prefix-(n−1). */
  readonly namePrefix?: string;
  /** Default PODS_PER_NODE_DEFAULT. */
  readonly podsMax?: number;
}

/**
 * Makes a cluster.
 *
 * Kinds are interleaved so that every prefix of the list has the mix's shares within one node of each kind: the
 * first 1,000 of 10^6 nodes are the same mix on a smaller scale.
 *
 * @throws TegError TEG_OPTION_INVALID. Cost O(nodes × kinds).
 */
export function generateNodes(options: ClusterOptions): NodeSpec[] {
  const nodes: NodeSpec[] = [];
  for (const batch of generateNodeBatches(options)) for (const node of batch) nodes.push(node);
  return nodes;
}

/** As `generateNodes`, in batches of 1,024, so that memory does not grow with the cluster. */
export function* generateNodeBatches(options: ClusterOptions): Generator<NodeSpec[]> {
  const mix = options.mix ?? OPENB_LIKE_MIX;
  checkOptions(options, mix);
  const prefix = options.namePrefix ?? 'node';
  const podsMax = options.podsMax ?? PODS_PER_NODE_DEFAULT;
  const shareTotal = mix.reduce((sum, kind) => sum + kind.share, 0);
  const owed = new Float64Array(mix.length);
  let batch: NodeSpec[] = [];
  for (let i = 0; i < options.nodes; i++) {
    let next = 0;
    for (let k = 0; k < mix.length; k++) {
      owed[k] = (owed[k] as number) + (mix[k] as NodeKind).share / shareTotal;
      if ((owed[k] as number) > (owed[next] as number)) next = k;
    }
    owed[next] = (owed[next] as number) - 1;
    batch.push(toNode(`${prefix}-${i}`, mix[next] as NodeKind, podsMax));
    if (batch.length === 1_024) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function toNode(name: string, kind: NodeKind, podsMax: number): NodeSpec {
  return {
    name,
    cpuMilli: kind.cores * 1_000,
    memoryMib: kind.memoryMib,
    gpuCount: kind.gpus,
    gpuModel: kind.gpus > 0 ? kind.model : '',
    podsMax,
  };
}

function checkOptions(options: ClusterOptions, mix: readonly NodeKind[]): void {
  requireInteger('nodes', options.nodes, 1, GENERATED_NODES_MAX);
  requireInteger('podsMax', options.podsMax ?? PODS_PER_NODE_DEFAULT, 1, 1_000_000);
  requireInteger('kinds of machines in the mix', mix.length, 1, 1_000);
  for (const kind of mix) {
    requireInteger('gpus of a kind of machine', kind.gpus, 0, GPUS_PER_NODE_MAX);
    requireInteger('cores of a kind of machine', kind.cores, 1, 2_000_000);
    requireInteger('memoryMib of a kind of machine', kind.memoryMib, 0, 2_147_483_647);
    requireNumber('share of a kind of machine', kind.share, Number.MIN_VALUE, 1e9);
  }
}

/** @throws TegError TEG_OPTION_INVALID unless `value` is an integer in [lower, upper]. */
export function requireInteger(what: string, value: number, lower: number, upper: number): void {
  if (Number.isInteger(value) && value >= lower && value <= upper) return;
  throw invalidOption(what, value, `an integer in [${lower}, ${upper}]`);
}

/** @throws TegError TEG_OPTION_INVALID unless `value` is a number in [lower, upper]. */
export function requireNumber(what: string, value: number, lower: number, upper: number): void {
  if (value >= lower && value <= upper) return;
  throw invalidOption(what, value, `a number in [${lower}, ${upper}]`);
}

function invalidOption(what: string, value: number, expected: string): TegError {
  return new TegError('TEG_OPTION_INVALID', `${what}: got ${value}, expected ${expected}; change it`);
}
