/** Makes the fair queues of one cluster. */
import { HALF_LIFE_SECONDS_DEFAULT } from '../../../market/tenants/spec.ts';
import type { TenantTree } from '../../../market/tenants/tenant-tree.ts';
import type { ClusterState } from '../../../model/cluster-state.ts';
import { CPU_AMOUNT, GPU_AMOUNT, UpCapacity } from '../room-amounts.ts';
import { BorrowedShareRule, DominantShareRule } from './dominant-rules.ts';
import { FairQueue } from './fair-queue.ts';
import { QuantumRule } from './quantum-rule.ts';
import { KarmaQuanta, MaxMinQuanta } from './quantum-shares.ts';
import { SampledUsageRule } from './sampled-usage-rule.ts';
import type { ShareRule } from './share-rule.ts';
import { ShareTree } from './share-tree.ts';
import { TimeShareRule } from './time-share-rule.ts';

/** What a rule is made of. */
interface FairParts {
  readonly tree: ShareTree;
  readonly capacity: UpCapacity;
  /** The amount of rules that go by one: GPUs, or CPUs in a cluster without GPUs. */
  readonly kind: number;
  readonly halfLifeSeconds: number;
}

/** Rules by name of the queue. */
const RULES = {
  drf: ({ tree, capacity }) => new DominantShareRule(tree, capacity),
  'kueue-drs': ({ tree, capacity }) => new BorrowedShareRule(tree, capacity),
  'kueue-afs': ({ tree, kind, halfLifeSeconds }) => new SampledUsageRule(tree, kind, halfLifeSeconds),
  'kai-time': ({ tree, capacity, halfLifeSeconds }) => new TimeShareRule(tree, capacity, halfLifeSeconds),
  'max-min': ({ tree, capacity, kind }) => new QuantumRule(tree, capacity, kind, new MaxMinQuanta(tree)),
  karma: ({ tree, capacity, kind }) => new QuantumRule(tree, capacity, kind, new KarmaQuanta(tree)),
} satisfies Record<string, (parts: FairParts) => ShareRule>;

/** A queue that shares by tenants. */
export type FairQueueName = keyof typeof RULES;

/** @param tenants Undefined: no tenants file; all have weight 1 and no quota. @returns The queue, of this cluster alone. */
export function createFairQueue(
  name: FairQueueName,
  cluster: ClusterState,
  tenants: TenantTree | undefined,
): FairQueue {
  const tree = new ShareTree(tenants);
  const capacity = new UpCapacity(cluster);
  const kind = cluster.capacity.gpus > 0 ? GPU_AMOUNT : CPU_AMOUNT;
  const halfLifeSeconds = tenants?.market.halfLifeSeconds ?? HALF_LIFE_SECONDS_DEFAULT;
  return new FairQueue(name, tree, RULES[name]({ tree, capacity, kind, halfLifeSeconds }), capacity);
}
