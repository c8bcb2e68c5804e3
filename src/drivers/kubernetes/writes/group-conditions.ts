/**
 * Writes the condition PodGroupInitiallyScheduled (PodGroupScheduled in 1.36) of the API's own PodGroups.
 *
 * Invariants: True is final, also one that another leader wrote; a condition is written only where its status or reason differs
 * from the object's, by the leader only, a few a second, and after the bindings. Bounded: one wish a group.
 */
import type { GroupFrame } from '../../../governor/pods/pod-view.ts';
import type { ApiAnswer } from '../client/api.ts';
import { secondTime } from './api-time.ts';
import { answerText, at, textAt } from './retrying-request.ts';
import { type WishPorts, WishRounds } from './wish-rounds.ts';

/** The type of the condition in each version of the API, newest first. */
const VERSIONS = [
  { version: 'v1beta1', type: 'PodGroupInitiallyScheduled' },
  { version: 'v1alpha3', type: 'PodGroupInitiallyScheduled' },
  { version: 'v1alpha2', type: 'PodGroupScheduled' },
] as const;
const TYPES: ReadonlySet<string> = new Set(VERSIONS.map(({ type }) => type));

/** Seconds between rounds, O(members of groups whose condition is not True). */
const ROUND_SECONDS = 1;
/** Writes a second, and at a time. */
const WRITES_A_SECOND = 20;
const IN_FLIGHT_MAX = 4;

/** Dependencies of the writer. */
export interface GroupConditionPorts extends WishPorts {
  /** @returns A group that has members, by its key. */
  readonly group: (key: string) => GroupFrame | undefined;
  readonly onWriteError: (group: string, text: string) => void;
}

interface Condition {
  readonly status: 'True' | 'False';
  readonly reason: 'Scheduled' | 'Unschedulable';
  readonly message: string;
}

/** A group's object as it was reported last. */
interface SeenGroup {
  readonly uid: string;
  readonly status: string;
  readonly reason: string;
}

/** The writer. `start` once, `stop` once. */
export class GroupConditionWriter {
  /** Since the start. */
  readonly counts = { written: 0, failed: 0 };
  private readonly ports: GroupConditionPorts;
  private readonly rounds: WishRounds<Condition>;
  /** By `namespace/name`, objects whose condition is not True. */
  private readonly open = new Map<string, SeenGroup>();
  /** The version that answered last. */
  private newest = 0;

  constructor(ports: GroupConditionPorts) {
    this.ports = ports;
    const pace = { roundSeconds: ROUND_SECONDS, inFlightMax: IN_FLIGHT_MAX, perSecondMax: WRITES_A_SECOND };
    this.rounds = new WishRounds(ports, pace, {
      round: () => this.round(),
      write: (key, condition) => this.write(key, condition),
    });
  }

  /** A PodGroup of the API was reported. O(conditions). */
  noticed(object: unknown): void {
    const key = `${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}`;
    const conditions = at(object, 'status', 'conditions');
    const list: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
    const found = list.find((one) => TYPES.has(textAt(one, 'type')));
    const status = textAt(found, 'status');
    if (status === 'True') this.gone(key);
    else
      this.open.set(key, { uid: textAt(object, 'metadata', 'uid'), status, reason: textAt(found, 'reason') });
  }

  /** The object is gone, or its condition is final. */
  gone(key: string): void {
    this.open.delete(key);
    this.rounds.wishes.delete(key);
  }

  /** Begins with the rounds. */
  start(): void {
    this.rounds.start();
  }

  /** Ends it; a write in flight ends on its own. */
  stop(): void {
    this.rounds.stop();
  }

  /** Notes which conditions are to be written. */
  round(): void {
    if (!this.ports.mayWrite()) {
      this.rounds.wishes.clear();
      return;
    }
    for (const [key, seen] of this.open) {
      const group = this.rounds.isBusy(key) ? undefined : this.ports.group(`core:${key}`);
      const wanted = group === undefined ? undefined : conditionOf(group, key);
      if (wanted === undefined || (seen.status === wanted.status && seen.reason === wanted.reason)) {
        this.rounds.wishes.delete(key);
      } else this.rounds.wishes.set(key, wanted);
    }
    this.rounds.wake();
  }

  private async write(key: string, condition: Condition): Promise<void> {
    const seen = this.open.get(key);
    if (seen === undefined) return;
    const answer = await this.patch(key, seen.uid, condition);
    if (answer?.status === 200) {
      this.counts.written++;
      this.noticed(answer.body);
    } else if (answer !== undefined && answer.status !== 404 && answer.status !== 409) {
      this.counts.failed++;
      // Not again before the object changes.
      this.open.delete(key);
      this.ports.onWriteError(key, answerText(answer));
    }
  }

  /** In the newest version that the server has: it may have been upgraded, or not have the newest ones. */
  private async patch(key: string, uid: string, condition: Condition): Promise<ApiAnswer | undefined> {
    let answer: ApiAnswer | undefined;
    for (let tries = 0; tries < VERSIONS.length; tries++) {
      const index = (this.newest + tries) % VERSIONS.length;
      const { version, type } = VERSIONS[index] as (typeof VERSIONS)[number];
      const [namespace = '', name = ''] = key.split('/');
      const lastTransitionTime = secondTime(this.ports.clock.wallSeconds());
      answer = await this.ask(
        `/apis/scheduling.k8s.io/${version}/namespaces/${encodeURIComponent(namespace)}/podgroups/${encodeURIComponent(name)}/status`,
        { metadata: { uid }, status: { conditions: [{ type, lastTransitionTime, ...condition }] } },
      );
      if (answer === undefined) return undefined;
      if (answer.status === 404) continue;
      this.newest = index;
      return answer;
    }
    return answer;
  }

  private ask(path: string, body: object): Promise<ApiAnswer | undefined> {
    const contentType = 'application/strategic-merge-patch+json';
    return this.rounds.ask({ method: 'PATCH', path, body, contentType });
  }
}

/** @returns Undefined: nothing is known yet. */
function conditionOf({ bound, minCount, waitsFor }: GroupFrame, key: string): Condition | undefined {
  if (bound >= minCount) {
    return { status: 'True', reason: 'Scheduled', message: 'All required pods have been scheduled' };
  }
  if (waitsFor !== 'room') return undefined;
  const message = `no room for ${minCount} pods of the pod group ${key} at once: its pods say what lacks`;
  return { status: 'False', reason: 'Unschedulable', message };
}
