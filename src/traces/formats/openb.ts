/**
 * openb: Alibaba's GPU cluster of 2023, node list and pod lists.
 *
 * @source https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2023.
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX, type NodeSpec } from '../../model/node.ts';
import { findJobProblem, findNodeProblem, WHOLE_GPUS } from '../../model/validate.ts';
import type { CsvFormat } from '../csv.ts';
import { parseInteger, type Row } from '../row.ts';

/** Node list: one row a node. */
export const OPENB_NODES: CsvFormat<NodeSpec> = {
  findProblem: findNodeProblem,
  columns: ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model'],
  prepare(column, context) {
    const sn = column('sn');
    const cpu = column('cpu_milli');
    const memory = column('memory_mib');
    const gpu = column('gpu');
    const model = column('model');
    const podsMax = context.assume.openbPodsPerNode;
    return (row) => {
      const gpuCount = row.integer(gpu, 0, GPUS_PER_NODE_MAX);
      return {
        name: row.name(sn),
        cpuMilli: row.integer(cpu, 0, INT32_MAX),
        memoryMib: row.integer(memory, 0, INT32_MAX),
        gpuCount,
        gpuModel: gpuCount > 0 ? row.text(model) : '',
        podsMax,
      };
    };
  },
};

/** Pod lists: one row a pod. Without times (list `multigpu20`) all arrive at 0, in row order, and never end. */
export const OPENB_PODS: CsvFormat<JobSpec> = {
  findProblem: findJobProblem,
  columns: ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli'],
  prepare(column) {
    const name = column('name');
    const cpu = column('cpu_milli');
    const memory = column('memory_mib');
    const spec = column('gpu_spec');
    const gpus = gpuReader(column('num_gpu'), column('gpu_milli'));
    const times = timeReader(column('creation_time'), column('scheduled_time'), column('deletion_time'));
    return (row) => {
      const { gpuCount, gpuMilli } = gpus(row);
      const { submitSeconds, durationSeconds } = times(row);
      return {
        id: row.name(name),
        tenant: '',
        priority: 0,
        cpuMilli: row.integer(cpu, 0, INT32_MAX),
        memoryMib: row.integer(memory, 0, INT32_MAX),
        gpuCount,
        gpuMilli,
        gpuModels: gpuCount === 0 || row.isEmpty(spec) ? [] : models(row, spec),
        submitSeconds,
        durationSeconds,
        requestedSeconds: Number.NaN,
        podCount: 1,
        gangMin: 1,
      };
    };
  },
};

function gpuReader(count: number, milli: number): (row: Row) => { gpuCount: number; gpuMilli: number } {
  return (row) => {
    const gpuCount = row.integer(count, 0, GPUS_PER_NODE_MAX);
    if (gpuCount === 1) return { gpuCount, gpuMilli: row.integer(milli, 1, GPU_MILLI) };
    const whole = gpuCount === 0 ? 0 : GPU_MILLI;
    if (parseInteger(row.text(milli)) === whole) return { gpuCount, gpuMilli: whole };
    throw row.bad(milli, gpuCount === 0 ? '0, as the pod has no GPUs' : WHOLE_GPUS);
  };
}

/** A pod that ran, ran from its scheduling to its deletion; a pod never scheduled gets its whole life. */
function timeReader(
  creation: number,
  scheduled: number,
  deletion: number,
): (row: Row) => { submitSeconds: number; durationSeconds: number } {
  return (row) => {
    const submitSeconds = row.isEmpty(creation) ? 0 : row.seconds(creation);
    const startSeconds = row.isEmpty(scheduled) ? submitSeconds : row.seconds(scheduled);
    if (startSeconds < submitSeconds) throw row.bad(scheduled, `at least the creation time ${submitSeconds}`);
    if (row.isEmpty(deletion)) return { submitSeconds, durationSeconds: Number.POSITIVE_INFINITY };
    const endSeconds = row.seconds(deletion);
    if (endSeconds < startSeconds) throw row.bad(deletion, `at least ${startSeconds}, when the pod began`);
    return { submitSeconds, durationSeconds: endSeconds - startSeconds };
  };
}

function models(row: Row, spec: number): readonly string[] {
  const names = row.text(spec).split('|');
  if (names.includes('')) throw row.bad(spec, 'GPU models joined by |');
  return names;
}
