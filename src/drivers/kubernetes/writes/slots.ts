/** A pool of slots: a bounded number of tasks run, and a bounded number wait. */
import { assert } from '../../../kernel/assert.ts';
import { Fifo } from './fifo.ts';

/** Runs tasks, at most `runningMax` at a time, in the order in which they came. */
export class Slots {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Fifo<() => void>();
  #running = 0;

  constructor(runningMax: number, waitingMax: number) {
    assert(runningMax >= 1 && waitingMax >= 0, 'slots have bounds');
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** Running tasks. */
  get running(): number {
    return this.#running;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @returns The task's result; `full` if too many wait already, in which case the task is not accepted. */
  async run<Value>(task: () => Promise<Value>, full: Value): Promise<Value> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.size >= this.#waitingMax) return full;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      // The slot passes to the next task directly, so that no other can take it in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
