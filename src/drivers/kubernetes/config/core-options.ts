/**
 * The core's options from a configuration.
 */
import type { PodSchedulerOptions } from '../../../governor/pods/pod-events.ts';
import type { SchedulerConfig } from './scheduler-config.ts';

/** @returns The core's options from the configuration. */
export function coreOptions(config: SchedulerConfig): PodSchedulerOptions {
  return {
    seed: 1,
    backoffSecondsFirst: config.podInitialBackoffSeconds,
    backoffSecondsMax: config.podMaxBackoffSeconds,
    waitingPodsMax: config.queue.waitingPodsMax,
    zoneLabel: config.zones.label,
    zoneNodesMax: config.zones.nodesMax,
    gangRepairSeconds: config.gangs.repairSeconds,
    gangSearchChecksMax: config.gangs.searchChecksMax,
    preemption: config.preemption.enabled,
    renewalSeconds: config.queue.renewalSeconds,
  };
}
