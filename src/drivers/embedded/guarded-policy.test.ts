import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { PlacementPolicy } from '../../governor/policy/policy.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import { GuardedPolicy } from './guarded-policy.ts';
import { loadPolicy } from './load-policy.ts';
import { simulate } from './simulations.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-guarded-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** @returns The path of a policy file with this `choose`, and with the further members of its object. */
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

describe("a user's policy that breaks its contract is named, with the violation", () => {
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
      'says no GPUs',
      'choose(d) { this.gpuMask = 0; return d.gpuCount > 0 ? 1 : -1 }',
      /its gpuMask is 0 on node 1 .'node-1'. for a pod of/,
    ],
    ['counts nonsense', 'choose() { this.nodesExamined = NaN; return -1 }', /its nodesExamined is NaN/],
    [
      'throws when it is given demands',
      'choose: () => -1, demandSeen() { null.x }',
      /demandSeen\(\) threw TypeError: .*policy-/,
    ],
    [
      'throws when it is given nodes',
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

/** A node of 4 cores, 1 GiB and 2 GPUs, and what a user's policy receives and answers there. */
function oneNode(answers: Partial<PlacementPolicy> = {}) {
  const demands = new DemandTable();
  const cluster = new ClusterState(demands);
  cluster.addNode({ name: 'n1', cpuMilli: 4000, memoryMib: 1024, gpuCount: 2, gpuModel: 'A', podsMax: 9 });
  const demandOf = (cpuMilli: number, gpuCount: number, memoryMib = 1) =>
    demands.intern({ cpuMilli, memoryMib, gpuCount, gpuMilli: gpuCount === 0 ? 0 : 1000, gpuModels: [] });
  const inner = { name: 'x', gpuMask: 0, nodesExamined: 0, choose: () => 0, ...answers };
  return { cluster, demandOf, inner, guarded: new GuardedPolicy(inner, cluster, 'mine.ts') };
}

describe('a node without room is reported as the node, one with room but other GPUs as the mask', () => {
  test.each([
    ['cores', 2001, 1, 1],
    ['memory', 1, 1, 1024],
    ['GPUs', 1, 2, 1],
  ])('too few %s', (_, cpuMilli, gpuCount, memoryMib) => {
    const { cluster, demandOf, inner, guarded } = oneNode();
    cluster.place(0, demandOf(2000, 1), 0b01);
    // The GPUs that are named are free, where any are free.
    inner.gpuMask = 0b10;
    expect(() => guarded.choose(demandOf(cpuMilli, gpuCount, memoryMib))).toThrow(
      `policy file 'mine.ts': choose() returned node 0 ('n1') for a pod of ${cpuMilli} milli-cores, ${memoryMib} MiB and ` +
        `${gpuCount} GPUs of 1000 milli, expected a node where it fits, or −1`,
    );
  });

  test.each([
    ['taken', 0b01],
    ['missing', 0b00],
    ['not there', 0b100],
    ['too many', 0b11],
    ['no number', Number.NaN],
  ])('GPUs that are %s', (_, gpuMask) => {
    const { cluster, demandOf, inner, guarded } = oneNode();
    cluster.place(0, demandOf(2000, 1), 0b01);
    inner.gpuMask = gpuMask;
    expect(() => guarded.choose(demandOf(2000, 1))).toThrow(
      `policy file 'mine.ts': its gpuMask is ${gpuMask} on node 0 ('n1') for a pod of 2000 milli-cores, 1 MiB and 1 GPUs of ` +
        '1000 milli, expected 1 bits, each of a GPU of the node with that much free',
    );
    inner.gpuMask = 0b10;
    expect(guarded.choose(demandOf(2000, 1))).toBe(0);
  });
});

test("a user's policy receives the same information as any other", () => {
  const told: unknown[][] = [];
  const explanation = { candidates: [] } as never;
  const { demandOf, guarded } = oneNode({
    demandSeen: (...args) => void told.push(['demandSeen', ...args]),
    nodeChanged: (...args) => void told.push(['nodeChanged', ...args]),
    explain: (...args) => {
      told.push(['explain', ...args]);
      return explanation;
    },
  });
  const demand = demandOf(1, 0);
  guarded.demandSeen?.(demand, 7);
  guarded.nodeChanged?.(3);
  expect(guarded.explain?.(demand, 5)).toBe(explanation);
  expect(told).toEqual([
    ['demandSeen', demand, 7],
    ['nodeChanged', 3],
    ['explain', demand, 5],
  ]);
  const lacking = oneNode().guarded;
  expect([lacking.demandSeen, lacking.nodeChanged, lacking.explain]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('a policy that keeps its promise decides as without the guard', async () => {
  const path = join(import.meta.dirname, '../../../examples/my-policy.ts');
  const result = await simulate({ ...INPUTS, policy: path });
  expect(result.jobs.finished).toBe(result.jobs.arrived);
  expect(result.jobs.arrived).toBeGreaterThanOrEqual(50);
});

test('a policy that never returns is ended after the run is stopped', async () => {
  // It reports that it loops: no delay needs to be guessed. It would loop beyond the test's time limit.
  const looping = join(folder, 'looping');
  const path = policy(
    `choose() { writeFileSync(${JSON.stringify(looping)}, ''); for (;;); }`,
    "import { writeFileSync } from 'node:fs';",
  );
  const stop = new AbortController();
  const ended = expect(
    simulate({ ...INPUTS, policy: path }, { signal: stop.signal, graceMs: 100 }),
  ).rejects.toMatchObject({ code: 'TEG_INTERRUPTED' });
  while (!existsSync(looping)) await sleep(20);
  stop.abort();
  await ended;
});
