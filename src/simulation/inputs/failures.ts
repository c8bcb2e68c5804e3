/**
 * When nodes fail and return: alternating exponential spans, from a stream of each node's own.
 *
 * Invariant: the k-th span of a node is a hash of (seed, node, k), so it does not depend on other nodes or on any
 * policy: two policies see the same failures.
 */
import { assert } from '../../kernel/assert.ts';
import { splitmix32 } from '../../kernel/random.ts';

/** How nodes fail. */
export interface FailureOptions {
  /** Mean time until an up node fails; > 0. */
  readonly mtbfSeconds: number;
  /** Mean time until a failed node returns; > 0. */
  readonly mttrSeconds: number;
}

/** The spans of all nodes. */
export class NodeFailures {
  private readonly seedHash: number;
  private readonly options: FailureOptions;
  /** Spans drawn so far. @shape [nodes] */
  private readonly drawn: Uint32Array;

  /** @param seed Its integer part modulo 2^32 counts. */
  constructor(seed: number, nodeCount: number, options: FailureOptions) {
    assert(
      options.mtbfSeconds > 0 && options.mttrSeconds > 0,
      'a mean time to failure or return is not positive',
    );
    this.seedHash = splitmix32((seed >>> 0) ^ 0x6fa11a5e);
    this.options = options;
    this.drawn = new Uint32Array(nodeCount);
  }

  /** Mean time from one return of a node to the next. */
  get meanLifeSeconds(): number {
    return this.options.mtbfSeconds + this.options.mttrSeconds;
  }

  /** @returns Seconds until the node, which just came up, fails. */
  nextUpSeconds(node: number): number {
    return this.options.mtbfSeconds * this.nextExponential(node);
  }

  /** @returns Seconds until the node, which just failed, returns. */
  nextDownSeconds(node: number): number {
    return this.options.mttrSeconds * this.nextExponential(node);
  }

  private nextExponential(node: number): number {
    assert(node >= 0 && node < this.drawn.length, 'a failure of a node that is not there');
    const k = this.drawn[node] as number;
    this.drawn[node] = k + 1;
    const high = splitmix32(splitmix32(this.seedHash ^ node) ^ k);
    const low = splitmix32(high ^ 0x85ebca6b);
    return -Math.log(1 - ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992);
  }
}
