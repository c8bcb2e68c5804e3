/**
 * Keeps a handler informed of every object of a resource: a listing, then a watch, for as long as it runs.
 *
 * Whatever happens to connections, versions or the server, the handler's view becomes correct again without intervention: an
 * object that vanished unseen is reported gone, one that changed unseen is reported, and one that was reported in its present
 * version is not reported again. Objects are handed over and dropped. docs/kubernetes-internals.md: reasons and measurements.
 */
import { answerFormatOf } from './answer-format.ts';
import type { ApiAnswer, ApiTarget, ReflectedResource, ReflectionHandler } from './api.ts';
import { ApiReader, InactiveError } from './api-stream.ts';
import { Backoff } from './backoff.ts';
import { isOlderVersion, type KnownCounts, KnownObjects, resourceVersionOf } from './known-objects.ts';
import { LineTooLongError } from './line-splitter.ts';
import { MissingRight } from './missing-right.ts';
import { FrameTooLongError } from './protobuf/frame-splitter.ts';
import { cannotStream, HandlerFailure, RelistRequested } from './reflection-end.ts';
import { REFLECTOR_DEFAULTS, type ReflectorCounts, type ReflectorOptions } from './reflector-options.ts';
import {
  endsInitialEvents,
  GarbageError,
  ReflectionError,
  refusal,
  STATUS_FORBIDDEN,
  STATUS_GONE,
  STATUS_NOT_FOUND,
  type WatchEvent,
} from './watch-events.ts';

/** A watch that lived this long counts as a success even if it brought no event. */
const HEALTHY_WATCH_MS = 10_000;

/** A watch that ended this soon without an event has failed. */
const SHORT_WATCH_MS = 1000;

/** A list and watch of one resource. `start` it once. */
export class Reflector {
  readonly resource: ReflectedResource;
  readonly counts: ReflectorCounts = {
    lists: 0,
    listsComplete: 0,
    watches: 0,
    events: 0,
    bookmarks: 0,
    expired: 0,
    silent: 0,
    failures: 0,
    garbage: 0,
  };
  /** The last failure, in words; undefined while all is well. */
  lastError: string | undefined;
  /** Settles when stopped; rejects if the handler throws (an object is lost, nothing after it may be trusted). To be observed. */
  readonly done: Promise<void>;
  private readonly options: ReflectorOptions;
  private readonly handler: ReflectionHandler;
  private readonly known: KnownObjects;
  private readonly reader: ApiReader;
  private readonly backoff: Backoff;
  private resolveDone!: () => void;
  private rejectDone!: (error: unknown) => void;
  /** Paths of the resource, newest version first, and which of them is used. */
  private readonly paths: readonly string[];
  private pathAt = 0;
  /** Paths are tried one after the other: none has answered since they were last found missing. */
  private probing = true;
  private streams: boolean;
  /** Version to watch from; undefined: a listing is needed. */
  private version: string | undefined;
  /** Version of the last listing, or of later events of a watch; '' before. */
  private reached = '';
  private wasSynced = false;
  private started = false;
  private stopping = false;
  private wake: (() => void) | undefined;
  private listingOpen = false;
  /** Of the latest watch: the server accepted it; it has brought an event. */
  private opened = false;
  private progress = false;
  /** Watches in a row that the server accepted and that brought nothing. */
  private barren = 0;
  private logged: string | undefined;
  private readonly right: MissingRight;
  /** The last failure was an expired version. */
  private wasGone = false;
  /** A listing has to begin; the callers that wait for its end. */
  private relistAsked = false;
  private relisted: (() => void)[] = [];

  constructor(
    target: ApiTarget,
    resource: ReflectedResource,
    handler: ReflectionHandler,
    options: Partial<ReflectorOptions> = {},
  ) {
    this.resource = resource;
    this.paths = [resource.path, ...(resource.olderPaths ?? [])];
    this.handler = handler;
    this.options = { ...REFLECTOR_DEFAULTS, ...options };
    this.right = new MissingRight(resource, this.options.absentSeconds);
    this.streams = this.options.listing === 'stream';
    this.known = new KnownObjects(this.gate(handler));
    const { inactivitySeconds, pageBytesMax, eventBytesMax, connectTimeoutSeconds } = this.options;
    this.reader = new ApiReader(target, answerFormatOf(resource.schema), {
      inactivitySeconds,
      answerBytesMax: pageBytesMax,
      eventBytesMax,
      connectTimeoutSeconds,
    });
    const { backoffSeconds, backoffSecondsMax, random } = this.options;
    this.backoff = new Backoff({ firstSeconds: backoffSeconds, longestSeconds: backoffSecondsMax, random });
    this.done = new Promise((resolve, reject) => {
      this.resolveDone = resolve;
      this.rejectDone = reject;
    });
  }

