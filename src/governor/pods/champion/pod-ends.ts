/**
 * When pods are expected to end: what they declare, else the last two runs of the same owner, else their tenant's default.
 *
 * The owner is the pod's tenant key (namespace, label): Jobs have new names with every run. Pods that we or others delete
 * teach nothing.
 */
import { correctedRunSeconds } from '../../../market/runtimes/runtime-estimates.ts';
import { RuntimePredictor } from '../../../market/runtimes/runtime-predictor.ts';
import { isLeaving, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import { OrderedEnds } from './ordered-ends.ts';

/** Seconds until a pod that is being deleted is gone: Kubernetes' usual grace period. */
export const GRACE_SECONDS = 30;

/** Owners whose last runs are remembered; all are forgotten when there are more. */
export const OWNERS_MAX = 65_536;

/** Expected ends of one scheduler's pods. */
export class PodEnds {
  private readonly state: SchedulerState;
  private predictor = new RuntimePredictor(OWNERS_MAX);
  /** By tenant key: its number with the predictor. */
  private readonly owners = new Map<string, number>();

  constructor(state: SchedulerState) {
    this.state = state;
  }

  /** @returns How long a pod that waits is expected to run, seconds; Infinity: unknown. O(1). */
  expectedRun(pod: PodRecord): number {
    if (!Number.isNaN(pod.expectedSeconds)) return pod.expectedSeconds;
    const predicted = this.predict(pod);
    return Number.isNaN(predicted) ? this.defaultOf(pod) : predicted;
  }

  /** @returns When a pod on a node is expected to end, not before now; Infinity: unknown. O(1). */
  endOf(pod: PodRecord): number {
    const { timeSeconds: now } = this.state;
    if (isLeaving(pod)) return now + GRACE_SECONDS;
    const start = this.startOf(pod);
    if (!Number.isNaN(pod.expectedSeconds)) return Math.max(start + pod.expectedSeconds, now);
    const predicted = this.predict(pod);
    if (Number.isNaN(predicted)) return Math.max(start + this.defaultOf(pod), now);
    return Math.max(start + correctedRunSeconds(predicted, now - start, Number.POSITIVE_INFINITY), now);
  }

  /** A pod on a node has ended on its own. */
  ended(pod: PodRecord): void {
    const runSeconds = this.state.timeSeconds - this.startOf(pod);
    if (runSeconds < 0 || isLeaving(pod)) return;
    const name = this.state.tenants.nameOf(pod.tenant);
    if (this.owners.size >= OWNERS_MAX && !this.owners.has(name)) {
      this.owners.clear();
      this.predictor = new RuntimePredictor(OWNERS_MAX);
    }
    const owner = this.owners.get(name) ?? this.owners.size;
    this.owners.set(name, owner);
    this.predictor.ended(owner, runSeconds);
  }

  /**
   * @returns All pods on nodes, and those with claims on freed room (they start when their victims are gone), by ascending end; valid
   *   until something changes. O(pods).
   */
  inOrder(): OrderedEnds {
    const { claimed, pods } = this.state;
    const running: PodRecord[] = [];
    for (const pod of pods.values()) if (pod.node >= 0 || claimed.has(pod)) running.push(pod);
    return new OrderedEnds(running, (pod) => this.endOf(pod) + (pod.node < 0 ? GRACE_SECONDS : 0));
  }

  /** @returns NaN: nothing is known of the owner, or the market wants no predictions. */
  private predict(pod: PodRecord): number {
    if (this.state.economy.unknownRuntime !== 'Predict') return Number.NaN;
    const owner = this.owners.get(this.state.tenants.nameOf(pod.tenant));
    return owner === undefined ? Number.NaN : this.predictor.predict(owner);
  }

  private defaultOf(pod: PodRecord): number {
    const { economy } = this.state;
    return economy.unknownRuntime === 'Never'
      ? Number.POSITIVE_INFINITY
      : economy.defaultRuntimeSeconds(pod.tenant);
  }

  private startOf({ startedSeconds, state, stateSeconds }: PodRecord): number {
    if (startedSeconds > 0) return startedSeconds;
    return state === PodState.Bound ? stateSeconds : this.state.timeSeconds;
  }
}
