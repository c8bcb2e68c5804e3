/**
 * Carries out the core's decisions: bindings first, then reports to people and other controllers.
 *
 * Invariants: every binding that the core requested is answered exactly once; before it is sent the core confirms that
 * it still holds (the node may be gone or cordoned since); nothing is written without the lease.
 */
import type {
  BindEffect,
  BindOutcome,
  EvictEffect,
  GangReleaseEffect,
  NotScheduledReason,
  PodEffect,
  PodEvent,
  UnschedulableEffect,
} from '../../governor/pods/pod-events.ts';
import type { Writers } from './writers.ts';
import type { TellEvent } from './writes/event-body.ts';
import type { PodIdentity } from './writes/status-writer.ts';

/** Dependencies of the runner. */
export interface EffectPorts {
  readonly writers: Writers;
  /** Reports to the core. */
  readonly feed: (event: PodEvent) => void;
  /** True if a decided binding still holds. */
  readonly stillHolds: (uid: string, node: string) => boolean;
  /** Where a pod is known to the core, for evictions by uid. */
  readonly identify: (uid: string) => PodIdentity | undefined;
  /** There may be room for more decisions. */
  readonly roomMade: () => void;
  /** A binding was answered. @param seconds From the decision. */
  readonly onBound: (effect: BindEffect, outcome: BindOutcome, seconds: number) => void;
  readonly nowSeconds: () => number;
  /** True if nothing may be written at all (`--dry-run`): effects are reported, not carried out. */
  readonly dryRun: boolean;
  readonly log: (level: 'debug' | 'info' | 'warn', details: object, message: string) => void;
}

/** kube-scheduler's text before the reason; its plugins are named, since tools look for these texts. */
const BIND_FAILED = 'running Bind plugin "DefaultBinder":';
const PRE_BIND_FAILED = 'running PreBind plugin "VolumeBinding":';

/** A binding that waits for its turn. */
interface WaitingBind {
  readonly effect: BindEffect;
  readonly decidedSeconds: number;
}

/** Carries out effects; see the head of the file. */
export class EffectRunner {
  private readonly ports: EffectPorts;
  private queue: WaitingBind[] = [];
  private head = 0;
  private held = false;
  /** Pods whose claims are being bound: decided, and not yet with the binder. */
  private claiming = 0;

  constructor(ports: EffectPorts) {
    this.ports = ports;
  }

  /** Bindings that wait here. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Number of bindings that can be accepted now. */
  get room(): number {
    if (this.held) return 0;
    return Math.max(0, this.ports.writers.binder.room - this.waiting);
  }

  /** Pods whose volumes are being bound. */
  get claimingPods(): number {
    return this.claiming;
  }

  /** Accepts an effect. */
  run(effect: PodEffect): void {
    switch (effect.kind) {
      case 'bind':
        this.queue.push({ effect, decidedSeconds: this.ports.nowSeconds() });
        this.ports.log('debug', effect, 'decided');
        this.startBinds();
        return;
      case 'unschedulable':
        this.tellUnschedulable(effect, messageOf(effect), effect.reason, effect.generation);
        return;
      case 'nominate':
        if (!this.ports.dryRun) this.ports.writers.status.nominate(effect, effect.node, effect.was);
        return;
      case 'evict':
        this.preempt(effect);
        return;
      case 'gang-release':
        this.release(effect);
        return;
    }
  }

  /** Stops sending; waiting bindings are answered as failed. @returns Settles when nothing is in flight any more. */
  async hold(): Promise<void> {
    this.held = true;
    const waiting = this.queue.slice(this.head);
    this.queue = [];
    this.head = 0;
    for (const { effect } of waiting)
      this.ports.feed({ kind: 'bind-done', uid: effect.uid, outcome: 'failed' });
    await this.ports.writers.binder.hold();
  }

  /** Ends a hold. */
  resume(): void {
    this.held = false;
    this.ports.writers.binder.resume();
    this.ports.roomMade();
  }

