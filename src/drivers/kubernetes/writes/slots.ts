/** So many at a time, and so many that wait. */
import { assert } from '../../../model/errors.ts';
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

  /** How many run now. */
  get running(): number {
    return this.#running;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @returns What the task gives; `full` if so many wait already that it is not taken. */
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
      // The place goes to the next one directly, so that nobody can slip in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
