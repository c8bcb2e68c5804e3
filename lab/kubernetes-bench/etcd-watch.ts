/**
 * Watches etcd itself for pods that were bound and events that were written, through etcd's JSON gateway.
 *
 * Why not the API server's watch: a scheduler with thousands of bindings in flight makes it fall seconds behind the
 * store, and then it reports thousands of pods at once, which says nothing about when they were bound. And it would
 * cost the API server CPU, the more the less it has in common with the scheduler's own watches.
 *
 * Objects are stored in protobuf; the relevant fields have known numbers and values, so their bytes are searched for,
 * and nothing is decoded. Not for clusters whose objects are encrypted in etcd.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Dispatcher } from 'undici';
import { LineSplitter } from '../../src/drivers/kubernetes/client/line-splitter.ts';
import { TegError } from '../../src/model/errors.ts';

/** How long etcd may take to begin a watch. */
const BEGIN_MS = 30_000;

/** A change of an object. */
export interface StoredChange {
  readonly namespace: string;
  readonly name: string;
  /** 1: it was created; one more with each change. */
  readonly version: number;
  /** The stored value, base64. */
  readonly value: string;
}

/** Condition PodScheduled=True (`type` is field 1 and `status` field 2 of a condition): the binding sets it. */
const BOUND = protobufStrings([1, 'PodScheduled'], [2, 'True']);

/** Field `reason` (3) of an event. */
const SCHEDULED = protobufStrings([3, 'Scheduled']);

/** @returns Length-delimited fields of numbers below 16 and lengths below 128, one after the other, in encoded form. */
function protobufStrings(...fields: readonly (readonly [number: number, text: string])[]): Buffer {
  return Buffer.concat(
    fields.map(([number, text]) => Buffer.from([(number << 3) | 2, text.length, ...Buffer.from(text)])),
  );
}

/** @returns True if the change of a pod shows it bound. A pod that was created on its node was not bound. */
export function isBound({ version, value }: StoredChange): boolean {
  return version > 1 && Buffer.from(value, 'base64').includes(BOUND);
}

/** @returns True if the change is a new event that says that a pod was scheduled. */
export function isScheduledEvent({ version, value }: StoredChange): boolean {
  return version === 1 && Buffer.from(value, 'base64').includes(SCHEDULED);
}

/** Longest line of the gateway. */
interface WatchLine {
  readonly result?: {
    readonly created?: boolean;
    readonly header?: { readonly revision?: string };
    readonly events?: readonly {
      /** Absent: put. */
      readonly type?: string;
      readonly kv: { readonly key: string; readonly version: string; readonly value?: string };
    }[];
  };
}

/** See the module. */
export class EtcdWatch {
  private readonly prefix: string;
  private readonly onChange: (change: StoredChange) => void;
  private readonly connection: Client;
  private revision = 0;
  private closed = false;
  private running: Promise<void> = Promise.resolve();

  /**
   * @param url Of etcd's clients: `http://127.0.0.1:2379`.
   * @param resource `pods`, `events`: its objects of all namespaces.
   * @param onChange Called for every creation and change, in order, each once; deletions are left out.
   */
  constructor(url: string, resource: string, onChange: (change: StoredChange) => void) {
    this.prefix = `/registry/${resource}/`;
    this.onChange = onChange;
    this.connection = new Client(url, { headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Resolves when etcd has begun to watch: later changes are reported. @throws TegError TEG_BENCH_FAILED. */
  async open(): Promise<void> {
    const began = Promise.withResolvers<void>();
    this.running = this.keepOpen(began.resolve);
    const late = setTimeout(() => {
      const what = `etcd did not begin to watch ${this.prefix} within ${BEGIN_MS / 1000} s`;
      began.reject(new TegError('TEG_BENCH_FAILED', `${what}, expected it to do so at once; see its log`));
    }, BEGIN_MS);
    await began.promise.finally(() => clearTimeout(late));
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.closed = true;
    await this.connection.destroy();
    await this.running;
  }

  private async keepOpen(onBegin: () => void): Promise<void> {
    while (!this.closed) {
      await this.once(onBegin);
      if (!this.closed) await delay(100);
    }
  }

  /** Resolves when the watch has ended, for any reason; the next one continues where it ended. */
  private once(onBegin: () => void): Promise<void> {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    // '0' is the character after '/'.
    const range = { key: base64(this.prefix), range_end: base64(`${this.prefix.slice(0, -1)}0`) };
    const from = this.revision === 0 ? {} : { start_revision: String(this.revision + 1) };
    const body = JSON.stringify({ create_request: { ...range, ...from } });
    const lines = new LineSplitter((line) => this.take(JSON.parse(line) as WatchLine, onBegin));
    return new Promise((resolve) => {
      this.connection.dispatch(
        { method: 'POST', path: '/v3/watch', body },
        watchHandler(lines, () => resolve()),
      );
    });
  }

  private take({ result }: WatchLine, onBegin: () => void): void {
    if (result === undefined) return;
    this.revision = Math.max(this.revision, Number(result.header?.revision ?? 0));
    if (result.created === true) onBegin();
    for (const { type, kv } of result.events ?? []) {
      if (type === 'DELETE') continue;
      const key = Buffer.from(kv.key, 'base64').toString('utf8');
      const [namespace = '', name = ''] = key.slice(this.prefix.length).split('/');
      this.onChange({ namespace, name, version: Number(kv.version), value: kv.value ?? '' });
    }
  }
}

function watchHandler(lines: LineSplitter, onEnd: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart: () => {},
    onResponseStart: () => {},
    onResponseData: (controller, chunk) => {
      try {
        lines.push(chunk);
      } catch (error) {
        controller.abort(error as Error);
      }
    },
    onResponseEnd: onEnd,
    onResponseError: onEnd,
  };
}
