/**
 * Binds pods to nodes: an adaptive number at a time, and every binding is settled exactly once with its true outcome.
 *
 * Invariants: nothing is bound unless `mayWrite` returned true right before; a lost answer is resolved by reading,
 * never guessed. A binding whose answer was lost may still be carried out by the server until the request's time-out is
 * over; only then is "not bound", as read from the pod, final. Not checked here: whether the node exists or has room
 * (the server answers 201 for both); that is the core's duty.
 */
import type { BindOutcome } from '../../../governor/pods/pod-events.ts';
import { assert } from '../../../kernel/assert.ts';
import type { ApiAnswer, ApiClient } from '../client/api.ts';
import { Fifo } from './fifo.ts';
import { LatencyWindow } from './latency-window.ts';
import {
  answerText,
  askedWaitSeconds,
  at,
  attempt,
  type BackOff,
  backOffSeconds,
  isPassing,
  podPath,
  requestWithRetries,
  serverRefusalText,
  textAt,
} from './retrying-request.ts';
import { Waits, type WriteClock } from './write-clock.ts';
import { BINDING } from './written-schemas.ts';

/** A binding to make. */
export interface Binding {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

/** Dependencies of the binder, and its bounds. */
export interface BinderOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** True if the lease is surely held; called right before every write. */
  readonly mayWrite: () => boolean;
  /** Fewest in flight; default 4. */
  readonly windowMin?: number;
  /** Most in flight, and so most requests at once; default 64. */
  readonly windowMax?: number;
  /**
   * Median latency, seconds, that never counts as too long; default 0.2. With 0.05, beside 30 clients that create pods
   * on two cores, the window shrank at times until pods came faster than they were bound: p99 of 0.3 to 2.4 s instead
   * of 0.13 to 0.18.
   */
  readonly fineSeconds?: number;
  /** Excess of `room` over the window, so that a free slot is filled at once; default 8. */
  readonly aheadMax?: number;
  /** Most bindings that wait (a gang comes as a whole); more settle as `failed`. Default 20,000. */
  readonly queueMax?: number;
  /** Most POSTs for one binding; default 5. */
  readonly attemptsMax?: number;
  /**
   * Time-out given to the server for the first POST of a binding, whole seconds; doubles up to `serverSecondsMax`.
   * Default 5.
   */
  readonly serverSeconds?: number;
  /**
   * Longest such time-out; default 30. With a lease, no more than the rest of the lease at the moment when its holder
   * stops relying on it: otherwise a binding could be carried out when another replica leads already, and has read the
   * bindings.
   */
  readonly serverSecondsMax?: number;
  readonly backOff?: BackOff;
  /** Called with the reason why a binding did not succeed at once; for logs at debug. */
  readonly onWriteError?: (binding: Binding, text: string) => void;
}

/** Counts since the start. */
export interface BinderCounts {
  readonly posts: number;
  readonly bound: number;
  readonly conflict: number;
  readonly gone: number;
  readonly failed: number;
  /** Answers that were lost, or were errors of the server. */
  readonly unknown: number;
  /** 429. */
  readonly throttled: number;
  /** Refused because the queue was full (counted in `failed` too). */
  readonly overflowed: number;
}

/** Outcome of a binding. */
export interface BindResult {
  /** Never `no-node`: the server does not check. */
  readonly outcome: BindOutcome;
  /** With `failed`: the last error of the server or the connection, for people; else ''. */
  readonly reason: string;
}

/** A binding in progress. */
interface Task {
  readonly binding: Binding;
  /** The last error, for people; '' before. */
  reason: string;
  /** Time until which an earlier POST with a lost answer may still be carried out, `nowSeconds`; 0: none. */
  uncertainUntil: number;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
}

/** Observations from this process. */
type Outcome = Exclude<BindOutcome, 'no-node'>;

/** Result of one POST: a final outcome, or that it has to be tried again. */
type Step = Outcome | 'again';

/** Time after the server's time-out when the client gives up, and when a read is final. */
const MARGIN_SECONDS = 1;

