/**
 * The order in which kube-scheduler's parallel workers come to the nodes of a list.
 *
 * Workers take chunks of the list in turn and go through them one node at a time; the next worker is drawn, because on
 * a real machine the order is undefined. The order of the nodes found decides ties (see `kube-scheduler.ts`), so that
 * it is one of the points where two runs of the real scheduler differ.
 *
 * @source kubernetes/kubernetes v1.34.1, pkg/scheduler/framework/parallelize/parallelism.go.
 */
import type { Random } from '../../kernel/random.ts';

/** Workers of the default configuration (`parallelism`). */
const WORKERS = 16;

/** One walk at a time over places 0 … count − 1, each once. */
export class ParallelWalk {
  private readonly random: Random;
  /** Next place of each worker, and the end of its chunk. @shape [WORKERS] */
  private readonly places = new Int32Array(WORKERS);
  private readonly ends = new Int32Array(WORKERS);
  /** Workers that may have places left: the first `liveCount` entries. @shape [WORKERS] */
  private readonly live = new Int32Array(WORKERS);
  private liveCount = 0;
  private count = 0;
  private chunk = 1;
  /** First place that no worker has taken. */
  private untaken = 0;

  /** @param random Advanced by one draw a place, and one for each worker that ends. */
  constructor(random: Random) {
    this.random = random;
  }

  /** Starts over with a list of `count` places. */
  begin(count: number): void {
    this.count = count;
    this.chunk = Math.max(1, Math.min(Math.floor(Math.sqrt(count)), Math.floor(count / WORKERS) + 1));
    this.untaken = 0;
    this.liveCount = WORKERS;
    this.places.fill(0);
    this.ends.fill(0);
    for (let i = 0; i < WORKERS; i++) this.live[i] = i;
  }

  /** @returns The next place, or −1 when all have been visited. */
  next(): number {
    while (this.liveCount > 0) {
      const drawn = this.random.nextInt(this.liveCount);
      const worker = this.live[drawn] as number;
      const place = this.places[worker] as number;
      if (place < (this.ends[worker] as number)) {
        this.places[worker] = place + 1;
        return place;
      }
      if (this.untaken < this.count) {
        const begin = this.untaken;
        this.untaken = Math.min(this.count, begin + this.chunk);
        this.places[worker] = begin + 1;
        this.ends[worker] = this.untaken;
        return begin;
      }
      this.live[drawn] = this.live[--this.liveCount] as number;
    }
    return -1;
  }
}
