/** Files that describe nothing: every command that needs nodes or jobs names the file. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { ALL_COMMANDS } from '../../lab/commands.ts';
import { runCommandLine } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-empty-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const nodes = join(folder, 'nodes.csv');
const jobs = join(folder, 'jobs.csv');
const cordoned = join(folder, 'cordoned.yaml');
const out = join(folder, 'out.csv');
writeFileSync(nodes, 'name,cpu_milli,memory_mib\n');
writeFileSync(jobs, 'id,submit_s,duration_s,cpu_milli,memory_mib\n');
writeFileSync(
  cordoned,
  `apiVersion: v1\nkind: Node\nmetadata: {name: n}\nspec: {unschedulable: true}\nstatus: {allocatable: {cpu: "4", memory: 8Gi, pods: "10"}}\n`,
);

async function refusal(...args: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  expect(await runCommandLine(args, ALL_COMMANDS)).toBe(2);
  return text;
}

test.each([
  ['simulate', '--cluster', nodes],
  ['simulate', '--cluster', nodes, '--jobs', jobs],
  ['simulate', '--cluster', nodes, '--zones', '2'],
  ['simulate', '--cluster', cordoned, '--jobs', jobs],
  ['compare', '--cluster', nodes, '--jobs', jobs],
  ['start', '--nodes', nodes, '--out', join(folder, 'reports')],
  ['start', '--nodes', nodes, '--pods', jobs, '--out', join(folder, 'reports')],
  ['trace', 'generate', 'jobs', out, '--cluster', nodes],
  ['bench', 'decision', '--nodes', '5', '--cluster', nodes],
  ['bench', 'zones', '--cluster', nodes],
  ['bench', 'packing', '--nodes', nodes, '--pods', jobs],
])('%s %s %s %s %s %s: no nodes', async (...args) => {
  const file = args.includes(cordoned) ? cordoned : nodes;
  expect(await refusal(...args.filter((arg) => arg !== undefined))).toContain(
    `TEG_CLUSTER_INVALID: ${file}: describes no nodes that take pods, expected at least one; name another cluster`,
  );
  expect([out, join(folder, 'reports')].filter((path) => existsSync(path))).toEqual([]);
});

test('bench decision without jobs', async () => {
  expect(await refusal('bench', 'decision', '--nodes', '5', '--jobs', jobs)).toContain(
    `TEG_JOB_INVALID: ${jobs}: describes no jobs, expected at least one`,
  );
});

test.each([
  ['simulate', '--cluster', '5', '--jobs', jobs],
  ['compare', '--cluster', '5', '--jobs', jobs, '--seeds', '1'],
])('%s with a header only', async (...args) => {
  expect(await refusal(...args)).toContain(
    `TEG_JOB_INVALID: ${jobs}: describes no jobs, expected at least one; name another workload`,
  );
});

test('a job of a CSV file that arrives before time 0', async () => {
  const early = join(folder, 'early.csv');
  writeFileSync(early, 'id,submit_s,duration_s,cpu_milli,memory_mib\na,0,10,1000,1024\nb,-5,10,1000,1024\n');
  expect(await refusal('simulate', '--cluster', '5', '--jobs', early)).toContain(
    `TEG_JOB_INVALID: ${early}: job 'b': submit_s: got -5, expected seconds ≥ 0 from the start of the workload`,
  );
});

test('a Market of whose flavours the cluster has none', async () => {
  const one = join(folder, 'one.csv');
  writeFileSync(one, 'name,cpu_milli,memory_mib,gpu_count,gpu_model\nn,64000,262144,8,H100\n');
  const tenants = join(folder, 'tenants.yaml');
  writeFileSync(
    tenants,
    '{apiVersion: teg.dev/v1alpha1, kind: Market, metadata: {name: default}, spec: {halfLife: 168h, flavors: [{name: big, gpuModels: [B200]}]}}\n',
  );
  expect(await refusal('simulate', '--cluster', one, '--jobs', '10', '--tenants', tenants)).toContain(
    `TEG_CONFIG_INVALID: ${tenants}: got the flavours big (gpuModels B200), expected one that nodes of the cluster belong to: they have the GPU models H100; ` +
      'correct gpuModels or nodeSelector of the Market',
  );
});

test('a file whose rows are all bad leaves nothing to run', async () => {
  const bad = join(folder, 'bad.csv');
  writeFileSync(bad, 'id,submit_s,duration_s,cpu_milli,memory_mib\n0,x,10,1000,1024\n1,y,10,1000,1024\n');
  expect(await refusal('simulate', '--cluster', '5', '--jobs', bad, '--skip-bad', '5')).toContain(
    `TEG_JOB_INVALID: ${bad}: every row is bad (2 left out), expected at least one job`,
  );
});

test('one error code is looked up, another is refused', async () => {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await runCommandLine(['errors', 'trace_bad_row', '--json'])).toBe(0);
  expect(JSON.parse(text)).toEqual([expect.objectContaining({ code: 'TEG_TRACE_BAD_ROW', exitCode: 2 })]);
  expect(await refusal('errors', 'TEG_NONE')).toContain("got the code 'TEG_NONE'");
});
