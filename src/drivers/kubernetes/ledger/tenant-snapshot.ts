/**
 * The ledger's part of a tenant as `Tenant.status.snapshot`: what the next leader goes on from without a file.
 *
 * It is written with the status that it stands in, never alone, so it is as old as the last change of a figure by more than 1 %: a
 * balance is within that of the one that was lost, but for what came since the last write. One that was edited, lies in the future or is
 * out of bounds is refused with its path.
 */
import { createHash } from 'node:crypto';
import type { EconomyFrame, TenantFrame } from '../../../governor/pods/frame/economy-frame.ts';
import type { SpentBudgets } from '../../../market/tenants/tenant-budgets.ts';
import { isRecord } from '../../../model/readers/read-object.ts';
import { microTimeText } from '../writes/api-time.ts';

/** Longest snapshot as JSON, bytes. */
export const SNAPSHOT_BYTES_MAX = 384;
/** How far a snapshot's time may lie ahead, as clocks of machines differ; seconds. */
export const SNAPSHOT_AHEAD_SECONDS_MAX = 60;

const MICROS = 1e6;

/** A snapshot in its API form. Amounts are whole micro-tokens ≥ 0. */
export interface TenantSnapshot {
  /** Of the ledger. */
  readonly time: string;
  /** Fencing token of the leader; 0 without an election. */
  readonly term: number;
  /** Of the ledger's last transfer. Null, as the next two: there are no tokens; a merge patch removes it then. */
  readonly sequence: number | null;
  /** What is set aside included. */
  readonly balance: number | null;
  readonly reserved: number | null;
  /** Of the budget in its period; null, as the next one: there is none. */
  readonly spent: number | null;
  /** End of that period, seconds since 1970. */
  readonly periodEnds: number | null;
  /** Digest of the other fields and the tenant's name. */
  readonly check: string;
}

/** @returns Undefined: the tenant has neither tokens nor a budget. */
export function snapshotOf(
  { name, tokens, budget }: TenantFrame,
  { timeSeconds, ledger }: EconomyFrame,
  term: number,
): TenantSnapshot | undefined {
  if (tokens === undefined && budget === undefined) return undefined;
  const fields = {
    time: microTimeText(timeSeconds),
    term,
    sequence: ledger === undefined ? null : Math.max(0, ledger.sequence),
    // Debts are forgotten, as by a ledger in a file.
    balance: tokens === undefined ? null : microsOf(tokens.balance),
    reserved: tokens === undefined ? null : Math.min(microsOf(tokens.reserved), microsOf(tokens.balance)),
    spent: budget === undefined ? null : microsOf(budget.spent),
    periodEnds: budget === undefined ? null : budget.periodEndsAtSeconds,
  };
  return { ...fields, check: checkOf(name, fields) };
}

/** What snapshots say together. */
export interface ReadSnapshots {
  /** Micro-tokens by tenant. */
  readonly balances: Readonly<Record<string, number>>;
  readonly spent: SpentBudgets;
  /** Ages of those that are used, seconds; 0 without any. */
  readonly oldestSeconds: number;
  readonly newestSeconds: number;
  /** What is wrong with the others, with their paths. */
  readonly refused: readonly string[];
  /** Tenants without one. */
  readonly missing: number;
}

/** Reads the snapshots of all tenants. @param statuses Of the API server, by tenant. */
export function readSnapshots(
  statuses: Iterable<{ readonly name: string; readonly status: Readonly<Record<string, unknown>> }>,
  nowSeconds: number,
): ReadSnapshots {
  const balances: [string, number][] = [];
  const spent: [string, SpentBudgets[string]][] = [];
  const ages: number[] = [];
  const refused: string[] = [];
  let missing = 0;
  for (const { name, status } of statuses) {
    const snapshot = status.snapshot ?? undefined;
    if (snapshot === undefined) {
      missing++;
      continue;
    }
    const problem = snapshotProblem(name, snapshot, nowSeconds);
    if (problem !== '') {
      refused.push(`Tenant ${name}: status.snapshot${problem}: ignored`);
      continue;
    }
    const { time, balance, spent: used, periodEnds } = snapshot as TenantSnapshot;
    ages.push(Math.max(0, nowSeconds - Date.parse(time) / 1000));
    if (typeof balance === 'number') balances.push([name, balance]);
    if (typeof used === 'number')
      spent.push([name, { tokens: used / MICROS, periodEndsSeconds: periodEnds ?? 0 }]);
  }
  return {
    balances: Object.fromEntries(balances),
    spent: Object.fromEntries(spent),
    oldestSeconds: ages.length === 0 ? 0 : Math.max(...ages),
    newestSeconds: ages.length === 0 ? 0 : Math.min(...ages),
    ...{ refused, missing },
  };
}

/** @returns '' if it can be used; else the path within it, what was received and what was expected. */
export function snapshotProblem(name: string, value: unknown, nowSeconds: number): string {
  if (!isRecord(value)) return `: got ${shown(value)}, expected an object`;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > SNAPSHOT_BYTES_MAX) return `: got ${bytes} bytes, expected at most ${SNAPSHOT_BYTES_MAX}`;
  const snapshot = value as unknown as TenantSnapshot;
  for (const field of ['term', 'sequence', 'balance', 'reserved', 'spent', 'periodEnds']) {
    const got = value[field] ?? (field === 'term' ? undefined : 0);
    if (!Number.isSafeInteger(got) || (got as number) < 0) {
      return `.${field}: got ${shown(got)}, expected a whole number of at least 0`;
    }
  }
  if ((snapshot.reserved ?? 0) > (snapshot.balance ?? 0)) {
    return `.reserved: got ${snapshot.reserved}, expected at most the balance of ${snapshot.balance}`;
  }
  const seconds = typeof snapshot.time === 'string' ? Date.parse(snapshot.time) / 1000 : Number.NaN;
  if (Number.isNaN(seconds))
    return `.time: got ${shown(snapshot.time)}, expected a time such as 2026-01-31T12:00:00Z`;
  if (seconds > nowSeconds + SNAPSHOT_AHEAD_SECONDS_MAX) {
    return `.time: got ${snapshot.time}, expected at most ${microTimeText(nowSeconds)}: it lies in the future`;
  }
  const check = checkOf(name, snapshot);
  if (snapshot.check !== check) {
    return `.check: got ${shown(snapshot.check)}, expected '${check}': it was not written by TEG as it is`;
  }
  return '';
}

function checkOf(name: string, fields: Omit<TenantSnapshot, 'check'>): string {
  const { time, term, sequence, balance, reserved, spent, periodEnds } = fields;
  const amounts = [sequence, balance, reserved, spent, periodEnds].map((amount) => amount ?? null);
  const text = JSON.stringify([name, time, term, ...amounts]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function microsOf(tokens: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(MICROS * tokens)));
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}
