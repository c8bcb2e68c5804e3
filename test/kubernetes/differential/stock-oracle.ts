/**
 * The stock scheduler as an oracle: a process that answers cases (test/control-plane/oracle).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { DifferentialCase } from './draw-case.ts';
import type { Json } from './draw-nodes.ts';

/** Cases that are asked before the first is answered. */
const ASKED_MAX = 16;

/** What the stock scheduler says of a case. */
export interface StockAnswer {
  /** Why the API server would not take it; nothing else is said then. */
  readonly invalid?: string;
  /** As the API server stores them. */
  readonly objects: readonly Json[];
  readonly probe: Json;
  /** The pod is kept out of the queue by its gates. */
  readonly gated: boolean;
  readonly feasible: readonly string[];
  readonly chosen: string;
  /** Text of the event, '' if it would be placed; without preemption's part if somebody would go. */
  readonly message: string;
  /** An error of a plugin: no verdict, the pod would be tried again. */
  readonly error?: string;
  /** By node that refuses. */
  readonly reasons: Readonly<
    Record<string, { plugin: string; texts: readonly string[] | null; final: boolean }>
  >;
  /** Nodes on which pods of lower priority could make room. */
  readonly candidates: readonly { node: string; victims: readonly string[]; broken: number }[];
  /** Where they would. */
  readonly preempted: string;
}

/** A running oracle. */
export class StockOracle {
  private readonly child: ChildProcess;
  private readonly waiting: { resolve: (answer: StockAnswer) => void; reject: (error: Error) => void }[] = [];
  private stderr = '';

  /** @param binary Path of the built program. */
  constructor(binary: string) {
    this.child = spawn(binary, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface(this.child.stdout as NodeJS.ReadableStream).on('line', (line) => {
      this.waiting.shift()?.resolve(JSON.parse(line) as StockAnswer);
    });
    this.child.stderr?.on('data', (text) => {
      this.stderr = `${this.stderr}${text}`.slice(0, 4000);
    });
    this.child.on('close', (code) => {
      const error = new Error(`the oracle ended with ${code}, expected answers: ${this.stderr}`);
      for (const { reject } of this.waiting.splice(0)) reject(error);
    });
  }

  /** Whether another case may be asked before the next answer. */
  get hasRoom(): boolean {
    return this.waiting.length < ASKED_MAX;
  }

  /** Asks; answers come in the order of the questions. */
  ask({ objects, probe }: DifferentialCase): Promise<StockAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin?.write(`${JSON.stringify({ objects, probe })}\n`);
    });
  }

  /** Ends it. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.stdin?.end();
    await closed;
  }
}
