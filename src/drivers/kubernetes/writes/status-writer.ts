/**
 * Writes the scheduler's verdict on a pod into its status: condition PodScheduled=False and nominatedNodeName.
 *
 * Invariants: per pod only the newest wish counts; a value that is already there is not written; every patch carries
 * the resource version that it was made for, so a condition decided before a bind never overwrites the bind's fields.
 * Why read first: the condition keeps its transition time while its status stays, and after a restart most of a
 * scheduler's conditions are there already; a read costs the server much less than a write.
 * A failed write (an admission policy or webhook refuses it, the server is away) is retried after a back-off, as
 * bindings are, for as long as the lease is held and no newer wish exists. kube-scheduler leaves it to the pod's next
 * attempt, but here waiting pods are not attempted by a timer, and their conditions are renewed only every few minutes.
 */
import type { NotScheduledReason } from '../../../governor/pods/pod-events.ts';
import { assert } from '../../../kernel/assert.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { secondTime } from './api-time.ts';
import { PacedSender } from './paced-sender.ts';
import {
  answerText,
  askedWaitSeconds,
  at,
  type BackOff,
  backOffSeconds,
  podPath,
  requestWithRetries,
  textAt,
} from './retrying-request.ts';
import { Waits, type WriteClock } from './write-clock.ts';

/** Which pod. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Why it is not scheduled. */
export interface NotScheduled {
  readonly reason: NotScheduledReason;
  readonly message: string;
  /**
   * `metadata.generation` of the pod on which this was decided; absent or 0: that of the pod at the time of the write.
   */
  readonly generation?: number;
}

/** Dependencies of the writer, and its bounds. */
export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** True if the lease is surely held; called before every write. */
  readonly mayWrite: () => boolean;
  /** True if binds leave room now; default always. */
  readonly mayRun?: () => boolean;
  /** Most pods that wait; when the queue is full the oldest is dropped. Default 20,000. */
  readonly pendingMax?: number;
  /** Most writes at a time; default 8. */
  readonly inFlightMax?: number;
  /** Most writes a second; default 500. */
  readonly perSecondMax?: number;
  /** Writes a second that are guaranteed whatever `mayRun` says; default 20. */
  readonly perSecondMin?: number;
  /** Most pods whose last status is kept, which saves the read; default 20,000. */
  readonly rememberedMax?: number;
  /** Tries for one request, and reads and writes of one pod; default 5. */
  readonly attemptsMax?: number;
  /** Between the tries for one request. */
  readonly backOff?: BackOff;
  /** Wait before a failed write is tried again; default 1 to 10 s. */
  readonly retryBackOff?: BackOff;
  /**
   * Most pods that wait for another try; further ones get none, and wait for the next wish. Default 1,000: some 130
   * tries a second.
   */
  readonly retriesMax?: number;
  /** Called with the reason why a status could not be written. */
  readonly onWriteError?: (pod: PodIdentity, text: string) => void;
}

/** Counts since the start. */
export interface StatusCounts {
  readonly written: number;
  /** Nothing to write: the value was there already, or the pod is bound, gone, or another one. */
  readonly needless: number;
  /** Replaced by a newer wish before it was written. */
  readonly merged: number;
  /** Lost because too many waited. */
  readonly dropped: number;
  /** Tries that failed; most are followed by another. */
  readonly failed: number;
}

/** The wanted status of a pod; undefined: leave it. */
interface Wish {
  readonly pod: PodIdentity;
  condition: NotScheduled | undefined;
  nominated: string | undefined;
  /** Our own nominations that the status may have now: nothing else is cleared. */
  own: readonly string[];
  /** Number of failed writes so far. */
  failures: number;
}

/** A wish that waits for another try. */
interface Retry {
  readonly wish: Wish;
  readonly cancel: () => void;
}

