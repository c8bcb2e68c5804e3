/**
 * Alibaba's batch tasks of 2017, recommendation serving of 2025, and GPU nodes and pod memory of 2026.
 *
 * @source https://github.com/alibaba/clusterdata.
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX, type NodeSpec, PODS_PER_NODE_DEFAULT } from '../../model/node.ts';
import { findJobProblem, findNodeProblem } from '../../model/validate.ts';
import type { ReadContext } from '../context.ts';
import type { CsvFormat } from '../csv.ts';
import type { Row } from '../row.ts';
import { findUsageProblem, type UsageSample } from '../usage.ts';

/**
 * Batch tasks: one row is an elastic array of equal instances.
 *
 * Duration is the time from creation to the last change of state: for finished tasks wait and run of the whole array,
 * an upper bound of one instance's run; for the others the only known time.
 */
export const ALIBABA_BATCH: CsvFormat<JobSpec> = batchTasks([
  'create_s',
  'modify_s',
  'job',
  'task',
  'instances',
  'status',
  'cpu_centicores',
  'mem_norm',
]);

const BATCH_COLUMNS_PUBLISHED = [
  'task_create_time',
  'task_end_time',
  'job_id',
  'task_id',
  'number_of_instances',
  'status',
  'number_of_cpus_requested_per_instance_in_the_task',
  'normalized_memory_requested_per_instance_in_the_task',
] as const;

/** `batch_task.csv` as it is published: the same columns in the same order, with a header or without. */
export const ALIBABA_BATCH_PUBLISHED: CsvFormat<JobSpec> = {
  ...batchTasks(BATCH_COLUMNS_PUBLISHED),
  headless: {
    columns: BATCH_COLUMNS_PUBLISHED,
    matches: (fields) =>
      fields.length === BATCH_COLUMNS_PUBLISHED.length &&
      fields.slice(0, 5).every((field) => /^-?\d+$/.test(field)) &&
      /^[A-Z][a-z]+$/.test(fields[5] as string) &&
      fields.slice(6).every((field) => field === '' || Number.isFinite(Number(field))),
  },
};

/** @param names Of the columns for creation, last change, job, task, instances, status, CPU and memory. */
function batchTasks(names: readonly string[]): CsvFormat<JobSpec> {
  const [create = '', modify = '', job = '', task = '', instances = '', status = '', cpu = '', memory = ''] =
    names;
  return {
    findProblem: findJobProblem,
    columns: names,
    columnOf: { id: task, memoryMib: memory, cpuMilli: cpu, podCount: instances },
    prepare(column, context) {
      const at = {
        create: column(create),
        modify: column(modify),
        job: column(job),
        task: column(task),
        instances: column(instances),
        status: column(status),
      };
      const request = batchRequest(column(cpu), column(memory), context);
      return (row) => {
        const submitSeconds = row.seconds(at.create);
        const lifeSeconds = row.seconds(at.modify) - submitSeconds;
        if (lifeSeconds < 0)
          context.warn('tasks changed last before they were created: duration 0 is assumed');
        if (row.text(at.status) !== 'Terminated') {
          context.warn(
            'tasks that had not ended well: the time to their last change of state is the duration',
          );
        }
        return {
          id: `${row.name(at.job)}/${row.name(at.task)}`,
          tenant: '',
          priority: 0,
          ...request(row),
          gpuCount: 0,
          gpuMilli: 0,
          gpuModels: [],
          submitSeconds,
          durationSeconds: Math.max(0, lifeSeconds),
          requestedSeconds: Number.NaN,
          podCount: row.integer(at.instances, 1, INT32_MAX),
          gangMin: 1,
        };
      };
    },
  };
}

function batchRequest(
  cpu: number,
  memory: number,
  context: ReadContext,
): (row: Row) => { cpuMilli: number; memoryMib: number } {
  const { batchMachineMemoryMib, batchCpuMilli, batchMemoryShare } = context.assume;
  context.warn(`memory is a share of the largest machine's: ${batchMachineMemoryMib} MiB is assumed for it`);
  return (row) => {
    if (row.isEmpty(cpu) || row.isEmpty(memory)) {
      context.warn(
        `tasks without a request: ${batchCpuMilli} milli-cores and ${batchMemoryShare} of the largest machine's memory are assumed`,
      );
    }
    const share = row.isEmpty(memory) ? batchMemoryShare : row.decimal(memory, 0, 1);
    return {
      cpuMilli: row.isEmpty(cpu) ? batchCpuMilli : row.integer(cpu, 0, INT32_MAX / 10) * 10,
      memoryMib: Math.ceil(share * batchMachineMemoryMib),
    };
  };
}

