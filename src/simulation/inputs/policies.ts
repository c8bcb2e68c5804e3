/**
 * The placement policies that come with TEG, by name.
 *
 * A policy is one file with one factory; a new one has to be added only to this list.
 */
import type { PolicyEntry } from '../../governor/policy/policy.ts';
import {
  createBestOfDPolicy,
  createFullScanPolicy,
  createTegPolicy,
  createTegPowerPolicy,
} from '../../governor/policy/teg-policy.ts';
import { closestName } from '../../kernel/closest-name.ts';
import { TegError } from '../../model/errors.ts';
import { createBestFitPolicy } from '../baselines/best-fit.ts';
import { createDotProductPolicy } from '../baselines/dot-product.ts';
import { createFgdPolicy } from '../baselines/fgd.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { createGpuClusteringPolicy } from '../baselines/gpu-clustering.ts';
import { createGpuPackingPolicy } from '../baselines/gpu-packing.ts';
import {
  createKubeScheduler134Policy,
  createKubeSchedulerMostAllocated134Policy,
  createKubeSchedulerMostAllocatedPolicy,
  createKubeSchedulerPolicy,
} from '../baselines/kube-scheduler.ts';
import { createPwrFgdPolicy } from '../baselines/pwr-fgd.ts';
import { createRandomPolicy } from '../baselines/random.ts';

/** Every policy, in the order in which tables list them. Names are unique. */
export const POLICIES: readonly PolicyEntry[] = [
  {
    name: 'teg',
    description: 'TEG: the node where the pod strands the least GPU capacity, from an index of node classes.',
    create: createTegPolicy,
  },
  {
    name: 'teg-power',
    description: 'TEG with a price on the watts that a pod adds: less power at equal allocation.',
    create: createTegPowerPolicy,
  },
  {
    name: 'full-scan',
    description:
      "TEG's prices on every node exactly: the reference of quality, at a cost that grows with nodes.",
    create: createFullScanPolicy,
  },
  {
    name: 'best-of-d',
    description: "TEG's prices on 8 fitting nodes drawn at random: the cheapest of them.",
    create: createBestOfDPolicy,
  },
  {
    name: 'random',
    description: 'A fitting node, each equally likely; a sharing pod gets any of its GPUs that fit.',
    create: createRandomPolicy,
  },
  {
    name: 'first-fit',
    description: 'The first node, in the order in which nodes joined, that has room.',
    create: createFirstFitPolicy,
  },
  {
    name: 'best-fit',
    description: 'The node with the least CPU and GPU left over after the pod.',
    create: createBestFitPolicy,
  },
  {
    name: 'dot-product',
    description: "The node whose free CPU and GPU, times the pod's, sum to the least.",
    create: createDotProductPolicy,
  },
  {
    name: 'gpu-packing',
    description: 'Shared GPUs first, then idle GPUs of nodes in use, idle nodes last.',
    create: createGpuPackingPolicy,
  },
  {
    name: 'gpu-clustering',
    description: 'The fullest node that runs pods of the same kind (sharing, or as many GPUs) and no other.',
    create: createGpuClusteringPolicy,
  },
  {
    name: 'fgd',
    description: 'Fragmentation gradient descent: the node whose GPU fragmentation grows least.',
    create: createFgdPolicy,
  },
  {
    name: 'pwr-fgd',
    description:
      'Power and fragmentation: FGD mixed with the watts that the pod adds (a tenth of the score).',
    create: createPwrFgdPolicy,
  },
  {
    name: 'kube-scheduler',
    description:
      'kube-scheduler 1.36, default profile (LeastAllocated): spreads over a sample of fitting nodes.',
    create: createKubeSchedulerPolicy,
  },
  {
    name: 'kube-scheduler-most-allocated',
    description: 'kube-scheduler 1.36 with MostAllocated (cpu 1, memory 1, GPU 5): packs within a sample.',
    create: createKubeSchedulerMostAllocatedPolicy,
  },
  {
    name: 'kube-scheduler-1.34',
    description:
      'kube-scheduler 1.34, default profile: scores how even a node is, not how it changes; ties by lot.',
    create: createKubeScheduler134Policy,
  },
  {
    name: 'kube-scheduler-most-allocated-1.34',
    description: 'kube-scheduler 1.34 with MostAllocated (cpu 1, memory 1, GPU 5).',
    create: createKubeSchedulerMostAllocated134Policy,
  },
];

/**
 * @returns The policy with that name.
 * @throws TegError TEG_POLICY_UNKNOWN with the closest known name.
 */
export function policyByName(name: string): PolicyEntry {
  const entry = POLICIES.find((policy) => policy.name === name);
  if (entry !== undefined) return entry;
  const names = POLICIES.map((policy) => policy.name);
  const closest = closestName(name, names);
  const hint = closest === undefined ? '' : `; did you mean '${closest}'?`;
  throw new TegError(
    'TEG_POLICY_UNKNOWN',
    `got the policy '${name}', expected one of ${names.join(', ')}, or the path of a policy file (./mine.ts)${hint}`,
  );
}
