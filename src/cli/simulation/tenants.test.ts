/** `--tenants` from the user's side. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { simulationResultSchema } from '../../simulation/metrics/result.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const INPUTS = ['--cluster', join(EXAMPLES, 'nodes.csv'), '--jobs', join(EXAMPLES, 'jobs.csv')];
const TENANTS = ['--tenants', join(EXAMPLES, 'tenants.yaml')];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-tenants-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('teg simulate --tenants', () => {
  test('prints a table of the tenants, with the unit of amounts; the example declares all of its tenants', async () => {
    const { status, stdout, stderr } = await runHere(['simulate', ...INPUTS, ...TENANTS]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^tenant +parent +unit +quota +used +borrowed +lent/m);
    expect(stdout).toMatch(/^vision +research +GPUs +10\.0 /m);
    expect(stderr).not.toContain('does not declare');
  });

  test('names cores as the unit of a tenant without GPUs', async () => {
    const file = join(folder, 'cores.yaml');
    const text = readFileSync(join(EXAMPLES, 'tenants.yaml'), 'utf8');
    writeFileSync(file, text.replace('spec: {weight: 1}', 'spec: {quota: {h100: {cpu: 32}}}'));
    const jobs = join(folder, 'batch.csv');
    writeFileSync(jobs, readFileSync(join(EXAMPLES, 'jobs.csv'), 'utf8').replace(/^notebook-3.*\n/m, ''));
    const { stdout } = await runHere(['simulate', ...INPUTS.slice(0, 2), '--jobs', jobs, '--tenants', file]);
    expect(stdout).toMatch(/^data +– +cores +32\.0 /m);
  });

  test('counts jobs of tenants that are not declared', async () => {
    const file = join(folder, 'without-data.yaml');
    const text = readFileSync(join(EXAMPLES, 'tenants.yaml'), 'utf8');
    writeFileSync(file, text.slice(0, text.lastIndexOf('---')));
    const { stderr } = await runHere(['simulate', ...INPUTS, '--tenants', file]);
    expect(stderr).toContain(
      "3 jobs are of tenants that it does not declare ('data'); they count as the tenant 'default'",
    );
  });

  test('puts them into the JSON and the reports', async () => {
    const html = join(folder, 'report.html');
    const markdown = join(folder, 'report.md');
    const files = ['--html', html, '--markdown', markdown];
    const { status, stdout } = await runHere(['simulate', ...INPUTS, ...TENANTS, '--json', ...files]);
    expect(status).toBe(0);
    const { tenants = [] } = simulationResultSchema.parse(JSON.parse(stdout));
    expect(tenants.map(({ name }) => name)).toEqual(['research', 'data', 'default', 'vision', 'speech']);
    expect(tenants.reduce((sum, { started }) => sum + started, 0)).toBe(10);
    expect(readFileSync(html, 'utf8')).toMatch(/<h2>Tenants<\/h2>[\s\S]*<th scope="row">vision<\/th>/);
    expect(readFileSync(markdown, 'utf8')).toMatch(/Tenants[\s\S]*\| vision \|/);
  });

  test('limits what a tenant gets', async () => {
    const file = join(folder, 'tight.yaml');
    const text = readFileSync(join(EXAMPLES, 'tenants.yaml'), 'utf8');
    writeFileSync(file, text.replace('quota: {h100: {nvidia.com/gpu: 4}}', 'state: Hold'));
    const { stdout } = await runHere(['simulate', ...INPUTS, '--tenants', file, '--json', '--no-series']);
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ ended: 'stalled', jobs: { finished: 3, waiting: 7 } });
  });

  test.each([
    [['--tenants', 'nowhere.yaml'], 'nowhere.yaml: there is no such file (ENOENT)'],
    [
      ['--tenants', join(EXAMPLES, 'jobs.csv')],
      'jobs.csv: object 1: got the kind nothing, expected Market or Tenant',
    ],
    [['--zones', '2', ...TENANTS], 'got --tenants together with --zones'],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await runHere(['simulate', ...INPUTS, ...args]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

test('teg compare --tenants has a table of tenants for each policy in its reports', async () => {
  const markdown = join(folder, 'compare.md');
  const policies = ['--policies', 'teg,first-fit', '--seeds', '1-2', '--workers', '1'];
  const { status } = await runHere(['compare', ...INPUTS, ...TENANTS, ...policies, '--markdown', markdown]);
  expect(status).toBe(0);
  const text = readFileSync(markdown, 'utf8');
  expect(text).toMatch(/\| vision, first-fit \|/);
  expect(text).toMatch(/\| vision, (?:teg|TEG) \|/);
  expect(text).toContain('Of the first seed, 1.');
});
