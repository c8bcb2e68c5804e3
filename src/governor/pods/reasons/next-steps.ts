/**
 * For each reason, the one thing that can be done about it, or that ends it. Fields are those of the tenants' objects, which a file of
 * tenants has too; what else is named differs between pods and simulated jobs.
 */

type Data = Readonly<Record<string, number | string>>;

const STEPS: Readonly<Record<string, (data: Data) => string>> = {
  'unknown-tenant': ({ label }) => `Create the tenant ${label}, or correct the label teg.dev/tenant.`,
  'namespace-not-allowed': ({ label, namespace }) =>
    `Let spec.namespaces of tenant ${label} match ${namespace}, or correct the label teg.dev/tenant.`,
  'several-tenants': ({ namespace }) =>
    `Change spec.namespaces of all but one of these tenants so that it does not match ${namespace}.`,
  unsupported: () => 'Remove the requirement, or name another scheduler.',
  'limit-exceeded': ({ tenant }) => `Request less, or raise spec.limit of tenant ${tenant}.`,
  'tenant-held': ({ tenant }) => `Set spec.state of tenant ${tenant} to Open.`,
  'scheduling-gated': () => 'Ask the controller that set the gates: it removes them.',
  'queue-full': () => 'Raise queue.waitingPodsMax, or wait until fewer pods wait.',
  'group-missing': ({ group }) => `Create the pod group ${group}.`,
  'gang-incomplete': ({ needPods, havePods }) =>
    `Create ${Number(needPods) - Number(havePods)} more of its pods, or remove their gates.`,
  'budget-empty': ({ tenant, spentTokens, reservedTokens }) =>
    spentTokens === 0 && reservedTokens === 0
      ? `Raise spec.budget.tokens of tenant ${tenant}, or ask for less.`
      : `Wait for the next period, or raise spec.budget.tokens of tenant ${tenant}.`,
  'price-too-high': ({ tenant }) => `Wait until tenant ${tenant} has saved enough, or ask for fewer GPUs.`,
  'limit-reached': ({ tenant }) => `Wait for a job of tenant ${tenant} to end, or raise its spec.limit.`,
  'quota-used-up': ({ tenant, lentTo, protectedUntilSeconds, withinQuota }) => {
    if (lentTo === undefined) return `Wait for a job of tenant ${tenant} to end, or raise its spec.quota.`;
    if (withinQuota === 'no')
      return `It needs more than is left of its quota: wait for jobs to end, request less, or raise spec.quota of tenant ${tenant}.`;
    return protectedUntilSeconds === undefined
      ? `Wait for jobs of the borrowers to end, or lend less: spec.lend of tenant ${tenant}.`
      : 'Wait: it is within its quota, and jobs of the borrowers may be evicted for it from then on.';
  },
  'flavors-full': ({ withoutHeadroom }) =>
    `Wait for room, or raise the tenant's quota of ${withoutHeadroom}.`,
  'room-reserved': () =>
    'Declare a shorter run time (annotation teg.dev/expected-runtime) if it has one; else it starts after that job.',
  'room-drained': ({ forJob }) => `Wait until ${forJob} has started.`,
  'no-fit': () =>
    'Compare its requests and rules with the nodes: teg explain pod lists what the nearest nodes lack.',
  'waiting-for-victims': () => 'Wait until they are gone; their grace periods bound that.',
  'not-tried': () => 'Wait for the next decision.',
  // Of simulated jobs.
  behind: () => 'Wait for the jobs before it.',
  'behind-equal-job': ({ job }) => `Wait until job ${job} has started.`,
  impossible: () => 'Request less, or simulate larger nodes.',
  'no-such-model': () => 'Correct the column gpu_models of the job, or add such nodes to the cluster.',
  reserved: () => 'Wait: its room is reserved.',
  'reserved-on-loan': () => 'Wait: room is kept for it, but its tenant needs more than its own quota for it.',
  draining: () => 'Declare run times: then its start is known.',
  'saving-headroom': () => 'Wait: headroom is kept for it as jobs of its tenant end.',
  'headroom-reserved': ({ forJob }) =>
    `Wait until ${String(forJob).includes('/') ? forJob : `job ${forJob}`} has started.`,
};

/** Of simulated jobs, where pods have another. */
const JOB_STEPS: Readonly<Record<string, string>> = {
  'room-reserved':
    'Declare a shorter run time (column requested_s of the file of jobs) if it has one; else it starts after that job.',
  'no-fit':
    'Wait for jobs to end; teg simulate --explain JOB, with the same options, prints what nodes lacked when it was tried.',
  draining: 'Declare run times (column requested_s of the file of jobs): then its start is known.',
};

/** Whose reason it is. */
export type WaiterKind = 'pod' | 'job';

/** @returns One step for a reason; for an unknown code: to wait. */
export function nextStep(code: string, data: Data, kind: WaiterKind = 'pod'): string {
  if (kind === 'job' && Object.hasOwn(JOB_STEPS, code)) return JOB_STEPS[code] as string;
  if (Object.hasOwn(STEPS, code)) return (STEPS[code] as (typeof STEPS)[string])(data);
  return 'Wait for the next decision.';
}
