/**
 * Servers with queues, first come first served: queue lengths at any time, without an event queue.
 *
 * A job's departure is known when it is given to a server, so that a queue is counted by the departures that lie ahead.
 * Query times must not go back.
 */

/** Departed jobs of a server that are kept before its list is cut. */
const DEPARTED_MAX = 256;

/** Servers of given speeds. */
export class Servers {
  readonly count: number;
  /** Work a service time. @shape [count] > 0 */
  readonly speeds: Float64Array;
  /** Departures in order; those before `heads` lie in the past. @shape [count][] */
  private readonly departures: number[][];
  private readonly heads: Int32Array;

  /** @param speeds Kept. @shape [servers] > 0 */
  constructor(speeds: Float64Array) {
    this.count = speeds.length;
    this.speeds = speeds;
    this.departures = Array.from(speeds, () => []);
    this.heads = new Int32Array(speeds.length);
  }

  /** Gives a job to a server. @param work ≥ 0. @returns When it departs. */
  serve(server: number, work: number, now: number): number {
    const list = this.departures[server] as number[];
    const end = Math.max(now, list.at(-1) ?? 0) + work / (this.speeds[server] as number);
    list.push(end);
    return end;
  }

  /** @returns Jobs at a server, the one in service included. Amortised O(1). */
  queueAt(server: number, now: number): number {
    const list = this.departures[server] as number[];
    let head = this.heads[server] as number;
    while (head < list.length && (list[head] as number) <= now) head++;
    if (head > DEPARTED_MAX) {
      list.splice(0, head);
      head = 0;
    }
    this.heads[server] = head;
    return list.length - head;
  }

  /** @returns Variance of the queue length over the servers. O(count). */
  varianceAt(now: number): number {
    let sum = 0;
    let squares = 0;
    for (let s = 0; s < this.count; s++) {
      const queue = this.queueAt(s, now);
      sum += queue;
      squares += queue * queue;
    }
    return Math.max(0, squares - (sum * sum) / this.count) / (this.count - 1);
  }
}
