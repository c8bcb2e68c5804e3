/**
 * MetaCentrum 2013: PBS jobs of the CERIT-SC clusters zewura and zegox, and their machines.
 *
 * A job's requirements on machines (PBS properties) become affinity terms on labels that the machines get here:
 * `hostname`, and one label with the value `true` for every property.
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import type { AffinityTerm, JobSpec } from '../../model/job.ts';
import { type NodeSpec, PODS_PER_NODE_DEFAULT } from '../../model/node.ts';
import { findJobProblem } from '../../model/validate.ts';
import { BATCH_ROWS, type ReadContext } from '../context.ts';
import type { CsvFormat } from '../csv.ts';
import { type Row, SECONDS_MAX } from '../row.ts';

/** Cores of a whole machine, for jobs that request whole machines. From the machine list of the trace. */
const CPUS_BY_CLUSTER: ReadonlyMap<string, number> = new Map([
  ['zewura', 80],
  ['zegox', 12],
]);

/** Properties that jobs of the log request: jobs with each of them ran on machines of both clusters. */
const COMMON_PROPERTIES = ['brno', 'nfs4', 'x86_64'] as const;

/** Properties whose jobs (52 in all) ran only on machines of one cluster. */
const CLUSTER_PROPERTIES: ReadonlyMap<string, readonly string[]> = new Map([
  ['zegox', ['debian', 'infiniband', 'linux']],
]);

/** Most machines of one row of the machine list. */
const MACHINES_MAX = 1_000_000;

/** One row a job: `nodes` pods on as many distinct machines, together. */
export const METACENTRUM_JOBS: CsvFormat<JobSpec> = {
  findProblem: findJobProblem,
  columns: [
    'job',
    'submit_s',
    'run_s',
    'nodes',
    'cpus_total',
    'walltime_limit_s',
    'mem_mib_per_node',
    'user',
    'exclusive',
    'properties',
  ],
  prepare(column, context) {
    const c = {
      job: column('job'),
      submit: column('submit_s'),
      run: column('run_s'),
      nodes: column('nodes'),
      cpus: column('cpus_total'),
      limit: column('walltime_limit_s'),
      memory: column('mem_mib_per_node'),
      user: column('user'),
      exclusive: column('exclusive'),
      properties: column('properties'),
    };
    return (row) => {
      const id = row.name(c.job);
      const podCount = row.integer(c.nodes, 1, INT32_MAX);
      const affinity = affinityOf(row.text(c.properties), context);
      const user = row.text(c.user);
      const cpus = row.decimal(c.cpus, 0, INT32_MAX / 1_000);
      const isExclusive = row.integer(c.exclusive, 0, 1) === 1;
      const cpusAPod = isExclusive ? wholeMachine(row, c.cpus, cpus / podCount, affinity) : cpus / podCount;
      return {
        id,
        tenant: user,
        ...(user === '' ? {} : { user }),
        priority: 0,
        cpuMilli: Math.ceil(cpusAPod) * 1_000,
        memoryMib: Math.ceil(row.decimal(c.memory, 0, INT32_MAX)),
        gpuCount: 0,
        gpuMilli: 0,
        gpuModels: [],
        ...(affinity.length > 0 ? { affinity } : {}),
        ...(podCount > 1 ? { podsPerNodeMax: 1, spreadGroup: id } : {}),
        submitSeconds: row.seconds(c.submit),
        // Two rows of the log have an end of 0 in Unix time, and so a negative run time: nothing is known about their run.
        durationSeconds: row.decimal(c.run, 0, SECONDS_MAX),
        requestedSeconds: row.isEmpty(c.limit) ? Number.NaN : row.decimal(c.limit, 0, Number.MAX_VALUE),
        podCount,
        gangMin: podCount,
      };
    };
  },
};

/** A row of the machine list: a cluster of equal machines. */
export interface MachineGroup {
  readonly cluster: string;
  readonly machines: number;
  readonly cpus: number;
  readonly memoryMib: number;
}

