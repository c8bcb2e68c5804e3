/** Reasons in words: a sentence or two each, with the figures; of pods, and of jobs in simulations. */
import { durationText } from '../../../kernel/duration-text.ts';

type Data = Readonly<Record<string, number | string>>;

const SENTENCES: Readonly<Record<string, (data: Data, timeSeconds: number) => string>> = {
  'unknown-tenant': ({ label, countsAs }) =>
    `Its label teg.dev/tenant names ${label}, which does not exist; it counts as tenant ${countsAs}.`,
  'namespace-not-allowed': ({ label, namespace, countsAs }) =>
    `Its label teg.dev/tenant names ${label}, which does not have the namespace ${namespace}; it counts as tenant ${countsAs}.`,
  'several-tenants': ({ namespace, tenants, countsAs }) =>
    `The tenants ${tenants} all have the namespace ${namespace}; it counts as tenant ${countsAs}, the first by name.`,
  unsupported: ({ features }) => `It requires what is not supported: ${features}.`,
  'limit-exceeded': (data) =>
    `It needs ${amount(data, 'need')} of ${data.flavor}, and tenant ${data.tenant} may never hold more than ${amount(data, 'limit')}.`,
  'tenant-held': ({ tenant, state }) => `Tenant ${tenant} is in state ${state}: none of its jobs may start.`,
  'scheduling-gated': ({ gates }) => `Its scheduling gates are left: ${gates}.`,
  'queue-full': ({ podsMax }) => `The queue takes no more than ${podsMax} pods.`,
  'group-missing': ({ group }) => `The object of its pod group ${group} does not exist.`,
  'gang-incomplete': ({ needPods, havePods }) =>
    `${havePods} of at least ${needPods} pods of its gang exist and may start.`,
  'budget-empty': ({ tenant, spentTokens, reservedTokens, budgetTokens, periodEndsAtSeconds }, now) =>
    spentTokens === 0 && reservedTokens === 0
      ? `A whole period's budget of tenant ${tenant}, ${budgetTokens} tokens, does not cover it.`
      : `Tenant ${tenant} has spent ${spentTokens} and set aside ${reservedTokens} of its ${budgetTokens} tokens; ` +
        `the next period begins in ${spanText(Number(periodEndsAtSeconds) - now)}.`,
  'price-too-high': ({ tenant, needTokens, availableTokens }) =>
    `Its rent is ${needTokens} tokens at today's price, and tenant ${tenant} has ${availableTokens}.`,
  'limit-reached': (data) =>
    `Tenant ${data.tenant} may hold ${amount(data, 'limit')} of ${data.flavor}, holds ${amount(data, 'held')}, and it needs ${amount(data, 'need')}.`,
  'quota-used-up': (data, now) => {
    const { tenant, flavor } = data;
    const quota = amount(data, 'quota');
    const has = /^0 /.test(quota) ? 'no quota' : `a quota of ${quota}`;
    return (
      `It needs ${amount(data, 'need')} of ${flavor}; tenant ${tenant}, with ${has} there, may take ${amount(data, 'available')} more now. ` +
      loanText(data, now)
    );
  },
  'flavors-full': ({ fullFlavors, withoutHeadroom }) =>
    `Its tenant has headroom on ${fullFlavors}, where no node has room, and none on ${withoutHeadroom}.`,
  'reserved-on-loan': ({ nodes, expectedAtSeconds }, now) =>
    `Room on ${nodes} nodes is kept for it, and expected ${whenText(expectedAtSeconds, now)}; it is not promised, as it needs more than its own quota.`,
  'room-reserved': ({ forJob, startsBySeconds, expectedAtSeconds }, now) =>
    `There is room, but it would still run when ${jobText(forJob)} needs that room, ${whenText(startsBySeconds ?? expectedAtSeconds, now)}.`,
  'room-drained': ({ forJob }) =>
    `There is room, which is kept for ${jobText(forJob)}, that has waited far longer than others.`,
  'no-fit': ({ needPods, nodes, reason = '', refusing, message }) => {
    if (reason !== '') return `None of ${nodes} nodes takes it; ${refusing} of them: ${reason}.`;
    if (nodes === undefined) return 'No set of nodes has room for it now.';
    if (message !== '') return `No room for ${needPods} of its pods at once: ${message}`;
    return `No set of the ${nodes} nodes has room for ${needPods} of its pods at once.`;
  },
  'waiting-for-victims': ({ node, victims, pods }) =>
    `Room is being made${node === '' ? '' : ` on ${node}`}: ${victims === 1 ? '1 pod is' : `${victims} pods are`} leaving${pods === '' ? '' : ` (${pods})`}.`,
  'not-tried': () => 'It will be tried at the next decision.',
  reserved: ({ nodes, startsBySeconds }, now) =>
    `Room on ${Number(nodes) === 1 ? '1 node' : `${nodes} nodes`} is reserved for it: ${startText(Number(startsBySeconds) - now)}`,
  // Of jobs in simulations.
  behind: () => 'Jobs that go before it wait for the room that it needs.',
  'behind-equal-job': ({ job }) =>
    `Job ${job} of the same tenant and size goes before it, and waits for room; it comes next.`,
  impossible: (data) => lackText(data),
  'no-such-model': ({ gpuModels, ofNodes }) =>
    `It may run on the GPU models ${gpuModels} only, and no node has any: those of the nodes are ${ofNodes}.`,
  draining: ({ nodes }) =>
    `It has waited far longer than others: ${nodes} nodes are kept free for it as jobs there end. No run times are known, so its start is not.`,
  'saving-headroom': (data, now) => `Headroom of its tenant is kept for it, ${headroomText(data, now)}.`,
  'headroom-reserved': (data, now) =>
    `Headroom that it would use is kept for ${jobText(data.forJob)}, ${headroomText(data, now)}.`,
};