/** The server's state, as of a resource version. */
interface Seen {
  readonly version: string;
  /** Bound, or another pod by now: nothing to write any more. */
  readonly over: boolean;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** `observedGeneration` of the condition; 0: none, as on servers before 1.33. */
  readonly observed: number;
  /** `metadata.generation`; 0: none. */
  readonly generation: number;
  readonly nominated: string;
}

/** Own nominations of a pod that are kept until one is written. */
const OWN_MAX = 8;

/** Writes status; see the head of the file. */
export class StatusWriter {
  readonly #options: Required<Omit<StatusWriterOptions, 'onWriteError'>> &
    Pick<StatusWriterOptions, 'onWriteError'>;
  readonly #waits: Waits;
  readonly #sender: PacedSender;
  /** By uid, in the order of the wishes. */
  readonly #pending = new Map<string, Wish>();
  /** By uid; a pod whose write is in flight is not written a second time in parallel. */
  readonly #busy = new Map<string, Wish | undefined>();
  /** By uid, the one used longest ago first. */
  readonly #seen = new Map<string, Seen>();
  /** By uid; never in `#pending` or `#busy` as well. */
  readonly #retries = new Map<string, Retry>();
  readonly #idleListeners = new Set<() => void>();
  readonly #counts = { written: 0, needless: 0, merged: 0, dropped: 0, failed: 0 };

