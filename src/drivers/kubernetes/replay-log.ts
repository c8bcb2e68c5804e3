/**
 * Repeats the decisions of a log on a fresh pod scheduler, and compares step by step.
 */
import { createConstraints } from '../../governor/pods/constraints/cluster-constraints.ts';
import type { PodExplanation } from '../../governor/pods/explain/explain-types.ts';
import { digestOf } from '../../governor/pods/log/pod-effects-digest.ts';
import { PodLogReader } from '../../governor/pods/log/pod-log.ts';
import type { PodEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { TegError } from '../../model/errors.ts';
import { readLog } from './log-lines.ts';
import { type HistoryEntry, PodHistory } from './pod-history.ts';

/** How to replay. */
export interface ReplayOptions {
  /** `namespace/name` of a pod whose history is to be reported. */
  readonly explain?: string;
  /** Steps after which to stop; default: all of them. */
  readonly stepsMax?: number;
  /** Called from time to time with the number of repeated steps. */
  readonly onProgress?: (steps: number) => void;
  /** Polled from time to time; true ends the replay. */
  readonly shouldStop?: () => boolean;
}

/** The first step that differed. */
export interface ReplayDifference {
  readonly step: number;
  /** Line of the file, from 1. */
  readonly line: number;
  readonly timeSeconds: number;
  readonly event: PodEvent;
  /** Digests of all effects so far; `replayed` null: the core failed. */
  readonly recordedDigest: number;
  readonly replayedDigest: number | null;
  /** Null: the log has only the digest. */
  readonly recorded: readonly PodEffect[] | null;
  readonly replayed: readonly PodEffect[] | null;
  /** The core's error; '' if there was none. */
  readonly failure: string;
}

/** The result of a replay. JSON. */
export interface PodReplayResult {
  readonly steps: number;
  /** Steps that the log has a digest of. */
  readonly compared: number;
  readonly identical: boolean;
  readonly difference: ReplayDifference | null;
  readonly decisions: number;
  readonly binds: number;
  readonly unschedulable: number;
  readonly evictions: number;
  readonly gangsReleased: number;
  /** Time of the first and of the last step; 0 without steps. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Version of TEG that wrote the log. */
  readonly madeBy: string;
  /** How the log ends: `complete`, why recording ended early, or `cut off` (the writer was killed). */
  readonly end: string;
  /** The core's error, at a step at which the recorded one had failed as well; '' if there is none. */
  readonly failure: string;
  /** Present if a pod was requested; its explanation is as of the last step, null if the pod is then unknown. */
  readonly pod: {
    readonly pod: string;
    readonly history: readonly HistoryEntry[];
    readonly omitted: number;
    readonly explanation: PodExplanation | null;
  } | null;
}

/** Steps between two calls of `shouldStop`. */
const STEPS_PER_LOOK = 1024;

/**
 * Replays a log.
 *
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT, TEG_LOG_INVALID; TEG_POD_UNKNOWN if the pod to be explained is
 *         not in it.
 */
export async function replayLog(path: string, options: ReplayOptions = {}): Promise<PodReplayResult> {
  const reader = new PodLogReader();
  const run = new ReplayRun(options.explain);
  for await (const logged of readLog(path, reader)) {
    if (logged.step >= (options.stepsMax ?? Number.POSITIVE_INFINITY)) break;
    run.scheduler ??= new PodScheduler(
      reader.options as NonNullable<PodLogReader['options']>,
      createConstraints(),
    );
    const goesOn = run.take(logged);
    if (logged.step % STEPS_PER_LOOK === 0) {
      options.onProgress?.(logged.step);
      if (options.shouldStop?.()) throw new TegError('TEG_INTERRUPTED', `stopped after ${logged.step} steps`);
    }
    if (!goesOn) break;
  }
  return run.result(reader);
}

/** Counters and the first difference. */
class ReplayRun {
  scheduler: PodScheduler | undefined;
  private readonly history: PodHistory | undefined;
  private readonly pod: string;
  private digest = 0;
  private compared = 0;
  private steps = 0;
  private fromSeconds = 0;
  private toSeconds = 0;
  private difference: ReplayDifference | null = null;
  private failure = '';
  private readonly counts = {
    decide: 0,
    bind: 0,
    unschedulable: 0,
    evict: 0,
    nominate: 0,
    'gang-release': 0,
  };

  constructor(pod: string | undefined) {
    this.pod = pod ?? '';
    const slash = this.pod.indexOf('/');
    if (pod !== undefined) this.history = new PodHistory(pod.slice(0, slash), pod.slice(slash + 1));
  }

  /** @returns True to continue. */
  take(logged: {
    readonly step: number;
    readonly line: number;
    readonly timeSeconds: number;
    readonly event: PodEvent;
    readonly digest: number | undefined;
    readonly effects: readonly PodEffect[] | undefined;
  }): boolean {
    const { step, line, timeSeconds, event } = logged;
    if (this.steps++ === 0) this.fromSeconds = timeSeconds;
    this.toSeconds = timeSeconds;
    let effects: readonly PodEffect[] | null = null;
    let failure = '';
    try {
      effects = (this.scheduler as PodScheduler).step(event, timeSeconds);
    } catch (error) {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    if (effects !== null) this.count(event, effects);
    this.history?.take(step, timeSeconds, event, effects ?? []);
    if (logged.digest === undefined) {
      this.failure = failure;
      return failure === '';
    }
    this.compared++;
    this.digest = effects === null ? -1 : digestOf(effects, this.digest);
    if (this.digest === logged.digest) return true;
    this.difference = {
      step,
      line,
      timeSeconds,
      event,
      recordedDigest: logged.digest,
      replayedDigest: effects === null ? null : this.digest,
      recorded: logged.effects ?? null,
      replayed: effects,
      failure,
    };
    return false;
  }

  /** @throws TegError TEG_POD_UNKNOWN. */
  result(reader: PodLogReader): PodReplayResult {
    const { counts, difference, history } = this;
    if (history !== undefined && history.uid === '') {
      throw new TegError(
        'TEG_POD_UNKNOWN',
        `got the pod '${this.pod}', expected one of the log; check its name`,
      );
    }
    return {
      steps: this.steps,
      compared: this.compared,
      identical: difference === null,
      difference,
      decisions: counts.decide,
      binds: counts.bind,
      unschedulable: counts.unschedulable,
      evictions: counts.evict,
      gangsReleased: counts['gang-release'],
      fromSeconds: this.fromSeconds,
      toSeconds: this.toSeconds,
      madeBy: reader.madeBy,
      end: reader.end ?? 'cut off',
      failure: this.failure,
      pod:
        history === undefined
          ? null
          : {
              pod: this.pod,
              history: history.entries,
              omitted: history.omitted,
              explanation: this.scheduler?.explain(history.uid) ?? null,
            },
    };
  }

  private count(event: PodEvent, effects: readonly PodEffect[]): void {
    if (event.kind === 'decide') this.counts.decide++;
    for (const { kind } of effects) this.counts[kind]++;
  }
}
