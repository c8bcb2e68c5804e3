/** Generators of clusters and workloads: the parts that other rooms import. */
export type { ClusterCapacity, WorkloadOptions } from './generate-jobs.ts';
export {
  arrivalRate,
  capacityOf,
  DEFAULT_DURATION,
  DEFAULT_JOB_CLASSES,
  generateJobBatches,
  generateJobs,
} from './generate-jobs.ts';
export type { ClusterOptions, NodeKind } from './generate-nodes.ts';
export {
  GENERATED_NODES_MAX,
  generateNodeBatches,
  generateNodes,
  HOMOGENEOUS_MIX,
  OPENB_LIKE_MIX,
} from './generate-nodes.ts';
