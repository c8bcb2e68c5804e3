/** The published results of the packing benchmark, from reference data. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TegError } from '../../src/model/errors.ts';
import { readCsvRecords } from './csv-records.ts';

/** Our names of the published policies. */
const OUR_NAMES: Readonly<Record<string, string>> = {
  Random: 'random',
  DotProd: 'dot-product',
  GpuClustering: 'gpu-clustering',
  GpuPacking: 'gpu-packing',
  BestFit: 'best-fit',
  FGD: 'fgd',
};

/** Published columns of one run. */
export interface PublishedRow {
  readonly alloc100: number;
  readonly alloc130: number;
  readonly fragRatio130: number;
}

/** Published rows by list, policy (our name) and seed. */
export class PublishedResults {
  private readonly rows = new Map<string, PublishedRow>();

  /** @param path A file with columns workload, policy, seed, alloc100, alloc130, frag_ratio130. */
  constructor(path: string) {
    const columns = ['workload', 'policy', 'seed', 'alloc100', 'alloc130', 'frag_ratio130'];
    for (const record of readCsvRecords(path, columns)) {
      const policy = OUR_NAMES[record.policy ?? ''] ?? record.policy ?? '';
      this.rows.set(key(record.workload ?? '', policy, Number(record.seed)), {
        alloc100: Number(record.alloc100),
        alloc130: Number(record.alloc130),
        fragRatio130: Number(record.frag_ratio130),
      });
    }
  }

  /** @returns The published row, or undefined if there is none of that list, policy and seed. */
  find(list: string, policy: string, seed: number): PublishedRow | undefined {
    return this.rows.get(key(list, policy, seed));
  }
}

/** @returns The published results in a reference folder. @throws TegError TEG_REFERENCE_MISSING. */
export function readPublishedResults(folder: string): PublishedResults {
  const path = join(folder, 'fgd-atc23-per-seed.csv');
  if (!existsSync(path)) {
    throw new TegError(
      'TEG_REFERENCE_MISSING',
      `got no fgd-atc23-per-seed.csv in '${folder}', expected the published results there: check --reference`,
    );
  }
  return new PublishedResults(path);
}

function key(list: string, policy: string, seed: number): string {
  return `${list}\n${policy}\n${seed}`;
}
