/** The names of the workloads of `teg bench queues`; light, for the command's options. */

/** Names, in the order of the report. */
export const QUEUE_WORKLOADS = ['slots', 'gpus', 'philly', 'metacentrum'] as const;

/** A name of a workload. */
export type QueueWorkloadName = (typeof QUEUE_WORKLOADS)[number];
