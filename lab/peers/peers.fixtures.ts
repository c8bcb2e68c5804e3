/** Small clusters and workloads for the tests of peers, and an independent account of their actions. */
import type { Random } from '../../src/kernel/random.ts';
import { DemandTable } from '../../src/model/demand.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { type JobTable, JobTableBuilder } from '../../src/simulation/inputs/job-table.ts';
import type { PeerEntry, PeerOptions, PeerResult } from './peer.ts';

/** A pod that got its place. */
export interface Start {
  readonly job: number;
  readonly member: number;
  readonly node: number;
  readonly at: number;
}

/** A job in a test: one GPU, one pod, endless, unless it says otherwise. */
export interface TestJob {
  readonly at: number;
  readonly seconds?: number;
  readonly gpus?: number;
  readonly gpuMilli?: number;
  readonly pods?: number;
  /** True if its pods are an array, each starting on its own. */
  readonly isArray?: boolean;
  readonly priority?: number;
  readonly model?: string;
}

/** @returns Nodes with n GPUs each, of models in turn. */
export function testNodes(count: number, gpus: number, models: readonly string[] = ['A']): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `node-${i}`,
    cpuMilli: 64_000,
    memoryMib: 65_536,
    gpuCount: gpus,
    gpuModel: models[i % models.length] as string,
    podsMax: 110,
  }));
}

/** @returns The jobs as a table. */
export function testJobs(jobs: readonly TestJob[]): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  jobs.forEach((job, i) => {
    const { gpus = 1, pods = 1 } = job;
    builder.add({
      id: `job-${i}`,
      tenant: '',
      priority: job.priority ?? 0,
      submitSeconds: job.at,
      durationSeconds: job.seconds ?? Number.POSITIVE_INFINITY,
      requestedSeconds: Number.NaN,
      podCount: pods,
      gangMin: job.isArray === true ? 1 : pods,
      cpuMilli: 1000,
      memoryMib: 1024,
      gpuCount: gpus,
      gpuMilli: gpus === 0 ? 0 : (job.gpuMilli ?? 1000),
      gpuModels: job.model === undefined ? [] : [job.model],
    });
  });
  return builder.build();
}

/** A run with messages that take no time, by default. */
export function runPeer(
  peer: PeerEntry,
  nodes: readonly NodeSpec[],
  jobs: JobTable,
  options: Partial<PeerOptions> = {},
): { result: PeerResult; starts: Start[] } {
  const starts: Start[] = [];
  const result = peer.run({
    nodes,
    jobs,
    seed: 1,
    horizonSeconds: 1000,
    delaySeconds: 0,
    stalenessSeconds: 1,
    onStart: (job, member, node, at) => starts.push({ job, member, node, at }),
    ...options,
  });
  return { result, starts };
}

/** @returns Jobs of mixed shapes and lengths that request more than a few nodes have. */
export function randomJobs(random: Random, count: number): TestJob[] {
  const jobs: TestJob[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += random.nextExponential();
    const pick = random.nextInt(10);
    const seconds = random.nextInt(8) === 0 ? Number.POSITIVE_INFINITY : 1 + 20 * random.nextFloat();
    if (pick < 4) jobs.push({ at, seconds, gpuMilli: [100, 330, 500, 700][pick] as number });
    else if (pick < 7) jobs.push({ at, seconds, gpus: 1 + random.nextInt(4) });
    else if (pick === 7) jobs.push({ at, seconds, gpus: 2, pods: 2 + random.nextInt(3) });
    else if (pick === 8) jobs.push({ at, seconds, gpus: 0, pods: 3, isArray: true });
    else jobs.push({ at, seconds, gpus: 1, model: 'B', priority: random.nextInt(3) });
  }
  return jobs;
}

/**
 * Replays the starts and their ends, with an account of its own: GPUs in thousandths and cores of each node.
 *
 * @returns The errors, in words; empty if there are none.
 */
export function faultsOf(nodes: readonly NodeSpec[], jobs: JobTable, starts: readonly Start[]): string[] {
  const faults: string[] = [];
  const changes: { at: number; node: number; gpuMilli: number; cpuMilli: number }[] = [];
  const seen = new Set<string>();
  for (const { job, member, node, at } of starts) {
    const key = `${job}/${member}`;
    if (seen.has(key)) faults.push(`pod ${key} starts twice`);
    seen.add(key);
    if (at < (jobs.submitSeconds[job] as number)) faults.push(`pod ${key} starts before it arrives`);
    const { gpuTotalMilli: gpuMilli, cpuMilli } = jobs.demandOf(job);
    const end = at + (jobs.durationSeconds[job] as number);
    changes.push({ at, node, gpuMilli, cpuMilli });
    if (Number.isFinite(end)) changes.push({ at: end, node, gpuMilli: -gpuMilli, cpuMilli: -cpuMilli });
  }
  changes.sort((a, b) => a.at - b.at || a.gpuMilli - b.gpuMilli || a.cpuMilli - b.cpuMilli);
  const gpus = nodes.map((node) => node.gpuCount * 1000);
  const cores = nodes.map((node) => node.cpuMilli);
  for (const { at, node, gpuMilli, cpuMilli } of changes) {
    gpus[node] = (gpus[node] as number) - gpuMilli;
    cores[node] = (cores[node] as number) - cpuMilli;
    if ((gpus[node] as number) < 0 || (cores[node] as number) < 0)
      faults.push(`node ${node} is over at ${at}`);
  }
  return faults;
}
