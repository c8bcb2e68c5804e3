/**
 * A federation as plain data, so that every thread can build the same one.
 */
import { chooserByName } from '../../governor/choosers/registry.ts';
import { type FederationOptions, federationOptions } from '../../governor/federation/federation-options.ts';
import { makeTopology } from '../../governor/federation/topology.ts';
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { NetworkOptions } from '../../simulation/federation/network.ts';
import { saturatingJobs } from '../../simulation/federation/saturation.ts';
import type { ShardOptions } from '../../simulation/federation/shard.ts';
import type { FailureOptions } from '../../simulation/inputs/failures.ts';
import { typicalOf } from '../../simulation/inputs/workload-of.ts';
import { type InputSources, isGenerated, loadInputs } from './inputs.ts';

/** The stream of a seed that a workload is resampled from. */
const STREAM_RESAMPLE = 4;
/** Nodes that a generated mix of jobs is scaled to, where jobs are drawn from the mix only. */
const MIX_NODES = 1000;

/** A workload that fills the cluster; the job source is then the mix that it is drawn from. */
export interface SaturationTask {
  readonly load: number;
  readonly spanSeconds: number;
  /** Infinity: jobs stay. */
  readonly lifetimeSeconds: number;
}

/** One federation and its workload. */
export interface FederationTask extends InputSources {
  readonly zones: number;
  /** Agent hosts; default one a zone. */
  readonly hosts?: number;
  readonly chooser: string;
  readonly options: Partial<FederationOptions>;
  readonly network: NetworkOptions;
  readonly failures?: FailureOptions;
  readonly typical: 'learned' | 'list';
  readonly saturation?: SaturationTask;
  /** As in `SimulationTask`. */
  readonly load?: number;
  readonly repeat?: number;
  readonly resample?: boolean;
  /** Waits of jobs that arrive before this time, and use before it, are left out; default 0. */
  readonly warmupSeconds?: number;
}

/** The parts that every shard of a federation is made of. */
export type FederationParts = Omit<ShardOptions, 'index' | 'count'> & {
  readonly warnings: readonly string[];
};

/**
 * Builds the federation of a task: the same on every thread.
 *
 * @throws TegError of inputs and options.
 */
export async function buildFederation(task: FederationTask): Promise<FederationParts> {
  const { zones, hosts = zones, network, failures, seed, saturation, warmupSeconds = 0 } = task;
  const options = federationOptions(task.options);
  const chooser = chooserByName(task.chooser);
  const topology = makeTopology(zones, hosts, options.fanOut);
  const inputs = await loadInputs(task);
  const { nodes } = inputs;
  const mix = await mixOf(task, inputs);
  const gpuMilli = nodes.reduce((sum, node) => sum + node.gpuCount * GPU_MILLI, 0);
  if (saturation !== undefined && gpuMilli === 0) {
    throw new TegError(
      'TEG_CLUSTER_INVALID',
      `the ${nodes.length} nodes have no GPUs to fill; expected some: name another cluster`,
    );
  }
  const jobs = saturation === undefined ? mix : saturatingJobs(mix, gpuMilli, { ...saturation, seed });
  const world = {
    nodes,
    demands: jobs.demands,
    topology,
    options,
    chooser,
    seed,
    ...(task.typical === 'list' ? { typical: typicalOf(mix) } : {}),
  };
  return {
    world,
    jobs,
    network,
    warmupSeconds,
    warnings: inputs.warnings,
    ...(failures === undefined ? {} : { failures }),
  };
}

async function mixOf(
  task: FederationTask,
  inputs: Awaited<ReturnType<typeof loadInputs>>,
): Promise<ReturnType<typeof inputs.builder.build>> {
  const { load = 1, repeat = 1, resample, seed, saturation } = task;
  if (saturation !== undefined && isGenerated(task.jobs)) {
    // Made for a small cluster of the kind: shapes do not depend on the number of nodes.
    const cluster = isGenerated(task.cluster) ? smaller(task.cluster) : task.cluster;
    return (await loadInputs({ ...task, cluster, seed: 0 })).builder.build({ load: 1, repeat: 1 });
  }
  return inputs.builder.build({
    load,
    repeat,
    ...(resample ? { resample: new Random(seed, STREAM_RESAMPLE) } : {}),
  });
}

/** `generated:openb:1000000` → `generated:openb:1000`. */
function smaller(cluster: string): string {
  return cluster.replace(/\d+$/, (nodes) => String(Math.min(Number(nodes), MIX_NODES)));
}
