/**
 * Leadership by a Lease: at most one of several processes believes at a time that it surely leads.
 *
 * How: the holder relies on it until `renewDeadlineSeconds` after the start of its last successful renewal; others take
 * it only after seeing it unchanged for the longer `leaseDurationSeconds`. Both are measured on the own monotonic
 * clock, remote times are never compared; clocks need only run at about the same speed. A process that was stopped
 * finds `surelyHeld` false as soon as it runs again, before any timer or answer. Not covered: a machine that is
 * suspended as a whole, if its monotonic clock stands still meanwhile.
 */
import { TegError } from '../../../model/errors.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { heldLease, type LeaseRecord, leaseRecordOf, releasedLease } from './lease-record.ts';
import { answerText, attempt } from './retrying-request.ts';
import { Waits, type WriteClock } from './write-clock.ts';

/** The lease, the candidate's identity, and the durations. One lease a scheduler or one a zone: the name differs. */
export interface LeaderLeaseOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: two with the same identity would both believe that they lead. */
  readonly identity: string;
  /** Default 15. */
  readonly leaseDurationSeconds?: number;
  /** Default 10; less than the duration. */
  readonly renewDeadlineSeconds?: number;
  /** Default 2; 1.2 times of it is less than the deadline. */
  readonly retryPeriodSeconds?: number;
  /** The lease is held from now. */
  readonly onStarted: () => void;
  /** The lease is not surely held any more: write nothing. Called once for each `onStarted`, by `stop` too. */
  readonly onLost: (why: string) => void;
  /** Another process, or none (''), holds it. */
  readonly onHolder?: (holder: string) => void;
  /** Called with the reason why a try failed. */
  readonly onWriteError?: (text: string) => void;
}

/** As in client-go: retries of candidates are spread over this many retry periods. */
const JITTER_FACTOR = 1.2;

/** A candidate for the lease; see the head of the file. After a loss it is a candidate again, until `stop`. */
export class LeaderLease {
  readonly #options: LeaderLeaseOptions;
  readonly #durationSeconds: number;
  readonly #deadlineSeconds: number;
  readonly #retrySeconds: number;
  readonly #waits: Waits;
  #running: Promise<void> | undefined;
  #stopping = false;
  #leading = false;
  /** Start of the last write of the lease, `nowSeconds`. */
  #tookAt = Number.NEGATIVE_INFINITY;
  /** Start of the last one that succeeded. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #cancelDeadline: (() => void) | undefined;
  #record: LeaseRecord | undefined;
  /** Time when the present `#record` was first seen. */
  #seenAt = 0;
  #toldHolder: string | undefined;

  /** @throws TegError TEG_OPTION_INVALID if the times do not fit each other. */
  constructor(options: LeaderLeaseOptions) {
    this.#options = options;
    this.#durationSeconds = options.leaseDurationSeconds ?? 15;
    this.#deadlineSeconds = options.renewDeadlineSeconds ?? 10;
    this.#retrySeconds = options.retryPeriodSeconds ?? 2;
    this.#waits = new Waits(options.clock);
    this.#checkTimes();
  }

  /** The holder as far as is known; '' if there is none. */
  get holder(): string {
    return this.#record?.holder ?? '';
  }

  /** How often the lease passed to another process, as far as is known: grows with every new leader. */
  get transitions(): number {
    return this.#record?.transitions ?? 0;
  }

  /** The version of the lease that this process wrote or saw last; '' before. */
  get version(): string {
    return this.#record?.version ?? '';
  }

  /** Seconds since the start of the last successful renewal; 0 while this process does not lead. For metrics. */
  get renewalAgeSeconds(): number {
    return this.#leading ? this.#options.clock.nowSeconds() - this.#renewedAt : 0;
  }

  /**
   * True if the lease is surely held; call right before every write. O(1), no side effects.
   *
   * @param nowSeconds Of the same clock.
   */
  surelyHeld(nowSeconds: number = this.#options.clock.nowSeconds()): boolean {
    return this.#leading && !this.#stopping && nowSeconds < this.#renewedAt + this.#deadlineSeconds;
  }

