/**
 * `status` of Tenants, Markets and Accounts, from a frame of the economy.
 *
 * Figures are texts, as Kubernetes has them: quantities, or numbers of at most four digits that count. Every field is there; null
 * removes it where it has no value, for a merge patch leaves alone what it does not name.
 */
import type { JobQuote } from '../../../governor/pods/economy/pod-market.ts';
import type {
  ChampionFrame,
  EconomyFrame,
  FlavorFrame,
  FrameAmounts,
  NamespaceFrame,
  TenantFrame,
  TokensFrame,
  WaitingJobFrame,
} from '../../../governor/pods/frame/economy-frame.ts';
import { secondTime } from '../writes/api-time.ts';

/** A `status`: plain JSON. */
export type StatusObject = Readonly<Record<string, unknown>>;

/** Longest message of a condition, characters. */
const MESSAGE_CHARS_MAX = 1000;

const MILLI = 1000;
const MIB_PER_GIB = 1024;
const NO_TOKENS = { balance: null, reserved: null, available: null, spendPerHour: null };

/** @returns Of a tenant in force; undefined: of one that is not, which has no figures. */
export function tenantStatus(tenant: TenantFrame | undefined): StatusObject {
  if (tenant === undefined) return TENANT_WITHOUT_FIGURES;
  const { flavors, budget, tokens, wouldRefuse } = tenant;
  return {
    ...tokensOf(tokens),
    mintPerHour: tokens === undefined ? null : figure(tokens.mintPerHour),
    quota: columnOf(flavors, 'quota'),
    quotaUsed: columnOf(flavors, 'used'),
    borrowed: columnOf(flavors, 'borrowed'),
    lent: columnOf(flavors, 'lent'),
    flavors: flavors.map(({ flavor, quota, used, borrowed, lent }) => ({
      name: flavor,
      quota: quantities(quota),
      used: quantities(used),
      borrowed: quantities(borrowed),
      lent: quantities(lent),
    })),
    running: tenant.running,
    waiting: tenant.waiting,
    levelShare: figure(tenant.levelShare),
    unitsPerHour: figure(tenant.unitsPerHour),
    budget:
      budget === undefined
        ? null
        : {
            tokens: figure(budget.tokens),
            spent: figure(budget.spent),
            reserved: figure(budget.reserved),
            periodEnds: secondTime(budget.periodEndsAtSeconds),
          },
    wouldRefuse: wouldRefuse?.code ?? null,
  };
}

const TENANT_WITHOUT_FIGURES: StatusObject = {
  ...NO_TOKENS,
  mintPerHour: null,
  quota: null,
  quotaUsed: null,
  borrowed: null,
  lent: null,
  flavors: null,
  running: null,
  waiting: null,
  levelShare: null,
  unitsPerHour: null,
  budget: null,
  wouldRefuse: null,
};

/** @returns Of the market; undefined: there is no economy. */
export function marketStatus(frame: EconomyFrame | undefined): StatusObject {
  if (frame === undefined) {
    return {
      mode: null,
      flavor: null,
      price: null,
      slope: null,
      utilisation: null,
      psi: null,
      supply: null,
      prices: null,
      champion: null,
    };
  }
  const { flavors, champions, mode, psi, ledger } = frame;
  const [champion] = champions;
  const column = (of: (flavor: FlavorFrame) => string): string => flavors.map(of).join(',');
  return {
    mode,
    flavor: column(({ name }) => name),
    price: column(({ price }) => figure(price)),
    slope: column(({ slope }) => figure(slope)),
    utilisation: column(({ utilisation }) => figure(utilisation)),
    psi: figure(psi),
    supply: ledger === undefined ? null : figure(ledger.supply),
    prices: flavors.map(({ name, price, slope, utilisation, capacity, used }) => ({
      flavor: name,
      price: figure(price),
      slope: figure(slope),
      utilisation: figure(utilisation),
      capacity: quantities(capacity),
      used: quantities(used),
    })),
    champion: champion === undefined ? null : championOf(champion),
  };
}

/** @returns Of a namespace; undefined: it has no tenant and no pods any more. @param tenant Its tenant, if it is in force. */
export function accountStatus(
  namespace: NamespaceFrame | undefined,
  tenant: TenantFrame | undefined,
): StatusObject {
  return {
    tenant: namespace?.tenant ?? null,
    problem: namespace?.problem ?? null,
    ...tokensOf(tenant?.tokens),
    running: namespace?.running ?? 0,
    waitingCount: namespace?.waiting ?? 0,
    waiting: namespace?.jobs.map(waitingJob) ?? [],
  };
}

