/** The what-if options of `teg simulate`: a start from a snapshot, nodes added or removed. */
import type { Command } from 'commander';
import type { NodeCopies, WhatIf } from '../../drivers/embedded/what-if.ts';
import { TegError } from '../../model/errors.ts';
import { parseList } from '../terminal/option-values.ts';

/** The options as commander parses them. */
export interface WhatIfOptions {
  readonly startFromSnapshot?: boolean;
  readonly addNodes?: readonly NodeCopies[];
  readonly removeNodes?: readonly string[];
}

/** Options of a run that would repeat or redraw placed jobs. */
interface Redrawing {
  readonly repeat?: number;
  readonly resample?: boolean;
  readonly tenants?: string;
}

/** Help shown after the options. */
export const WHAT_IF_HELP = `
What-if on your own cluster: \`teg snapshot -o cluster.json.gz\`, then with --start-from-snapshot the pods of the file stay
where they run, and those that wait (and --jobs, if named) compete for the rest; without it, the pods of the file (or of --jobs)
are placed on its emptied nodes.`;

/** Adds the options to a command. */
export function addWhatIfOptions(command: Command): Command {
  return command
    .optionsGroup('What if, on a snapshot of Kubernetes (without --zones):')
    .option(
      '--start-from-snapshot',
      'pods of the cluster file stay on their nodes; those that wait are to be placed',
    )
    .option(
      '--add-nodes <count*node>',
      "add copies of nodes of the cluster, for example '8*gpu-node-3,2*cpu-1'",
      parseNodeCopies,
    )
    .option('--remove-nodes <names>', 'take nodes away; pods on them wait again', parseList);
}

/** Reads `8*gpu-node-3,2*cpu-1`. @throws TegError TEG_OPTION_INVALID. */
export function parseNodeCopies(text: string): NodeCopies[] {
  return text.split(',').map((part) => {
    const match = /^\s*(\d{1,9})\s*\*\s*(\S+)\s*$/.exec(part);
    const count = Number(match?.[1]);
    const node = match?.[2];
    if (node === undefined || !(count >= 1)) {
      throw new TegError(
        'TEG_OPTION_INVALID',
        `got '${text}', expected COUNT*NODE with a count of at least 1, such as 8*gpu-node-3 or 8*gpu-node-3,2*cpu-1`,
      );
    }
    return { count, node };
  });
}

/**
 * @param jobsNamed Whether --jobs was given.
 * @returns Their effect on a task; nothing if none was given.
 * @throws TegError TEG_OPTION_INVALID if they contradict others.
 */
export function toWhatIf(
  options: WhatIfOptions & Redrawing,
  jobsNamed: boolean,
): { readonly whatIf?: WhatIf; readonly jobs?: string } {
  const { startFromSnapshot, addNodes, removeNodes } = options;
  if (startFromSnapshot && (options.repeat !== undefined || options.resample)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got --start-from-snapshot with --repeat or --resample, expected one of them: pods that run cannot be drawn again',
    );
  }
  if (startFromSnapshot && options.tenants !== undefined) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got --start-from-snapshot with --tenants, expected one of them: pods that run already cannot be refused',
    );
  }
  if (!startFromSnapshot && addNodes === undefined && removeNodes === undefined) return {};
  return {
    whatIf: {
      ...(startFromSnapshot ? { startFromSnapshot } : {}),
      ...(addNodes === undefined ? {} : { addNodes }),
      ...(removeNodes === undefined ? {} : { removeNodes }),
    },
    ...(startFromSnapshot && !jobsNamed ? { jobs: '' } : {}),
  };
}

/** @throws TegError TEG_OPTION_INVALID if one was given: runs with many zones do not know them. */
export function refuseWhatIf(options: WhatIfOptions): void {
  const given = [
    options.startFromSnapshot ? '--start-from-snapshot' : '',
    options.addNodes === undefined ? '' : '--add-nodes',
    options.removeNodes === undefined ? '' : '--remove-nodes',
  ].find((flag) => flag !== '');
  if (given === undefined) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got ${given} with --zones, expected one of them: leave --zones out`,
  );
}
