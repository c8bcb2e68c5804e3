/**
 * The text of `sacctmgr dump CLUSTER`: accounts below their parents.
 *
 *     Parent - 'root'
 *     Account - 'physics':Description='…':Fairshare=10:GrpTRES=cpu=512,gres/gpu=64:GrpTRESMins=gres/gpu=60000
 *
 * Memory without a unit is in MiB; −1 takes a limit away; the fair share of an account that names none is 1.
 */
import {
  type BudgetSpec,
  marketSpec,
  PREEMPTION_DEFAULTS,
  quotaFlavor,
  tenantSpec,
} from '../../../market/tenants/spec.ts';
import { ANY_FLAVOR, type MigratedTenant, type Migration, withObjectNames } from './migration.ts';
import { badSource, type LostField, type MutableAmounts, type SourceText } from './source-objects.ts';

const LINE = /^(\w+)\s*-\s*'([^']*)'\s*(?::(.*))?$/;
const OPTION = /([\w+-]+?)\+?=('[^']*'|"[^"]*"|[^:]*)(?::|$)/g;
/** Stands for "as its parent" in dumps. */
const FAIRSHARE_PARENT = 2_147_483_647;
const BUDGET_PERIOD_SECONDS = 720 * 3600;
const MEMORY = /^(\d{1,15})([KMGTP]?)$/;
const MEMORY_MIB: Readonly<Record<string, number>> = {
  K: 1 / 1024,
  M: 1,
  '': 1,
  G: 1024,
  T: 1 << 20,
  P: 2 ** 30,
};

interface Account {
  readonly name: string;
  readonly parent: string;
  readonly at: string;
  weight: number;
  readonly limit: MutableAmounts;
  /** Minutes by resource. */
  readonly minutes: { cpu?: number; gpu?: number };
}

/** @throws TegError TEG_CONFIG_INVALID with file, line and value. */
export function migrateSlurm(texts: readonly SourceText[]): Migration {
  const lost: LostField[] = [];
  const accounts = new Map<string, Account>();
  for (const text of texts) readDump(text, accounts, lost);
  const all = [...accounts.values()];
  // One unit for all: a budget is in tokens, and the market has one price list.
  const unit = all.some(({ minutes }) => minutes.gpu !== undefined) ? 'gpu' : 'cpu';
  const isPriced = all.some(({ minutes }) => minutes[unit] !== undefined);
  const unitsPerHour = {
    core: unit === 'cpu' && isPriced ? 1 : 0,
    gib: 0,
    gpu: unit === 'gpu' || !isPriced ? 1 : 0,
  };
  const tenants = all.map((account) => tenantOf(account, unit, lost));
  return {
    market: marketSpec({ flavors: [quotaFlavor(ANY_FLAVOR, { unitsPerHour })] }),
    tenants: withObjectNames(tenants, lost),
    lost,
  };
}

function readDump({ origin, text }: SourceText, accounts: Map<string, Account>, lost: LostField[]): void {
  let parent: string | undefined;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = `${origin}: line ${i + 1}`;
    const [, kind = '', name = '', options = ''] = LINE.exec(line) ?? [];
    if (kind === 'Parent') {
      if (name !== 'root' && !accounts.has(name)) {
        throw badSource(at, 'Parent', name, 'an account of a line before', 'add it, or correct the name');
      }
      parent = name;
    } else if (kind === 'Account' && name !== 'root') {
      if (parent === undefined)
        throw badSource(at, 'Account', name, "a line Parent - '…' before it", 'add it');
      if (accounts.has(name)) throw badSource(at, 'Account', name, 'each account once', 'remove one');
      accounts.set(name, accountOf(name, parent === 'root' ? '' : parent, at, options, lost));
    } else if (['Cluster', 'User', 'QOS', 'Account'].includes(kind)) {
      if (options === '' && kind !== 'User' && kind !== 'QOS') continue;
      lost.push({ at, path: `${kind} '${name}'`, value: options, why: WHY_KIND[kind] as string });
    } else {
      throw badSource(
        at,
        '',
        line.slice(0, 100),
        'a line of sacctmgr dump',
        'remove it, or dump the cluster again',
      );
    }
  }
}

const WHY_KIND: Readonly<Record<string, string>> = {
  Cluster: 'limits of the cluster as a whole are what its nodes have',
  User: 'the economy is of accounts: limits and shares of users are not taken over',
  QOS: 'make a PriorityClass of it if it has a priority; TEG has nothing else like it',
  Account: 'the root is the cluster',
};