/** Serving instances: one row is one pod, with a share of a network card (`rdma`, percent) and disk (`disk`, GiB). */
export const ALIBABA_DLRM: CsvFormat<JobSpec> = {
  findProblem: findJobProblem,
  columns: [
    'instance_sn',
    'app_name',
    'cpu_request',
    'gpu_request',
    'rdma_request',
    'memory_request',
    'disk_request',
    'max_instance_per_node',
    'creation_time',
    'scheduled_time',
    'deletion_time',
  ],
  prepare(column) {
    const instance = column('instance_sn');
    const app = column('app_name');
    const cpu = column('cpu_request');
    const gpu = column('gpu_request');
    const rdma = column('rdma_request');
    const memory = column('memory_request');
    const disk = column('disk_request');
    const most = column('max_instance_per_node');
    const times = dlrmTimes(column('creation_time'), column('scheduled_time'), column('deletion_time'));
    return (row) => {
      const gpuCount = row.integer(gpu, 0, GPUS_PER_NODE_MAX);
      const spreadGroup = row.name(app);
      const podsPerNodeMax = row.integer(most, -1, INT32_MAX);
      return {
        id: row.name(instance),
        tenant: spreadGroup,
        priority: 0,
        cpuMilli: Math.ceil(row.decimal(cpu, 0, INT32_MAX / 1_000) * 1_000),
        memoryMib: Math.ceil(row.decimal(memory, 0, INT32_MAX / 1_024) * 1_024),
        gpuCount,
        gpuMilli: gpuCount > 0 ? GPU_MILLI : 0,
        gpuModels: [],
        extended: { rdma: row.decimal(rdma, 0, 100), disk: row.decimal(disk, 0, INT32_MAX) },
        ...(podsPerNodeMax > 0 ? { podsPerNodeMax, spreadGroup } : {}),
        ...times(row),
        requestedSeconds: Number.NaN,
        podCount: 1,
        gangMin: 1,
      };
    };
  },
};

/** No creation: there from the start, at 0. No deletion: still there at the end, so it never ends. */
function dlrmTimes(
  creation: number,
  scheduled: number,
  deletion: number,
): (row: Row) => { submitSeconds: number; durationSeconds: number } {
  return (row) => {
    const submitSeconds = row.isEmpty(creation) ? 0 : row.seconds(creation);
    const startSeconds = row.isEmpty(scheduled) ? submitSeconds : row.seconds(scheduled);
    if (row.isEmpty(deletion)) return { submitSeconds, durationSeconds: Number.POSITIVE_INFINITY };
    const endSeconds = row.seconds(deletion);
    if (endSeconds < startSeconds) throw row.bad(deletion, `at least ${startSeconds}, when the pod began`);
    return { submitSeconds, durationSeconds: endSeconds - startSeconds };
  };
}

/** GPU nodes: one row a node; memory is assumed in proportion to vCPUs (`TraceDefaults`). */
export const ALIBABA_SPOT_NODES: CsvFormat<NodeSpec> = {
  findProblem: findNodeProblem,
  columns: ['gpu_model', 'gpu_capacity_num', 'cpu_num', 'node_name'],
  prepare(column, context) {
    const model = column('gpu_model');
    const gpus = column('gpu_capacity_num');
    const cpus = column('cpu_num');
    const name = column('node_name');
    const { spotMemoryMibPerCpu } = context.assume;
    context.warn(`no memory in this trace: ${spotMemoryMibPerCpu} MiB a vCPU is assumed`);
    return (row) => {
      const gpuCount = row.integer(gpus, 0, GPUS_PER_NODE_MAX);
      const cpuCount = row.integer(cpus, 0, INT32_MAX / 1_000);
      return {
        name: `node-${row.name(name)}`,
        cpuMilli: cpuCount * 1_000,
        memoryMib: Math.min(INT32_MAX, Math.floor(cpuCount * spotMemoryMibPerCpu)),
        gpuCount,
        gpuModel: gpuCount > 0 ? row.text(model) : '',
        podsMax: PODS_PER_NODE_DEFAULT,
      };
    };
  },
};

/** How far a share may lie outside [0, 1] by rounding; it is then cut to the bound. */
const SHARE_SLACK = 0.001;

/** Memory in use of pods over time: samples, not jobs. */
export const ALIBABA_PODMEM: CsvFormat<UsageSample> = {
  findProblem: findUsageProblem,
  columns: ['pod', 't_s', 'mem_used_fraction'],
  prepare(column, context) {
    const pod = column('pod');
    const time = column('t_s');
    const used = column('mem_used_fraction');
    return (row) => ({
      pod: row.name(pod),
      seconds: row.seconds(time),
      memoryShare: shareOf(row, used, context),
    });
  },
};

/** `pod_memory_util_anon` as it is published: a pod is its container's address, times count from the first row. */
export const ALIBABA_PODMEM_PUBLISHED: CsvFormat<UsageSample> = {
  findProblem: findUsageProblem,
  columns: ['value', 'timestamp_anon', 'container_ip'],
  prepare(column, context) {
    const pod = column('container_ip');
    const time = column('timestamp_anon');
    const used = column('value');
    let origin = Number.NaN;
    return (row) => {
      const at = row.seconds(time);
      if (Number.isNaN(origin)) origin = at;
      return { pod: row.name(pod), seconds: at - origin, memoryShare: shareOf(row, used, context) };
    };
  },
};

function shareOf(row: Row, used: number, context: ReadContext): number {
  const share = row.decimal(used, -SHARE_SLACK, 1 + SHARE_SLACK);
  if (share >= 0 && share <= 1) return share;
  context.warn('samples outside [0, 1] by rounding are cut to the bound');
  return Math.min(1, Math.max(0, share));
}
