import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPolicy } from './load-policy.ts';
import { simulate } from './simulations.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-guarded-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** @returns The path of a policy file with this `choose` (and what else its object has). */
function policy(body: string, before = ''): string {
  const path = join(folder, `policy-${files++}.mjs`);
  writeFileSync(
    path,
    `${before}\nexport function createPolicy({ cluster }) { return { name: 'x', gpuMask: 0, nodesExamined: 0, ${body} } }\n`,
  );
  return path;
}

const INPUTS = { cluster: 'generated:homogeneous:4', jobs: 'generated:50', seed: 1 };

function refused(path: string, message: RegExp): unknown {
  return expect.objectContaining({
    code: 'TEG_POLICY_INVALID',
    message: expect.stringMatching(
      new RegExp(`^policy file '${path.replaceAll('.', '\\.')}': ${message.source}`),
    ),
  });
}

describe('a policy of a user that breaks its promise is named, with what it did', () => {
  test.each([
    [
      'throws',
      'choose() { throw new RangeError("boom") }',
      /choose\(\) threw RangeError: boom \(at .*policy-\d+\.mjs:2:\d+\)/,
    ],
    ['throws no error', 'choose() { throw "boom" }', /choose\(\) threw boom;/],
    [
      'returns NaN',
      'choose() { return NaN }',
      /choose\(\) returned NaN, expected −1 or the number of a node, 0 to 3/,
    ],
    ['returns nothing', 'choose() {}', /choose\(\) returned undefined/],
    ['returns a node that is not there', 'choose() { return 4 }', /choose\(\) returned 4,/],
    [
      'returns a full node',
      'choose(d) { this.gpuMask = (1 << d.gpuCount) - 1; return 0 }',
      /choose\(\) returned node 0 \('node-0'\) for a pod of|its gpuMask/,
    ],
    [
      'says no GPUs',
      'choose(d) { this.gpuMask = 0; return d.gpuCount > 0 ? 1 : -1 }',
      /its gpuMask is 0 on node 1 .'node-1'. for a pod of/,
    ],
    ['counts nonsense', 'choose() { this.nodesExamined = NaN; return -1 }', /its nodesExamined is NaN/],
    [
      'throws where it is told of demands',
      'choose: () => -1, demandSeen() { null.x }',
      /demandSeen\(\) threw TypeError: .*policy-/,
    ],
    [
      'throws where it is told of nodes',
      'choose(d) { const n = [0,1,2,3].find((n) => cluster.fits(n, d)) ?? -1; if (n >= 0) this.gpuMask = cluster.bestFitGpus(n, d); return n }, nodeChanged() { throw new Error("no") }',
      /nodeChanged\(\) threw Error: no/,
    ],
  ])('it %s', async (_name, body, message) => {
    const path = policy(body);
    await expect(simulate({ ...INPUTS, policy: path })).rejects.toEqual(refused(path, message));
  });

  test('createPolicy throws', async () => {
    const path = join(folder, 'create.mjs');
    writeFileSync(path, 'export function createPolicy() { throw new Error("not today") }\n');
    await expect(simulate({ ...INPUTS, policy: path })).rejects.toEqual(
      refused(path, /createPolicy\(\) threw Error: not today \(at .*create\.mjs:1:/),
    );
  });

  test('a module that throws while it is loaded', async () => {
    const path = policy('choose: () => -1', 'throw new Error("broken");');
    await expect(loadPolicy(path)).rejects.toMatchObject({ code: 'TEG_POLICY_INVALID' });
  });
});

test('a policy that keeps its promise decides as without the guard', async () => {
  const path = join(import.meta.dirname, '../../../examples/my-policy.ts');
  const result = await simulate({ ...INPUTS, policy: path });
  expect(result.jobs.finished).toBe(result.jobs.arrived);
  expect(result.jobs.arrived).toBeGreaterThanOrEqual(50);
});

test('a policy that never returns is ended soon after the run is stopped', async () => {
  const path = policy('choose() { for (;;); }');
  const stop = new AbortController();
  const started = performance.now();
  setTimeout(() => stop.abort(), 1_000);
  await expect(
    simulate({ ...INPUTS, policy: path }, { signal: stop.signal, graceMs: 500 }),
  ).rejects.toMatchObject({
    code: 'TEG_INTERRUPTED',
  });
  expect(performance.now() - started).toBeLessThan(30_000);
});
