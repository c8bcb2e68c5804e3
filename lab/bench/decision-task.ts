/**
 * One cluster size of `teg bench decision`: fills a cluster, then lets each policy decide under churn.
 */

import { resourceUsage, threadCpuUsage } from 'node:process';
import { loadPolicy } from '../../src/drivers/embedded/load-policy.ts';
import type { PolicyContext, PolicyEntry, TypicalWorkload } from '../../src/governor/policy/policy.ts';
import { createTegPolicy } from '../../src/governor/policy/teg-policy.ts';
import { Random } from '../../src/kernel/random.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { DemandTable } from '../../src/model/demand.ts';
import { TegError } from '../../src/model/errors.ts';
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { capacityOf, generateJobs, generateNodeBatches } from '../../src/traces/generate.ts';
import { readCluster, readJobs } from '../../src/traces/read.ts';
import { arrayBytesInUse } from './array-memory.ts';
import { type ChurnSamples, DecisionChurn, quantileOf } from './decision-churn.ts';

/** Streams of the seed. */
const STREAM_POLICY = 1;
const STREAM_CHURN = 2;
const STREAM_WORKLOAD = 3;

/** Jobs that the built-in demand mix is drawn from; some 260 distinct demands. */
const GENERATED_JOBS = 8192;
/** Nodes that the built-in demand mix is scaled to, for any size, so that all sizes get the same mix. */
const GENERATED_FOR_NODES = 1000;

/** Least number of timed steps, however long they take. */
const STEPS_MIN = 3;

/** The policy that fills a cluster and chooses where the policies are measured. */
const FILLING_POLICY = 'teg';

/** One cluster size. Plain data. */
export interface DecisionTask {
  readonly nodes: number;
  /** Names or paths. */
  readonly policies: readonly string[];
  /** Node file whose nodes are repeated; absent: the built-in mix. */
  readonly cluster?: string;
  /** Job file whose pods are drawn from; absent: the built-in mix. */
  readonly jobs?: string;
  readonly fill: number;
  readonly steps: number;
  readonly warmup: number;
  readonly rounds: number;
  /** Time limit of each policy's rounds together, and of its warm-up. */
  readonly secondsMax: number;
  readonly typical: 'list' | 'learned';
  readonly seed: number;
}

/** Output of `teg bench decision --json` for a size and policy. Micros: one pod leaves, one arrives, all updates. */
export interface DecisionRow {
  readonly nodes: number;
  readonly policy: string;
  /** Least of the rounds' medians and 99th percentiles: disturbances of a run only add. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Arrays of cluster and policy. */
  readonly bytesPerNode: number;
  /** Least of the rounds' means. */
  readonly meanMicros: number;
  /** CPU time of this thread per step, the drawing of the workload included; least of the rounds. */
  readonly cpuMicros: number;
  /** The two parts of a step. */
  readonly arrivalP50Micros: number;
  readonly arrivalP99Micros: number;
  readonly departureP50Micros: number;
  readonly departureP99Micros: number;
  /** Mean nodes that a choice checked one by one. */
  readonly nodesExamined: number;
  /** Steps timed, over all rounds, and those before. */
  readonly decisions: number;
  readonly warmupDecisions: number;
  /** Arrivals that found no room. */
  readonly unplaced: number;
  readonly fillPercent: number;
  readonly pods: number;
  readonly demands: number;
  /** Time to load the nodes, and to fill the cluster. */
  readonly loadSeconds: number;
  readonly fillSeconds: number;
  /** Largest resident set of the process so far. */
  readonly peakMemoryBytes: number;
}

/** Runs one size; blocks. @returns One row a policy, in their order. @throws TegError of the readers and policies. */
export async function runDecisionTask(task: DecisionTask): Promise<DecisionRow[]> {
  const policies = await Promise.all(task.policies.map(loadPolicy));
  const begin = clockMicros();
  const bytesBefore = arrayBytesInUse();
  const { cluster, workload } = await load(task);
  const loadSeconds = (clockMicros() - begin) / 1e6;
  const context = (): PolicyContext => ({
    cluster,
    random: new Random(task.seed, STREAM_POLICY),
    ...(task.typical === 'list' ? { typical: workload } : {}),
  });
  const churn = new DecisionChurn(
    cluster,
    createTegPolicy(context()),
    workload,
    new Random(task.seed, STREAM_CHURN),
  );
  const filling = clockMicros();
  churn.fillTo(task.fill);
  const fillSeconds = (clockMicros() - filling) / 1e6;
  const facts = { loadSeconds: rounded(loadSeconds, 3), fillSeconds: rounded(fillSeconds, 3) };
  const rows = new Map<string, DecisionRow>();
  // The policy that filled the cluster goes first: it alone knows the present cluster without being made again.
  const order = [...policies].sort(
    (a, b) => Number(b.name === FILLING_POLICY) - Number(a.name === FILLING_POLICY),
  );
  for (const entry of order) {
    if (entry.name !== FILLING_POLICY) churn.handTo(entry.create(context()));
    const measured = measure(task, churn);
    const samplesBytes = measured.rounds.reduce((sum, s) => sum + 3 * s.stepMicros.buffer.byteLength, 0);
    const bytes = arrayBytesInUse() - bytesBefore - churn.bytes - samplesBytes;
    rows.set(entry.name, rowOf(task, entry, churn, cluster, measured, { ...facts, bytes }));
  }
  return policies.map((entry) => rows.get(entry.name) as DecisionRow);
}

