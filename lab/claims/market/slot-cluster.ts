/**
 * A cluster of GPUs without nodes, on which tenants queue jobs: the market's order on real starts and ends, without places.
 *
 * At one instant all ends come first, then all arrivals, then starts. There is no head of the queue: a tenant whose next job does
 * not fit is passed over, unless it has saved for a gang, for which room is kept then.
 */
import { assert } from '../../../src/kernel/assert.ts';
import { TimeHeap } from '../../../src/kernel/time-heap.ts';
import { MICROS_PER_HOUR } from '../../../src/market/amounts.ts';
import { type FairAsk, fairOrder } from '../../../src/market/token-market/fair-order.ts';
import type { TokenMarketOptions } from '../../../src/market/token-market/market-options.ts';
import type { Saving } from '../../../src/market/token-market/savings.ts';
import { TokenMarket } from '../../../src/market/token-market/token-market.ts';

const MILLI = 1_000;
/** Ends of an instant come before everything else of it. */
const LATER = 2 ** 50;

/** Equal jobs of one tenant. */
export interface JobBatch {
  readonly gpus: number;
  readonly runMicros: number;
  /** What the tenant says of it; default: the truth. */
  readonly declaredMicros?: number;
  /** Jobs; default 1. */
  readonly count?: number;
  /** A gang that its tenant saves for before it starts: tokens for that much of its time. */
  readonly savesMicros?: number;
}

/** Order in which tenants start: by the market, or by arrival of their next job. */
export type StartOrder = 'market' | 'arrival';

interface Waiting extends JobBatch {
  readonly tenant: number;
  readonly arrival: number;
  left: number;
  saving: Saving | undefined;
}

/** The cluster and its queues. */
export class SlotCluster {
  readonly market: TokenMarket;
  /** By tenant: GPU-microseconds of what started, starts, and the time of the last one. */
  readonly used: number[];
  readonly starts: number[];
  readonly lastStart: number[];
  free: number;
  now = 0;
  /** Asked before each start. */
  admit: (tenant: number, batch: JobBatch) => boolean = () => true;
  /** Called after each start and end. */
  onStart: (tenant: number, batch: JobBatch, lease: number) => void = () => {};
  onEnd: (tenant: number, lease: number) => void = () => {};
  private readonly order: StartOrder;
  private readonly queues: Waiting[][];
  /** By tenant: where its queue begins. */
  private readonly heads: number[];
  private readonly heap = new TimeHeap();
  private readonly happenings = new Map<number, () => void>();
  private happeningCount = 0;
  private arrivals = 0;
  /** Gangs that are saved for. */
  private saving: Waiting[] = [];

  constructor(gpus: number, options: Omit<TokenMarketOptions, 'flavors'>, order: StartOrder = 'market') {
    this.market = new TokenMarket({ ...options, flavors: [{ name: 'gpu', capacityMilli: MILLI * gpus }] });
    const tenants = options.tenants.length;
    this.free = gpus;
    this.order = order;
    this.used = new Array(tenants).fill(0);
    this.starts = new Array(tenants).fill(0);
    this.lastStart = new Array(tenants).fill(Number.NaN);
    this.queues = Array.from({ length: tenants }, () => []);
    this.heads = new Array(tenants).fill(0);
  }

  /** Jobs arrive at a time. */
  submit(tenant: number, batch: JobBatch, timeMicros: number): void {
    this.schedule(timeMicros, LATER, () => this.arrive(tenant, batch));
  }

  /** Runs until a time, that time included. */
  runTo(untilMicros: number): void {
    const { heap } = this;
    for (;;) {
      const next = heap.size > 0 ? (heap.times[0] as number) : Number.POSITIVE_INFINITY;
      // What is saved may be enough after a tick.
      const time = this.saving.length > 0 ? Math.min(next, this.market.dueMicros) : next;
      if (time > untilMicros) break;
      this.now = time;
      this.market.advance(time);
      while (heap.size > 0 && heap.times[0] === time) {
        const id = heap.pop();
        const run = this.happenings.get(id);
        this.happenings.delete(id);
        run?.();
      }
      this.startAll();
    }
    this.now = untilMicros;
    this.market.advance(untilMicros);
  }

  private schedule(timeMicros: number, order: number, run: () => void): void {
    const id = this.happeningCount++;
    this.happenings.set(id, run);
    this.heap.push(timeMicros, order + id, id);
  }

  private arrive(tenant: number, batch: JobBatch): void {
    const { market, now } = this;
    const { count = 1, savesMicros, gpus } = batch;
    assert(count > 0, 'a batch of no jobs');
    const waiting: Waiting = { ...batch, arrival: this.arrivals++, tenant, left: count, saving: undefined };
    if (savesMicros === undefined) {
      this.queues[tenant]?.push(waiting);
      return;
    }
    waiting.saving = market.save(tenant, waiting.arrival, this.costOfGang(gpus, savesMicros), now);
    this.saving.push(waiting);
  }

  /** @returns Rent of GPUs for some time at the quote of now, micro-tokens. */
  costOfGang(gpus: number, micros: number): number {
    return Math.ceil(gpus * this.market.quotedPrice(0, MILLI * gpus) * (micros / MICROS_PER_HOUR));
  }

  /** Starts what fits, in order; behind a gang that has saved enough nothing starts until it does. */
  private startAll(): void {
    for (;;) {
      const champion = this.champion();
      const next = champion ?? this.nextFitting();
      if (next === undefined || next.gpus > this.free) return;
      this.start(next);
    }
  }

  private champion(): Waiting | undefined {
    let best: Waiting | undefined;
    for (const each of this.saving) {
      const rank = each.saving?.fullMicros ?? Number.POSITIVE_INFINITY;
      if (rank < (best?.saving?.fullMicros ?? Number.POSITIVE_INFINITY)) best = each;
    }
    return best;
  }

  private nextFitting(): Waiting | undefined {
    const fitting: Waiting[] = [];
    for (const [tenant, queue] of this.queues.entries()) {
      const head = queue[this.heads[tenant] as number];
      if (head !== undefined && head.gpus <= this.free && this.admit(tenant, head)) fitting.push(head);
    }
    if (this.order === 'arrival' || fitting.length < 2)
      return fitting.sort((a, b) => a.arrival - b.arrival)[0];
    const asks = fitting.map(
      (head): FairAsk => ({
        tenant: head.tenant,
        cost: this.market.costOf(0, MILLI * head.gpus, head.declaredMicros ?? head.runMicros),
        rank: head.arrival,
      }),
    );
    return fitting[fairOrder(this.market, asks, this.now)[0] as number];
  }

  private start(job: Waiting): void {
    const { market, now } = this;
    const { tenant, gpus, runMicros, declaredMicros = runMicros, saving } = job;
    if (saving !== undefined) this.saving = this.saving.filter((each) => each !== job);
    else if (--job.left === 0) this.heads[tenant] = (this.heads[tenant] as number) + 1;
    const milli = MILLI * gpus;
    const lease =
      saving === undefined
        ? market.started(tenant, 0, milli, now, declaredMicros)
        : market.startedSaved(saving, 0, milli, now);
    this.free -= gpus;
    this.used[tenant] = (this.used[tenant] as number) + gpus * runMicros;
    this.starts[tenant] = (this.starts[tenant] as number) + 1;
    this.lastStart[tenant] = now;
    this.onStart(tenant, job, lease);
    this.schedule(now + runMicros, 0, () => {
      market.ended(lease, this.now);
      this.free += gpus;
      this.onEnd(tenant, lease);
    });
  }
}