/**
 * @param problem '' if there is none.
 * @param before  The status as it is: the time of the transition is kept while the condition stays.
 * @returns       `conditions` with the condition `Ready`.
 */
export function readyCondition(
  problem: string,
  before: StatusObject | undefined,
  generation: number,
  wallSeconds: number,
): StatusObject {
  const status = problem === '' ? 'True' : 'False';
  const known = (before?.conditions as readonly Readonly<Record<string, unknown>>[] | undefined)?.find(
    ({ type }) => type === 'Ready',
  );
  const isSame = known?.status === status && typeof known.lastTransitionTime === 'string';
  return {
    conditions: [
      {
        type: 'Ready',
        status,
        reason: problem === '' ? 'InForce' : 'Invalid',
        message: problem.slice(0, MESSAGE_CHARS_MAX),
        ...(generation > 0 ? { observedGeneration: generation } : {}),
        lastTransitionTime: isSame ? known.lastTransitionTime : secondTime(wallSeconds),
      },
    ],
  };
}

function championOf({ job, tenant, pods, needs, holdsNodes, startsBySeconds, postponed }: ChampionFrame) {
  return {
    job,
    tenant,
    pods,
    needs: quantities(needs),
    holds: holdsNodes.length,
    startsBy: secondTime(Math.ceil(startsBySeconds)),
    postponed,
  };
}

function waitingJob({ job, pods, needs, reason, startsBySeconds, quote }: WaitingJobFrame, at: number) {
  return {
    job,
    rank: at + 1,
    pods,
    needs: quantities(needs),
    reason: reason.code,
    message: reason.text.slice(0, MESSAGE_CHARS_MAX),
    ...(quote === undefined ? {} : { price: figure(quote.price), ...affordable(quote) }),
    ...(startsBySeconds === undefined ? {} : { startsBy: secondTime(Math.ceil(startsBySeconds)) }),
  };
}

/** Nothing for what can be paid now, or never out of a balance. */
function affordable({ affordableAtSeconds, isAffordable }: JobQuote): StatusObject {
  if (isAffordable || affordableAtSeconds === Number.POSITIVE_INFINITY) return {};
  return { affordableAt: secondTime(Math.ceil(affordableAtSeconds)) };
}

function tokensOf(tokens: TokensFrame | undefined) {
  if (tokens === undefined) return NO_TOKENS;
  const { balance, reserved, available, spendPerHour } = tokens;
  return {
    balance: figure(balance),
    reserved: figure(reserved),
    available: figure(available),
    spendPerHour: figure(spendPerHour),
  };
}

/** GPUs by flavour, or cores where the tenant has quotas of cores alone: `16`, or `h100:16,a100:8` of several flavours. */
function columnOf(flavors: TenantFrame['flavors'], field: 'quota' | 'used' | 'borrowed' | 'lent'): string {
  const hasGpus = flavors.some(({ quota, used }) => quota.gpuMilli + used.gpuMilli > 0);
  const resource = hasGpus ? 'gpuMilli' : 'cpuMilli';
  const isShown = ({ quota, used }: TenantFrame['flavors'][number]) => quota[resource] + used[resource] > 0;
  const shown = flavors.filter(isShown);
  if (shown.length === 0) return '0';
  const text = (amounts: FrameAmounts): string => milliText(amounts[resource]) + (hasGpus ? '' : ' cpu');
  if (flavors.length === 1) return text((shown[0] as TenantFrame['flavors'][number])[field]);
  return shown.map((each) => `${each.flavor}:${text(each[field])}`).join(',');
}

/** Without resources of which there are none. */
function quantities({ cpuMilli, memoryMib, gpuMilli }: FrameAmounts): Readonly<Record<string, string>> {
  return {
    ...(gpuMilli === 0 ? {} : { 'nvidia.com/gpu': milliText(gpuMilli) }),
    ...(cpuMilli === 0 ? {} : { cpu: milliText(cpuMilli) }),
    ...(memoryMib === 0 ? {} : { memory: memoryText(memoryMib) }),
  };
}

function milliText(milli: number): string {
  return milli % MILLI === 0 ? `${milli / MILLI}` : `${milli}m`;
}

function memoryText(mib: number): string {
  return mib % MIB_PER_GIB === 0 ? `${mib / MIB_PER_GIB}Gi` : `${mib}Mi`;
}

/** Four digits that count; whole numbers as they are. */
function figure(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(4))}`;
}
