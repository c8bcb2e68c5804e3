/** Options of `teg cluster`, and their conflicts. */

import { TegError } from '../../src/model/errors.ts';
import type { NodeTemplate } from '../control-plane/nodes.ts';

/** The options as commander parses them. */
export interface TrialClusterOptions {
  readonly nodes?: number;
  readonly zones: number;
  readonly cpus: number;
  readonly memory: string;
  readonly gpus: number;
  readonly withStockScheduler?: boolean;
  readonly kubeconfig?: string;
  readonly folder?: string;
  readonly buildOnly?: boolean;
  readonly json?: boolean;
}

/** Default number of nodes of a cluster that is started here. */
const NODES_DEFAULT = 100;

/** More than etcd and an API server on one machine can hold. */
const NODES_MAX = 20_000;

/** @returns The number of nodes to create. @throws TegError TEG_OPTION_INVALID for an impossible number. */
export function nodeCountOf(options: TrialClusterOptions): number {
  const count = options.nodes ?? (options.kubeconfig === undefined ? NODES_DEFAULT : 0);
  if (count > NODES_MAX) {
    throw new TegError('TEG_OPTION_INVALID', `got --nodes ${count}, expected at most ${NODES_MAX}`);
  }
  return count;
}

/** @throws TegError TEG_OPTION_INVALID for options that contradict each other. */
export function checkTogether({ kubeconfig, folder, withStockScheduler, memory }: TrialClusterOptions): void {
  const other =
    folder !== undefined ? '--folder' : withStockScheduler === true ? '--with-stock-scheduler' : undefined;
  if (kubeconfig !== undefined && other !== undefined) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got --kubeconfig and ${other}, which is about a cluster that is started here: leave one of them out`,
    );
  }
  if (!/^\d+(\.\d+)?([kMGT]i?)?$/.test(memory)) {
    throw new TegError('TEG_OPTION_INVALID', `got --memory ${memory}, expected a quantity such as 32Gi`);
  }
}

/** @returns The properties of the nodes. */
export function nodeTemplateOf({ zones, cpus, memory, gpus, kubeconfig }: TrialClusterOptions): NodeTemplate {
  return {
    prefix: kubeconfig === undefined ? 'node-' : 'teg-node-',
    zones,
    capacity: { cpu: String(cpus), memory, ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }) },
    tainted: kubeconfig !== undefined,
  };
}

/** For example `1,000 nodes of 4 CPUs, 32Gi, 8 GPUs in 3 zones`. */
export function nodesText(count: number, { zones, cpus, memory, gpus }: TrialClusterOptions): string {
  const gpuText = gpus > 0 ? `, ${gpus} GPU${gpus === 1 ? '' : 's'}` : '';
  const zoneText = zones > 0 ? ` in ${zones} zone${zones === 1 ? '' : 's'}` : '';
  return `${count.toLocaleString('en-US')} nodes of ${cpus} CPUs, ${memory}${gpuText}${zoneText}`;
}