  /** Reports that a pod cannot be scheduled, by event and condition. */
  tellUnschedulable(pod: PodIdentity, message: string, reason: NotScheduledReason, generation = 0): void {
    const { writers, dryRun, log } = this.ports;
    log(dryRun ? 'info' : 'debug', { pod: nameOf(pod), message }, 'unschedulable');
    if (dryRun) return;
    writers.status.setNotScheduled(pod, { reason, message, generation });
    if (reason !== 'SchedulingGated') {
      this.tell(pod, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note: message });
    }
  }

  private startBinds(): void {
    const { writers, dryRun, log, stillHolds, feed } = this.ports;
    while (this.waiting > 0 && !this.held && (dryRun || writers.binder.room > 0)) {
      const { effect, decidedSeconds } = this.queue[this.head++] as WaitingBind;
      if (this.head > 1024 && this.head * 2 > this.queue.length) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
      }
      if (dryRun) log('info', { pod: nameOf(effect), node: effect.node }, 'would bind');
      else if (!stillHolds(effect.uid, effect.node))
        feed({ kind: 'bind-done', uid: effect.uid, outcome: 'no-node' });
      else if (effect.claims.length > 0) void this.bindClaims(effect, decidedSeconds);
      else void this.bind(effect, decidedSeconds);
    }
  }

  private async bindClaims(effect: BindEffect, decidedSeconds: number): Promise<void> {
    const { writers, log, stillHolds } = this.ports;
    this.claiming++;
    const outcome = await writers.claims.bindClaims(effect, effect.node, effect.claims);
    this.claiming--;
    const holds = stillHolds(effect.uid, effect.node);
    if (outcome.ok && holds && !this.held) {
      await this.bind(effect, decidedSeconds);
      return;
    }
    if (!outcome.ok)
      log('warn', { pod: nameOf(effect), reason: outcome.reason }, 'volumes could not be bound');
    // Without the lease the next leader reports it.
    const reason = outcome.ok || this.held ? '' : `${PRE_BIND_FAILED} binding volumes: ${outcome.reason}`;
    this.answer(effect.uid, holds ? 'failed' : 'no-node', reason);
  }

  private async bind(effect: BindEffect, decidedSeconds: number): Promise<void> {
    const { writers, onBound, nowSeconds, roomMade } = this.ports;
    const { uid, namespace, name, node } = effect;
    const { outcome, reason } = await writers.binder.bind({ namespace, name, uid, node });
    onBound(effect, outcome, nowSeconds() - decidedSeconds);
    if (outcome === 'bound') {
      writers.status.forget(uid);
      const note = `Successfully assigned ${nameOf(effect)} to ${node}`;
      this.tell(effect, { type: 'Normal', reason: 'Scheduled', action: 'Binding', note, once: true });
    }
    this.answer(uid, outcome, reason === '' || this.held ? '' : `${BIND_FAILED} ${reason}`);
    this.startBinds();
    roomMade();
  }

  /** Answers a binding to the core. @param reason For people; '': nothing to report. */
  private answer(uid: string, outcome: BindOutcome, reason: string): void {
    this.ports.feed({ kind: 'bind-done', uid, outcome, ...(reason === '' ? {} : { reason }) });
  }

  private preempt(effect: EvictEffect): void {
    const { writers, feed, dryRun, log } = this.ports;
    log(dryRun ? 'info' : 'debug', effect, dryRun ? 'would preempt' : 'preempting');
    if (dryRun) return;
    void writers.evictor.preempt(effect, causeOf(effect)).then(({ done, reason }) => {
      // Not before: a victim that stays was not preempted.
      if (done) {
        this.tell(effect, {
          type: 'Normal',
          reason: 'Preempted',
          action: 'Preempting',
          note: evictionNote(effect),
          once: true,
        });
      }
      feed({ kind: 'evict-done', uid: effect.uid, done, ...(reason === '' ? {} : { reason }) });
    });
  }

  private release(effect: GangReleaseEffect): void {
    const { writers, identify, dryRun, log } = this.ports;
    log('warn', { group: effect.group, pods: effect.uids.length }, effect.message);
    if (dryRun) return;
    for (const uid of effect.uids) {
      const pod = identify(uid);
      if (pod === undefined) continue;
      const note = effect.message;
      this.tell(pod, { type: 'Warning', reason: 'GangReleased', action: 'Releasing', note });
      void writers.evictor.evict(pod).then(({ reason: why }) => {
        if (why === '') return;
        const refused = `could not be evicted: ${why}`;
        this.tell(pod, { type: 'Warning', reason: 'FailedEviction', action: 'Releasing', note: refused });
      });
    }
  }

  private tell(pod: PodIdentity, event: Omit<TellEvent, 'regarding'>): void {
    if (this.ports.dryRun) return;
    const { namespace, name, uid } = pod;
    this.ports.writers.events.record({
      ...event,
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    });
  }
}

function nameOf(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

/** The text of the event: kube-scheduler's, and the economy's reason if it has one. */
function evictionNote({ byUid, node, why }: EvictEffect): string {
  if (why === 'drain') return `Evicted from node ${node}: its tenant is drained (HoldAndDrain)`;
  return `Preempted by pod ${byUid} on node ${node}${why === undefined ? '' : ` (${why})`}`;
}

/** Why, for the condition of a victim; undefined: a pod of higher priority. */
function causeOf({ why, by }: EvictEffect): string | undefined {
  if (why === 'drain') return 'its tenant is drained (HoldAndDrain)';
  if (why === 'reclaim') return `${by} reclaims its quota, which was lent`;
  return why === 'fair-share' ? `${by} gets its share of what is lent` : undefined;
}

/** @returns The message with the code of the dominant reason, unless that is in it: refusals of accounts begin with theirs. */
export function messageOf({ message, why }: UnschedulableEffect): string {
  if (why === undefined || message.startsWith(`not admitted: ${why.code}`)) return message;
  return `${message} [${why.code}${why.text === '' ? '' : `: ${why.text}`}]`;
}
