/** For each reason, the one thing that can be done about it, or that ends it. */

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
  'quota-used-up': ({ tenant, lentTo }) =>
    lentTo === undefined
      ? `Wait for a job of tenant ${tenant} to end, or raise its spec.quota.`
      : `Wait for jobs of the borrowers to end, or raise spec.quota of tenant ${tenant}.`,
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
  reserved: () => 'Wait: its room is reserved.',
  'reserved-on-loan': () => 'Wait: room is kept for it, but its tenant needs more than its own quota for it.',
  draining: () => 'Declare run times: then its start is known.',
  'saving-headroom': () => 'Wait: headroom is kept for it as jobs of its tenant end.',
  'headroom-reserved': ({ forJob }) =>
    `Wait until ${String(forJob).includes('/') ? forJob : `job ${forJob}`} has started.`,
};

/** @returns One step for a reason; for an unknown code: to wait. */
export function nextStep(code: string, data: Data): string {
  if (Object.hasOwn(STEPS, code)) return (STEPS[code] as (typeof STEPS)[string])(data);
  return 'Wait for the next decision.';
}