  constructor(options: StatusWriterOptions) {
    this.#options = {
      mayRun: () => true,
      pendingMax: 20_000,
      inFlightMax: 8,
      perSecondMax: 500,
      perSecondMin: 20,
      rememberedMax: 20_000,
      attemptsMax: 5,
      backOff: { secondsFirst: 0.2, secondsMax: 10 },
      retryBackOff: { secondsFirst: 1, secondsMax: 10 },
      retriesMax: 1000,
      ...options,
    };
    assert(this.#options.pendingMax >= 1, 'there is room for one');
    this.#waits = new Waits(options.clock);
    const pending = this.#pending;
    this.#sender = new PacedSender(options.clock, this.#options, {
      get size() {
        return pending.size;
      },
      start: () => this.#startOldest(),
      idle: () => {
        for (const listener of this.#idleListeners) listener();
        this.#idleListeners.clear();
      },
    });
  }

  /** Pods that wait. */
  get queued(): number {
    return this.#pending.size;
  }

  /** Pods that wait for another try after a failed one. */
  get retrying(): number {
    return this.#retries.size;
  }

  /** Pods being written. */
  get inFlight(): number {
    return this.#sender.inFlight;
  }

  /** A copy of the counts. */
  get counts(): StatusCounts {
    return { ...this.#counts };
  }

  /** Condition PodScheduled=False, if the pod is still not bound when its turn comes. O(1). */
  setNotScheduled(pod: PodIdentity, condition: NotScheduled): void {
    this.#wish({ pod, condition, nominated: undefined, own: [], failures: 0 });
  }

  /**
   * Sets status.nominatedNodeName; '' clears it, if it still holds our value. O(1).
   *
   * @param was Our own nomination before; '' if there was none.
   */
  nominate(pod: PodIdentity, node: string, was: string): void {
    const own = was === '' ? [] : [was];
    this.#wish({ pod, condition: undefined, nominated: node, own, failures: 0 });
  }

  /** Withdraws all wishes for the pod: it was bound or is gone. A write in flight ends on its own, harmlessly. */
  forget(uid: string): void {
    if (this.#pending.delete(uid)) this.#counts.needless++;
    if (this.#busy.has(uid)) this.#busy.set(uid, undefined);
    this.#takeRetry(uid);
    this.#seen.delete(uid);
  }

  /**
   * @returns Settles when nothing waits for its turn and nothing is in flight; pods that wait for another try do not
   *   count.
   */
  idle(): Promise<void> {
    if (this.queued + this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.add(resolve));
  }

  #wish(fresh: Wish): void {
    const { uid } = fresh.pod;
    const later = this.#busy.get(uid);
    const before = later ?? this.#pending.get(uid);
    if (before !== undefined) {
      renew(before, fresh);
      this.#counts.merged++;
      return;
    }
    const failed = this.#takeRetry(uid);
    if (failed !== undefined) {
      renew(failed, fresh);
      this.#counts.merged++;
      this.#enqueue(failed);
    } else if (this.#busy.has(uid)) this.#busy.set(uid, fresh);
    else this.#enqueue(fresh);
  }

  #enqueue(wish: Wish): void {
    this.#pending.set(wish.pod.uid, wish);
    if (this.#pending.size > this.#options.pendingMax) {
      const oldest = this.#pending.keys().next().value!;
      this.#pending.delete(oldest);
      this.#counts.dropped++;
    }
    // Deferred: a condition and a nomination of the same decision become one write.
    queueMicrotask(() => this.#sender.wake());
  }

  async #startOldest(): Promise<void> {
    const [uid, wish] = this.#pending.entries().next().value!;
    this.#pending.delete(uid);
    this.#busy.set(uid, undefined);
    const result = await this.#write(wish);
    this.#counts[result]++;
    const next = this.#busy.get(uid);
    this.#busy.delete(uid);
    if (result === 'failed') {
      wish.failures++;
      if (next === undefined) {
        this.#tryLater(wish);
        return;
      }
      // Fields that the newer wish does not set are still to be written.
      renew(wish, next);
      this.#enqueue(wish);
    } else if (next !== undefined) this.#enqueue(next);
  }

  /** Another try after a while, where there is room for it. Without the lease the next leader writes it. */
  #tryLater(wish: Wish): void {
    const { clock, mayWrite, random, retriesMax, retryBackOff } = this.#options;
    const { uid } = wish.pod;
    if (!mayWrite() || this.#retries.size >= retriesMax) return;
    const cancel = clock.setTimer(backOffSeconds(retryBackOff, wish.failures, random), () => {
      this.#retries.delete(uid);
      this.#enqueue(wish);
    });
    this.#retries.set(uid, { wish, cancel });
  }

  /** @returns The wish of a pod that waits for another try, which is removed; undefined if there is none. */
  #takeRetry(uid: string): Wish | undefined {
    const retry = this.#retries.get(uid);
    retry?.cancel();
    this.#retries.delete(uid);
    return retry?.wish;
  }

  /** Reads if the pod is unknown, writes if needed; repeats on a conflict. */
  async #write(wish: Wish): Promise<'written' | 'needless' | 'failed'> {
    const { pod } = wish;
    let invalid: ApiAnswer | undefined;
    for (let round = 0; round < this.#options.attemptsMax; round++) {
      const seen = this.#seen.get(pod.uid) ?? (await this.#read(pod));
      if (seen === undefined) return 'failed';
      const body = seen.over ? undefined : this.#patchOf(wish, seen);
      if (body === undefined) return 'needless';
      // Read again, and still the same pod: the uid was not the cause, the server does not allow this write.
      if (invalid !== undefined) return this.#fail(pod, invalid);
      const answer = await this.#ask({
        method: 'PATCH',
        path: `${podPath(pod.namespace, pod.name)}/status`,
        body,
        contentType: 'application/strategic-merge-patch+json',
      });
      this.#seen.delete(pod.uid);
      if (answer?.status === 404) return 'needless';
      if (answer?.status === 200) {
        this.#see(pod.uid, seenOf(answer.body, pod.uid));
        return 'written';
      }
      // 409: another version by now. 422: another uid, which no patch may change; or a policy or webhook denied it.
      if (answer?.status !== 409 && answer?.status !== 422) return this.#fail(pod, answer);
      if (answer.status === 422) invalid = answer;
    }
    return this.#fail(pod, undefined);
  }

  async #read(pod: PodIdentity): Promise<Seen | undefined> {
    const answer = await this.#ask({ method: 'GET', path: podPath(pod.namespace, pod.name) });
    if (answer?.status === 404) return seenOf(undefined, pod.uid);
    if (answer?.status !== 200) {
      this.#fail(pod, answer);
      return undefined;
    }
    const seen = seenOf(answer.body, pod.uid);
    this.#see(pod.uid, seen);
    return seen;
  }

  /** Keeps only state that can be useful again. */
  #see(uid: string, seen: Seen): void {
    if (seen.over) return;
    this.#seen.set(uid, seen);
    if (this.#seen.size > this.#options.rememberedMax) this.#seen.delete(this.#seen.keys().next().value!);
  }

  /** @returns The required change; undefined if there is none. */
  #patchOf(wish: Wish, seen: Seen): object | undefined {
    const status: Record<string, unknown> = {};
    const { condition, nominated, pod } = wish;
    if (condition !== undefined && isOther(condition, seen)) {
      const { reason, message } = condition;
      const observedGeneration = condition.generation || seen.generation;
      const now = secondTime(this.#options.clock.wallSeconds());
      // Merged by type on the server: omitted fields stay, so the time of the transition is kept.
      const transition = seen.status === 'False' ? {} : { lastTransitionTime: now };
      status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason,
          message,
          ...(observedGeneration > 0 ? { observedGeneration } : {}),
          lastProbeTime: null,
          ...transition,
        },
      ];
    }
    const isOurs = nominated !== '' || wish.own.includes(seen.nominated);
    if (nominated !== undefined && nominated !== seen.nominated && isOurs) {
      status.nominatedNodeName = nominated === '' ? null : nominated;
    }
    if (Object.keys(status).length === 0) return undefined;
    return { metadata: { uid: pod.uid, resourceVersion: seen.version }, status };
  }

  #fail(pod: PodIdentity, answer: ApiAnswer | undefined): 'failed' {
    this.#options.onWriteError?.(pod, answer === undefined ? 'not written in all tries' : answerText(answer));
    return 'failed';
  }

  #ask(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const { client, random, attemptsMax, backOff, mayWrite } = this.#options;
    return requestWithRetries(
      {
        client,
        waits: this.#waits,
        random,
        attemptsMax,
        backOff,
        keepOn: mayWrite,
        onPassing: (answer) => {
          const seconds = askedWaitSeconds(answer);
          if (seconds >= 0) this.#sender.pause(seconds);
        },
      },
      { timeoutSeconds: 15, ...request },
    );
  }
}

