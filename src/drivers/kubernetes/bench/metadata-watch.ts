/**
 * A watch that costs little: the server is asked for metadata only, and of each line no more is read than the kind of
 * change, the namespace and the name.
 *
 * Why metadata: a whole pod would be encoded for this watch alone where the scheduler under test speaks protobuf, and
 * for both at once where it speaks JSON; metadata is encoded for this watch alone in both cases, and is small.
 *
 * Lost connections are made again, and everything that is there is then told of again: handlers have to take twice for
 * once. Not a reflector: deletions during a lost connection are missed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Dispatcher } from 'undici';
import type { ApiTarget } from '../client/api.ts';
import { openConnection, serverAddress } from '../client/connection.ts';
import { LineSplitter } from '../client/line-splitter.ts';

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

const LINE =
  /^\{"type":"([A-Z]+)".*?"metadata":\{"name":"([^"]*)"(?:,"generateName":"[^"]*")?(?:,"namespace":"([^"]*)")?/;

/** What a line says. */
export interface MetadataLine {
  readonly type: string;
  readonly name: string;
  /** '' of an object that has none. */
  readonly namespace: string;
}

/** Told of every addition and change. */
export type MetadataHandler = (namespace: string, name: string) => void;

/** @returns What the beginning of a line says, without reading the rest; undefined if it is no object of the usual form (an error, a bookmark). */
export function readMetadataLine(line: string): MetadataLine | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  return { type: match[1] as string, name: match[2] as string, namespace: match[3] ?? '' };
}

/** What is watched. */
export interface WatchPlan {
  /** `/api/v1/pods`. */
  readonly path: string;
  /** `spec.nodeName!=`: told of once it is bound. */
  readonly fieldSelector: string;
  readonly onObject: MetadataHandler;
}

/** See the module. */
export class MetadataWatch {
  private readonly plan: WatchPlan;
  private readonly target: ApiTarget;
  private readonly connection: Client;
  private closed = false;
  private running: Promise<void> = Promise.resolve();

  constructor(target: ApiTarget, plan: WatchPlan) {
    this.target = target;
    this.plan = plan;
    this.connection = openConnection(target, 1, 10_000);
  }

  /** Resolves when the server has begun to answer: what happens from now on is told. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.running = this.keepOpen(resolve);
    });
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

  /** Resolves when the watch has ended, however it did. */
  private async once(onBegin: () => void): Promise<void> {
    const query = new URLSearchParams({
      watch: 'true',
      fieldSelector: this.plan.fieldSelector,
      timeoutSeconds: '7200',
    });
    const path = `${serverAddress(this.target).prefix}${this.plan.path}?${query}`;
    const headers = { accept: METADATA, 'user-agent': 'teg-bench', ...(await this.target.headers()) };
    const lines = new LineSplitter((text) => {
      const line = readMetadataLine(text);
      if (line?.type === 'ADDED' || line?.type === 'MODIFIED') this.plan.onObject(line.namespace, line.name);
    });
    await new Promise<void>((resolve) => {
      try {
        this.connection.dispatch({ method: 'GET', path, headers }, watchHandler(lines, onBegin, resolve));
      } catch {
        resolve();
      }
    });
  }
}

function watchHandler(
  lines: LineSplitter,
  onBegin: () => void,
  onEnd: () => void,
): Dispatcher.DispatchHandler {
  let good = false;
  return {
    onRequestStart: () => {},
    onResponseStart: (_controller, status) => {
      good = status === 200;
      if (good) onBegin();
    },
    onResponseData: (controller, chunk) => {
      try {
        if (good) lines.push(chunk);
      } catch (error) {
        controller.abort(error as Error);
      }
    },
    onResponseEnd: onEnd,
    onResponseError: onEnd,
  };
}
