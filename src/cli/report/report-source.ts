/**
 * The data of a report, and the views that its parts share: the report's policy, the runs that count, and that policy
 * against each other one.
 */
import { availableParallelism, cpus } from 'node:os';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import type { ComparedMetric, ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import { formatDuration } from '../terminal/formatting.ts';
import type { DecisionCost } from './decision-file.ts';

/** Everything a report shows. */
export interface ReportSource {
  readonly result: ComparisonResult;
  /** Command line that reproduces the figures. */
  readonly command: string;
  /** Time of the report, for people. */
  readonly madeAt: string;
  /** Of TEG. */
  readonly version: string;
  /** The machine; only decision costs depend on it. */
  readonly machine: string;
  /** Decision cost against the size of the cluster, where it was measured. */
  readonly decisions?: readonly DecisionCost[];
}

/** The subject of the report against one other policy. */
export interface Duel {
  readonly other: string;
  /** Of each the first policy is the subject, with its difference to the second, `other`. */
  readonly metrics: readonly ComparedMetric[];
}

/** @returns The policy that the report is about: TEG if it took part, else the first. */
export function subjectOf(result: ComparisonResult): string {
  return result.policies.find((policy) => policy === 'teg') ?? (result.policies[0] as string);
}

/** @returns The only run of a report, if it was stopped before its end: its figures are valid up to then. */
export function stoppedRun(result: ComparisonResult): SimulationResult | undefined {
  const [run] = result.runs;
  const isOnly = result.policies.length === 1 && result.seeds.length === 1 && result.metrics.length > 0;
  return isOnly && run?.complete === false ? run : undefined;
}

/**
 * @returns The runs of a policy whose figures count, in the order of the seeds: those that reached their end, and the
 *   only run of a report even if it was stopped.
 */
export function countedRuns(result: ComparisonResult, policy: string): SimulationResult[] {
  const stopped = stoppedRun(result);
  return result.runs.filter((run) => run.policy === policy && (run.complete || run === stopped));
}

/** @returns The extent of a partial report, as a sentence; undefined if all its runs reached their end. */
export function partialText(result: ComparisonResult): string | undefined {
  if (result.complete) return undefined;
  const stopped = stoppedRun(result);
  if (stopped !== undefined) {
    const at = formatDuration(stopped.endSeconds);
    return `The run was stopped before its end, at virtual time ${at}. The figures are up to then.`;
  }
  const planned = result.policies.length * result.seeds.length;
  const ended = result.runs.filter((run) => run.complete).length;
  const latest = Math.max(0, ...result.runs.filter((run) => !run.complete).map((run) => run.endSeconds));
  const at = latest > 0 ? `, the others at virtual time ${formatDuration(latest)} at the latest` : '';
  return `Stopped before all runs had ended: ${ended} of ${planned} reached their end${at}. Only these count.`;
}

/** @returns The subject against every other policy, each paired by seed. */
export function duelsOf(result: ComparisonResult): Duel[] {
  const subject = subjectOf(result);
  return result.policies
    .filter((policy) => policy !== subject)
    .map((other) => {
      const policies = [subject, other];
      const runs = policies.map((policy) =>
        result.seeds.map((seed) => result.runs.find((run) => run.policy === policy && run.seed === seed)),
      );
      const { metrics } = compareRuns({
        policies,
        seeds: result.seeds,
        baseline: other,
        runs,
        level: result.level,
      });
      return { other, metrics };
    });
}

/**
 * @returns A single run in the shape of a comparison, so that one report serves both. A run that was stopped keeps
 *   its figures, and the comparison says that it is partial.
 */
export function comparisonOf(run: SimulationResult): ComparisonResult {
  const compared = compareRuns({
    policies: [run.policy],
    seeds: [run.seed],
    baseline: run.policy,
    runs: [[{ ...run, complete: true }]],
  });
  // Where a run was stopped, the time of completion is unknown.
  const metrics = compared.metrics.filter(({ metric }) => run.complete || metric !== 'endSeconds');
  return { ...compared, complete: run.complete, notes: [], metrics, runs: [run] };
}

/** @returns The main resource of the cluster: GPUs where it has any. */
export function resourceOf(result: ComparisonResult): 'gpu' | 'cpu' {
  return (result.runs[0]?.cluster.gpus ?? 0) > 0 ? 'gpu' : 'cpu';
}

/** @returns A policy's name in prose. */
export function policyName(policy: string): string {
  return policy === 'teg' ? 'TEG' : policy;
}

/** @returns This machine in a few words. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${model}, ${availableParallelism()} threads, Node.js ${process.versions.node}`;
}
