/** The checks of a submission, before a zone changes anything. */
import type { ClusterState } from '../../model/cluster-state.ts';
import { TegError } from '../../model/errors.ts';
import { areTermsSound, EVICTION_DEFAULTS } from '../../model/eviction-terms.ts';
import { TENANTS_MAX } from '../../model/limits.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import type { ZoneCore } from './zone-core.ts';
import { JobState, type JobSubmittedEvent } from './zone-events.ts';

/** @throws TegError TEG_JOB_INVALID if a submission is malformed, or names a job that waits or runs. */
export function requireSubmission(core: ZoneCore, event: JobSubmittedEvent): void {
  const { job, demandId, podCount, gangMin, priority, tenant = DEFAULT_TENANT, owner = 0 } = event;
  const { jobsMax, membersMax } = core.options;
  requireInteger('job', job, 0, jobsMax - 1, 'raise jobsMax or use dense ids');
  requireInteger('podCount', podCount, 1, membersMax, 'split the job or raise membersMax');
  requireInteger('gangMin', gangMin, 1, podCount, 'require at most all pods together');
  requireInteger('priority', priority, -(2 ** 31), 2 ** 31 - 1, 'use a 32-bit priority');
  requireInteger('tenant', tenant, 0, TENANTS_MAX - 1, 'take a number of a TenantTable');
  requireInteger('owner', owner, 0, 2 ** 31 - 1, 'number the owners from 0');
  requireSeconds('expectedSeconds', event.expectedSeconds ?? 0);
  if (!areTermsSound(event.terms ?? EVICTION_DEFAULTS)) {
    throw new TegError(
      'TEG_JOB_INVALID',
      `submitted job has terms of evictions ${JSON.stringify(event.terms)}; expected intervals > 0, and all or single: correct them`,
    );
  }
  requireInteger('demandId', demandId, 0, core.cluster.demands.demands.length - 1, 'intern the demand first');
  const state = core.jobs.stateOf(job);
  if (state === JobState.Waiting || state === JobState.Running) {
    throw new TegError(
      'TEG_JOB_INVALID',
      `job ${job} was submitted again while it ${state === JobState.Running ? 'runs' : 'waits'}; expected an id ` +
        'that is new or whose job has ended: use another id, or cancel it first',
    );
  }
}

function requireInteger(name: string, value: number, least: number, most: number, remedy: string): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new TegError(
    'TEG_JOB_INVALID',
    `submitted job has ${name} ${value}; expected an integer in [${least}, ${most}]: ${remedy}`,
  );
}

function requireSeconds(name: string, value: number): void {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
  throw new TegError(
    'TEG_JOB_INVALID',
    `submitted job has ${name} ${value}; expected a finite number of at least 0: leave it out if it is unknown`,
  );
}

/** @throws TegError TEG_CLUSTER_INVALID for a node that the zone does not have. */
export function requireNode(cluster: ClusterState, node: number): void {
  if (Number.isInteger(node) && node >= 0 && node < cluster.nodeCount) return;
  throw new TegError(
    'TEG_CLUSTER_INVALID',
    `event names node ${node}; expected an index in [0, ${cluster.nodeCount}): join it first`,
  );
}
