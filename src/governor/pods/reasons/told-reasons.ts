/**
 * The code of the dominant reason in what is reported about pods: the driver puts it into event and condition. Only with an economy.
 *
 * A report is repeated when its words change. Who becomes a champion, or stops being one, waits in the same words for another
 * reason: its report is repeated here.
 */
import { waitingMembers } from '../champion/claimants.ts';
import type { PodEffect, UnschedulableEffect } from '../pod-events.ts';
import { isPlaced, type PodRecord } from '../state/pod-records.ts';
import { type SituationParts, situationOf } from './situation-of.ts';
import { dominantReason, type WaitingReason } from './waiting-reason.ts';

/** Code of a champion's own reason. */
const RESERVED = 'reserved';

/** Names the reasons of one scheduler's reports. */
export class ToldReasons {
  private readonly parts: SituationParts;
  /** Pods whose last report had the code `reserved`. */
  private readonly reserved = new Set<PodRecord>();
  /** Reasons of members of gangs in this step: they wait alike. */
  private readonly known = new Map<string, WaitingReason | undefined>();

  constructor(parts: SituationParts) {
    this.parts = parts;
  }

  /** @returns The effects of a step with the codes of the state after it. O(effects + members of their groups and of champions). */
  named(effects: PodEffect[]): PodEffect[] {
    const { state, champions } = this.parts;
    if (state.economy.books === undefined) return effects;
    const hasChampions = champions.count > 0 || this.reserved.size > 0;
    if (!hasChampions && !effects.some(({ kind }) => kind === 'unschedulable')) return effects;
    this.known.clear();
    const named = this.standing(effects).map((effect) =>
      effect.kind === 'unschedulable' ? this.withReason(effect) : effect,
    );
    if (hasChampions) named.push(...this.changed());
    return named;
  }

  /** Without reports that the rest of the step has overtaken: a pod's state has the facts of its last one, and only while it stands. */
  private standing(effects: readonly PodEffect[]): PodEffect[] {
    const last = new Map<string, number>();
    effects.forEach((effect, i) => {
      if (effect.kind === 'unschedulable') last.set(effect.uid, i);
    });
    const { pods } = this.parts.state;
    return effects.filter(
      (effect, i) =>
        effect.kind !== 'unschedulable' ||
        (last.get(effect.uid) === i && (pods.get(effect.uid)?.told ?? '') !== ''),
    );
  }

  private withReason(effect: UnschedulableEffect): UnschedulableEffect {
    const pod = this.parts.state.pods.get(effect.uid);
    if (pod === undefined || effect.reason === 'SchedulerError') return effect;
    const reason = this.reasonOf(pod);
    if (reason === undefined) return effect;
    if (reason.code === RESERVED) this.reserved.add(pod);
    else this.reserved.delete(pod);
    return {
      ...effect,
      why: { code: reason.code, text: reason.stage === 'misconfigured' ? reason.text : '' },
    };
  }

  /** Reports about those that have become champions, or are no more, since they were reported. */
  private changed(): UnschedulableEffect[] {
    const again: UnschedulableEffect[] = [];
    for (const pod of this.reserved) {
      const isGone = this.parts.state.pods.get(pod.uid) !== pod || isPlaced(pod) || pod.told === '';
      if (isGone) this.reserved.delete(pod);
      else if (this.reasonOf(pod)?.code !== RESERVED) again.push(this.withReason(reportOf(pod)));
    }
    this.parts.champions.forEach(({ claimant }) => {
      for (const pod of waitingMembers(claimant)) {
        if (pod.told === '' || this.reserved.has(pod) || this.reasonOf(pod)?.code !== RESERVED) continue;
        again.push(this.withReason(reportOf(pod)));
      }
    });
    return again;
  }

  private reasonOf(pod: PodRecord): WaitingReason | undefined {
    const { kind, refusal } = pod.toldCause;
    const told = `${kind} ${refusal?.code ?? ''}`;
    const key = pod.group === '' ? '' : `${pod.group} ${pod.state} ${pod.tenant} ${pod.nominated} ${told}`;
    if (key !== '' && this.known.has(key)) return this.known.get(key);
    const situation = situationOf(this.parts, pod, undefined);
    const reason =
      situation === undefined ? undefined : dominantReason(situation, this.parts.state.timeSeconds);
    if (key !== '') this.known.set(key, reason);
    return reason;
  }
}

/** The last report once more. */
function reportOf(pod: PodRecord): UnschedulableEffect {
  const { uid, namespace, name, told: message, toldPlugins: plugins, generation } = pod;
  const { reason } = pod.toldCause;
  return {
    kind: 'unschedulable',
    ...{ uid, namespace, name, message, reason, plugins, generation, renewed: true },
  };
}
