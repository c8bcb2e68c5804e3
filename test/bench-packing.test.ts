/**
 * `teg bench packing` and `teg policies` as a user meets them, on files small enough to check by hand.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { ALL_COMMANDS } from '../lab/commands.ts';
import { readPackingList } from '../lab/packing/packing-inputs.ts';
import type { NodeSpec } from '../src/model/node.ts';
import { POLICIES } from '../src/simulation/inputs/policies.ts';
import { readNodes } from '../src/traces/read.ts';
import { runHere } from './support/command-line.ts';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLE = join(ROOT, 'examples', 'my-policy.ts');

const folder = mkdtempSync(join(tmpdir(), 'teg-packing-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

/** Five nodes with two GPUs each; pods of one GPU, so that each is 10 % of the cluster. */
const NODE_ROWS = [0, 1, 2, 3, 4].map((i) => `openb-node-000${i},16000,65536,2,T4`);
const POD_ROWS = [0, 1, 2].map((i) => `openb-pod-000${i},1000,1024,1,1000,`);
const nodesText = `sn,cpu_milli,memory_mib,gpu,model\n${NODE_ROWS.join('\n')}\n`;
const podsText = `name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n${POD_ROWS.join('\n')}\n`;
const nodes = write('traces/openb_node_list_gpu_node.csv', nodesText);
const pods = write('traces/openb_pod_list_small.csv.gz', podsText);
write('traces/openb_pod_list_default.csv', podsText);

function packing(...args: string[]) {
  return runHere(['bench', 'packing', ...args], ALL_COMMANDS);
}

