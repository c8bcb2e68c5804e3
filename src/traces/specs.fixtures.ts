/**
 * Arbitrary jobs, nodes and usage samples within the bounds of the model, for property tests; and reading in memory.
 */

import fc from 'fast-check';
import { INT32_MAX } from '../kernel/limits.ts';
import type { AffinityTerm, JobSpec } from '../model/job.ts';
import { GPUS_PER_NODE_MAX, type NodeSpec } from '../model/node.ts';
import type { ReadOptions, TraceWarning } from './format.ts';
import { openTrace } from './readers.ts';
import { bytesInput } from './source.ts';
import type { UsageSample } from './usage.ts';

/** Any well-formed text without line ends. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((t) => t.replace(/[\r\n]/g, ' '));
const name = text.filter((t) => t !== '');
const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const amount = fc.double({ min: 0, max: 1e18, noNaN: true }).map((x) => x + 0);
const record = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true });

const term: fc.Arbitrary<AffinityTerm> = fc.oneof(
  fc.record({
    key: name,
    operator: fc.constantFrom('In' as const, 'NotIn' as const, 'Exists' as const, 'DoesNotExist' as const),
    values: fc.array(text, { maxLength: 3 }),
  }),
  fc.record({
    key: name,
    operator: fc.constantFrom('Gt' as const, 'Lt' as const),
    values: fc.tuple(fc.integer().map(String)),
  }),
);

const gpus = fc.oneof(
  fc.constant({ gpuCount: 0, gpuMilli: 0 }),
  int(1, 1_000).map((gpuMilli) => ({ gpuCount: 1, gpuMilli })),
  int(2, GPUS_PER_NODE_MAX).map((gpuCount) => ({ gpuCount, gpuMilli: 1_000 })),
);

const seconds = fc.double({ noDefaultInfinity: true, noNaN: true }).map((x) => x + 0);

/** Any job that `validateJob` takes. */
export const jobArbitrary: fc.Arbitrary<JobSpec> = fc
  .record(
    {
      id: name,
      tenant: text,
      priority: int(-INT32_MAX - 1, INT32_MAX),
      submitSeconds: seconds,
      durationSeconds: fc.oneof(seconds.map(Math.abs), fc.constant(Number.POSITIVE_INFINITY)),
      requestedSeconds: fc.oneof(seconds.map(Math.abs), fc.constant(Number.NaN)),
      podCount: int(1, INT32_MAX),
      cpuMilli: int(0, INT32_MAX),
      memoryMib: int(0, INT32_MAX),
      gpus,
      gangShare: fc.double({ min: 0, max: 1, noNaN: true }),
      gpuModels: fc.array(text, { maxLength: 3 }),
      extended: record(amount),
      affinity: fc.array(term, { maxLength: 3 }),
      spread: fc.record({ podsPerNodeMax: int(1, INT32_MAX), spreadGroup: name }),
      checkpointSeconds: fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
      disruption: fc.constantFrom('all' as const, 'single' as const),
      podGroup: name,
      owner: name,
      user: name,
      nodeName: name,
    },
    {
      requiredKeys: [
        'id',
        'tenant',
        'priority',
        'submitSeconds',
        'durationSeconds',
        'requestedSeconds',
        'podCount',
        'cpuMilli',
        'memoryMib',
        'gpus',
        'gangShare',
        'gpuModels',
      ],
    },
  )
  .map(({ gpus: gpu, gangShare, spread, ...job }) => ({
    ...job,
    ...gpu,
    ...spread,
    gangMin: Math.max(1, Math.floor(gangShare * job.podCount)),
  }));

/** Any node that `validateNode` takes. */
export const nodeArbitrary: fc.Arbitrary<NodeSpec> = fc.record(
  {
    name,
    cpuMilli: int(0, INT32_MAX),
    memoryMib: int(0, INT32_MAX),
    gpuCount: int(0, GPUS_PER_NODE_MAX),
    gpuModel: text,
    podsMax: int(1, INT32_MAX),
    extended: record(amount),
    labels: record(text),
  },
  { requiredKeys: ['name', 'cpuMilli', 'memoryMib', 'gpuCount', 'gpuModel', 'podsMax'] },
);

/** Any usage sample. */
export const usageArbitrary: fc.Arbitrary<UsageSample> = fc.record({
  pod: name,
  seconds,
  memoryShare: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0),
});

/** The whole content of a text or bytes. */
export interface ReadResult {
  readonly jobs: JobSpec[];
  readonly nodes: NodeSpec[];
  readonly usage: UsageSample[];
  readonly warnings: TraceWarning[];
}

/** Reads from memory. @param chunkBytes Size of the pieces in which the content arrives. */
export async function readText(
  content: string | Uint8Array,
  options: ReadOptions = {},
  chunkBytes?: number,
): Promise<ReadResult> {
  const result: ReadResult = { jobs: [], nodes: [], usage: [], warnings: [] };
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  const input = bytesInput('sample', bytes, chunkBytes);
  const trace = await openTrace(input, { ...options, onWarning: (w) => result.warnings.push(w) });
  for await (const batch of trace.batches) (result[batch.kind] as unknown[]).push(...batch.items);
  return result;
}
