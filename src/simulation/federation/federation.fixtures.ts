/**
 * A small federation with a generated workload, for the tests of runs.
 */
import type { ChooserEntry } from '../../governor/choosers/chooser.ts';
import { chooserByName } from '../../governor/choosers/registry.ts';
import { type FederationOptions, federationOptions } from '../../governor/federation/federation-options.ts';
import { makeTopology } from '../../governor/federation/topology.ts';
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { capacityOf, generateJobs } from '../../traces/generate-jobs.ts';
import { generateNodes } from '../../traces/generate-nodes.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import { typicalOf } from '../inputs/workload-of.ts';
import { NETWORK_DEFAULTS, type NetworkOptions } from './network.ts';
import { saturatingJobs } from './saturation.ts';
import type { ShardOptions } from './shard.ts';

/** Options of a federation for a test. */
export interface FederationSetup {
  readonly nodes?: readonly NodeSpec[];
  readonly jobs?: JobTable;
  readonly zones?: number;
  readonly hosts?: number;
  readonly chooser?: ChooserEntry;
  readonly options?: Partial<FederationOptions>;
  readonly network?: Partial<NetworkOptions>;
  readonly failures?: ShardOptions['failures'];
  readonly seed?: number;
  /** True if the typical workload is learned, not given. */
  readonly isLearned?: boolean;
}

/** A pod of no GPU, as a job of one pod that arrives at 0 and runs for 10 s. */
export const JOB: JobSpec = {
  id: '',
  tenant: '',
  priority: 0,
  cpuMilli: 1000,
  memoryMib: 1024,
  gpuCount: 0,
  gpuMilli: 0,
  gpuModels: [],
  submitSeconds: 0,
  durationSeconds: 10,
  requestedSeconds: Number.NaN,
  podCount: 1,
  gangMin: 1,
};

/** Jobs from their distinguishing fields. */
export function jobsOf(specs: readonly Partial<JobSpec>[]): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  specs.forEach((spec, i) => {
    builder.add({ ...JOB, id: `job-${i}`, ...spec });
  });
  return builder.build();
}

/** Jobs of a mix for these nodes, many at a time: they come within `spanSeconds` and stay for some of it. */
export function churn(
  nodes: readonly NodeSpec[],
  load: number,
  spanSeconds: number,
  lifetimeSeconds: number,
): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  const capacity = capacityOf(nodes);
  for (const spec of generateJobs({ jobs: 200, capacity }, new Random(2))) builder.add(spec);
  return saturatingJobs(builder.build(), capacity.gpuMilli, { load, spanSeconds, lifetimeSeconds, seed: 5 });
}

/** A federation of 64 nodes in 8 zones, 4 to a group, that has a few hundred jobs. */
export function federation(setup: FederationSetup = {}): Omit<ShardOptions, 'index' | 'count'> {
  const { nodes = generateNodes({ nodes: 64 }), zones = 8, hosts = zones, seed = 1 } = setup;
  const { jobs = churn(nodes, 0.8, 60, 20), chooser = chooserByName('best-of-d') } = setup;
  const options = federationOptions({ fanOut: 4, ...setup.options });
  return {
    world: {
      nodes,
      demands: jobs.demands,
      topology: makeTopology(zones, hosts, options.fanOut),
      options,
      chooser,
      ...(setup.isLearned ? {} : { typical: typicalOf(jobs) }),
      seed,
    },
    jobs,
    network: { ...NETWORK_DEFAULTS, ...setup.network },
    ...(setup.failures === undefined ? {} : { failures: setup.failures }),
  };
}
