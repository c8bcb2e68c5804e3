/**
 * Removes pods from their nodes: victims of a preemption by deletion, members of a released gang through the eviction
 * API.
 *
 * Invariants: every write names the uid, so a new pod of the same name is never hit; nothing is written without
 * `mayWrite`; each promise settles, with `done` only if the pod is gone or surely going.
 */
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { secondTime } from './api-time.ts';
import {
  answerText,
  type BackOff,
  podPath,
  requestWithRetries,
  serverRefusalText,
  textAt,
} from './retrying-request.ts';
import { Slots } from './slots.ts';
import type { PodIdentity } from './status-writer.ts';
import { Waits, type WriteClock } from './write-clock.ts';

const HIGHER_PRIORITY = 'preempting to accommodate a higher priority pod';

/** Dependencies of the evictor, and its bounds. */
export interface EvictorOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** True if the lease is surely held; called before every write. */
  readonly mayWrite: () => boolean;
  /** Named in the condition of victims; default `TEG`. */
  readonly schedulerName?: string;
  /** Most evictions at a time; default 16. */
  readonly inFlightMax?: number;
  /** Most evictions that wait; further ones are answered with false. Default 10,000. */
  readonly queueMax?: number;
  /** Tries of each request, including those refused by PodDisruptionBudgets; default 6. */
  readonly attemptsMax?: number;
  readonly backOff?: BackOff;
  /** Called with the reason why a pod could not be removed. */
  readonly onWriteError?: (pod: PodIdentity, text: string) => void;
}

/** Outcome of an eviction. */
export interface EvictResult {
  /** True if the pod is gone or going. */
  readonly done: boolean;
  /**
   * The reason of a failure, for people; '' on success, or if there is nothing to report (the lease is lost, or a
   * stop).
   */
  readonly reason: string;
}

/** Result of a request. */
type Decided = { readonly state: 'done' | 'gone' } | { readonly state: 'failed'; readonly reason: string };

/** Evicts pods; see the head of the file. */
export class Evictor {
  readonly #options: Required<Omit<EvictorOptions, 'onWriteError'>> & Pick<EvictorOptions, 'onWriteError'>;
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

  /** Evictions that wait or are in flight. */
  get pending(): number {
    return this.#slots.running + this.#slots.waiting;
  }

  /**
   * Preempts a victim: condition DisruptionTarget, then deletion with the pod's own grace period.
   *
   * @param cause For people, in the condition; default: kube-scheduler's text.
   * @returns Success if the pod is gone or going, or the reason why not.
   */
  preempt(pod: PodIdentity, cause: string = HIGHER_PRIORITY): Promise<EvictResult> {
    return this.#slots.run(() => this.#preempt(pod, cause), this.#full);
  }

  /**
   * Evicts a pod; PodDisruptionBudgets may refuse, then it is retried some times.
   *
   * @returns Success if the pod is gone or going, or the reason why not.
   */
  evict(pod: PodIdentity): Promise<EvictResult> {
    return this.#slots.run(() => this.#evict(pod), this.#full);
  }

  /** Stops retrying: evictions that wait for another try settle as false. */
  stop(): void {
    this.#stopped = true;
    this.#waits.endAll();
  }

  get #full(): EvictResult {
    return { done: false, reason: `${this.#options.queueMax} evictions wait already` };
  }

  async #preempt(pod: PodIdentity, cause: string): Promise<EvictResult> {
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
              message: `${this.#options.schedulerName}: ${cause}`,
              lastProbeTime: null,
              lastTransitionTime: secondTime(this.#options.clock.wallSeconds()),
            },
          ],
        },
      },
    });
    // As in kube-scheduler: a victim that could not be marked is not deleted, since its controller would count it as a
    // failure.
    if (marked.state !== 'done') return resultOf(marked);
    const deleted = await this.#untilDecided(pod, {
      method: 'DELETE',
      path,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: pod.uid } },
    });
    return resultOf(deleted);
  }

  async #evict(pod: PodIdentity): Promise<EvictResult> {
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
    return resultOf(evicted);
  }

  /**
   * Repeating is harmless because of the precondition. A 409, or 422 (uid is immutable), concerns another pod, or is
   * transient.
   */
  async #untilDecided(pod: PodIdentity, request: ApiRequest): Promise<Decided> {
    let refusal: ApiAnswer | undefined;
    const notePassing = (answer: ApiAnswer): void => {
      refusal = answer;
    };
    for (let tried = 1; tried <= this.#options.attemptsMax; tried++) {
      const answer = await this.#ask(request, notePassing);
      if (answer === undefined) return this.#fail(pod, refusal);
      if (answer.status >= 200 && answer.status < 300) return { state: 'done' };
      if (answer.status === 404) return { state: 'gone' };
      refusal = answer;
      if (answer.status !== 409 && answer.status !== 422) return this.#fail(pod, answer);
      const now = await this.#ask({ method: 'GET', path: podPath(pod.namespace, pod.name) });
      if (now?.status === 404) return { state: 'gone' };
      if (now?.status === 200 && textAt(now.body, 'metadata', 'uid') !== pod.uid) return { state: 'gone' };
    }
    return this.#fail(pod, refusal);
  }

  /** @param answer The last one; undefined: there was none. */
  #fail(pod: PodIdentity, answer: ApiAnswer | undefined): Decided {
    const told = answer === undefined ? 'no final answer in all tries' : answerText(answer);
    this.#options.onWriteError?.(pod, told);
    if (!this.#mayGoOn()) return { state: 'failed', reason: '' };
    return { state: 'failed', reason: answer === undefined ? told : serverRefusalText(answer) };
  }

  #mayGoOn(): boolean {
    return !this.#stopped && this.#options.mayWrite();
  }

  #ask(request: ApiRequest, onPassing?: (answer: ApiAnswer) => void): Promise<ApiAnswer | undefined> {
    const { client, random, attemptsMax, backOff } = this.#options;
    const keepOn = (): boolean => this.#mayGoOn();
    const patience = { client, waits: this.#waits, random, attemptsMax, backOff, keepOn };
    return requestWithRetries(onPassing === undefined ? patience : { ...patience, onPassing }, {
      timeoutSeconds: 15,
      ...request,
    });
  }
}

function resultOf(decided: Decided): EvictResult {
  return decided.state === 'failed' ? { done: false, reason: decided.reason } : { done: true, reason: '' };
}
