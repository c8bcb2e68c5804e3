/**
 * Takes pods off their nodes: victims of a preemption by deletion, members of a released gang through the eviction API.
 *
 * Invariants: every write names the uid, so a new pod of the same name is never hit; nothing is written without
 * `mayWrite`; each promise settles, with true only if the pod is gone or surely going.
 */
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { secondTime } from './api-time.ts';
import { answerText, askPatiently, type BackOff, podPath, textAt } from './patient-request.ts';
import { Slots } from './slots.ts';
import type { PodIdentity } from './status-writer.ts';
import { Waits, type WriteClock } from './write-clock.ts';

/** What the evictor needs, and its bounds. */
export interface EvictorOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Whether the lease is surely held; asked before every write. */
  readonly mayWrite: () => boolean;
  /** Named in the condition of victims; default `TEG`. */
  readonly schedulerName?: string;
  /** Most at a time; default 16. */
  readonly inFlightMax?: number;
  /** Most that wait; more are answered with false. Default 10,000. */
  readonly queueMax?: number;
  /** Tries of each request, PodDisruptionBudgets that say no included; default 6. */
  readonly attemptsMax?: number;
  readonly backOff?: BackOff;
  /** Told why a pod could not be taken off. */
  readonly onTrouble?: (pod: PodIdentity, text: string) => void;
}

/** See the head of the file. */
export class Evictor {
  readonly #options: Required<Omit<EvictorOptions, 'onTrouble'>> & Pick<EvictorOptions, 'onTrouble'>;
  readonly #waits: Waits;
  readonly #slots: Slots;
  #stopped = false;

  constructor(options: EvictorOptions) {
    this.#options = {
      schedulerName: 'TEG',
      inFlightMax: 16,
      queueMax: 10_000,
      attemptsMax: 6,
      backOff: { secondsFirst: 0.2, secondsMax: 10 },
      ...options,
    };
    this.#waits = new Waits(options.clock);
    this.#slots = new Slots(this.#options.inFlightMax, this.#options.queueMax);
  }

  /** How many wait or are on their way. */
  get pending(): number {
    return this.#slots.running + this.#slots.waiting;
  }

  /**
   * Preempts a victim: condition DisruptionTarget, then deletion with the pod's own grace period.
   *
   * @returns Whether the pod is gone or going.
   */
  preempt(pod: PodIdentity): Promise<boolean> {
    return this.#slots.run(() => this.#preempt(pod), false);
  }

  /**
   * Evicts a pod; PodDisruptionBudgets may refuse, then it is tried again some times.
   *
   * @returns Whether the pod is gone or going.
   */
  evict(pod: PodIdentity): Promise<boolean> {
    return this.#slots.run(() => this.#evict(pod), false);
  }

  /** Tries nothing any more: what waits for another try settles as false. */
  stop(): void {
    this.#stopped = true;
    this.#waits.endAll();
  }

  async #preempt(pod: PodIdentity): Promise<boolean> {
    const path = podPath(pod.namespace, pod.name);
    const marked = await this.#untilDecided(pod, {
      method: 'PATCH',
      path: `${path}/status`,
      contentType: 'application/strategic-merge-patch+json',
      body: {
        metadata: { uid: pod.uid },
        status: {
          conditions: [
            {
              type: 'DisruptionTarget',
              status: 'True',
              reason: 'PreemptionByScheduler',
              message: `${this.#options.schedulerName}: preempting to accommodate a higher priority pod`,
              lastProbeTime: null,
              lastTransitionTime: secondTime(this.#options.clock.wallSeconds()),
            },
          ],
        },
      },
    });
    // As stock: a victim that could not be marked is not deleted, since its controller would count it as a failure.
    if (marked !== 'done') return marked === 'gone';
    const deleted = await this.#untilDecided(pod, {
      method: 'DELETE',
      path,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: pod.uid } },
    });
    return deleted !== 'failed';
  }

  async #evict(pod: PodIdentity): Promise<boolean> {
    const { namespace, name, uid } = pod;
    const evicted = await this.#untilDecided(pod, {
      method: 'POST',
      path: `${podPath(namespace, name)}/eviction`,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid } },
      },
    });
    return evicted !== 'failed';
  }

  /** Repeating is harmless because of the precondition. A 409, or 422 (uid is immutable), is the other pod's, or passes. */
  async #untilDecided(pod: PodIdentity, request: ApiRequest): Promise<'done' | 'gone' | 'failed'> {
    let refusal = '';
    for (let tried = 1; tried <= this.#options.attemptsMax; tried++) {
      const answer = await this.#ask(request);
      if (answer === undefined) return this.#fail(pod, 'no final answer in all tries');
      if (answer.status >= 200 && answer.status < 300) return 'done';
      if (answer.status === 404) return 'gone';
      if (answer.status !== 409 && answer.status !== 422) return this.#fail(pod, answerText(answer));
      refusal = answerText(answer);
      const now = await this.#ask({ method: 'GET', path: podPath(pod.namespace, pod.name) });
      if (now?.status === 404) return 'gone';
      if (now?.status === 200 && textAt(now.body, 'metadata', 'uid') !== pod.uid) return 'gone';
    }
    return this.#fail(pod, refusal);
  }

  #fail(pod: PodIdentity, text: string): 'failed' {
    this.#options.onTrouble?.(pod, text);
    return 'failed';
  }

  #ask(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const { client, random, attemptsMax, backOff, mayWrite } = this.#options;
    const keepOn = (): boolean => !this.#stopped && mayWrite();
    const patience = { client, waits: this.#waits, random, attemptsMax, backOff, keepOn };
    return askPatiently(patience, { timeoutSeconds: 15, ...request });
  }
}