/** Overrides an older wish with the fields of a newer one. */
function renew(wish: Wish, { condition, nominated, own }: Wish): void {
  wish.condition = condition ?? wish.condition;
  wish.nominated = nominated ?? wish.nominated;
  if (own.length > 0) wish.own = [...wish.own, ...own].slice(-OWN_MAX);
}

/** True if a condition differs from the present one. Generations count where the server keeps them. */
function isOther({ reason, message, generation = 0 }: NotScheduled, seen: Seen): boolean {
  if (seen.status !== 'False' || seen.reason !== reason || seen.message !== message) return true;
  return seen.observed > 0 && seen.observed !== (generation || seen.generation);
}

function numberAt(body: unknown, ...path: string[]): number {
  const value = at(body, ...path);
  return typeof value === 'number' ? value : 0;
}

/** @returns The state of the pod in an answer. */
function seenOf(body: unknown, uid: string): Seen {
  const conditions = at(body, 'status', 'conditions');
  const list: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  const condition = list.find((one) => textAt(one, 'type') === 'PodScheduled');
  return {
    version: textAt(body, 'metadata', 'resourceVersion'),
    over: textAt(body, 'metadata', 'uid') !== uid || textAt(body, 'spec', 'nodeName') !== '',
    status: textAt(condition, 'status'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
    observed: numberAt(condition, 'observedGeneration'),
    generation: numberAt(body, 'metadata', 'generation'),
    nominated: textAt(body, 'status', 'nominatedNodeName'),
  };
}
