/** Totals of many seeds: the same for any order and any number of threads. */
import { FAULT_KINDS, type FaultKind } from './fault-counts.ts';
import type { VoprFailure, VoprOutcome } from './vopr-run.ts';

/** Failures that are reported one by one; the rest is only counted. */
const FAILURES_MAX = 1000;

/** Results of some seeds. Plain data. */
export interface VoprTotals {
  /** Seeds run. */
  seeds: number;
  /** Events of all seeds, those of the quiet stretches included. */
  events: number;
  jobs: number;
  /** Starts of jobs. */
  starts: number;
  /** Jobs that waited in the end although they fitted somewhere, where no summary could show it. */
  hiddenJobs: number;
  /** Longest time until all goals were reached, as a share of the bound. */
  settledShareMax: number;
  faults: Record<FaultKind, number>;
  /** Seeds that failed. */
  failed: number;
  /** The first of them, by seed, and the first of each kind. */
  failures: VoprFailure[];
}

/** @returns Nothing. */
export function emptyTotals(): VoprTotals {
  return {
    seeds: 0,
    events: 0,
    jobs: 0,
    starts: 0,
    hiddenJobs: 0,
    settledShareMax: 0,
    faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>,
    failed: 0,
    failures: [],
  };
}

/** Adds one seed. */
export function addOutcome(totals: VoprTotals, outcome: VoprOutcome): void {
  const { events, jobs, starts, hiddenJobs, settledShare, faults, failure } = outcome;
  addTotals(totals, {
    seeds: 1,
    events,
    jobs,
    starts,
    hiddenJobs,
    settledShareMax: settledShare,
    faults,
    failed: failure === undefined ? 0 : 1,
    failures: failure === undefined ? [] : [failure],
  });
}

/** Adds further seeds. */
export function addTotals(totals: VoprTotals, more: VoprTotals): void {
  totals.seeds += more.seeds;
  totals.events += more.events;
  totals.jobs += more.jobs;
  totals.starts += more.starts;
  totals.hiddenJobs += more.hiddenJobs;
  totals.settledShareMax = Math.max(totals.settledShareMax, more.settledShareMax);
  for (const kind of FAULT_KINDS) totals.faults[kind] += more.faults[kind];
  totals.failed += more.failed;
  totals.failures = kept([...totals.failures, ...more.failures].sort((a, b) => a.seed - b.seed));
}

/** The first failures, and the first of each kind: the worst kind decides the exit code, however late it comes. */
function kept(failures: readonly VoprFailure[]): VoprFailure[] {
  const first = failures.slice(0, FAILURES_MAX);
  const kinds = new Set(first.map(({ kind }) => kind));
  for (const failure of failures.slice(FAILURES_MAX)) {
    if (kinds.has(failure.kind)) continue;
    kinds.add(failure.kind);
    first.push(failure);
  }
  return first;
}