/** Codes that have a sentence of their own. */
export const REASON_CODES: readonly string[] = Object.keys(SENTENCES);

/** @returns The reason in one sentence; of an unknown code, the code and its figures. */
export function reasonSentence(code: string, data: Data, timeSeconds: number): string {
  if (Object.hasOwn(SENTENCES, code))
    return (SENTENCES[code] as (typeof SENTENCES)[string])(data, timeSeconds);
  const figures = Object.entries(data).map(([name, value]) => `${name} ${value}`);
  return `${code}${figures.length > 0 ? ` (${figures.join(', ')})` : ''}.`;
}

/** Who has what a quota lacks: by tenant where that is known. */
function loanText(data: Data, now: number): string {
  if (data.lentTo !== undefined) {
    const held = `Tenants that hold more than their quotas: ${data.lentTo}`;
    const until = Number(data.protectedUntilSeconds) - now;
    return until > 0 ? `${held}; minRuntime protects their jobs for another ${spanText(until)}.` : `${held}.`;
  }
  const lent = amount(data, 'lent');
  if (/^[1-9]|^0\./.test(lent)) return `Others use ${lent} of its quota.`;
  return 'No other tenant holds more than its quota of what it lacks: its own jobs use that, or other quotas keep it.';
}

/** What the cluster lacks, were it empty. */
function lackText(data: Data): string {
  const most = ['Gpus', 'Cores', 'Gib'].some((unit) => `most${unit}` in data);
  if (most)
    return `Each of its pods needs ${amount(data, 'need')}, and the largest node has ${amount(data, 'most')}.`;
  switch (data.lacks) {
    case undefined:
    case 'nodes for the gang':
      return 'The whole cluster, if it were empty, could not hold it.';
    case 'gpu model or labels':
      return 'No node has the GPU models and labels that it asks for.';
    case 'one node with all of it':
      return 'Nodes have enough of each resource that a pod of it needs, but none has enough of all.';
    default:
      return `No node has as much ${data.lacks} as each of its pods needs.`;
  }
}

function headroomText({ expectedAtSeconds }: Data, now: number): string {
  if (expectedAtSeconds === undefined) return 'until jobs end that hold the rest of it';
  return `for which there is expected to be enough ${whenText(expectedAtSeconds, now)}`;
}

/** An expectation; one that has passed was not met. */
function whenText(atSeconds: number | string | undefined, now: number): string {
  const left = Number(atSeconds) - now;
  return left > 0 ? `in ${spanText(left)}` : 'by now, but a job runs longer than was expected';
}

function startText(left: number): string {
  if (left > 0) return `it starts in ${spanText(left)} at the latest, if run times are as expected.`;
  return 'it was to start by now, but a job there runs longer than was expected.';
}

/** Pods and gangs have a namespace in their name; ids of simulated jobs may be bare numbers. */
function jobText(name: number | string | undefined): string {
  return String(name).includes('/') ? String(name) : `job ${name}`;
}

/** The amount of that name, whatever its resource: `needGpus: 8` is `8 GPUs`. */
function amount(data: Data, name: string): string {
  const units = { Gpus: ['GPU', 'GPUs'], Cores: ['core', 'cores'], Gib: ['GiB', 'GiB'] } as const;
  for (const [suffix, [one, several]] of Object.entries(units)) {
    const value = data[`${name}${suffix}`];
    if (value !== undefined) return `${value} ${Number(value) === 1 ? one : several}`;
  }
  return 'nothing';
}

/** At least a second. */
function spanText(seconds: number): string {
  return durationText(Math.max(1, Math.ceil(seconds)));
}
