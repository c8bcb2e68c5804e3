/** For each command and each option: the modes in which it has no effect and is refused; or that there is none. */

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { ALL_COMMANDS } from '../../../lab/commands.ts';
import { buildProgram, runCommandLine } from '../program.ts';
import { MODE_RULES } from './option-effects.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-effects-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const nodes = join(folder, 'nodes.csv');
const jobs = join(folder, 'jobs.csv');
const swf = join(folder, 'jobs.swf');
const out = join(folder, 'out.csv');
writeFileSync(nodes, 'name,cpu_milli,memory_mib\nn,1000,1000\n');
writeFileSync(jobs, 'id,submit_s,duration_s,cpu_milli,memory_mib\na,0,1,1,1\n');
writeFileSync(swf, '1 0 10 100 4 90.5 1024 4 3600 2048 1 3 1 -1 1 -1 -1 -1\n');

const MADE_UP = ['--cluster', 'generated:10', '--jobs', 'generated:10'];
const ZONES = [...MADE_UP, '--zones', '2'];
const FILES = ['--cluster', nodes, '--jobs', jobs];

/** The options given beside it, and its value. */
type Case = readonly [option: string, value: readonly string[], beside: readonly string[]];

const SIMULATION: readonly Case[] = [
  ['mttr', ['1h'], MADE_UP],
  ['on-node-failure', ['fail'], MADE_UP],
  ['skip-bad', ['3'], MADE_UP],
  ['ignore-resource', ['rdma/hca'], MADE_UP],
  ['ignore-resource', ['rdma/hca'], FILES],
  ['map', ['id=x'], MADE_UP],
  ['decision-costs', [nodes], MADE_UP],
];

const READING: readonly Case[] = [
  ['assume', ['openbPodsPerNode=4'], [swf]],
  ['map', ['id=x'], [swf]],
  ['ignore-resource', ['rdma/hca'], [swf]],
];

/** Of commands that answer from a result, a snapshot or a server. */
const SOURCES: readonly Case[] = [
  ['token-file', ['x'], ['a']],
  ['ca-file', ['x'], ['a']],
  ['insecure-skip-tls-verify', [], ['a']],
  ['config', ['x'], ['a']],
  ['snapshot', ['x'], ['--server', 'http://127.0.0.1:1']],
];

const CLUSTER = ['zones', 'cpus', 'memory', 'gpus'] as const;

