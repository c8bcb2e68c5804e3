/** Watches one job through a run and keeps the policy's reasons for it: the contents of `--explain`. */

import type { Explanation } from '../../governor/policy/policy.ts';
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import { EffectKind, REASON_NAMES } from '../../governor/zone/zone-events.ts';
import { counted } from '../../kernel/counted.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { ObservedPolicy, WatchedChoice } from '../metrics/observed-policy.ts';
import type { SimulationResult } from '../metrics/result.ts';

type WatchedJob = NonNullable<SimulationResult['explained']>;

/** Most pods of the job whose reasons are kept. */
const PODS_MAX = 16;

/** Most turns in the job's life that are kept; a job on failing nodes may have very many. */
const TURNS_MAX = 200;

/** Watches one job. */
export class JobWatch {
  readonly job: number;
  private readonly table: JobTable;
  private readonly cluster: ClusterState;
  private readonly policy: ObservedPolicy;
  private readonly turns: WatchedJob['turns'] = [];
  /** Why the job waits, in the decider's words. */
  private reason = '';

  /** @param job Index in the table. */
  constructor(job: number, table: JobTable, cluster: ClusterState, policy: ObservedPolicy) {
    this.job = job;
    this.table = table;
    this.cluster = cluster;
    this.policy = policy;
  }

  /** The job is about to be submitted: from now on the reasons of choices for its demand are kept. */
  aboutToArrive(now: number): void {
    const demand = this.table.demandOf(this.job);
    this.policy.watched = demand;
    this.addTurn({
      atSeconds: now,
      what: 'arrived',
      detail: '',
      choices: [toPlain(this.policy.explain(demand))],
      pods: [],
    });
  }

  /** The explanation of a decider other than the policy, before its first decision on the job. */
  explained(explanation: Explanation): void {
    const arrival = this.turns.find(({ what }) => what === 'arrived');
    if (arrival !== undefined) arrival.choices = [toPlain(explanation)];
  }

  /** Why the job waits after a step, as text that replaces the reason's name. */
  waitsBecause(reason: string): void {
    this.reason = reason;
  }

  /** Reads the effects of a step, then drops the reasons that were kept during it. */
  afterStep(effects: EffectBuffer, now: number): void {
    for (let i = 0; i < effects.length; i++) {
      if (effects.jobs[i] !== this.job) continue;
      if (effects.kinds[i] === EffectKind.JobStarted) this.started(effects, i, now);
      else this.moved(effects, i, now);
    }
    this.policy.watchedChoices.length = 0;
  }

  /** @returns The recorded life. */
  result(): WatchedJob {
    const { table, job } = this;
    const { id: _id, extended, ...demand } = table.demandOf(job);
    return {
      job: table.idOf(job),
      submitSeconds: table.submitSeconds[job] as number,
      podCount: table.podCounts[job] as number,
      gangMin: table.gangMins[job] as number,
      demand: { ...demand, extended: [...extended] },
      turns: this.turns,
    };
  }

  /** @param at Of the JobStarted among the effects; the PodPlaced entries of its pods come right before it. */
  private started(effects: EffectBuffer, at: number, now: number): void {
    const count = effects.counts[at] as number;
    const nodes = Array.from(effects.nodes.subarray(at - count, at));
    const pods = nodes.slice(0, PODS_MAX).map((node, i) => ({
      member: effects.members[at - count + i] as number,
      node: this.cluster.names[node] as string,
      gpus: bitNumbers(effects.gpuMasks[at - count + i] as number),
    }));
    const detail = counted(count, 'pod');
    const choices = lastRunOf(this.policy.watchedChoices, nodes).slice(0, PODS_MAX);
    const reasons = choices.map((choice) => toPlain(choice.explanation));
    this.addTurn({ atSeconds: now, what: 'started', detail, choices: reasons, pods });
  }

  private moved(effects: EffectBuffer, at: number, now: number): void {
    const what = TURN_NAMES[effects.kinds[at] as number];
    if (what === undefined) return;
    const name = REASON_NAMES[effects.reasons[at] as number] as string;
    const detail = what === 'waits' && this.reason !== '' ? this.reason : name;
    this.addTurn({ atSeconds: now, what, detail, choices: [], pods: [] });
    if (what !== 'waits' && what !== 'requeued' && what !== 'released') this.policy.watched = undefined;
  }

  private addTurn(turn: WatchedJob['turns'][number]): void {
    if (this.turns.length < TURNS_MAX) this.turns.push(turn);
  }
}

const TURN_NAMES: Readonly<Record<number, WatchedJob['turns'][number]['what'] | undefined>> = {
  [EffectKind.JobWaiting]: 'waits',
  [EffectKind.JobDropped]: 'dropped',
  [EffectKind.JobReleased]: 'released',
  [EffectKind.JobRequeued]: 'requeued',
  [EffectKind.JobFailed]: 'failed',
};

/**
 * The choices that led to these nodes: the last run of choices that equals them. Other runs in the same step belong to
 * equal jobs, or to attempts that were taken back.
 */
function lastRunOf(choices: readonly WatchedChoice[], nodes: readonly number[]): readonly WatchedChoice[] {
  for (let from = choices.length - nodes.length; from >= 0; from--) {
    if (nodes.every((node, i) => choices[from + i]?.node === node))
      return choices.slice(from, from + nodes.length);
  }
  return [];
}

/** @returns The numbers of the bits that are set. */
function bitNumbers(mask: number): number[] {
  const numbers: number[] = [];
  for (let left = mask; left !== 0; left &= left - 1) numbers.push(31 - Math.clz32(left & -left));
  return numbers;
}

/** An explanation without numbers that JSON lacks. */
function toPlain(explanation: Explanation): WatchedJob['turns'][number]['choices'][number] {
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return {
    policy: explanation.policy,
    node: explanation.node,
    better: explanation.better,
    candidates: explanation.candidates.map((candidate) => ({
      label: candidate.label,
      nodes: candidate.nodes,
      value: finite(candidate.value),
      parts: Object.fromEntries(
        Object.entries(candidate.parts).map(([name, value]) => [name, finite(value)]),
      ),
    })),
    lacking: { ...explanation.lacking },
  };
}
