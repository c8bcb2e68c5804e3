/**
 * Our baselines against what others measured: the published packing benchmark, and a real kube-scheduler.
 *
 * A fast part of `teg bench packing --reference …` and `--kube-reference …`, which run everything.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findKubeSequences, readKubeSequence, runKubeSequence } from '../lab/packing/kube-reference.ts';
import {
  findPackingLists,
  type PackingList,
  type PackingListFiles,
  readPackingList,
} from '../lab/packing/packing-inputs.ts';
import { type PackingRow, runPackingList } from '../lab/packing/packing-run.ts';
import { type PublishedRow, readPublishedResults } from '../lab/packing/published-results.ts';
import { typicalShapes } from '../src/field/fragmentation.ts';
import { DemandTable } from '../src/model/demand.ts';
import { policyByName } from '../src/simulation/inputs/policies.ts';
import { packingArrivals } from '../src/simulation/packing/packing-arrivals.ts';
import { readNodes } from '../src/traces/read.ts';

const SHARED = process.env.TEG_SHARED ?? join(import.meta.dirname, '../../shared');
const TRACES = join(SHARED, 'traces/openb');
const REFERENCE = join(SHARED, 'reference');
const NODES = join(TRACES, 'openb_node_list_gpu_node.csv.gz');

/** Data that is not part of the repository: without it there is nothing to compare with. */
const missing = [NODES, join(REFERENCE, 'fgd-atc23-per-seed.csv')].filter((path) => !existsSync(path));
const why = missing.length === 0 ? '' : ` (skipped: no ${missing.join(', ')}; set TEG_SHARED)`;

const seeds = Array.from({ length: 10 }, (_, i) => 42 + i);

describe.skipIf(missing.length > 0)(`the published packing benchmark${why}`, () => {
  test('arrivals and ranks of every list and seed come out from the pod list alone', async () => {
    const nodes = await readNodes(NODES);
    const lists = findPackingLists({ traces: TRACES, reference: REFERENCE });
    expect(lists.map((list) => list.name).toSorted()).toEqual([
      'cpu050',
      'cpu200',
      'default',
      'gpushare40',
      'gpuspec10',
      'multigpu20',
    ]);
    for (const files of lists) {
      const { jobs, given } = await readPackingList(files, nodes);
      expect([...given.keys()].toSorted()).toEqual(seeds);
      for (const seed of seeds) {
        const { order, ranks } = packingArrivals(jobs, nodes, seed);
        const reference = given.get(seed);
        expect(Buffer.compare(bytes(order), bytes(reference?.order)), `${files.name} ${seed}`).toBe(0);
        expect(Buffer.compare(bytes(ranks), bytes(reference?.ranks)), `${files.name} ${seed}`).toBe(0);
      }
    }
  });

  test('as many typical shapes as published', async () => {
    const nodes = await readNodes(NODES);
    const counts: Record<string, number> = {};
    for (const files of findPackingLists({ traces: TRACES })) {
      const { jobs } = await readPackingList(files, nodes);
      const table = new DemandTable();
      const demands = jobs.map((job) => table.intern(job));
      counts[files.name] = typicalShapes(
        demands,
        demands.map(() => 1),
        table,
      ).count;
    }
    expect(counts).toEqual({
      default: 35,
      cpu050: 35,
      cpu200: 34,
      gpuspec10: 74,
      gpushare40: 36,
      multigpu20: 38,
    });
  });

  const runs = ['fgd', 'best-fit', 'dot-product', 'gpu-packing', 'gpu-clustering'].flatMap((policy) => [
    { list: 'default', seed: 42, policy },
    { list: 'gpuspec10', seed: 44, policy },
  ]);
  test.each(runs)('$policy on $list, seed $seed, within 0.02 points', async ({ list, seed, policy }) => {
    const row = await run(list, seed, policy);
    const published = readPublishedResults(REFERENCE).find(list, policy, seed) as PublishedRow;
    expect(Math.abs(row.alloc100 - published.alloc100)).toBeLessThan(0.021);
    expect(Math.abs(row.alloc130 - published.alloc130)).toBeLessThan(0.021);
    expect(Math.abs(row.fragRatio130 - published.fragRatio130)).toBeLessThan(0.021);
  });

  test('random, which cannot be replayed, within half a point on the mean', async () => {
    const published = readPublishedResults(REFERENCE);
    let ours = 0;
    let theirs = 0;
    for (const seed of seeds) {
      ours += (await run('default', seed, 'random')).alloc130 / seeds.length;
      theirs += (published.find('default', 'random', seed) as PublishedRow).alloc130 / seeds.length;
    }
    expect(Math.abs(ours - theirs)).toBeLessThan(0.5);
  });

  test('TEG is half a point above FGD', async () => {
    const teg = await run('default', 42, 'teg');
    const fgd = await run('default', 42, 'fgd');
    expect(teg.alloc130).toBeGreaterThan(fgd.alloc130 + 0.5);
    expect(teg.alloc100).toBeGreaterThan(fgd.alloc100);
  });
});

const KUBE = join(REFERENCE, 'kube-scheduler-1.36');
const withoutKube = missing.length > 0 || !existsSync(join(KUBE, 'results.csv'));

describe.skipIf(withoutKube)(`a real kube-scheduler${withoutKube ? ` (skipped: no ${KUBE})` : ''}`, () => {
  test.each(['kube-scheduler', 'kube-scheduler-most-allocated'])(
    '%s within 0.7 points of its real counterpart',
    async (policy) => {
      const nodes = await readNodes(NODES, { assume: { openbPodsPerNode: 110 } });
      const sequences = findKubeSequences(KUBE).filter(({ name }) => name.endsWith('-42'));
      expect(sequences).toHaveLength(2);
      for (const sequence of sequences) {
        const jobs = readKubeSequence(sequence.path);
        const rows = [42, 43, 44].map((seed) =>
          runKubeSequence(nodes, { sequence, jobs, policy: policyByName(policy), seed, typical: 'list' }),
        );
        const mean = rows.reduce((sum, row) => sum + row.gpuPercent, 0) / rows.length;
        expect(Math.abs(mean - (rows[0]?.realGpuPercent ?? Number.NaN)), sequence.name).toBeLessThan(0.7);
      }
    },
  );
});

const listsRead = new Map<string, PackingList>();

async function run(list: string, seed: number, policy: string): Promise<PackingRow> {
  const nodes = await readNodes(NODES);
  const [files] = findPackingLists({ traces: TRACES, lists: [list] });
  const read = listsRead.get(list) ?? (await readPackingList(files as PackingListFiles, nodes));
  listsRead.set(list, read);
  return runPackingList(nodes, { list: read, policy: policyByName(policy), seed, typical: 'list' });
}

function bytes(values: Int32Array | undefined): Buffer {
  return values === undefined
    ? Buffer.of(1)
    : Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