/** The option is refused beside the others. */
const REFUSED: Readonly<Record<string, readonly Case[]>> = {
  'teg policies': [['list-queues', [], ['--list-choosers']]],
  'teg start': [
    ['pods', [jobs], ['--jobs', '5']],
    ['jobs', ['5'], ['--pods', jobs]],
  ],
  'teg simulate': [
    ...SIMULATION,
    ['no-series', [], MADE_UP],
    ...(['html', 'markdown', 'jobs-out'] as const).map((name): Case => [name, [out], ZONES]),
    ...[
      'staleness',
      'chooser',
      'hosts',
      'fan-out',
      'delay',
      'loss',
      'duplicates',
      'moves-per-summary',
      'workers',
    ].map(
      (name): Case => [
        name,
        [
          name === 'delay' || name === 'staleness'
            ? '1s'
            : name === 'loss' || name === 'duplicates'
              ? '0.1'
              : '2',
        ],
        MADE_UP,
      ],
    ),
    ['policy', ['fgd'], ZONES],
    ['queue', ['strict-fifo'], ZONES],
    ['runtimes', ['exact'], ZONES],
    ['runtimes', ['exact'], [...MADE_UP, '--queue', 'fifo']],
    ['samples', ['5'], ZONES],
    ['explain', ['job-1'], ZONES],
    ['retry', ['1m'], ZONES],
    ['runtimes', ['exact'], ZONES],
    ['tenants', [out], ZONES],
    ['ledger', [out], ZONES],
    ['ledger', [out], MADE_UP],
    ['timing', [], ZONES],
    ['start-from-snapshot', [], ZONES],
    ['add-nodes', ['2*x'], ZONES],
    ['remove-nodes', ['x'], ZONES],
    ['repeat', ['2'], [...FILES, '--start-from-snapshot']],
    ['tenants', [out], [...FILES, '--start-from-snapshot']],
    ['resample', [], [...FILES, '--start-from-snapshot']],
  ],
  'teg compare': [
    ...SIMULATION,
    ['series', [], MADE_UP],
    ['baseline', ['fgd'], ['--policies', 'teg']],
    ['baseline', ['fgd'], ['--queues', 'teg']],
    ['runtimes', ['exact'], [...MADE_UP, '--queues', 'fifo']],
    ['queue', ['fifo'], [...MADE_UP, '--queues', 'easy']],
  ],
  'teg bench fairness': [['print-markdown', [], ['--json']]],
  'teg bench guard': [['print-markdown', [], ['--json']]],
  'teg bench memory': [['print-markdown', [], ['--json']]],
  'teg bench power': [['print-markdown', [], ['--json']]],
  'teg bench queues': [['print-markdown', [], ['--json']]],
  'teg trace inspect': READING,
  'teg trace convert': READING.map(([name, value, beside]): Case => [name, value, [...beside, out]]),
  'teg trace generate nodes': [
    ...[
      ['model', 'A'],
      ['gpus', '3'],
      ['cores', '7'],
      ['memory-gib', '7'],
    ].map(([name, value]): Case => [name as string, [value as string], [out]]),
    ['model', ['A'], [out, '--mix', 'homogeneous', '--gpus', '0']],
  ],
  'teg trace generate jobs': [
    ...[
      ['nodes', '3'],
      ['mix', 'openb'],
      ['model', 'A'],
      ['gpus', '3'],
      ['cores', '7'],
      ['memory-gib', '7'],
    ].map(([name, value]): Case => [name as string, [value as string], [out, '--cluster', nodes]]),
    ['model-share', ['0.5'], [out, '--cluster', nodes]],
    ['model-share', ['0.5'], [out, '--mix', 'homogeneous', '--gpus', '0']],
  ],
  'teg bench packing': [
    ...['pods', 'arrivals', 'ranks', 'reference'].map(
      (name): Case => [name, ['x'], ['--kube-reference', 'x', '--nodes', nodes]],
    ),
    ['traces', ['x'], ['--nodes', nodes, '--pods', jobs]],
    ['lists', ['x'], ['--nodes', nodes, '--pods', jobs]],
    ['arrivals', ['x'], ['--traces', folder]],
    ['ranks', ['x'], ['--traces', folder]],
    ['ranks', ['x'], ['--nodes', nodes, '--pods', jobs]],
  ],
  'teg bench zones': [['nodes', ['5'], ['--cluster', nodes]]],
  'teg bench kubernetes': [
    ...['traces', 'kube-reference', 'sequences'].map(
      (name): Case => [name, ['x'], ['--workloads', 'SchedulingBasic']],
    ),
    ...[
      ['nodes', '3'],
      ['pods', '3'],
      ['created', 'before'],
    ].map(([name, value]): Case => [name as string, [value as string], ['--workloads', 'Packing']]),
  ],
  'teg verify': [['print-page', [], ['--json']]],
  'teg errors': [['print-page', [], ['--json']]],
  'teg vopr': [
    ['seed', ['1'], ['--seeds', '1-2']],
    ['seeds', ['1-2'], ['--replay', 'x']],
    ['trace', [], []],
    ['record', [out], []],
    ['steps', ['5'], ['--replay', 'x']],
    ['workers', ['2'], ['--replay', 'x']],
    ['workers', ['2'], ['--seed', '1']],
    ['inject-bug', ['double-summary'], ['--replay', 'x']],
  ],
  'teg why': SOURCES,
  'teg queue': SOURCES,
  'teg prio': SOURCES,
  'teg share': SOURCES,
  'teg quote': SOURCES,
  'teg explain pod': [
    ['token-file', ['x'], ['a/b']],
    ['ca-file', ['x'], ['a/b']],
    ['insecure-skip-tls-verify', [], ['a/b']],
    ['snapshot', ['x'], ['a/b', '--server', 'https://x']],
    ['kubeconfig', ['x'], ['a/b', '--snapshot', 'x']],
    ['context', ['x'], ['a/b', '--snapshot', 'x']],
    ['config', ['x'], ['a/b', '--server', 'https://x']],
  ],
  'teg cluster': [
    ...CLUSTER.map((name): Case => [name, [name === 'memory' ? '1Gi' : '2'], ['--nodes', '0']]),
    ...CLUSTER.map((name): Case => [name, [name === 'memory' ? '1Gi' : '2'], ['--kubeconfig', 'x']]),
    ...['nodes', ...CLUSTER].map((name): Case => [name, [name === 'memory' ? '1Gi' : '2'], ['--build-only']]),
    ...['with-stock-scheduler', 'json'].map((name): Case => [name, [], ['--build-only']]),
    ['kubeconfig', ['x'], ['--build-only']],
    ['folder', ['x'], ['--build-only']],
    ['folder', ['x'], ['--kubeconfig', 'x']],
    ['with-stock-scheduler', [], ['--kubeconfig', 'x']],
  ],
};