/** Binds pods; see the head of the file. */
export class Binder {
  readonly #options: Required<Omit<BinderOptions, 'onWriteError'>> & Pick<BinderOptions, 'onWriteError'>;
  readonly #window: LatencyWindow;
  readonly #waits: Waits;
  readonly #queue = new Fifo<Task>();
  #inFlight = 0;
  #held = false;
  #stopped = false;
  #pausedUntil = 0;
  #cancelPause: (() => void) | undefined;
  #idleListeners: (() => void)[] = [];
  readonly #counts = {
    posts: 0,
    bound: 0,
    conflict: 0,
    gone: 0,
    failed: 0,
    unknown: 0,
    throttled: 0,
    overflowed: 0,
  };

  constructor(options: BinderOptions) {
    this.#options = {
      windowMin: 4,
      windowMax: 64,
      fineSeconds: 0.2,
      aheadMax: 8,
      queueMax: 20_000,
      attemptsMax: 5,
      serverSeconds: 5,
      serverSecondsMax: 30,
      backOff: { secondsFirst: 0.1, secondsMax: 5 },
      ...options,
    };
    const max = this.#options.windowMax;
    const min = Math.min(this.#options.windowMin, max);
    this.#window = new LatencyWindow({ min, max, fineSeconds: this.#options.fineSeconds });
    this.#waits = new Waits(options.clock);
  }

  /** Number of bindings that may be in flight now. */
  get window(): number {
    return this.#window.size;
  }

  /** Bindings in progress: sent, being resolved, or waiting for another try. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Bindings that wait for a slot. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Number of further bindings that make sense now; integer ≥ 0, 0 while held or paused by the server. Check before
   * letting the core decide.
   */
  get room(): number {
    if (this.#held || this.#options.clock.nowSeconds() < this.#pausedUntil) return 0;
    return Math.max(0, this.#window.size + this.#options.aheadMax - this.#inFlight - this.queued);
  }

  /** A copy of the counts. */
  get counts(): BinderCounts {
    return { ...this.#counts };
  }

  /**
   * Binds a pod.
   *
   * @returns The outcome; a promise that rejects only for a bug.
   */
  bind(binding: Binding): Promise<BindResult> {
    return new Promise((resolve, reject) => {
      const task: Task = {
        binding,
        reason: '',
        uncertainUntil: 0,
        settle: (outcome) => {
          this.#counts[outcome]++;
          resolve({ outcome, reason: outcome === 'failed' ? task.reason : '' });
        },
        fail: reject,
      };
      if (this.#held || this.queued >= this.#options.queueMax) {
        if (!this.#held) {
          this.#counts.overflowed++;
          task.reason = `${this.#options.queueMax} bindings wait already`;
        }
        task.settle('failed');
        return;
      }
      this.#queue.push(task);
      this.#startWhatFits();
    });
  }

  /**
   * Stops binding (lease lost): waiting bindings settle as `failed`, those in flight are resolved.
   *
   * @returns Settles when nothing is in flight any more.
   */
  hold(): Promise<void> {
    this.#held = true;
    this.#waits.endAll();
    for (const task of this.#queue.drain()) task.settle('failed');
    return this.settled();
  }

  /** Ends a hold. Not after `stop`. */
  resume(): void {
    assert(!this.#stopped, 'a binder that was stopped does not start again');
    this.#held = false;
    this.#startWhatFits();
  }

  /** As `hold`, permanently. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.hold();
  }

  /** @returns Settles when nothing waits and nothing is in flight. */
  settled(): Promise<void> {
    if (this.#inFlight === 0 && this.queued === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }

  #startWhatFits(): void {
    if (this.#held || this.queued === 0) return;
    const paused = this.#pausedUntil - this.#options.clock.nowSeconds();
    if (paused > 0) {
      this.#cancelPause ??= this.#options.clock.setTimer(paused, () => {
        this.#cancelPause = undefined;
        this.#startWhatFits();
      });
      return;
    }
    while (this.#inFlight < this.#window.size) {
      const task = this.#queue.shift();
      if (task === undefined) return;
      this.#inFlight++;
      void this.#run(task);
    }
  }

  /**
   * Carries a binding to its end. The slot is released before any caller is notified, so that the caller sees the room.
   */
  async #run(task: Task): Promise<void> {
    let end = (): void => task.settle('failed');
    try {
      const outcome = await this.#bindOne(task);
      end = () => task.settle(outcome);
    } catch (error) {
      end = () => task.fail(error);
    }
    this.#inFlight--;
    end();
    this.#startWhatFits();
    if (this.#inFlight === 0 && this.queued === 0) {
      for (const listener of this.#idleListeners.splice(0)) listener();
    }
  }

  async #bindOne(task: Task): Promise<Outcome> {
    const { attemptsMax, backOff, clock, random } = this.#options;
    for (let tried = 1; tried <= attemptsMax; tried++) {
      const paused = this.#pausedUntil - clock.nowSeconds();
      if (paused > 0 && !this.#held) await this.#waits.wait(paused);
      // After any wait the lease may be over.
      if (!this.#mayPost()) break;
      const step = await this.#post(task, tried);
      if (step !== 'again') return step;
      if (tried < attemptsMax && !this.#held) await this.#waits.wait(backOffSeconds(backOff, tried, random));
    }
    return this.#readToTheEnd(task);
  }

  #mayPost(): boolean {
    return !this.#held && this.#options.mayWrite();
  }

  /** One POST, and the read that its answer requires. */
  async #post(task: Task, tried: number): Promise<Step> {
    const { clock, client, serverSeconds, serverSecondsMax } = this.#options;
    const { namespace, name, uid, node } = task.binding;
    const seconds = Math.min(serverSecondsMax, Math.ceil(serverSeconds * 2 ** (tried - 1)));
    const sent = clock.nowSeconds();
    const full = this.#inFlight + 1 >= this.#window.size;
    this.#counts.posts++;
    const result = await attempt(client, {
      method: 'POST',
      path: `${podPath(namespace, name)}/binding?timeout=${seconds}s`,
      body: {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      },
      schema: BINDING,
      successIsEnough: true,
      timeoutSeconds: seconds + MARGIN_SECONDS,
      stillWanted: () => this.#mayPost(),
    });
    if (result.kind === 'not-sent')
      return this.#trouble(task, 'the request was not sent, or the API server did not take it');
    if (result.kind === 'answer' && !isPassing(result.answer.status)) {
      this.#window.sample(clock.nowSeconds() - sent, full);
      return this.#judge(task, result.answer);
    }
    if (result.kind === 'answer') this.#mindPause(result.answer, tried);
    if (result.kind === 'answer' && result.answer.status === 429) {
      return this.#refused(task, result.answer);
    }
    // An error of the server does not say whether it acted: etcd may have stored the binding although the server's wait
    // was over.
    this.#counts.unknown++;
    task.uncertainUntil = Math.max(task.uncertainUntil, sent + seconds + MARGIN_SECONDS);
    if (result.kind === 'answer') this.#refused(task, result.answer);
    else this.#trouble(task, 'the answer of the API server was lost');
    return this.#read(task);
  }

  /** A final answer to a POST. */
  #judge(task: Task, answer: ApiAnswer): Promise<Step> | Step {
    if (answer.status >= 200 && answer.status < 300) return 'bound';
    this.#refused(task, answer);
    if (answer.status === 409 || answer.status === 404) return this.#read(task);
    // Refused permanently (400, 403, 422): an immediate retry cannot succeed.
    return this.#readToTheEnd(task);
  }

  /** A server that requests a pause gets it from all bindings. */
  #mindPause(answer: ApiAnswer, tried: number): void {
    const { backOff, clock, random } = this.#options;
    if (answer.status === 429) {
      this.#counts.throttled++;
      this.#window.shrink();
    }
    let seconds = askedWaitSeconds(answer);
    if (!(seconds >= 0)) {
      if (answer.status !== 429) return;
      seconds = backOffSeconds(backOff, tried, random);
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, clock.nowSeconds() + seconds);
  }

  /** @returns The outcome according to the pod itself; `again` if it exists, is not bound, and could be. */
  async #read(task: Task): Promise<Step> {
    const { namespace, name, uid, node } = task.binding;
    const answer = await requestWithRetries(
      {
        client: this.#options.client,
        waits: this.#waits,
        random: this.#options.random,
        attemptsMax: Number.POSITIVE_INFINITY,
        backOff: this.#options.backOff,
        keepOn: () => true,
      },
      { method: 'GET', path: podPath(namespace, name), timeoutSeconds: 10 },
    );
    assert(answer !== undefined, 'reading is retried until there is an answer');
    if (answer.status === 404) return 'gone';
    // No right to read: nothing is known, so the only claim is that the core has to look again.
    if (answer.status !== 200) return this.#refused(task, answer);
    if (textAt(answer.body, 'metadata', 'uid') !== uid) return 'conflict';
    const boundTo = textAt(answer.body, 'spec', 'nodeName');
    if (boundTo !== '') return boundTo === node ? 'bound' : 'conflict';
    if (textAt(answer.body, 'metadata', 'deletionTimestamp') !== '') return 'conflict';
    const gates = at(answer.body, 'spec', 'schedulingGates');
    if (Array.isArray(gates) && gates.length > 0 && !this.#isUncertain(task)) return 'conflict';
    return 'again';
  }

  /** No further POST: waits until none can be carried out late either, and reads if one could have been. */
  async #readToTheEnd(task: Task): Promise<Outcome> {
    if (task.uncertainUntil === 0) return 'failed';
    while (this.#isUncertain(task)) {
      await this.#waits.wait(task.uncertainUntil - this.#options.clock.nowSeconds());
    }
    const step = await this.#read(task);
    return step === 'again' ? 'failed' : step;
  }

  #isUncertain(task: Task): boolean {
    return this.#options.clock.nowSeconds() < task.uncertainUntil;
  }

  #refused(task: Task, answer: ApiAnswer): 'again' {
    this.#trouble(task, answerText(answer));
    task.reason = serverRefusalText(answer);
    return 'again';
  }

  #trouble(task: Task, text: string): 'again' {
    task.reason = text;
    this.#options.onWriteError?.(task.binding, text);
    return 'again';
  }
}
