/** Why a job waits, in one sentence: what is true of it, with its figures, and what ends it where that is known. */
import type { WaitingJob } from '../../simulation/metrics/waiting-report.ts';
import { formatCount, formatDuration } from '../terminal/formatting.ts';

type Data = WaitingJob['data'];

/** Sentences by code of the reason. @param atSeconds The time at which it is said. */
const SENTENCES: Readonly<Record<string, (data: Data, atSeconds: number) => string>> = {
  'no-fit': () => 'No set of nodes has room for it now.',
  behind: () => 'Jobs that go before it wait for the room that it needs.',
  impossible: () => 'The whole cluster, if it were empty, could not hold it.',
  'behind-equal-job': (data) =>
    `Job ${data.job} of the same tenant and size goes before it, and waits for room; it comes next.`,
  reserved: (data, at) =>
    `Room on ${formatCount(Number(data.nodes))} nodes is reserved for it: it starts in ${startIn(data, at)} at the latest, if run times are as expected.`,
  'room-reserved': (data, at) =>
    `There is room for it, but it would still run when job ${data.forJob} needs that room, in ${startIn(data, at)}.`,
  draining: (data) =>
    `It has waited far longer than others: ${formatCount(Number(data.nodes))} nodes are kept free for it as jobs there end. No run times are known, so its start is not.`,
  'room-drained': (data) =>
    `There is room for it, which is kept for job ${data.forJob}, that has waited far longer than others.`,
  'saving-headroom': (data, at) => `Headroom of its tenant is kept for it, ${headroomIn(data, at)}.`,
  'headroom-reserved': (data, at) =>
    `Headroom that it would use is kept for job ${data.forJob}, ${headroomIn(data, at)}.`,
  'tenant-held': (data) => `Tenant ${data.tenant} is in state ${data.state}: none of its jobs may start.`,
  'budget-empty': (data, at) =>
    `Tenant ${data.tenant} has spent ${data.spentTokens} and set aside ${data.reservedTokens} of its ${data.budgetTokens} tokens; the next period begins in ${formatDuration(Math.max(0, Number(data.periodEndsAtSeconds) - at))}.`,
  'limit-exceeded': (data) =>
    `It needs ${amount(data, 'need')} of ${data.flavor}, and tenant ${data.tenant} may never hold more than ${amount(data, 'limit')}.`,
  'limit-reached': (data) =>
    `Tenant ${data.tenant} may hold ${amount(data, 'limit')} of ${data.flavor}, holds ${amount(data, 'held')}, and the job needs ${amount(data, 'need')}.`,
  'quota-used-up': (data) =>
    `Tenant ${data.tenant} has ${amount(data, 'available')} of ${data.flavor} left of its quota of ${amount(data, 'quota')} and what others lend, and the job needs ${amount(data, 'need')}; lent of its quota: ${amount(data, 'lent')}.`,
  'flavors-full': (data) =>
    `Its tenant has headroom on ${data.fullFlavors}, where no node has room, and none on ${data.withoutHeadroom}.`,
};

/** @returns The reason in a sentence; for an unknown code, the code and its figures. */
export function waitSentence(code: string, data: Data, atSeconds: number): string {
  const sentence = SENTENCES[code];
  if (sentence !== undefined) return sentence(data, atSeconds);
  const figures = Object.entries(data).map(([name, value]) => `${name} ${value}`);
  return `${code}${figures.length > 0 ? ` (${figures.join(', ')})` : ''}.`;
}

function headroomIn(data: Data, atSeconds: number): string {
  if (data.expectedAtSeconds === undefined) return 'until jobs end that hold the rest of it';
  const seconds = Math.max(0, Number(data.expectedAtSeconds) - atSeconds);
  return `for which there is expected to be enough in ${formatDuration(seconds)}`;
}

function startIn(data: Data, atSeconds: number): string {
  return formatDuration(Math.max(0, Number(data.startsBySeconds) - atSeconds));
}

/** The amount of that name, whatever its resource: `needGpus: 8` is `8 GPUs`, `needGpus: 1` is `1 GPU`. */
function amount(data: Data, name: string): string {
  const units = { Gpus: ['GPU', 'GPUs'], Cores: ['core', 'cores'], Gib: ['GiB', 'GiB'] } as const;
  for (const [suffix, [one, several]] of Object.entries(units)) {
    const value = data[`${name}${suffix}`];
    if (value !== undefined) return `${value} ${Number(value) === 1 ? one : several}`;
  }
  return 'nothing';
}
