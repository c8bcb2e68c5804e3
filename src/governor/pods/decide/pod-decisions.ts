/** Decisions on single pods: entry into the queue, the choice of a node, and the report where there is none. */
import { counted } from '../../../kernel/counted.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { type AccountsRefusal, refusalWords } from '../../accounts.ts';
import type { PreFilterRefusal } from '../constraints.ts';
import type { Allowed } from '../state/gang-types.ts';
import { isIncomplete, tallyOf } from '../state/pod-groups.ts';
import { isLeaving, isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import { awaitsVictims, NO_ROOM, otherCause, type ReportCause, refusedFor } from '../state/report-cause.ts';
import type { Shape } from '../state/shape-table.ts';
import { domainName, groupDomain } from './gang-attempts.ts';
import { incompleteText } from './group-texts.ts';
import type { Nominations } from './nominations.ts';
import type { PodReports, Report } from './pod-reports.ts';
import { INELIGIBLE_TEXTS, type Ineligible, type PreemptionCandidate } from './preemption.ts';
import type { SchedulerParts } from './scheduler-parts.ts';
import { vainPreemptionText, verdictOf } from './verdict.ts';

/** Preemption within the topology domain of a group is not done. */
const CONFINED_TEXT = 'preemption: not tried for a member of a placed group.';
/** Seconds for which the text of a renewal is reused for all pods of the shape and priority. */
const TEXT_SECONDS = 10;

/** Results of preemption: victims, pods that are leaving already, or nothing. */
type Room =
  | { readonly kind: 'found'; readonly candidate: PreemptionCandidate }
  | { readonly kind: 'coming' | 'none'; readonly text: string };

interface RenewedText extends Report {
  readonly priority: number;
  readonly atSeconds: number;
}

/** Decides pods one by one. */
export class PodDecisions {
  private readonly parts: SchedulerParts;
  private readonly nominations: Nominations;
  private readonly reports: PodReports;
  /** Texts of renewals, by the shape of pods for which no room is kept. */
  private readonly texts = new WeakMap<Shape, RenewedText>();

  constructor(parts: SchedulerParts) {
    this.parts = parts;
    this.nominations = parts.nominations;
    this.reports = parts.reports;
  }

  /** A pod of ours that is not assigned: it enters the queue, or stays out of it for a reason. */
  admit(pod: PodRecord, description: PodDescription): void {
    const { queue } = this.parts;
    // An update from before the binding can arrive after the binding's answer.
    if (isPlaced(pod)) return;
    const { template } = pod.shape;
    if (description.deleting || description.gates.length > 0) {
      if (description.deleting) queue.move(pod, PodState.Ignored);
      else if (pod.state !== PodState.Gated) queue.move(pod, PodState.Gated);
      this.reports.forget(pod);
      this.nominations.drop(pod);
    } else if (template.unsupported.length > 0) {
      this.refuse(pod, template.unsupported, 'pod');
    } else if (
      pod.state === PodState.Ignored ||
      pod.state === PodState.Gated ||
      // Only a requirement of its group can be the reason now.
      (pod.state === PodState.Refused && pod.group === '')
    ) {
      this.enqueue(pod);
    }
  }

  /** Pods over the limit enter the queue as far as there is room. */
  admitExcess(): void {
    const { queue } = this.parts;
    for (let pod = queue.nextInExcess(); pod !== undefined; pod = queue.nextInExcess()) {
      this.reports.forget(pod);
      if (pod.group === '') queue.activate(pod);
      else {
        queue.move(pod, PodState.InGroup);
        this.touch(pod);
      }
    }
  }

  /** Reports that TEG does not support a requirement of a pod or its group, and leaves it alone. */
  refuse(pod: PodRecord, unsupported: readonly string[], whose: string): void {
    this.parts.queue.move(pod, PodState.Refused);
    this.nominations.drop(pod);
    this.tell(
      pod,
      `TEG does not schedule this ${whose}: not supported: ${unsupported.join(', ')}`,
      ['TEG'],
      otherCause('Unschedulable'),
    );
  }

  /** Decides on a pod: the accounts first. @returns 1. */
  decide(pod: PodRecord): number {
    const { admission, reclaim, champions } = this.parts;
    pod.attempts++;
    reclaim.begin(pod);
    pod.notAdmitted = undefined;
    const notAdmitted = admission.refusalOf(pod);
    const behind = notAdmitted === undefined ? champions.behindHeadroom(pod, [pod]) : undefined;
    if (behind !== undefined) this.holdBack(pod, behind, 'behind');
    else if (notAdmitted === undefined) this.attempt(pod);
    else if (!this.reclaimFor(pod, notAdmitted)) this.holdBack(pod, notAdmitted);
    reclaim.end(pod);
    return 1;
  }

  /** Tries a pod that the accounts admit. The letters are those of phase 6 in `docs/tour-kubernetes.md`. */
  private attempt(pod: PodRecord): void {
    const { state, placement, counters, admission, champions } = this.parts;
    const { shape } = pod;
    // a. Restrictions on nodes: flavours with quota, room of champions, room that preemption keeps for the pod, its gang's domain.
    state.confinedTo = admission.restriction;
    state.keptRoom = champions.keptFrom(pod, [pod]);
    this.nominations.honour(pod);
    const allowed = this.domainOf(pod);
    // b. A refusal of the same shape holds until something changes; `preFilter` finds what no node could cure.
    const known = allowed === undefined && pod.nominated < 0 && state.isRefused(shape, pod.priority);
    const before = known ? undefined : state.rules.preFilter(shape);
    // c. The cheapest node that the rules accept.
    const slot = known || before !== undefined ? -1 : placement.find(shape, pod.priority, pod, allowed);
    if (!known) counters.examined += placement.examined;
    // d. Assumed and handed to the driver; or held back with a verdict, victims of preemption, and a place in line.
    const { otherwise } = state.confinedTo === undefined ? { otherwise: undefined } : admission;
    const reserved = slot < 0 && !known && before === undefined ? this.reservedFrom(pod, allowed) : undefined;
    state.confinedTo = undefined;
    if (slot >= 0) {
      state.place(pod, slot);
      this.bind(pod);
      if (pod.group === '') champions.placed(pod, [pod]);
    } else if (this.reclaimFor(pod, undefined)) {
      // Room is being made for it.
    } else if (reserved !== undefined) this.holdBack(pod, reserved, 'behind');
    else if (otherwise !== undefined) this.holdBack(pod, otherwise);
    else this.hold(pod, known, before, allowed);
    state.keptRoom = undefined;
  }

  /**
   * In mode enforce: room that the pod is owed is made, or is coming.
   *
   * @param refusal Of the accounts; undefined: they admit it.
   * @returns       True if so; it waits for it.
   */
  private reclaimFor(pod: PodRecord, refusal: AccountsRefusal | undefined): boolean {
    const { reclaim, queue, counters, state } = this.parts;
    const room = reclaim.makeRoom(pod, refusal);
    if (room?.kind !== 'coming') {
      state.rules.preFilter(pod.shape);
      return false;
    }
    counters.unschedulable++;
    queue.wait(pod, 'nominated');
    this.tell(pod, room.text, ['TEG'], awaitsVictims(room.victims, refusal));
    return true;
  }

  /** @returns The champion's claim that keeps a pod from the room there is; undefined: there is none for it anyhow. */
  private reservedFrom(pod: PodRecord, allowed: Allowed | undefined): AccountsRefusal | undefined {
    const { state, placement, champions } = this.parts;
    const { keptRoom } = state;
    const { refusal } = champions;
    if (keptRoom === undefined || refusal === undefined) return undefined;
    state.keptRoom = undefined;
    const slot = placement.find(pod.shape, pod.priority, pod, allowed);
    state.keptRoom = keptRoom;
    return slot < 0 ? undefined : refusal;
  }

  /** A pod was placed: has the driver bind it. */
  bind(pod: PodRecord): void {
    const { state, emit, counters, queue } = this.parts;
    queue.move(pod, PodState.Binding);
    this.touch(pod);
    this.reports.forget(pod);
    counters.scheduled++;
    emit({
      kind: 'bind',
      uid: pod.uid,
      namespace: pod.namespace,
      name: pod.name,
      node: pod.nodeName,
      claims: state.rules.claimsFor(pod.shape, pod.node),
      attempts: pod.attempts,
      waitedSeconds: state.timeSeconds - pod.sinceSeconds,
      group: pod.group,
    });
  }

  /** Reports why a pod waits, unless that was reported last. */
  tell(pod: PodRecord, message: string, plugins: readonly string[], cause: ReportCause): void {
    this.reports.tell(pod, { message, plugins, cause });
  }

  /** Renews reports before they are too old. At most O(nodes × rules) for a report, and shared by pods of one shape. */
  renewReports(): void {
    this.reports.renew((pod) => this.reportOf(pod));
  }

  /** @returns The report that would be made about a pod now. Nothing is reported. */
  textNow(pod: PodRecord): string {
    if (pod.state === PodState.Waiting) return this.reportOf(pod).message;
    // An incomplete gang is reported only after a while, in which members may come.
    return pod.told === '' ? this.missingText(pod) : pod.told;
  }

  /** @returns What a pod's gang lacks; '' if it is complete, has started, or there is none. */
  private missingText(pod: PodRecord): string {
    const group = pod.group === '' ? undefined : this.parts.groups.get(pod.group);
    return group !== undefined && isIncomplete(group, tallyOf(group)) ? incompleteText(group) : '';
  }

  /** Releases the room that we keep for a pod; clears the nomination if there was some. */
  clearNomination(pod: PodRecord): void {
    this.nominations.withdraw(pod);
  }

  /**
   * A victim could not be evicted: the pods that needed its room are tried again after a back-off.
   *
   * @param reason For people; '' if there is nothing to report.
   */
  evictionFailed(victim: PodRecord, reason: string): void {
    const { state, queue } = this.parts;
    victim.evicted = false;
    this.touch(victim);
    if (this.parts.reclaim.evictionFailed(victim, reason)) return;
    for (const pod of [...(state.nominated.get(victim.node) ?? [])]) {
      if (pod.priority <= victim.priority) continue;
      this.clearNomination(pod);
      if (pod.state === PodState.Waiting) queue.backOff(pod);
      if (reason === '') continue;
      const who = `${victim.namespace}/${victim.name}`;
      const message = `preemption: pod ${who} could not be evicted from node ${victim.nodeName}: ${reason}`;
      this.tell(pod, message, ['DefaultPreemption'], otherCause('SchedulerError'));
    }
  }

  /** The pod's group is reviewed at the end of the step. */
  private touch(pod: PodRecord): void {
    if (pod.group !== '') this.parts.touched.add(pod.group);
  }

  private enqueue(pod: PodRecord): void {
    const { queue, state } = this.parts;
    if (Number.isNaN(pod.sinceSeconds)) {
      pod.sinceSeconds = state.timeSeconds;
      state.zones.seen(pod.shape, 1);
    }
    if (!queue.hasRoom) {
      queue.hold(pod);
      const { waitingPodsMax } = state.options;
      this.tell(
        pod,
        `TEG's queue is full: ${counted(waitingPodsMax, 'pod')} ${waitingPodsMax === 1 ? 'waits' : 'wait'}; raise queue.waitingPodsMax`,
        ['TEG'],
        otherCause('Unschedulable'),
      );
    } else if (pod.group === '') queue.activate(pod);
    else queue.move(pod, PodState.InGroup);
    this.nominations.honour(pod);
  }

  /** The accounts do not admit the pod, or it is behind a champion: it waits, and no room is kept for it. */
  private holdBack(
    pod: PodRecord,
    refusal: AccountsRefusal,
    how: 'unadmitted' | 'behind' = 'unadmitted',
  ): void {
    const { queue, counters, champions } = this.parts;
    pod.notAdmitted = refusal;
    counters.unschedulable++;
    this.nominations.drop(pod);
    queue.wait(pod, how);
    if (how === 'behind') champions.noteWaiting(pod);
    this.reports.tell(pod, this.refusalReport(pod, refusal));
  }

  /** Nothing fits: preempts if that is allowed, and lets the pod wait. */
  private hold(
    pod: PodRecord,
    known: boolean,
    before: PreFilterRefusal | undefined,
    allowed: Allowed | undefined,
  ): void {
    const confined = allowed !== undefined;
    const { state, queue, counters } = this.parts;
    const { refused } = pod.shape;
    counters.unschedulable++;
    if (!known) this.judge(pod.shape, before, allowed);
    const room: Room = confined ? { kind: 'none', text: CONFINED_TEXT } : this.makeRoom(pod, known);
    // There are no victims, and none is leaving: kept room would not help any pod.
    if (room.kind === 'none') this.nominations.giveUp(pod);
    const isNominated = room.kind === 'found' || pod.nominated >= 0;
    queue.wait(pod, confined ? 'confined' : isNominated ? 'nominated' : '');
    if (!confined && !isNominated) this.parts.champions.noteWaiting(pod);
    const text = joinedTexts(refused.text, room.kind === 'found' ? '' : room.text);
    this.tell(pod, text, refused.plugins, NO_ROOM);
    if (!known && !confined && pod.nominated < 0) state.setRefused(pod.shape, pod.priority);
    if (room.kind === 'found') this.evict(pod, room.candidate);
  }

  /** The verdict on a waiting pod, without trying it. */
  private reportOf(pod: PodRecord): Report {
    const { state } = this.parts;
    if (pod.state === PodState.InGroup) {
      this.renewGroup(pod);
      const missing = this.missingText(pod);
      if (missing !== '')
        return { message: missing, plugins: ['GangScheduling'], cause: otherCause('Unschedulable') };
    }
    // What a claim or a champion holds it back for stands until it is tried.
    const isTold = pod.state !== PodState.Waiting || state.claimed.has(pod) || pod.line?.isBehind === true;
    const refusal = isTold ? undefined : this.refusalNow(pod);
    if (refusal !== undefined) return this.refusalReport(pod, refusal);
    if (isTold || (pod.line?.unadmittedOf ?? -1) >= 0)
      return { message: pod.told, plugins: pod.toldPlugins, cause: pod.toldCause };
    const isCommon = pod.nominated < 0 && pod.line?.confined === false;
    const known = isCommon ? this.texts.get(pod.shape) : undefined;
    if (known?.priority === pod.priority && state.timeSeconds - known.atSeconds < TEXT_SECONDS) return known;
    const text = this.examine(pod);
    if (isCommon)
      this.texts.set(pod.shape, { ...text, priority: pod.priority, atSeconds: state.timeSeconds });
    return text;
  }

  /**
   * Why the accounts would not admit a waiting pod now. Others of its line may have been refused for another reason since it was, and
   * quotas may have gone to others since it found no room: then a node that is added would not help it.
   */
  private refusalNow(pod: PodRecord): AccountsRefusal | undefined {
    const { state, admission } = this.parts;
    if (state.economy.mode !== 'enforce') return undefined;
    const refusal = admission.refusalOf(pod);
    if (refusal !== undefined || (pod.line?.unadmittedOf ?? -1) < 0) return refusal;
    return admission.restriction === undefined ? undefined : admission.otherwise;
  }

  private refusalReport(pod: PodRecord, refusal: AccountsRefusal): Report {
    const message = joinedTexts(refusalWords(refusal), this.parts.reclaim.textFor(pod));
    return { message, plugins: ['TEG'], cause: refusedFor(refusal) };
  }

  /** Collects all nodes' reasons against a pod, and checks preemption. O(nodes × rules). */
  private examine(pod: PodRecord): Report {
    const { state, preemption } = this.parts;
    const { shape } = pod;
    const allowed = this.domainOf(pod);
    const { message, plugins } = verdictOf(state, shape, state.rules.preFilter(shape), { allowed });
    const cause = NO_ROOM;
    if (allowed !== undefined) return { message: joinedTexts(message, CONFINED_TEXT), plugins, cause };
    if (state.slots.live === 0) return { message, plugins, cause };
    if (state.economy.mode === 'enforce')
      return { message: joinedTexts(message, this.parts.reclaim.textFor(pod)), plugins, cause };
    const why = preemption.ineligible(pod);
    const text = why === undefined ? vainPreemptionText(state, preemption, pod) : ineligibleText(why);
    return { message: joinedTexts(message, text), plugins, cause };
  }

  /** The group of a member is tried again after a while; its members then get the result. */
  private renewGroup(pod: PodRecord): void {
    const { groups, state } = this.parts;
    const group = groups.get(pod.group);
    if (group === undefined || !group.waiting) return;
    if (state.timeSeconds - group.notBeforeSeconds >= state.options.renewalSeconds / 2) this.touch(pod);
  }

  private judge(shape: Shape, before: PreFilterRefusal | undefined, allowed: Allowed | undefined): void {
    const { message, plugins } = verdictOf(this.parts.state, shape, before, { allowed });
    Object.assign(shape.refused, { text: message, plugins, version: -1 });
    shape.refused.vainPriority = Number.NEGATIVE_INFINITY;
  }

  /** @returns The victims for the pod, or why there are none. */
  private makeRoom(pod: PodRecord, known: boolean): Room {
    const { preemption, state } = this.parts;
    const { refused } = pod.shape;
    if (state.slots.live === 0) return { kind: 'none', text: '' };
    // There the economy decides who gives way; it was asked already.
    if (state.economy.mode === 'enforce') return { kind: 'none', text: this.parts.reclaim.textFor(pod) };
    const why = preemption.ineligible(pod);
    if (why !== undefined) {
      return { kind: why === 'terminating' ? 'coming' : 'none', text: ineligibleText(why) };
    }
    // Removing more pods cannot help less, unless the pod needs some of them beside it.
    const vain =
      known &&
      (pod.priority === refused.vainPriority ||
        (pod.priority < refused.vainPriority && !state.rules.dependsOnPods(pod.shape)));
    const candidate = vain ? undefined : preemption.find(pod);
    if (candidate !== undefined) return { kind: 'found', candidate };
    if (!vain) {
      refused.vainPriority = pod.priority;
      refused.vainText = vainPreemptionText(state, preemption, pod);
    }
    return { kind: 'none', text: refused.vainText };
  }

  private evict(pod: PodRecord, candidate: PreemptionCandidate): void {
    const { state, emit, counters, queue, preemption } = this.parts;
    const { slot } = candidate;
    const victims = preemption.withGroups(candidate.victims).filter((victim) => !isLeaving(victim));
    // All victims are leaving, and room is kept there already.
    if (victims.length === 0 && pod.nominated === slot) return;
    preemption.chosen(slot);
    counters.preemptions++;
    counters.victims += victims.length;
    for (const other of [...(state.nominated.get(slot) ?? [])]) {
      if (other === pod || other.priority >= pod.priority || other.ownNode === '') continue;
      this.clearNomination(other);
      if (other.state === PodState.Waiting) queue.activate(other);
    }
    this.nominations.nominate(pod, slot);
    const by = `${pod.namespace}/${pod.name}`;
    for (const victim of victims) {
      const { uid, namespace, name, nodeName: node } = victim;
      victim.evicted = true;
      this.touch(victim);
      if (victim.group !== '') this.parts.torn.add(victim.group);
      emit({ kind: 'evict', uid, namespace, name, node, by, byUid: pod.uid });
    }
  }

  /** The domain of the pod's group, if its topology is bound and some of it is placed. */
  private domainOf(pod: PodRecord): Allowed | undefined {
    const group = pod.group === '' ? undefined : this.parts.groups.get(pod.group);
    if (group === undefined) return undefined;
    // As of now: when the domain changes, pods refused for it are tried again.
    group.domain = domainName(this.parts.state, group);
    return groupDomain(this.parts.state, group);
  }
}

function ineligibleText(why: Ineligible): string {
  return `preemption: ${INELIGIBLE_TEXTS[why]}`;
}

/** @returns A report and what it says about evictions, if anything. */
export function joinedTexts(nodes: string, preemption: string): string {
  return preemption === '' ? nodes : `${nodes} ${preemption}`;
}
