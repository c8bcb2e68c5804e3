/**
 * A team of shards on worker threads: one shard a thread, in step by windows of virtual time.
 *
 * The main thread passes envelopes between them and counts; it builds nothing itself. Same bits as `LocalTeam`.
 */
import { Worker } from 'node:worker_threads';
import { TegError, type TegErrorCode } from '../../model/errors.ts';
import type { EncodedEnvelopes } from '../../simulation/federation/envelope-codec.ts';
import type { FederationFacts, ShardTeam } from '../../simulation/federation/federation-run.ts';
import type { ShardStatus } from '../../simulation/federation/shard.ts';
import { type PlainMetrics, ShardMetrics } from '../../simulation/federation/shard-metrics.ts';
import type { FederationTask } from './federation-task.ts';
import type { PlainError } from './worker-pool.ts';

/** The data that a shard's thread is started with. */
export interface ShardSetup {
  readonly task: FederationTask;
  readonly index: number;
  readonly count: number;
}

/** Requests to a shard's thread. */
export type ShardRequest =
  | {
      readonly kind: 'window';
      readonly untilSeconds: number;
      readonly envelopes: readonly EncodedEnvelopes[];
    }
  | { readonly kind: 'finish' };

/** Answers of a shard's thread; the first comes unrequested, when the thread is ready. */
export type ShardAnswer =
  | { readonly kind: 'ready'; readonly facts: FederationFacts; readonly warnings: readonly string[] }
  | {
      readonly kind: 'window';
      readonly status: ShardStatus;
      readonly nextSeconds: number;
      /** By shard; its own stay with it. */
      readonly outgoing: readonly (EncodedEnvelopes | undefined)[];
    }
  | { readonly kind: 'finish'; readonly metrics: PlainMetrics; readonly peakMemoryBytes: number }
  | { readonly kind: 'error'; readonly error: PlainError };

const WORKER = new URL('./shard-worker.ts', import.meta.url);

/** Shards on threads. Close it in any case. */
export class WorkerTeam implements ShardTeam {
  readonly facts: FederationFacts;
  /** Assumptions and omissions of the input readers. */
  readonly warnings: readonly string[];
  private readonly lanes: readonly Lane[];
  /** Envelopes for each shard from the others, since the last window. */
  private pending: EncodedEnvelopes[][];

  private constructor(lanes: readonly Lane[], facts: FederationFacts, warnings: readonly string[]) {
    this.lanes = lanes;
    this.facts = facts;
    this.warnings = warnings;
    this.pending = lanes.map(() => []);
  }

  /** Starts the threads, which build their shards side by side. @throws TegError of inputs and options. */
  static async start(task: FederationTask, count: number): Promise<WorkerTeam> {
    const lanes = Array.from({ length: count }, (_, index) => new Lane({ task, index, count }));
    try {
      const answers = await Promise.all(lanes.map((lane) => lane.next('ready')));
      const { facts, warnings } = answers[0] as (typeof answers)[number];
      return new WorkerTeam(lanes, facts, warnings);
    } catch (error) {
      await Promise.all(lanes.map((lane) => lane.close()));
      throw error;
    }
  }

  async window(untilSeconds: number): Promise<{ statuses: readonly ShardStatus[]; nextSeconds: number }> {
    const envelopes = this.pending;
    this.pending = this.lanes.map(() => []);
    const answers = await Promise.all(
      this.lanes.map((lane, index) => {
        lane.ask({ kind: 'window', untilSeconds, envelopes: envelopes[index] as EncodedEnvelopes[] });
        return lane.next('window');
      }),
    );
    let nextSeconds = Number.POSITIVE_INFINITY;
    for (const answer of answers) {
      nextSeconds = Math.min(nextSeconds, answer.nextSeconds);
      answer.outgoing.forEach((packed, index) => {
        if (packed !== undefined) this.pending[index]?.push(packed);
      });
    }
    return { statuses: answers.map((answer) => answer.status), nextSeconds };
  }

  async finish(): Promise<ShardMetrics> {
    const answers = await Promise.all(
      this.lanes.map((lane) => {
        lane.ask({ kind: 'finish' });
        return lane.next('finish');
      }),
    );
    const sum = new ShardMetrics(0);
    for (const { metrics } of answers) sum.mergePlain(metrics);
    return sum;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }
}

/** One thread, one request at a time. */
class Lane {
  private readonly worker: Worker;
  private waiting: { resolve: (answer: ShardAnswer) => void; reject: (error: Error) => void } | undefined;
  private failure: Error | undefined;

  constructor(workerData: ShardSetup) {
    this.worker = new Worker(WORKER, { workerData });
    this.worker.on('message', (answer: ShardAnswer) => {
      if (answer.kind === 'error') this.fail(reviveError(answer.error));
      else this.waiting?.resolve(answer);
    });
    this.worker.on('error', (error: Error) => this.fail(error));
    this.worker.on('exit', (code) =>
      this.fail(new Error(`a shard's thread ended with code ${code} in the middle of a run`)),
    );
  }

  /** Sends a request. */
  ask(request: ShardRequest): void {
    this.worker.postMessage(request);
  }

  /** @returns The next answer, which must be of this kind. */
  async next<K extends ShardAnswer['kind']>(kind: K): Promise<Extract<ShardAnswer, { kind: K }>> {
    if (this.failure !== undefined) throw this.failure;
    const answer = await new Promise<ShardAnswer>((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
    if (answer.kind !== kind) throw new Error(`a shard answered ${answer.kind} where ${kind} was asked`);
    return answer as Extract<ShardAnswer, { kind: K }>;
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.worker.removeAllListeners('exit');
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.waiting?.reject(this.failure);
  }
}

function reviveError(plain: PlainError): Error {
  if (plain.code !== undefined) return new TegError(plain.code as TegErrorCode, plain.message);
  const error = new Error(plain.message);
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
