/**
 * Waits for changes of watched objects: each waiter names objects, and is woken when one of them changes.
 *
 * A change that arrives while the waiter is busy ends its next wait at once: no change is lost.
 */
import type { Waits } from './write-clock.ts';

/** One waiter. */
export class Waiter {
  readonly #notices: Notices;
  readonly #names = new Set<string>();
  #noticed = false;
  #end: (() => void) | undefined;

  /** Made by `Notices.waiter`. */
  constructor(notices: Notices) {
    this.#notices = notices;
  }

  /** Adds one more object to wait for. */
  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#notices.register(name, this);
  }

  /**
   * @returns Settles when one of the objects has changed since the last wait, after n seconds, or when all waits end.
   */
  async wait(waits: Waits, seconds: number): Promise<void> {
    if (!this.#noticed) {
      const { done, end } = waits.open(seconds);
      this.#end = end;
      await done;
      this.#end = undefined;
    }
    this.#noticed = false;
  }

  /** One of the objects has changed. */
  notice(): void {
    this.#noticed = true;
    this.#end?.();
  }

  /** Stops waiting. */
  close(): void {
    for (const name of this.#names) this.#notices.unregister(name, this);
    this.#names.clear();
  }
}

/** Waiters by the objects that they wait for. Bounded by their users. */
export class Notices {
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** A waiter without objects; `close` it in the end. */
  waiter(): Waiter {
    return new Waiter(this);
  }

  /** An object has changed. O(its waiters). */
  notice(name: string): void {
    for (const waiter of this.#waiters.get(name) ?? []) waiter.notice();
  }

  /** Objects with waiters. */
  get size(): number {
    return this.#waiters.size;
  }

  /** For `Waiter` alone. */
  register(name: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(name) ?? new Set<Waiter>();
    waiters.add(waiter);
    this.#waiters.set(name, waiters);
  }

  /** For `Waiter` alone. */
  unregister(name: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(name);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(name);
  }
}