describe('teg bench packing', () => {
  test('prints one object a run as JSON, with or without worker threads more than one', async () => {
    const args = [
      '--nodes',
      nodes,
      '--pods',
      pods,
      '--policies',
      `fgd,${EXAMPLE}`,
      '--seeds',
      '42-43',
      '--json',
    ];
    const { status, stdout, stderr } = await packing(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const rows = JSON.parse(stdout) as Record<string, unknown>[];
    expect(rows.map(({ list, policy, seed }) => [list, policy, seed])).toEqual([
      ['small', 'fgd', 42],
      ['small', 'fgd', 43],
      ['small', EXAMPLE, 42],
      ['small', EXAMPLE, 43],
    ]);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual([
        'list',
        'policy',
        'seed',
        'alloc100',
        'alloc130',
        'fragRatio130',
        'dropped',
        'decisionMicrosP50',
        'decisionMicrosP99',
        'kilowatts',
      ]);
      // Thirteen pods of one GPU come to ten GPUs.
      expect(row).toMatchObject({ alloc100: 100, alloc130: 100, fragRatio130: 0, dropped: 3 });
      expect(row.decisionMicrosP99).toBeGreaterThan(0);
    }
    const timeless = (text: string): unknown =>
      (JSON.parse(text) as Record<string, unknown>[]).map(
        ({ decisionMicrosP50, decisionMicrosP99, ...row }) => row,
      );
    expect(timeless((await packing(...args, '--workers', '2')).stdout)).toEqual(timeless(stdout));
  });

  test('runs every list of a folder, default first, and only the named ones', async () => {
    const all = await packing(
      '--traces',
      join(folder, 'traces'),
      '--policies',
      'first-fit',
      '--seeds',
      '1',
      '--json',
    );
    expect(JSON.parse(all.stdout).map((row: { list: string }) => row.list)).toEqual(['default', 'small']);
    const one = await packing(
      '--traces',
      join(folder, 'traces'),
      '--lists',
      'small',
      '--policies',
      'first-fit',
      '--json',
    );
    expect(JSON.parse(one.stdout)).toHaveLength(10);
    const none = await packing('--traces', join(folder, 'traces'), '--lists', 'large');
    expect(none.status).toBe(2);
    expect(none.stderr).toContain("got --lists with 'large', expected some of default, small");
  });

  test('follows given arrivals and ranks, and draws the seeds that are not given', async () => {
    const arrivals = write('arrivals.csv', 'seed,position,pod_row\n42,0,0\n42,1,1\n42,2,2\n');
    const ranks = write(
      'ranks.csv',
      `seed,node,rank\n${[4, 3, 2, 1, 0].map((rank, i) => `42,openb-node-000${i},${rank}`).join('\n')}\n`,
    );
    const given = ['--nodes', nodes, '--pods', pods, '--arrivals', arrivals, '--ranks', ranks];
    const { stdout } = await packing(...given, '--policies', 'first-fit', '--seeds', '42,43', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { seed: 42, alloc100: null, dropped: 0 },
      { seed: 43, alloc100: 100, dropped: 3 },
    ]);
  });

  test('sets published results beside ours', async () => {
    const header = 'workload,policy,seed,alloc100,alloc130,frag_ratio130,frag_amount100,frag_amount130\n';
    write('reference/fgd-atc23-per-seed.csv', `${header}small,FGD,42,99,98.5,1,0,0\n`);
    const args = [
      '--nodes',
      nodes,
      '--pods',
      pods,
      '--reference',
      join(folder, 'reference'),
      '--seeds',
      '42',
    ];
    const json = await packing(...args, '--policies', 'fgd,first-fit', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject([
      { policy: 'fgd', published: { alloc100: 99, alloc130: 98.5, fragRatio130: 1 } },
      { policy: 'first-fit', published: null },
    ]);
    const table = (await packing(...args, '--policies', 'fgd,first-fit')).stdout.split('\n');
    expect(table[0]).toMatch(/^list +policy +alloc 100 +published +Δ +alloc 130 +published +Δ +worst seed/);
    expect(table[2]).toMatch(
      /^small +fgd +100\.00 +99\.00 +\+1\.00 +100\.00 +98\.50 +\+1\.50 +1\.50 +\+1\.00 +\+1\.50/,
    );
    expect(table[3]).toMatch(/^small +first-fit +100\.00 +– +– +100\.00 +– +– +– +\+1\.00 +\+1\.50/);
  });

  test('packs what a real kube-scheduler packed', async () => {
    write('kube/small-42.csv', 'cpu_milli,memory_mib,gpus\n1000,1024,1\n1000,1024,2\n16000,1024,0\n');
    write(
      'kube/results.csv',
      'workload,seed,strategy,gpu_percent,cpu_percent\nsmall,42,LeastAllocated,30,20\nsmall,42,MostAllocated,31,21\n',
    );
    const kube = ['--nodes', nodes, '--kube-reference', join(folder, 'kube'), '--seeds', '1'];
    const { stdout } = await packing(
      ...kube,
      '--policies',
      'kube-scheduler-most-allocated,first-fit',
      '--json',
    );
    expect(JSON.parse(stdout)).toEqual([
      {
        sequence: 'small-42',
        policy: 'kube-scheduler-most-allocated',
        seed: 1,
        bound: 3,
        gpuPercent: 30,
        cpuPercent: 22.5,
        strategy: 'MostAllocated',
        realGpuPercent: 31,
        realCpuPercent: 21,
      },
      {
        sequence: 'small-42',
        policy: 'first-fit',
        seed: 1,
        bound: 3,
        gpuPercent: 30,
        cpuPercent: 22.5,
        strategy: '',
        realGpuPercent: null,
        realCpuPercent: null,
      },
    ]);
    const table = (await packing(...kube, '--policies', 'kube-scheduler')).stdout.split('\n');
    expect(table[2]).toMatch(
      /^small-42 +kube-scheduler +30\.00 +– +30\.00 +0\.00 +22\.50 +20\.00 +\+2\.50 +3\.0$/,
    );
    expect(table[3]).toMatch(/^all +kube-scheduler /);
  });

  test.each([
    [[], 'TEG_OPTION_INVALID', 'got no nodes, expected --nodes FILE or --traces DIR'],
    [['--nodes', nodes], 'TEG_OPTION_INVALID', 'got no pods, expected --pods FILE or --traces DIR'],
    [['--traces', join(folder, 'kube')], 'TEG_OPTION_INVALID', 'got no openb_node_list_gpu_node.csv'],
    [
      ['--nodes', nodes, '--traces', join(folder, 'kube')],
      'TEG_OPTION_INVALID',
      'got no openb_pod_list_NAME.csv',
    ],
    [['--traces', join(folder, 'nowhere')], 'TEG_INPUT_NOT_FOUND', 'nowhere'],
    [
      ['--nodes', nodes, '--pods', pods, '--arrivals', pods],
      'TEG_OPTION_INVALID',
      '--arrivals without --ranks',
    ],
    [['--nodes', nodes, '--pods', pods, '--ranks', pods], 'TEG_OPTION_INVALID', '--ranks without --arrivals'],
    [['--nodes', nodes, '--pods', pods, '--reference', folder], 'TEG_REFERENCE_MISSING', 'check --reference'],
    [['--nodes', nodes, '--kube-reference', folder], 'TEG_REFERENCE_MISSING', 'check --kube-reference'],
    [['--nodes', nodes, '--pods', pods, '--policies', 'fdg'], 'TEG_POLICY_UNKNOWN', "did you mean 'fgd'?"],
    [
      ['--nodes', nodes, '--pods', pods, '--workload-mix', 'x'],
      'TEG_OPTION_INVALID',
      "got 'x', expected list or learned",
    ],
    [['--nodes', nodes, '--pods', pods, '--seeds', '5-1'], 'TEG_OPTION_INVALID', "option '--seeds <seeds>'"],
  ])('says what is wrong with %j', async (args, code, message) => {
    const { status, stdout, stderr } = await packing(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`error ${code}: `);
    expect(stderr).toContain(message);
  });

  test.each([
    ['a column missing', 'seed,position\n42,0\n', 'TEG_TRACE_BAD_HEADER', 'no column pod_row'],
    [
      'a row of no pod',
      'seed,position,pod_row\n42,0,3\n',
      'TEG_TRACE_BAD_VALUE',
      "row 1, column pod_row: got '3'",
    ],
    ['a position left out', 'seed,position,pod_row\n42,1,0\n', 'TEG_TRACE_BAD_VALUE', 'got 1, expected 0'],
    [
      'text for a number',
      'seed,position,pod_row\n42,0,x\n',
      'TEG_TRACE_BAD_VALUE',
      "column pod_row: got 'x'",
    ],
    ['an empty file', '', 'TEG_TRACE_BAD_HEADER', 'at least one row'],
    ['a ragged row', 'seed,position,pod_row\n42,0\n', 'TEG_TRACE_BAD_ROW', 'expected comma-separated rows'],
  ])('refuses arrivals with %s', async (_, text, code, message) => {
    const ranks = write('some-ranks.csv', 'seed,node,rank\n42,openb-node-0000,0\n');
    const arrivals = write('bad-arrivals.csv', text);
    const [first] = await readNodes(nodes);
    await expect(
      readPackingList({ name: 'small', pods, arrivals, ranks }, [first as NodeSpec]),
    ).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test.each([
    ['a node that is not there', '42,other,0\n', "got 'other', expected the name of a node"],
    ['a rank twice', '42,openb-node-0000,0\n42,openb-node-0001,0\n', 'the ranks of seed 42 are not 0 to 4'],
    ['a rank too high', '42,openb-node-0000,5\n', "column rank: got '5'"],
  ])('refuses ranks with %s', async (_, rows, message) => {
    const arrivals = write('arrivals.csv', 'seed,position,pod_row\n42,0,0\n');
    const ranks = write('bad-ranks.csv', `seed,node,rank\n${rows}`);
    await expect(
      readPackingList({ name: 'small', pods, arrivals, ranks }, await readNodes(nodes)),
    ).rejects.toThrow(message);
  });

  test('names the policy file that chooses what does not fit', async () => {
    const mine = write(
      'mine.mjs',
      'export const createPolicy = () => ({ name: "mine", gpuMask: 1, nodesExamined: 0, choose: () => 0 });',
    );
    const { status, stderr } = await packing(
      '--nodes',
      nodes,
      '--pods',
      pods,
      '--policies',
      mine,
      '--workers',
      '2',
    );
    expect(status).toBe(2);
    expect(stderr).toContain(`error TEG_POLICY_INVALID: policy file '${mine}': its gpuMask is 1 on node 0`);
    expect(stderr).toContain('docs/policies.md');
  });
});

describe('teg policies', () => {
  test('lists every policy', async () => {
    const json = await runHere(['policies', '--json']);
    expect(JSON.parse(json.stdout)).toEqual(POLICIES.map(({ name, description }) => ({ name, description })));
    const { status, stdout } = await runHere(['policies']);
    expect(status).toBe(0);
    for (const { name, description } of POLICIES)
      expect(stdout).toMatch(new RegExp(`^${name} +${escaped(description)}$`, 'm'));
  });

  test('says how to add one', async () => {
    expect((await runHere(['policies', '--help'])).stdout).toContain('docs/policies.md');
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