/** Options that have an effect in every mode of their command. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  'teg why': ['server', 'json', 'json-schema'],
  'teg queue': ['server', 'start', 'json', 'json-schema'],
  'teg prio': ['server', 'json', 'json-schema'],
  'teg share': ['server', 'json', 'json-schema'],
  'teg quote': [
    ...['pods', 'gpus', 'cores', 'gib', 'runtime', 'flavor', 'tenant'],
    ...['server', 'json', 'json-schema'],
  ],
  teg: ['version'],
  'teg start': [
    'nodes',
    'policies',
    'seeds',
    'arrival-speed',
    'repeat',
    'horizon',
    'workers',
    'quick',
    'decision-costs',
    'out',
  ],
  'teg simulate': [
    'seed',
    'cluster',
    'jobs',
    'workload-mix',
    'horizon',
    'warmup',
    'arrival-speed',
    'mtbf',
    'json',
    'json-schema',
    'zones',
  ],
  'teg compare': [
    'policies',
    'queues',
    'seeds',
    'workers',
    'cluster',
    'jobs',
    'workload-mix',
    'horizon',
    'warmup',
    'arrival-speed',
    'repeat',
    'resample',
    'mtbf',
    'retry',
    'tenants',
    'samples',
    'timing',
    'json',
    'json-schema',
    'html',
    'markdown',
  ],
  'teg trace inspect': ['format', 'skip-bad', 'json'],
  'teg trace convert': ['format', 'skip-bad', 'json', 'kind'],
  'teg trace generate nodes': ['nodes', 'mix', 'json'],
  'teg trace generate jobs': [
    'cluster',
    'jobs',
    'load',
    'seed',
    'tenant-count',
    'burst',
    'diurnal',
    'median',
    'longest',
    'json',
  ],
  'teg policies': ['list-choosers', 'json'],
  'teg bench packing': ['nodes', 'policies', 'seeds', 'workload-mix', 'workers', 'kube-reference', 'json'],
  'teg bench decision': [
    'nodes',
    'policies',
    'cluster',
    'jobs',
    'fill',
    'steps',
    'warmup-steps',
    'rounds',
    'seconds',
    'workload-mix',
    'seed',
    'json',
  ],
  'teg bench choosers': [
    'choosers',
    'refresh-intervals',
    'load',
    'arrivals-per-run',
    'servers',
    'refresh',
    'deciders',
    'loser-budget',
    'seed',
    'json',
  ],
  'teg bench fairness': ['queues', 'seed', 'gangs', 'json'],
  'teg bench guard': ['quick', 'json'],
  'teg bench memory': ['seeds', 'quick', 'json'],
  'teg bench power': ['node-power', 'racks', 'limit-part', 'json'],
  'teg bench queues': [
    'queues',
    'workloads',
    'knowledge',
    'policy',
    'traces',
    'seed',
    'quick',
    'workers',
    'html',
    'json',
  ],
  'teg bench simulator': [
    'nodes',
    'policy',
    'load',
    'turnovers',
    'rounds',
    'workload-mix',
    'seed',
    'economy',
    'json',
  ],
  'teg bench zones': [
    'zones',
    'cluster',
    'jobs',
    'staleness',
    'choosers',
    'peers',
    'load',
    'span',
    'lifetime',
    'hosts',
    'fan-out',
    'delay',
    'moves-per-summary',
    'seed',
    'workers',
    'json',
  ],
  'teg bench kubernetes': ['workloads', 'repeats', 'schedulers', 'markdown', 'json'],
  'teg verify': ['seed', 'full', 'json', 'json-schema', 'html'],
  'teg vopr': ['replay', 'json', 'json-schema'],
  'teg scheduler': [
    'config',
    'kubeconfig',
    'context',
    'bind-address',
    'dry-run',
    'record',
    'print-default-config',
  ],
  'teg snapshot': ['kubeconfig', 'context', 'output'],
  'teg explain pod': ['server', 'json', 'json-schema'],
  'teg replay': ['explain', 'until', 'json'],
  'teg bench ledger': ['ticks', 'seconds', 'lmdb', 'json'],
  'teg migrate tenants': ['from', 'kubeconfig', 'context', 'output', 'json'],
  'teg ledger verify': ['head', 'json'],
  'teg ledger statement': ['by', 'from', 'to', 'lines', 'skip', 'json'],
  'teg ledger account': ['by', 'from', 'to', 'lines', 'skip', 'json'],
  'teg ledger export': ['format', 'output', 'start'],
  'teg cluster': ['build-only'],
  'teg errors': ['json'],
  'teg guard run': ['config', 'enforce'],
  'teg guard status': ['state-folder', 'json'],
  'teg guard events': ['state-folder', 'json'],
  'teg guard freeze': ['state-folder'],
  'teg guard thaw': ['state-folder'],
  'teg guard undo': ['state-folder', 'json'],
  'teg guard doctor': ['json'],
};

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const commands = new Map(
  withDescendants(buildProgram(ALL_COMMANDS)).map((command) => [pathOf(command), command]),
);

test('every option of every command is in one of the two tables', () => {
  for (const [path, command] of commands) {
    const known = [...(ALWAYS[path] ?? []), ...(REFUSED[path] ?? []).map(([option]) => option)];
    const there = command.options.map(({ long }) => long?.slice(2) as string);
    expect([...new Set(known)].sort(), path).toEqual(there.sort());
    const both = (ALWAYS[path] ?? []).filter((name) => REFUSED[path]?.some(([option]) => option === name));
    expect(both, path).toEqual([]);
  }
  for (const path of [...Object.keys(ALWAYS), ...Object.keys(REFUSED)])
    expect(commands.has(path), path).toBe(true);
});

test('every rule is about options of its command', () => {
  for (const [path, rules] of Object.entries(MODE_RULES)) {
    const names = commands.get(path)?.options.map((option) => option.attributeName()) ?? [];
    expect(names).toEqual(expect.arrayContaining(rules.flatMap(({ options }) => options)));
  }
});

describe.each(Object.entries(REFUSED))('%s', (path, cases) => {
  test.each(cases)('--%s %j beside %j is refused', async (option, value, beside) => {
    let text = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    const before = readdirSync(folder);
    const args = [...path.split(' ').slice(1), ...beside, `--${option}`, ...value];
    expect(await runCommandLine(args, ALL_COMMANDS)).toBe(2);
    expect(text).toMatch(/^error TEG_OPTION_INVALID: .*(--|got more than one source|baseline)/);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder)).toEqual(before);
  });
});

test('the help of teg simulate names the mode of options that have an effect in one mode only', () => {
  const command = commands.get('teg simulate');
  const heading = (name: string) =>
    command?.options.find(({ long }) => long === `--${name}`)?.helpGroupHeading;
  const cases = REFUSED['teg simulate'] ?? [];
  const refusedBeside = (beside: readonly string[]) => cases.filter((one) => one[2] === beside);
  for (const [name] of refusedBeside(ZONES).filter(([option]) => option !== 'policy'))
    expect(heading(name), name).toContain('without --zones');
  const ofZones = refusedBeside(MADE_UP).filter(([name]) => heading(name) === 'Many zones:');
  expect(ofZones.map(([name]) => name)).toEqual(expect.arrayContaining(['staleness', 'chooser', 'workers']));
  expect(command?.options.filter(({ helpGroupHeading }) => helpGroupHeading === 'Many zones:')).toHaveLength(
    ofZones.length + 1, // --zones itself
  );
});