interface Loaded {
  readonly cluster: ClusterState;
  readonly workload: TypicalWorkload;
}

async function load(task: DecisionTask): Promise<Loaded> {
  const table = new DemandTable();
  const jobs = task.jobs === undefined ? generatedJobs(task.seed) : await someJobs(task.jobs);
  const counts: number[] = [];
  for (const job of jobs) {
    const { id } = table.intern(job);
    counts[id] = (counts[id] ?? 0) + job.podCount;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const workload = { demands: table.demands, weights: counts.map((count) => count / total), counts };
  const cluster = new ClusterState(table, { labelKeys: table.labelKeys(), nodesExpected: task.nodes });
  for (const node of await nodesOf(task)) cluster.addNode(node);
  return { cluster, workload };
}

async function someJobs(path: string): Promise<JobSpec[]> {
  const jobs = await readJobs(path);
  if (jobs.length > 0) return jobs;
  throw new TegError(
    'TEG_JOB_INVALID',
    `${path}: describes no jobs, expected at least one; name another file`,
  );
}

function generatedJobs(seed: number): JobSpec[] {
  const nodes = [...generateNodeBatches({ nodes: GENERATED_FOR_NODES })].flat();
  return generateJobs(
    { jobs: GENERATED_JOBS, capacity: capacityOf(nodes) },
    new Random(seed, STREAM_WORKLOAD),
  );
}

async function nodesOf(task: DecisionTask): Promise<Iterable<NodeSpec>> {
  if (task.cluster === undefined) return flattened(generateNodeBatches({ nodes: task.nodes }));
  return repeated(await readCluster(task.cluster), task.nodes);
}

function* flattened(batches: Iterable<readonly NodeSpec[]>): Generator<NodeSpec> {
  for (const batch of batches) yield* batch;
}

function* repeated(nodes: readonly NodeSpec[], count: number): Generator<NodeSpec> {
  for (let i = 0; i < count; i++) {
    const node = nodes[i % nodes.length] as NodeSpec;
    yield { ...node, name: `${node.name}#${Math.floor(i / nodes.length)}` };
  }
}

interface Measured {
  readonly rounds: readonly ChurnSamples[];
  readonly cpuMicros: number;
  readonly warmupDecisions: number;
}

function measure(task: DecisionTask, churn: DecisionChurn): Measured {
  const microsMax = task.secondsMax * 1e6;
  const warmupDecisions = churn.warmUp(task.warmup, clockMicros, microsMax);
  const rounds: ChurnSamples[] = [];
  let cpuMicros = Number.POSITIVE_INFINITY;
  for (let round = 0; round < task.rounds; round++) {
    const before = threadCpuUsage();
    const samples = churn.run({
      stepsMax: task.steps,
      stepsMin: STEPS_MIN,
      microsMax: microsMax / task.rounds,
      clockMicros,
    });
    const used = threadCpuUsage(before);
    cpuMicros = Math.min(cpuMicros, (used.user + used.system) / samples.steps);
    rounds.push(samples);
  }
  return { rounds, cpuMicros, warmupDecisions };
}

function rowOf(
  task: DecisionTask,
  entry: PolicyEntry,
  churn: DecisionChurn,
  cluster: ClusterState,
  measured: Measured,
  facts: { readonly loadSeconds: number; readonly fillSeconds: number; readonly bytes: number },
): DecisionRow {
  const { rounds } = measured;
  const least = (value: (samples: ChurnSamples) => number): number =>
    rounded(Math.min(...rounds.map(value)), 3);
  const sum = (value: (samples: ChurnSamples) => number): number =>
    rounds.reduce((total, samples) => total + value(samples), 0);
  const decisions = sum((s) => s.steps);
  return {
    nodes: task.nodes,
    policy: entry.name,
    p50Micros: least((s) => quantileOf(s.stepMicros, 0.5)),
    p99Micros: least((s) => quantileOf(s.stepMicros, 0.99)),
    bytesPerNode: Math.round((10 * facts.bytes) / task.nodes) / 10,
    meanMicros: least((s) => s.stepMicros.reduce((total, micros) => total + micros, 0) / s.steps),
    cpuMicros: rounded(measured.cpuMicros, 3),
    arrivalP50Micros: least((s) => quantileOf(s.arrivalMicros, 0.5)),
    arrivalP99Micros: least((s) => quantileOf(s.arrivalMicros, 0.99)),
    departureP50Micros: least((s) => quantileOf(s.departureMicros, 0.5)),
    departureP99Micros: least((s) => quantileOf(s.departureMicros, 0.99)),
    nodesExamined: rounded(sum((s) => s.nodesExamined) / decisions, 3),
    decisions,
    warmupDecisions: measured.warmupDecisions,
    unplaced: sum((s) => s.unplaced),
    fillPercent: rounded(100 * churn.fill, 3),
    pods: churn.podCount,
    demands: cluster.demands.demands.length,
    loadSeconds: facts.loadSeconds,
    fillSeconds: facts.fillSeconds,
    peakMemoryBytes: resourceUsage().maxRSS * 1024,
  };
}

function clockMicros(): number {
  return performance.now() * 1000;
}