function accountOf(name: string, parent: string, at: string, options: string, lost: LostField[]): Account {
  const account: Account = { name, parent, at, weight: 1, limit: {}, minutes: {} };
  if (options.replaceAll(OPTION, '') !== '')
    throw badSource(at, '', options, 'options KEY=VALUE after colons', 'correct it');
  for (const [, key = '', quoted = ''] of options.matchAll(OPTION)) {
    const value = quoted.replace(/^(['"])(.*)\1$/, '$2');
    const name = key.toLowerCase();
    if (name === 'fairshare') account.weight = weightOf(at, key, value, lost);
    else if (name === 'grptres') readTres(at, key, value, (...entry) => addLimit(account, ...entry), lost);
    else if (name === 'grptresmins')
      readTres(at, key, value, (...entry) => addMinutes(account, ...entry), lost);
    else if (name !== 'description' && name !== 'organization') {
      lost.push({ at, path: key, value, why: 'TEG has quotas, limits and budgets of amounts only' });
    } else lost.push({ at, path: key, value, why: 'tenants have no texts' });
  }
  return account;
}

function weightOf(at: string, key: string, value: string, lost: LostField[]): number {
  const isParent = value.toLowerCase() === 'parent' || value === String(FAIRSHARE_PARENT);
  if (isParent) {
    lost.push({
      at,
      path: key,
      value,
      why: 'becomes the weight 1: TEG has no accounts that compete above their own level',
    });
    return 1;
  }
  if (!/^\d{1,9}$/.test(value))
    throw badSource(at, key, value, 'a whole number ≥ 0, or parent', 'correct it');
  return Number(value);
}

/** @returns Whether the resource is known. */
type TakeTres = (at: string, path: string, resource: string, amount: string) => boolean;

function readTres(at: string, key: string, value: string, take: TakeTres, lost: LostField[]): void {
  for (const part of value.split(',').filter((text) => text !== '')) {
    const [resource = '', amount = ''] = part.split('=');
    const path = `${key}.${resource}`;
    if (!/^(-1|\d{1,15}[KMGTP]?)$/.test(amount)) {
      throw badSource(at, path, amount, 'a whole number ≥ 0, or −1', 'correct it');
    }
    if (amount === '-1') continue;
    if (!take(at, path, resource.toLowerCase(), amount)) {
      const why = /^gres\/gpu:/.test(resource)
        ? 'by kind of GPU: declare a flavour and give the limit by hand'
        : 'TEG counts CPU, memory and GPUs only';
      lost.push({ at, path, value: amount, why });
    }
  }
}

function addLimit({ limit }: Account, at: string, path: string, resource: string, amount: string): boolean {
  if (resource === 'mem') {
    const [, digits = '', unit = ''] = MEMORY.exec(amount) ?? [];
    limit.memoryMib = Math.floor(Number(digits) * (MEMORY_MIB[unit] as number));
  } else if (resource === 'cpu') limit.cpuMilli = 1000 * wholeOf(at, path, amount);
  else if (resource === 'gres/gpu') limit.gpuMilli = 1000 * wholeOf(at, path, amount);
  else return false;
  return true;
}

function addMinutes(
  { minutes }: Account,
  at: string,
  path: string,
  resource: string,
  amount: string,
): boolean {
  if (resource === 'cpu') minutes.cpu = wholeOf(at, path, amount);
  else if (resource === 'gres/gpu') minutes.gpu = wholeOf(at, path, amount);
  else return false;
  return true;
}

function wholeOf(at: string, path: string, amount: string): number {
  if (/^\d{1,12}$/.test(amount)) return Number(amount);
  throw badSource(at, path, amount, 'a whole number of at most 12 digits', 'correct it');
}

function tenantOf(
  { name, parent, at, weight, limit, minutes }: Account,
  unit: 'cpu' | 'gpu',
  lost: LostField[],
): MigratedTenant {
  const spent = minutes[unit];
  if (unit === 'gpu' && minutes.cpu !== undefined) {
    const why = 'budgets of this market are in GPU-hours, since an account has one of GPUs';
    lost.push({ at, path: 'GrpTRESMins.cpu', value: minutes.cpu, why });
  }
  if (spent !== undefined) {
    const why =
      'a budget needs a period, which Slurm has elsewhere (PriorityUsageResetPeriod, or decay): 720h was taken';
    lost.push({ at, path: 'GrpTRESMins', value: spent, why });
  }
  const budget: BudgetSpec | undefined =
    spent === undefined
      ? undefined
      : { tokens: spent / 60, periodSeconds: BUDGET_PERIOD_SECONDS, onEmpty: 'Wait' };
  return {
    at,
    spec: tenantSpec(name, {
      ...{ parent, weight },
      limit: Object.keys(limit).length === 0 ? {} : { [ANY_FLAVOR]: limit },
      ...(budget === undefined ? {} : { budget }),
      preemption: { ...PREEMPTION_DEFAULTS, within: 'Never', reclaim: 'Never', minRuntimeSeconds: 0 },
    }),
  };
}