  /** Becomes a candidate. */
  start(): void {
    if (this.#running !== undefined || this.#stopping) return;
    this.#running = this.#run();
  }

  /**
   * Leaves: the lease is not surely held from now, and is released so that the next process takes over at once. Stop
   * all writes, and await those in flight, before.
   *
   * @param release false: let it expire, for instance because not all writes could be awaited.
   * @returns Settles when it is released, or could not be within the deadline.
   */
  async stop(release = true): Promise<void> {
    this.#stopping = true;
    this.#waits.endAll();
    this.#lose('stopped');
    await this.#running;
    if (release && this.holder === this.#options.identity) await this.#release();
  }

  #checkTimes(): void {
    const [duration, deadline, retry] = [this.#durationSeconds, this.#deadlineSeconds, this.#retrySeconds];
    if (Number.isInteger(duration) && duration > deadline && deadline > retry * JITTER_FACTOR && retry > 0)
      return;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `leader election: got leaseDuration ${duration} s, renewDeadline ${deadline} s, retryPeriod ${retry} s; expected whole seconds of lease > deadline > ${JITTER_FACTOR} x retry > 0`,
    );
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    while (!this.#stopping) {
      const held = await this.#try();
      if (this.#stopping) return;
      if (held) this.#hold();
      this.#tellHolder();
      const jitter = this.#leading ? 0 : JITTER_FACTOR * random();
      await this.#waits.wait(this.#retrySeconds * (1 + jitter));
    }
  }

  /** The write of `#take` succeeded. */
  #hold(): void {
    const { clock, onStarted } = this.#options;
    this.#renewedAt = this.#tookAt;
    this.#cancelDeadline?.();
    const left = this.#renewedAt + this.#deadlineSeconds - clock.nowSeconds();
    if (left <= 0) {
      // The answer came so late that no caller may rely on the lease any more.
      this.#lose('the renewal took longer than its deadline');
      return;
    }
    this.#cancelDeadline = clock.setTimer(left, () => this.#lose('it could not be renewed in time'));
    if (this.#leading) return;
    this.#leading = true;
    onStarted();
  }

  #lose(why: string): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
    if (!this.#leading) return;
    this.#leading = false;
    this.#options.onLost(why);
  }

  #tellHolder(): void {
    if (this.holder === this.#toldHolder) return;
    this.#toldHolder = this.holder;
    this.#options.onHolder?.(this.holder);
  }

  /** @returns True if this process is the holder by a write that it has just made. */
  async #try(): Promise<boolean> {
    const { identity } = this.#options;
    if (this.holder === identity && this.#leading && (await this.#take())) return true;
    const answer = await this.#ask({ method: 'GET', path: this.#path });
    if (answer?.status === 404) {
      // Deleted by hand: the last known holder may rely on it for as long as before.
      if (this.#isHeldByOther()) return false;
      this.#record = undefined;
      return this.#take();
    }
    if (answer?.status !== 200) return this.#trouble(answer);
    this.#see(leaseRecordOf(answer.body));
    if (this.holder !== identity) this.#lose(`held by ${this.holder || 'no process'}`);
    return this.#isHeldByOther() ? false : this.#take();
  }

  #isHeldByOther(): boolean {
    const record = this.#record;
    if (record === undefined || record.holder === '' || record.holder === this.#options.identity)
      return false;
    return this.#options.clock.nowSeconds() < this.#seenAt + Math.max(record.durationSeconds, 1);
  }

  /** Writes itself into the last seen version of the lease; fails on a conflict. */
  async #take(): Promise<boolean> {
    const { clock, identity } = this.#options;
    const old = this.#record;
    this.#tookAt = clock.nowSeconds();
    const body = heldLease(this.#options, old, identity, this.#durationSeconds, clock.wallSeconds());
    const answer = await this.#ask(
      old === undefined
        ? { method: 'POST', path: this.#listPath, body }
        : { method: 'PUT', path: this.#path, body },
    );
    if (answer?.status !== 200 && answer?.status !== 201) return this.#trouble(answer);
    this.#see(leaseRecordOf(answer.body));
    return true;
  }

  #see(record: LeaseRecord): void {
    if (record.version === this.#record?.version) return;
    this.#record = record;
    this.#seenAt = this.#options.clock.nowSeconds();
  }

  async #release(): Promise<void> {
    const answer = await this.#ask({ method: 'GET', path: this.#path });
    if (answer?.status !== 200) {
      this.#trouble(answer);
      return;
    }
    const record = leaseRecordOf(answer.body);
    if (record.holder !== this.#options.identity) return;
    const body = releasedLease(this.#options, record, this.#options.clock.wallSeconds());
    const released = await this.#ask({ method: 'PUT', path: this.#path, body });
    if (released?.status !== 200) this.#trouble(released);
    else this.#see(leaseRecordOf(released.body));
  }

  #trouble(answer: ApiAnswer | undefined): false {
    this.#options.onWriteError?.(answer === undefined ? 'no answer' : answerText(answer));
    return false;
  }

  /** One request. A time-out shorter than the deadline leaves time for another try. */
  async #ask(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const timeoutSeconds = Math.max(this.#retrySeconds, this.#deadlineSeconds / 2);
    const result = await attempt(this.#options.client, { ...request, timeoutSeconds });
    return result.kind === 'answer' ? result.answer : undefined;
  }

  get #listPath(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(this.#options.namespace)}/leases`;
  }

  get #path(): string {
    return `${this.#listPath}/${encodeURIComponent(this.#options.name)}`;
  }
}