  /** Objects known now. */
  get size(): number {
    return this.known.size;
  }

  /** True once the first listing is complete. */
  get synced(): boolean {
    return this.wasSynced;
  }

  /** Seconds since the API server was last heard from. */
  get silentSeconds(): number {
    return this.reader.silentSeconds;
  }

  /** Bytes of answers so far. */
  get bytes(): number {
    return this.reader.bytes;
  }

  /** Counts of reported and skipped objects so far. */
  get objectCounts(): Readonly<KnownCounts> {
    return this.known.counts;
  }

  /** Begins. Once. */
  start(): void {
    if (this.started) throw new Error(`the reflector of ${this.resource.name} was started before`);
    this.started = true;
    this.run().then(this.resolveDone, (error: unknown) => {
      const thrown = error instanceof HandlerFailure ? error.cause : error;
      this.stopping = true;
      this.lastError = `the handler failed: ${String(thrown)}`;
      void this.reader.close();
      this.rejectDone(thrown);
    });
  }

  /**
   * Lists everything again: for a caller that must know the state at this moment, however late the watch may be.
   *
   * @returns Settles when a listing that began after this call is complete, or the reflector has ended.
   */
  async relist(): Promise<void> {
    this.relistAsked = true;
    this.reader.interrupt(new RelistRequested());
    this.wake?.();
    await Promise.race([
      new Promise<void>((resolve) => this.relisted.push(resolve)),
      this.done.catch(() => undefined),
    ]);
  }

  /** Ends it; the handler is not called any more from the moment of this call. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake?.();
    await this.reader.close();
    if (!this.started) this.resolveDone();
    await this.done.catch(() => undefined);
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        if (this.relistAsked) this.version = undefined;
        if (this.version === undefined && !this.streams) await this.listPages();
        else await this.watch();
      } catch (error) {
        if (error instanceof HandlerFailure) throw error;
        if (!this.stopping && !(error instanceof RelistRequested)) await this.recover(error as Error);
      }
    }
  }

  /** Reads all objects, page by page. */
  private async listPages(): Promise<void> {
    this.beginListing();
    let next = '';
    do {
      const position = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
      const answer = await this.reader.read(this.path(`limit=${this.options.pageSize}${position}`));
      const list = this.expectList(answer);
      this.deliver(() => {
        for (const object of list.items) this.known.set(object);
      });
      next = list.next;
      if (next === '') this.endListing(list.version);
    } while (next !== '' && !this.stopping);
  }

  private expectList(answer: ApiAnswer): { items: unknown[]; next: string; version: string } {
    const doing = `listing ${this.resource.name}`;
    if (answer.status !== 200) throw refusal(answer.status, answer.body, answer.retryAfterSeconds, doing);
    const body = answer.body as { items?: unknown; metadata?: { continue?: unknown } } | undefined;
    const version = resourceVersionOf(body);
    // `items: null` is how Go writes an empty list.
    if (body === undefined || version === '' || !(body.items === null || Array.isArray(body.items))) {
      throw new ReflectionError(0, `${doing}: the answer is not a list`, Number.NaN);
    }
    const next = body.metadata?.continue;
    return { items: body.items ?? [], next: typeof next === 'string' ? next : '', version };
  }

  /** Watches until the server ends it; from the beginning if there is no version to resume from. */
  private async watch(): Promise<void> {
    const { watchSecondsMin, watchSecondsMax, random } = this.options;
    const seconds = Math.round(watchSecondsMin + random() * (watchSecondsMax - watchSecondsMin));
    const whence =
      this.version === undefined
        ? 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan'
        : `resourceVersion=${encodeURIComponent(this.version)}`;
    if (this.version === undefined) this.beginListing();
    const path = this.path(`watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&${whence}`);
    const beganMs = performance.now();
    try {
      await this.readWatch(path);
    } finally {
      if (this.opened && performance.now() - beganMs >= HEALTHY_WATCH_MS) this.backoff.succeed();
    }
    if (performance.now() - beganMs < SHORT_WATCH_MS && !this.progress) {
      const what = `watching ${this.resource.name}: the server ended the watch at once`;
      throw new ReflectionError(0, what, Number.NaN);
    }
  }

