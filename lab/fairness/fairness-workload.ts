/**
 * The workload of `teg bench fairness`: four tenants that each want a quarter more than their share, at different times.
 *
 *     steady   weight 2   single GPUs, all the time
 *     nightly  weight 1   single GPUs, a day's jobs at once at midnight
 *     major    weight 4   all the time: single GPUs, or gangs of 1 to 4 whole nodes
 *     late     weight 1   single GPUs, nothing in the first half and twice as much in the second
 */
import { Random } from '../../src/kernel/random.ts';
import { marketSpec, quotaFlavor, type TenantSpec, tenantSpec } from '../../src/market/tenants/spec.ts';
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';

const NODES = 16;
const GPUS_PER_NODE = 8;
const DAY = 86_400;
const DAYS = 10;

/** Until when jobs arrive, and the run lasts. */
export const FAIRNESS_HORIZON_SECONDS: number = DAYS * DAY;

/** How much more a tenant wants than its share. */
const EXCESS = 1.25;

/** Run times: log-normal, a mean of eight hours, σ 1; owners ask for 1 to 3 times as long. */
const RUN_MEAN_SECONDS = 28_800;
const OVERESTIMATE_MOST = 3;

/** Half-life of usage: long against a night, short against the half in which `late` is idle. */
export const FAIRNESS_MARKET = marketSpec({ halfLifeSeconds: 2 * DAY, flavors: [quotaFlavor('gpus')] });

/** Without quotas and limits: weights alone decide. */
export const FAIRNESS_TENANTS: readonly TenantSpec[] = [
  tenantSpec('steady', { weight: 2 }),
  tenantSpec('nightly', { weight: 1 }),
  tenantSpec('major', { weight: 4 }),
  tenantSpec('late', { weight: 1 }),
];

/** @returns The nodes. */
export function fairnessNodes(): NodeSpec[] {
  return Array.from({ length: NODES }, (_, i) => ({
    ...{ name: `n${i}`, cpuMilli: 0, memoryMib: 0, gpuCount: GPUS_PER_NODE, gpuModel: 'any', podsMax: 110 },
  }));
}

/** @param withGangs True: `major` has gangs. @returns The jobs, by arrival. */
export function fairnessJobs(seed: number, withGangs: boolean): JobSpec[] {
  const weights = FAIRNESS_TENANTS.reduce((sum, { weight }) => sum + weight, 0);
  const jobs = FAIRNESS_TENANTS.flatMap(({ name, weight }, i) => {
    const random = new Random(seed, i);
    const wanted = ((EXCESS * weight) / weights) * NODES * GPUS_PER_NODE * FAIRNESS_HORIZON_SECONDS;
    const own: JobSpec[] = [];
    for (let work = 0; work < wanted; ) {
      const job = oneJob(random, name, own.length, withGangs && name === 'major');
      own.push(job);
      work += job.podCount * job.gpuCount * job.durationSeconds;
    }
    return own;
  });
  return jobs.sort((a, b) => a.submitSeconds - b.submitSeconds || (a.id < b.id ? -1 : 1));
}

function oneJob(random: Random, tenant: string, number: number, isGang: boolean): JobSpec {
  const durationSeconds = RUN_MEAN_SECONDS * Math.exp(random.nextNormal() - 0.5);
  const at = random.nextDouble();
  const submitSeconds =
    tenant === 'nightly' ? Math.floor(at * DAYS) * DAY : (tenant === 'late' ? 0.5 + at / 2 : at) * DAYS * DAY;
  const pods = isGang ? 1 + random.nextInt(4) : 1;
  return {
    ...{ id: `${tenant}-${number}`, tenant, user: tenant, priority: 0, cpuMilli: 0, memoryMib: 0 },
    ...{ gpuCount: isGang ? GPUS_PER_NODE : 1, gpuMilli: 1000, gpuModels: [] },
    ...{ submitSeconds, durationSeconds, podCount: pods, gangMin: pods },
    requestedSeconds: durationSeconds * (1 + (OVERESTIMATE_MOST - 1) * random.nextDouble()),
  };
}
