/**
 * The modes of a command in which an option has an effect. Elsewhere it is refused: a silently ignored option looks as
 * if it had worked. Options that depend on the contents of files are refused by the readers of the files.
 */
import type { Command } from 'commander';
import { refuseGiven } from './ignored-options.ts';

/** Given and default values, by commander's names. */
type Values = Readonly<Record<string, unknown>>;

/** Options that have no effect in some mode of a command. */
export interface ModeRule {
  /** Commander's names of their values. */
  readonly options: readonly string[];
  /** @returns True if the mode without effect is on. */
  readonly when: (values: Values) => boolean;
  /** Completes `got --option …`. */
  readonly why: string;
}

/** Options that print something and end, as `--help` does: no other option is checked. */
const PRINTS_AND_ENDS = ['jsonSchema', 'printDefaultConfig'];

const given =
  (...names: readonly string[]) =>
  (values: Values): boolean =>
    names.some((name) => values[name] !== undefined);
const missing =
  (...names: readonly string[]) =>
  (values: Values): boolean =>
    names.every((name) => values[name] === undefined);
const includes = (values: Values, list: string, ...names: readonly string[]): boolean =>
  (values[list] as readonly string[]).some((name) => names.includes(name));

const ONE_OF = 'expected one of them: leave the other out';
const ALIKE = ['model', 'gpus', 'cores', 'memoryGib'];
const MADE_UP_OPENB: ModeRule = {
  options: ALIKE,
  when: ({ mix, cluster }) => mix === 'openb' && cluster === undefined,
  why: 'without --mix homogeneous, expected both: the mix openb has its own machines',
};

/** By the path of the command. Options that are not named have an effect in every mode. */
export const MODE_RULES: Readonly<Record<string, readonly ModeRule[]>> = {
  'teg policies': [
    { options: ['listQueues'], when: given('listChoosers'), why: `together with --list-choosers, ${ONE_OF}` },
  ],
  'teg trace generate nodes': [
    MADE_UP_OPENB,
    {
      options: ['model'],
      when: ({ gpus }) => gpus === 0,
      why: 'with --gpus 0, expected GPUs that it names: leave --model out',
    },
  ],
  'teg trace generate jobs': [
    {
      options: ['nodes', 'mix', ...ALIKE],
      when: given('cluster'),
      why: `together with --cluster, ${ONE_OF}`,
    },
    MADE_UP_OPENB,
    {
      options: ['model', 'modelShare'],
      when: ({ gpus }) => gpus === 0,
      why: 'with --gpus 0, expected GPUs that jobs could name: leave it out',
    },
  ],
  'teg bench packing': [
    {
      options: ['pods', 'arrivals', 'ranks', 'lists', 'reference'],
      when: given('kubeReference'),
      why: 'together with --kube-reference, which has its own pods and orders: leave one of them out',
    },
    {
      options: ['traces'],
      when: (values) => given('nodes')(values) && given('pods', 'kubeReference')(values),
      why: 'although nodes and pods are named, expected only one of them with it: leave it out',
    },
    {
      options: ['lists'],
      when: (values) => missing('traces')(values) || given('pods')(values),
      why: 'without lists to choose from, expected --traces DIR and no --pods',
    },
    {
      options: ['arrivals', 'ranks'],
      when: missing('pods'),
      why: 'without --pods, expected both: an order is of one list',
    },
  ],
  'teg bench zones': [
    { options: ['nodes'], when: given('cluster'), why: `together with --cluster, ${ONE_OF}` },
  ],
  'teg bench kubernetes': [
    {
      options: ['traces', 'kubeReference', 'sequences'],
      when: (values) => !includes(values, 'workloads', 'all', 'Packing'),
      why: 'without the workload Packing, expected both: add it to --workloads',
    },
    {
      options: ['nodes', 'pods', 'created'],
      when: (values) => (values.workloads as readonly string[]).every((name) => name === 'Packing'),
      why: 'with Packing alone, which takes nodes and pods from its files: leave it out',
    },
  ],
  'teg bench fairness': [
    { options: ['printMarkdown'], when: given('json'), why: `together with --json, ${ONE_OF}` },
  ],
  'teg bench queues': [
    { options: ['printMarkdown'], when: given('json'), why: `together with --json, ${ONE_OF}` },
  ],
  'teg bench guard': [
    { options: ['printMarkdown'], when: given('json'), why: `together with --json, ${ONE_OF}` },
  ],
  'teg bench memory': [
    { options: ['printMarkdown'], when: given('json'), why: `together with --json, ${ONE_OF}` },
  ],
  'teg bench power': [
    { options: ['printMarkdown'], when: given('json'), why: `together with --json, ${ONE_OF}` },
  ],
  'teg verify': [{ options: ['printPage'], when: given('json'), why: `together with --json, ${ONE_OF}` }],
  'teg vopr': [
    {
      options: ['steps', 'workers', 'injectBug', 'trace', 'record'],
      when: given('replay'),
      why: 'together with --replay, which repeats the log: leave one of them out',
    },
    {
      options: ['workers'],
      when: given('seed'),
      why: 'together with --seed, expected --seeds: one seed runs on one thread',
    },
  ],
  'teg cluster': [
    {
      options: [
        'nodes',
        'zones',
        'cpus',
        'memory',
        'gpus',
        'withStockScheduler',
        'kubeconfig',
        'folder',
        'json',
      ],
      when: given('buildOnly'),
      why: 'together with --build-only, which starts nothing: leave one of them out',
    },
    {
      options: ['zones', 'cpus', 'memory', 'gpus'],
      when: ({ nodes, kubeconfig }) => nodes === 0 || (nodes === undefined && kubeconfig !== undefined),
      why: 'without nodes to create, expected --nodes N with it',
    },
  ],
  'teg errors': [{ options: ['printPage'], when: given('json'), why: `together with --json, ${ONE_OF}` }],
};

/**
 * @param path For example `teg bench zones`.
 * @throws TegError TEG_OPTION_INVALID for an option that was given where it has no effect.
 */
export function refuseWithoutEffect(command: Command, path: string): void {
  const values: Values = command.opts();
  if (PRINTS_AND_ENDS.some((name) => values[name] === true)) return;
  for (const { options, when, why } of MODE_RULES[path] ?? []) {
    if (when(values)) refuseGiven(command, options, why);
  }
}
