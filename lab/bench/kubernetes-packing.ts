/**
 * Inputs of the workload Packing of `teg bench kubernetes`, and the references for its results: the same core in the
 * simulation, and a real stock scheduler.
 */

import { TegError } from '../../src/model/errors.ts';
import { PODS_PER_NODE_DEFAULT } from '../../src/model/node.ts';
import { policyByName } from '../../src/simulation/inputs/policies.ts';
import { readCluster } from '../../src/traces/read.ts';
import type { KubernetesBenchRow } from '../kubernetes-bench/kubernetes-bench.ts';
import type { PackingSequence } from '../kubernetes-bench/packing-run.ts';
import {
  findKubeSequences,
  type KubeSequenceFile,
  readKubeSequence,
  runKubeSequence,
} from '../packing/kube-reference.ts';
import { findNodes } from '../packing/packing-inputs.ts';

/** Seeds of the simulated runs; their mean is the prediction. */
const PREDICTION_SEEDS = [1, 2, 3];

/** Output of `teg bench kubernetes --json`: the fields beyond `KubernetesBenchRow` are there for Packing only. */
export interface KubernetesRow extends KubernetesBenchRow {
  /** GPUs in use in percent, when TEG's policy packs the same pods in the simulation. */
  readonly predictedGpuPercent?: number;
  /** Result of the published runs of a real stock scheduler; null where there is none. */
  readonly publishedLeastAllocated?: number | null;
  readonly publishedMostAllocated?: number | null;
}

/** A sequence and its reference results. */
export interface PackingInput extends PackingSequence {
  readonly name: string;
  readonly file: KubeSequenceFile;
}

/** Reads nodes and sequences. @throws TegError of the readers; TEG_OPTION_INVALID for an unknown sequence. */
export async function readPackingInputs(options: {
  readonly traces: string;
  readonly kubeReference: string;
  readonly sequences?: readonly string[] | undefined;
}): Promise<PackingInput[]> {
  const files = findKubeSequences(options.kubeReference);
  const assume = { openbPodsPerNode: PODS_PER_NODE_DEFAULT };
  const nodes = await readCluster(findNodes({ traces: options.traces }), { assume });
  return (options.sequences ?? files.map((file) => file.name)).map((name) => {
    const file = files.find((candidate) => candidate.name === name);
    if (file !== undefined) return { name, file, nodes, jobs: readKubeSequence(file.path) };
    const known = files.map((candidate) => candidate.name).join(', ');
    throw new TegError('TEG_OPTION_INVALID', `got --sequences with '${name}', expected some of ${known}`);
  });
}

/** Adds the simulation's result for the same pods; some seconds a sequence. */
export function withPrediction(
  rows: readonly KubernetesBenchRow[],
  inputs: readonly PackingInput[],
): KubernetesRow[] {
  const predicted = new Map<PackingInput, number>();
  return rows.map((row) => {
    const input = inputs.find((candidate) => candidate.name === row.sequence);
    if (input === undefined) return row;
    const predictedGpuPercent = predicted.get(input) ?? predictGpuPercent(input);
    predicted.set(input, predictedGpuPercent);
    return {
      ...row,
      predictedGpuPercent,
      publishedLeastAllocated: input.file.real.get('LeastAllocated')?.gpuPercent ?? null,
      publishedMostAllocated: input.file.real.get('MostAllocated')?.gpuPercent ?? null,
    };
  });
}

/** As in the scheduler, the policy does not know the coming pods: it learns. */
function predictGpuPercent({ file, nodes, jobs }: PackingInput): number {
  const policy = policyByName('teg');
  const results = PREDICTION_SEEDS.map(
    (seed) => runKubeSequence(nodes, { sequence: file, jobs, policy, seed, typical: 'learned' }).gpuPercent,
  );
  return results.reduce((sum, value) => sum + value, 0) / results.length;
}
