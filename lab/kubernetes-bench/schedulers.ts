/** The schedulers under test, each as a separate process. */
import { TegError } from '../../src/model/errors.ts';
import type { ControlPlane, ControlPlaneProcess } from '../control-plane/control-plane.ts';
import { startTeg } from './teg-process.ts';

/** Names of schedulers on the command line and in results. */
export const SCHEDULER_NAMES = [
  'teg',
  'teg-no-coalescing',
  'stock',
  'stock-no-batching',
  'stock-most-allocated',
  'teg-enforce',
  'teg-other',
] as const;

/** A scheduler under test. */
export type SchedulerName = (typeof SCHEDULER_NAMES)[number];

/** Configuration with which the stock scheduler packs instead of spreading: that of the published packing results. */
const MOST_ALLOCATED = `profiles:
  - schedulerName: default-scheduler
    pluginConfig:
      - name: NodeResourcesFit
        args:
          scoringStrategy:
            type: MostAllocated
            resources:
              - { name: cpu, weight: 1 }
              - { name: memory, weight: 1 }
              - { name: nvidia.com/gpu, weight: 5 }
`;

/** @returns The name. @throws TegError TEG_OPTION_INVALID for an unknown one. */
export function schedulerByName(name: string): SchedulerName {
  const found = SCHEDULER_NAMES.find((candidate) => candidate === name);
  if (found !== undefined) return found;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the scheduler '${name}', expected some of ${SCHEDULER_NAMES.join(', ')}`,
  );
}

/** @returns The `spec.schedulerName` of its pods. */
export function schedulerNameOfPods(scheduler: SchedulerName): string {
  return scheduler.startsWith('teg') ? 'teg' : 'default-scheduler';
}

/** True if tenants' quotas decide: then the cluster has tenants, and pods name them. */
export function hasEconomy(scheduler: SchedulerName): boolean {
  return scheduler === 'teg-enforce';
}

/** Starts one and waits until it serves. @throws TegError TEG_CONTROL_PLANE_FAILED and others of the control plane. */
export function startScheduler(plane: ControlPlane, scheduler: SchedulerName): Promise<ControlPlaneProcess> {
  if (scheduler === 'teg') return startTeg(plane);
  if (scheduler === 'teg-enforce') return startTeg(plane, { economy: { mode: 'enforce' } });
  if (scheduler === 'teg-other') return startTeg(plane, {}, otherCheckout());
  if (scheduler === 'teg-no-coalescing')
    return startTeg(plane, { clientConnection: { coalesceMilliseconds: 0 } });
  const gates = scheduler === 'stock-no-batching' ? ['--feature-gates=OpportunisticBatching=false'] : [];
  return plane.startStockScheduler(scheduler === 'stock-most-allocated' ? MOST_ALLOCATED : '', gates);
}

/** Another checkout of TEG, for example of an older commit, to be compared with this one in the same run. */
function otherCheckout(): string {
  const folder = process.env.TEG_OTHER ?? '';
  if (folder !== '') return folder;
  throw new TegError(
    'TEG_OPTION_INVALID',
    "got the scheduler 'teg-other' without TEG_OTHER, expected that variable to be the folder of another checkout of TEG",
  );
}