/** Machine list: one row a cluster. */
export const METACENTRUM_MACHINES: CsvFormat<MachineGroup> = {
  findProblem: () => undefined,
  columns: ['cluster', 'machines', 'cpus_per_machine', 'mem_kib_per_machine'],
  // As published, `wagap-2013.swf.machines`: tabs, no header, a number in front and one column that is always 1.
  headless: {
    columns: ['number', 'cluster', 'machines', 'cpus_per_machine', 'speed', 'mem_kib_per_machine'],
    matches: (fields) =>
      fields.length === 6 &&
      /^[a-z][\w-]*$/i.test(fields[1] as string) &&
      [0, 2, 3, 4, 5].every((i) => /^\d+$/.test(fields[i] as string)),
  },
  prepare(column) {
    const cluster = column('cluster');
    const machines = column('machines');
    const cpus = column('cpus_per_machine');
    const memory = column('mem_kib_per_machine');
    return (row) => ({
      cluster: row.name(cluster),
      machines: row.integer(machines, 0, MACHINES_MAX),
      cpus: row.integer(cpus, 0, Math.floor(INT32_MAX / 1_000)),
      memoryMib: Math.floor(row.integer(memory, 0, INT32_MAX * 1_024) / 1_024),
    });
  },
};

/**
 * Makes the machines of a group, `zewura1` … `zewura20`, as users name them in the log. The log's own machine numbers
 * name only 44 of them and are not used.
 *
 * @returns Batches of at most BATCH_ROWS nodes.
 */
export function* expandMachines(group: MachineGroup): Generator<NodeSpec[]> {
  const { cluster, machines, cpus, memoryMib } = group;
  const own = CLUSTER_PROPERTIES.get(cluster) ?? [];
  const properties = [...COMMON_PROPERTIES, ...own, `cl_${cluster}`, `nodecpus${cpus}`];
  const common = Object.fromEntries(properties.map((property) => [property, 'true']));
  for (let from = 0; from < machines; from += BATCH_ROWS) {
    yield Array.from({ length: Math.min(BATCH_ROWS, machines - from) }, (_, i) => {
      const name = `${cluster}${from + i + 1}`;
      return {
        name,
        cpuMilli: cpus * 1_000,
        memoryMib,
        gpuCount: 0,
        gpuModel: '',
        podsMax: PODS_PER_NODE_DEFAULT,
        labels: { ...common, cluster, hostname: name },
      };
    });
  }
}

/** Properties joined by `|`; `^` in front excludes; a host by `host=NAME` or by its full name with dots. */
function affinityOf(properties: string, context: ReadContext): AffinityTerm[] {
  if (properties === '') return [];
  const terms: AffinityTerm[] = [];
  for (const property of properties.split('|')) {
    const isExcluded = property.startsWith('^');
    const wanted = property.slice(isExcluded ? 1 : 0).replace(/^host=/, '');
    const operator = isExcluded ? 'NotIn' : 'In';
    if (wanted === '' || wanted.includes('=')) {
      context.warn(`PBS requests of the form name=value other than host= are ignored: jobs`);
    } else if (wanted.includes('.') || property.includes('host=')) {
      terms.push({ key: 'hostname', operator, values: [wanted.split('.')[0] as string] });
    } else {
      terms.push({ key: wanted, operator, values: ['true'] });
    }
  }
  return terms;
}

/** Cores of the machine that an exclusive job gets: of the cluster it names, else of the smallest that holds it. */
function wholeMachine(row: Row, column: number, cpus: number, affinity: readonly AffinityTerm[]): number {
  const named = affinity.find((term) => term.operator === 'In' && term.key.startsWith('cl_'));
  const known = named === undefined ? undefined : CPUS_BY_CLUSTER.get(named.key.slice(3));
  const sizes = known === undefined ? [...CPUS_BY_CLUSTER.values()].sort((a, b) => a - b) : [known];
  const size = sizes.find((machineCpus) => machineCpus >= cpus);
  if (size === undefined) throw row.bad(column, `at most ${sizes.at(-1)} a machine`);
  return size;
}
