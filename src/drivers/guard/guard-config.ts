/** The configuration of `teg guard`: its schema, and reading it. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { TegError } from '../../model/errors.ts';
import { readFault } from '../../model/file-faults.ts';
import { problemsOf } from '../../model/readers/config-errors.ts';

/** Longest configuration that is read, in characters. */
const CONFIG_CHARS_MAX = 1 << 20;
/** Most groups that a configuration names. */
const GROUPS_MAX = 1024;
/** A pebibyte: more is a mistake of units. */
const MIB_MAX = 2 ** 30;
const SECONDS_MAX = 86_400;

const PATH = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/, { error: 'a path below the mount of control groups, such as /jobs/a' });

function mib(description: string) {
  return z.number().min(1).max(MIB_MAX).describe(description);
}

function seconds(standard: number, description: string) {
  return z.number().gt(1).max(SECONDS_MAX).default(standard).describe(description);
}

const WALL = z.strictObject({
  of: z
    .string()
    .max(4096)
    .regex(/^(?:node|groups|\/[^\0]*)$/, { error: 'node, groups, or the path of a group' })
    .default('node')
    .describe(
      'What must not pass the wall: all memory that is used on the node, that of the groups below alone, or that of one group with all below it.',
    ),
  mib: mib(
    'The wall. Default: the limit of the group that `of` names, read again at every tick; 95 % of the memory of a node.',
  ).optional(),
});

const HEADROOM = z.strictObject({
  marginMib: mib('Kept free below the wall. Default: what can grow in one tick and one freeze.').optional(),
  shortBelowMib: mib('Memory is short with less above the margin. Default: 5 % of the wall.').optional(),
  amplyAboveMib: mib('Memory is ample with more. Default: twice that.').optional(),
});

const GROWTH = z.strictObject({
  rateMaxMibPerSecond: z
    .number()
    .min(1)
    .max(1 << 20)
    .optional()
    .describe(
      'Highest rate at which all groups together grow. Default: 2048 for each processor, 16384 at most.',
    ),
  bypassMibPerSecond: z
    .number()
    .min(0)
    .max(1 << 20)
    .default(64)
    .describe('Growth past freezes: socket buffers, other processes.'),
});

const GROUP = z.strictObject({
  path: PATH.describe('Of a group; with /* at the end each group right below one, those to come too.'),
  optIn: z.boolean().default(false).describe('Without it a group is counted and never acted on.'),
  priority: z.int().min(-1_000_000).max(1_000_000).default(0).describe('The higher, the later it is frozen.'),
  gang: z.string().min(1).max(253).optional().describe('Groups of one gang are frozen and thawed together.'),
  limitMib: mib(
    "The group's own wall. Default: the limit that the kernel holds, if there is one.",
  ).optional(),
  softLimit: z
    .boolean()
    .optional()
    .describe(
      'While memory is short the guard sets memory.high behind the line of the group: the kernel slows it down if the guard is late or dead. Version 2 of control groups only.',
    ),
});

const STARVATION = z.strictObject({
  frozenSeconds: seconds(60, 'Longest time that a group is frozen.'),
  gangFrozenSeconds: seconds(100, 'Longest time that a gang is frozen.'),
  order: z
    .array(z.enum(['thaw', 'move', 'reclaim', 'kill']))
    .min(1)
    .max(4)
    .refine((order) => new Set(order).size === order.length, { error: 'each at most once' })
    .refine((order) => order.includes('thaw') || order.includes('kill'), { error: 'thaw or kill among them' })
    .default(['thaw'])
    .describe('What is done then, one after the other.'),
  lastResort: z
    .enum(['hold', 'release', 'kill'])
    .default('hold')
    .describe(
      'For the last group that could run, held below the wall for as long, with nothing to wait for: go on holding it, let it pass, kill it.',
    ),
});

const PODS = z.strictObject({
  kubelet: z
    .url({ protocol: /^http$/ })
    .default('http://127.0.0.1:10255')
    .describe('Base of the port where the kubelet says which pods it runs (`/pods`).'),
  staticPodsToo: z
    .boolean()
    .default(false)
    .describe('Static pods may opt in as well: for nodes without an API server.'),
});

const CONFIG = z.strictObject({
  apiVersion: z.literal('teg.dev/v1alpha1').default('teg.dev/v1alpha1'),
  kind: z.literal('GuardConfiguration').default('GuardConfiguration'),
  wall: WALL.prefault({}),
  headroom: HEADROOM.prefault({}),
  growth: GROWTH.prefault({}),
  groups: z
    .array(GROUP)
    .max(GROUPS_MAX)
    .refine((groups) => new Set(groups.map(({ path }) => path)).size === groups.length, {
      error: 'each path once',
    })
    .default([])
    .describe('The first entry that fits a group counts.'),
  pods: PODS.optional().describe('Containers of pods that opt in, beside the groups above.'),
  starvation: STARVATION.prefault({}),
  stateFolder: z
    .string()
    .min(1)
    .max(90)
    .default('/run/teg-guard')
    .describe(
      'Journal and socket (whose path is short). It must survive the guard, and need not survive the machine.',
    ),
  metricsPort: z.int().min(0).max(65_535).optional().describe('Loopback port of Prometheus metrics; 0: any.'),
  logging: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['json', 'text']).default('json'),
    })
    .prefault({}),
});

/** A configuration with all defaults. */
export type GuardConfig = z.infer<typeof CONFIG>;

/** One entry of `groups`. */
export type GuardGroupConfig = GuardConfig['groups'][number];

/**
 * @returns The configuration in a file, YAML or JSON.
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_CONFIG_INVALID.
 */
export function readGuardConfig(path: string): GuardConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `${path}: ${readFault(cause)}, expected a configuration file; examples/guard/guard.yaml is one`,
      { cause },
    );
  }
  return parseGuardConfig(text, path);
}

/**
 * @param origin For messages: the file's name.
 * @throws TegError TEG_CONFIG_INVALID: each problem with field, value and what was expected.
 */
export function parseGuardConfig(text: string, origin: string): GuardConfig {
  if (text.length > CONFIG_CHARS_MAX)
    throw invalid(origin, [`got ${text.length} characters, expected at most ${CONFIG_CHARS_MAX}`]);
  const input = yamlOf(text, origin) ?? {};
  const result = CONFIG.safeParse(input);
  if (result.success) return result.data;
  throw invalid(origin, problemsOf(result.error, input, CONFIG));
}

function yamlOf(text: string, origin: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(origin, [`got text that is not YAML: ${error.message.trimEnd()}`]);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(origin, [`got text that is not YAML: ${readFault(cause)}`]);
  }
}

function invalid(origin: string, problems: readonly string[]): TegError {
  const list = problems.length === 1 ? ` ${problems[0]}` : `\n  ${problems.join('\n  ')}`;
  return new TegError('TEG_CONFIG_INVALID', `${origin}:${list}`);
}
