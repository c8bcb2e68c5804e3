/**
 * What the economy costs a simulation: the same jobs under best-effort without tenants, under the TEG queue, and under the TEG queue with
 * a tree of tenants that have quotas, lend, borrow and evict.
 *
 * The three take turns within each round, since speed of a shared machine drifts; CPU time of the process, collection of garbage included.
 */
import { cpuUsage } from 'node:process';
import { loadPolicy } from '../../src/drivers/embedded/load-policy.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import {
  type MarketSpec,
  marketSpec,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../../src/market/tenants/spec.ts';
import type { SimulationOptions } from '../../src/simulation/inputs/simulation-options.ts';
import type { SimulationResult } from '../../src/simulation/metrics/result.ts';
import { runSimulation } from '../../src/simulation/run/simulator.ts';
import { type ClusterCapacity, capacityOf, generateNodes } from '../../src/traces/generate.ts';
import { buildJobs, type SimulatorTask } from './simulator-task.ts';

/** Departments at the top of the tree, teams below each of them. */
const DEPARTMENTS = 4;
const TEAMS_EACH = 4;

/** Part of the cluster that quotas cover; the rest is surplus. */
const QUOTA_SHARE = 0.8;

/** Runs that are compared, the base first. */
const VARIANTS = ['best-effort', 'teg', 'teg with tenants'] as const;

/** One run of the comparison. */
export interface EconomyRow {
  readonly variant: (typeof VARIANTS)[number];
  /** Complete jobs a second of CPU time, from the first arrival to the last departure; best round. */
  readonly jobsPerCpuSecond: number;
  /** The same over the first variant's. */
  readonly ratio: number;
  readonly jobs: number;
  readonly completed: number;
  readonly meanWaitSeconds: number;
  /** Plans of evictions that were carried out. */
  readonly plans: number;
}

/** Runs all variants; blocks. @throws TegError of the policy and the options. */
export async function runEconomyTask(task: SimulatorTask): Promise<EconomyRow[]> {
  const policy = await loadPolicy(task.policy);
  const nodes = generateNodes({ nodes: task.nodes });
  const jobs = buildJobs(task, nodes, { tenants: DEPARTMENTS * TEAMS_EACH });
  const { seed, typical } = task;
  const base = { nodes, jobs, policy, seed, typical, withSeries: false, withEquilibrium: false };
  const variants: readonly SimulationOptions[] = [
    base,
    { ...base, queue: 'teg' },
    { ...base, queue: 'teg', tenants: tenantsOf(jobs.tenants.toList(), capacityOf(nodes)) },
  ];
  const seconds = variants.map(() => Number.POSITIVE_INFINITY);
  const results: SimulationResult[] = [];
  for (let round = 0; round < task.rounds; round++) {
    variants.forEach((options, at) => {
      const before = cpuUsage();
      results[at] = runSimulation(options);
      const { user, system } = cpuUsage(before);
      seconds[at] = Math.min(seconds[at] as number, (user + system) / 1e6);
    });
  }
  return VARIANTS.map((variant, at) => {
    const { wait, evictions, jobs: counts } = results[at] as SimulationResult;
    return {
      variant,
      jobsPerCpuSecond: Math.round(jobs.count / (seconds[at] as number)),
      ratio: rounded((seconds[0] as number) / (seconds[at] as number), 3),
      jobs: jobs.count,
      completed: counts.finished,
      meanWaitSeconds: rounded(wait?.mean ?? 0, 3),
      plans: evictions?.plans ?? 0,
    };
  });
}

/**
 * Equal quotas for all teams, whose demand is as uneven as the generator makes it: the large ones borrow what the small ones lend. Every
 * fourth team keeps half of its quota, and every fourth has a limit.
 *
 * @param names By tenant of the jobs, the default one first.
 */
function tenantsOf(names: readonly string[], capacity: ClusterCapacity): EconomyTenants {
  const teams = names.slice(1);
  const share = QUOTA_SHARE / (DEPARTMENTS * TEAMS_EACH);
  const amounts = (part: number): TenantSpec['quota'] => ({
    all: {
      cpuMilli: Math.floor(part * capacity.cpuMilli),
      gpuMilli: Math.floor(part * capacity.gpuMilli),
    },
  });
  const departments = Array.from({ length: DEPARTMENTS }, (_, at) => tenantSpec(`department-${at}`));
  return {
    market: marketSpec({ flavors: [quotaFlavor('all')] }),
    tenants: [
      ...departments,
      ...teams.map((name, at) =>
        tenantSpec(name, {
          parent: `department-${at % DEPARTMENTS}`,
          weight: 1 + (at % 3),
          quota: amounts(share),
          ...(at % 4 === 1 ? { lend: amounts(share / 2) } : {}),
          ...(at % 4 === 2 ? { limit: amounts(4 * share) } : {}),
        }),
      ),
    ],
  };
}

interface EconomyTenants {
  readonly market: MarketSpec;
  readonly tenants: readonly TenantSpec[];
}
