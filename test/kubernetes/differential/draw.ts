/**
 * Choices of a random case: a thin layer over the project's seeded stream.
 */
import { Random } from '../../../src/kernel/random.ts';

/** Chooses. The same seed chooses the same. */
export class Draw {
  private readonly random: Random;

  constructor(seed: number, stream = 0) {
    this.random = new Random(seed, stream);
  }

  /** @returns An integer 0…n−1. */
  below(n: number): number {
    return this.random.nextInt(n);
  }

  /** @returns An integer from…to. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** @returns Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.random.nextDouble() < probability;
  }

  /** @returns One of them. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** @returns Each of them with a probability, in their order. */
  some<T>(items: readonly T[], probability: number): T[] {
    return items.filter(() => this.chance(probability));
  }

  /** @returns `n` made one after the other. */
  times<T>(n: number, make: (index: number) => T): T[] {
    return Array.from({ length: n }, (_, index) => make(index));
  }

  /** @returns All of them in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }

  /** @returns The fields of `value` if it happens, none if not: to be spread. */
  maybe<T extends object>(probability: number, value: () => T): T | undefined {
    return this.chance(probability) ? value() : undefined;
  }
}