  private async readWatch(path: string): Promise<void> {
    this.counts.watches++;
    this.opened = false;
    this.progress = false;
    const onOpen = (): void => {
      this.opened = true;
      this.lastError = undefined;
    };
    const answer = await this.reader.readEvents(path, (event) => this.onEvent(event), onOpen);
    const doing = `watching ${this.resource.name}`;
    if (answer.status !== 200) throw refusal(answer.status, answer.body, answer.retryAfterSeconds, doing);
    if (this.listingOpen) throw new ReflectionError(0, `${doing}: the list broke off`, Number.NaN);
  }

  private onEvent(event: WatchEvent): void {
    if (this.stopping) return;
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        this.counts.events++;
        this.deliver(() => this.known.set(event.object));
        break;
      case 'DELETED':
        this.counts.events++;
        this.deliver(() => this.known.delete(event.object));
        break;
      case 'BOOKMARK':
        this.counts.bookmarks++;
        if (this.listingOpen && endsInitialEvents(event.object))
          this.endListing(resourceVersionOf(event.object));
        break;
      case 'ERROR':
        throw refusal(Number.NaN, event.object, Number.NaN, `watching ${this.resource.name}`);
      default:
        this.counts.garbage++;
        return;
    }
    this.advance(resourceVersionOf(event.object));
  }

  /**
   * The watch has reached this version: it works. While a streamed list lasts there is no version to resume from yet.
   */
  private advance(version: string): void {
    this.progress = true;
    if (this.listingOpen) return;
    if (version !== '') {
      this.version = version;
      this.reached = version;
    }
    this.recovered();
  }

  private beginListing(): void {
    this.counts.lists++;
    this.relistAsked = false;
    this.listingOpen = true;
    this.known.beginListing();
  }

  private endListing(version: string): void {
    this.deliver(() => this.known.endListing());
    this.listingOpen = false;
    this.probing = false;
    if (isOlderVersion(version, this.reached)) {
      this.goBack(version);
      this.relistAsked = true;
      throw new RelistRequested();
    }
    this.version = version;
    this.reached = version;
    this.counts.listsComplete++;
    if (this.right.isMissing) this.deliver(() => this.handler.denied?.(false));
    this.right.granted();
    this.becomeSynced();
    if (this.relistAsked) return;
    for (const resolve of this.relisted) resolve();
    this.relisted = [];
  }

  /**
   * The server is at an older version than it was: its data were restored from a backup. A watch from the newer version
   * would see nothing until the server reaches it again, and a reported version may by then denote other contents.
   */
  private goBack(version: string): void {
    const { name } = this.resource;
    const message = `${name}: the API server went back from version ${this.reached} to ${version}, as after a restore of etcd; everything is listed again`;
    this.options.log.warn({ resource: name, from: this.reached, to: version }, message);
    this.known.renew();
    this.reached = '';
    this.version = undefined;
  }

  /** A watch that worked before brings nothing, not even bookmarks: checks the server's current version. */
  private async lookBack(): Promise<void> {
    try {
      const answer = await this.reader.read(this.path('limit=1'));
      const version = answer.status === 200 ? resourceVersionOf(answer.body) : '';
      if (isOlderVersion(version, this.reached)) this.goBack(version);
    } catch {
      // The watch that follows meets the same failure, and reports it.
    }
  }

  /** The handler while the reflector is not stopped; no calls after that. */
  private gate(handler: ReflectionHandler): ReflectionHandler {
    return {
      set: (object) => {
        if (!this.stopping) handler.set(object);
      },
      gone: (uid, key) => {
        if (!this.stopping) handler.gone(uid, key);
      },
      synced: () => handler.synced(),
    };
  }

  private becomeSynced(): void {
    if (this.wasSynced || this.stopping) return;
    this.wasSynced = true;
    this.deliver(() => this.handler.synced());
  }

  /** Calls the handler, whose exceptions must not be mistaken for failures of the server. */
  private deliver(call: () => void): void {
    if (this.stopping) return;
    try {
      call();
    } catch (error) {
      this.stopping = true;
      throw new HandlerFailure('handler', { cause: error });
    }
  }

  private recovered(): void {
    this.lastError = undefined;
    this.logged = undefined;
    this.wasGone = false;
    this.barren = 0;
    if (this.backoff.failures > 0) this.backoff.succeed();
  }

  /** Decides how to respond to a failure, and waits. */
  private async recover(error: Error): Promise<void> {
    const status = error instanceof ReflectionError ? error.status : 0;
    if (status === STATUS_NOT_FOUND && this.hasNextPath()) return;
    if (status === STATUS_NOT_FOUND && this.resource.optional === true) return this.waitForApi();
    if (status === STATUS_FORBIDDEN && this.resource.withoutIt !== undefined) return this.waitForRight(error);
    if (this.opened && (!this.progress || this.listingOpen)) this.barren++;
    const barren = this.barren >= this.options.barrenWatchesMax;
    if (this.listingOpen && this.streams) this.streams = !(barren || cannotStream(error, status));
    const isSilent = error instanceof InactiveError;
    if (isSilent && this.opened && !this.progress && this.version !== undefined) await this.lookBack();
    const tooLarge = error instanceof ReflectionError && error.isVersionTooLarge;
    if (status === STATUS_GONE || status === STATUS_NOT_FOUND || barren || tooLarge) this.version = undefined;
    this.count(error, status);
    const first = this.backoff.failures === 0;
    const gone = status === STATUS_GONE && !this.wasGone;
    this.wasGone = status === STATUS_GONE;
    const seconds = this.backoff.fail(
      error instanceof ReflectionError ? error.retryAfterSeconds : Number.NaN,
    );
    // An expired version and a silent connection say nothing against the server: no wait the first time. After an
    // outage the version has often expired while the server is well: a reflector that waited for the server need not
    // wait again.
    const usual = gone || (first && isSilent);
    this.report(error, usual);
    if (!usual) await this.sleep(seconds);
  }

  private count(error: Error, status: number): void {
    if (error instanceof InactiveError) this.counts.silent++;
    else this.counts.failures++;
    if (status === STATUS_GONE) this.counts.expired++;
    const tooLong = error instanceof LineTooLongError || error instanceof FrameTooLongError;
    if (tooLong || error instanceof GarbageError) this.counts.garbage++;
  }

  private report(error: Error, usual: boolean): void {
    const { name } = this.resource;
    const message = error instanceof ReflectionError ? error.message : `${name}: ${error.message}`;
    const level = usual || message === this.logged ? 'debug' : 'warn';
    this.lastError = message;
    if (!usual) this.logged = message;
    this.options.log[level]({ resource: this.resource.name, failures: this.backoff.failures }, message);
  }

  /**
   * This version of the API is not served: tries the next one; from the newest on if it was served before, as after an
   * upgrade. Known objects stay known until the other version has listed the current ones.
   *
   * @returns True if another one is left to try.
   */
  private hasNextPath(): boolean {
    const { paths } = this;
    if (paths.length === 1) return false;
    this.pathAt = this.probing ? this.pathAt + 1 : 0;
    this.probing = true;
    this.listingOpen = false;
    this.version = undefined;
    this.known.renew();
    if (this.pathAt < paths.length) return true;
    this.pathAt = 0;
    return false;
  }

  /** The API does not exist here: the resource is known to be empty. */
  private async waitForApi(): Promise<void> {
    this.listingOpen = false;
    this.version = undefined;
    this.deliver(() => this.known.clear());
    this.becomeSynced();
    this.recovered();
    await this.sleepLong();
  }

  /** The right to read it is missing: continues without it, and checks for it from time to time. */
  private async waitForRight(error: Error): Promise<void> {
    this.listingOpen = false;
    this.version = undefined;
    this.lastError = error.message;
    this.count(error, STATUS_FORBIDDEN);
    const wasMissing = this.right.isMissing;
    const message = this.right.refused(this.paths[this.pathAt] as string, error.message);
    if (!this.right.isMissing) return this.sleep(this.backoff.fail());
    if (message !== undefined) this.options.log.warn({ resource: this.resource.name }, message);
    if (!wasMissing) this.deliver(() => this.handler.denied?.(true));
    this.becomeSynced();
    // Nothing can be listed, so callers that wait for a listing are released too.
    this.relistAsked = false;
    for (const resolve of this.relisted.splice(0)) resolve();
    await this.sleepLong();
  }

  /** Waits until the next attempt at a missing resource. */
  private sleepLong(): Promise<void> {
    return this.sleep(this.options.absentSeconds * (0.75 + this.options.random() / 2));
  }

  private sleep(seconds: number): Promise<void> {
    if (this.stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private path(query: string): string {
    const { fieldSelector, labelSelector } = this.resource;
    const path = this.paths[this.pathAt];
    const fields = fieldSelector === undefined ? '' : `&fieldSelector=${encodeURIComponent(fieldSelector)}`;
    const labels = labelSelector === undefined ? '' : `&labelSelector=${encodeURIComponent(labelSelector)}`;
    return `${path}?${query}${fields}${labels}`;
  }
}
