/**
 * The laws of an arbiter, for the tests of all implementations of `Arbiter`.
 *
 * A world is driven through random lives; a plain model records the holders and the waiting jobs.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { QuotaAccounts } from './accounts.fixtures.ts';
import type { Accounts } from './accounts.ts';
import { type Arbiter, type ArbiterOrder, POSTPONED, type Quote, REFUSED } from './arbiter.ts';
import { ARBITER_MOVE, type ArbiterMove, LAW_TENANTS } from './arbiter-moves.fixtures.ts';

/** An arbiter on a few nodes, and the external actions of a test. */
export interface ArbiterWorld {
  readonly arbiter: Arbiter;
  /** @returns The number by which the accounts know an order's tenant, in [0, LAW_TENANTS); −1: no pod counts for it. */
  accountOf(tenant: number): number;
  /** Demands are [0, demandCount): from those that fit everywhere to one that fits nowhere. */
  readonly demandCount: number;
  /** Nodes are [0, nodeCount), up at first. */
  readonly nodeCount: number;
  /** All state that a later answer depends on, except caches. */
  digest(): unknown;
  /** The free resources of each node. */
  room(): unknown;
  /** @throws Error if a node holds more than it has, or accounts disagree. */
  check(): void;
  /** Whether a node that the arbiter names is up. */
  isUp(node: number): boolean;
  nodeDown(node: number, timeSeconds: number): void;
  nodeUp(node: number, timeSeconds: number): void;
}

/**
 * Makes a world, perhaps without a field yet. @param nodes Kinds of its nodes, any numbers ≥ 0. @param accounts Absent:
 * all jobs are admitted.
 */
export type MakeWorld = (nodes: readonly number[], accounts?: Accounts) => ArbiterWorld;

/** Jobs at once: few, so that numbers are reused. */
const JOBS = 16;
/** Longest duration of a hold, and of a wait, seconds. */
const TERM_SECONDS = 5;
const STEP_SECONDS = 3;

const NODES = fc.array(fc.nat(20), { minLength: 1, maxLength: 5 });

/** The model's knowledge of a job. */
interface Known {
  readonly order: ArbiterOrder;
  pods: number;
  untilSeconds: number;
  waits: boolean;
}

/** Wakes only tenants that may have another pod. */
class ThriftyAccounts extends QuotaAccounts {
  override tick(timeSeconds: number, wake: (tenant: number) => void): void {
    super.tick(timeSeconds, (tenant) => {
      if (this.allows(tenant, 1)) wake(tenant);
      else this.refused.add(tenant);
    });
  }
}

/** A life of one world beside the model. */
class Life {
  readonly world: ArbiterWorld;
  readonly jobs = new Map<number, Known>();
  readonly said: string[] = [];
  private timeSeconds = 100;

  constructor(world: ArbiterWorld) {
    this.world = world;
    world.arbiter.attach({
      granted: (job, _, pods) => {
        const known = this.jobs.get(job) as Known;
        expect(known.waits, 'a job is granted that does not wait').toBe(true);
        Object.assign(known, { waits: false, pods });
        this.said.push(`granted ${job}: ${pods}`);
      },
      lost: (job) => this.ended('lost', job),
      expired: (job) => {
        expect((this.jobs.get(job) as Known).untilSeconds).toBeLessThanOrEqual(this.timeSeconds);
        this.ended('expired', job);
      },
    });
    world.arbiter.advance(this.timeSeconds);
  }

  /** Carries out one action. @param quotes True if quotes are requested; false: skipped. */
  do(move: ArbiterMove, quotes: boolean): void {
    const { arbiter } = this.world;
    const now = this.timeSeconds;
    const job = move.pick % JOBS;
    const known = this.jobs.get(job);
    if (move.what === 'quote') {
      if (quotes) this.quote(this.orderOf(move));
    } else if (move.what === 'wait') {
      this.timeSeconds += (move.pick % 10) * (STEP_SECONDS / 9);
      arbiter.advance(this.timeSeconds);
    } else if (move.what === 'hold' || move.what === 'place') {
      if (known === undefined) this.ask(job, move);
    } else if (move.what === 'down' || move.what === 'up') {
      this.turn(move.pick % this.world.nodeCount, move.what === 'up');
    } else if (known !== undefined) {
      if (move.what === 'keep') this.keep(job, known);
      else {
        if (move.what === 'release' || known.waits) arbiter.release(job, now);
        else arbiter.finish(job, now);
        this.jobs.delete(job);
      }
    }
    // Limits and the retries of a step are over at once for the next caller.
    while (arbiter.dueSeconds <= this.timeSeconds) arbiter.advance(this.timeSeconds);
  }

  /** Invariants at every moment. */
  check(): void {
    const { world, jobs } = this;
    world.check();
    const waiting: number[] = [];
    world.arbiter.postponed((job) => waiting.push(job));
    const expected = [...jobs].filter(([, { waits }]) => waits).map(([job]) => job);
    expect(waiting.sort(), 'exactly the waiting jobs are postponed').toEqual(expected.sort());
    expect(world.arbiter.postponedCount).toBe(expected.length);
    for (const [job, known] of jobs) {
      const nodes: number[] = [];
      world.arbiter.pods(job, (member, node) => {
        expect(member).toBe(nodes.length);
        expect(world.isUp(node), 'a pod is on a node that is up').toBe(true);
        nodes.push(node);
      });
      expect(nodes.length, `pods of job ${job}`).toBe(known.waits ? 0 : known.pods);
      expect(known.untilSeconds > this.timeSeconds, 'a hold outlives its term').toBe(true);
    }
  }

  quote(order: ArbiterOrder): Quote {
    const quote: Quote = { pods: -1, price: -1 };
    this.world.arbiter.quote(order, quote);
    return quote;
  }

  orderOf({ pick, pods, gang, waits, priority, tenant }: ArbiterMove): ArbiterOrder {
    const demandId = pick % this.world.demandCount;
    const gangMin = 1 + (gang % pods);
    return { demandId, podCount: pods, gangMin, priority, tenant, counts: false, waits };
  }

  private ask(job: number, move: ArbiterMove): void {
    const { arbiter } = this.world;
    const order = this.orderOf(move);
    const untilSeconds =
      move.what === 'place' ? Number.POSITIVE_INFINITY : this.timeSeconds + TERM_SECONDS + (move.pick % 3);
    const known: Known = { order, pods: 0, untilSeconds, waits: order.waits };
    this.jobs.set(job, known);
    const pods = arbiter.hold(job, { ...order }, untilSeconds, this.timeSeconds);
    this.said.push(`${job}: ${pods}`);
    if (pods === POSTPONED) {
      expect(order.waits, 'a job waits that would not').toBe(true);
      known.untilSeconds = Number.POSITIVE_INFINITY;
    } else if (pods === REFUSED) this.jobs.delete(job);
    else {
      expect(pods).toBeGreaterThanOrEqual(order.gangMin);
      expect(pods).toBeLessThanOrEqual(order.podCount);
      Object.assign(known, { pods, waits: false });
    }
  }

  private keep(job: number, known: Known): void {
    if (known.waits) return;
    expect(this.world.arbiter.keep(job, Number.POSITIVE_INFINITY, this.timeSeconds)).toBe(true);
    known.untilSeconds = Number.POSITIVE_INFINITY;
  }

  private turn(node: number, up: boolean): void {
    const { world } = this;
    if (up) world.nodeUp(node, this.timeSeconds);
    else world.nodeDown(node, this.timeSeconds);
  }

  private ended(how: string, job: number): void {
    expect(this.jobs.delete(job), 'a job ends that is not known').toBe(true);
    this.said.push(`${how} ${job}`);
  }
}

/** Every demand alone, as gangs, and as a gang that half of its pods suffice for. */
function ordersIn(world: ArbiterWorld): ArbiterOrder[] {
  return Array.from({ length: world.demandCount }, (_, demandId) =>
    [1, 2, 4, 6].map((podCount) => ({
      demandId,
      podCount,
      gangMin: podCount === 6 ? 3 : podCount,
      priority: 0,
      tenant: 0,
      counts: false,
      waits: false,
    })),
  ).flat();
}

/** The fixed draws reach each of the situations that a law is about. */
function expectReached(seen: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0);
}

/** Registers the tests of all laws. @param share Of the usual number of draws, for worlds that take long to make. */
export function describeArbiterLaws(name: string, make: MakeWorld, share = 1): void {
  describe(`${name} as an arbiter`, () => {
    const life = fc.tuple(NODES, fc.array(ARBITER_MOVE, { minLength: 20, maxLength: 80 }));

    test('never holds more than the capacity, and postpones exactly the waiting jobs', () => {
      const seen = { granted: 0, lost: 0, expired: 0, waiting: 0 };
      checkProperty(
        fc.property(life, ([nodes, moves]) => {
          const one = new Life(make(nodes));
          for (const move of moves) {
            one.do(move, true);
            one.check();
            for (const { waits } of one.jobs.values()) if (waits) seen.waiting++;
          }
          for (const kind of ['granted', 'lost', 'expired'] as const) {
            seen[kind] += one.said.filter((text) => text.startsWith(kind)).length;
          }
        }),
        { numRuns: 150 * share, afterFixed: () => expectReached(seen) },
      );
    });

    test('a quote changes nothing, now or later', () => {
      const seen = { prices: 0 };
      checkProperty(
        fc.property(life, ([nodes, moves]) => {
          const asked = new Life(make(nodes));
          const plain = new Life(make(nodes));
          for (const move of moves) {
            const before = asked.world.digest();
            for (const order of ordersIn(asked.world))
              if ((asked.quote(order).price as number) > 0) seen.prices++;
            expect(asked.world.digest()).toEqual(before);
            asked.do(move, true);
            plain.do(move, false);
          }
          expect(asked.said).toEqual(plain.said);
          expect(asked.world.digest()).toEqual(plain.world.digest());
        }),
        { numRuns: 60 * share, afterFixed: () => expectReached(seen) },
      );
    });

    test('a quote equals the cost of the job once placed, also of a gang', () => {
      const seen = { compared: 0, gangs: 0 };
      checkProperty(
        fc.property(life, fc.nat(), ([nodes, moves], pick) => {
          const one = new Life(make(nodes));
          for (const move of moves) one.do(move, true);
          const { world } = one;
          const orders = ordersIn(world);
          const order = orders[pick % orders.length] as ArbiterOrder;
          const { pods, price } = one.quote(order);
          if (price === undefined) throw new Error('nothing is postponed, and all is priced');
          const job = JOBS;
          const placed = world.arbiter.place(job, order, world.arbiter.timeSeconds);
          expect(Math.max(0, placed)).toBe(pods);
          expect(world.arbiter.costOf(job)).toBeCloseTo(price, 6);
          if (price > 0) seen.compared++;
          if (pods > 1) seen.gangs++;
        }),
        { numRuns: 300 * share, afterFixed: () => expectReached(seen) },
      );
    });

    test('a price is a number or stated as missing, never NaN, and there once the arbiter has advanced', () => {
      const seen = { prices: 0 };
      const read = (world: ArbiterWorld): (number | undefined)[] => {
        const quote: Quote = { pods: -1, price: -1 };
        const prices = ordersIn(world).map((order) => {
          world.arbiter.quote(order, quote);
          if (quote.price === undefined) expect(quote.pods).toBe(0);
          return quote.price;
        });
        for (let job = 0; job < JOBS; job++) prices.push(world.arbiter.costOf(job));
        for (const price of prices)
          expect(price === undefined || Number.isFinite(price), `price ${price}`).toBe(true);
        return prices;
      };
      checkProperty(
        fc.property(life, ([nodes, moves]) => {
          read(make(nodes));
          const one = new Life(make(nodes));
          for (const move of moves) {
            one.do(move, true);
            const prices = read(one.world);
            expect(prices).not.toContain(undefined);
            seen.prices += prices.length;
          }
        }),
        { numRuns: 60 * share, afterFixed: () => expectReached(seen) },
      );
    });

    test('accounts decide when a job starts: those not admitted wait like those without room', () => {
      const seen = { refusals: 0, granted: 0, waiting: 0 };
      checkProperty(
        fc.property(life, fc.integer({ min: 0, max: 6 }), ([nodes, moves], quota) => {
          const accounts = new QuotaAccounts(quota);
          const one = new Life(make(nodes, accounts));
          for (const move of moves) {
            one.do(move, true);
            one.check();
            const held = [...one.jobs.values()].reduce((sum, { pods }) => sum + pods, 0);
            expect(accounts.holds - accounts.releases, 'what is held is counted').toBe(held);
            for (let tenant = 0; tenant < LAW_TENANTS; tenant++) {
              const own = [...one.jobs.values()].filter(({ order }) => order.tenant === tenant);
              const pods = own.reduce((sum, known) => sum + known.pods, 0);
              const counted = accounts.pods.get(one.world.accountOf(tenant)) ?? 0;
              expect(counted, `pods of tenant ${tenant} count for it`).toBe(pods);
              expect(pods, 'not beyond the quota').toBeLessThanOrEqual(quota);
            }
            for (const { waits } of one.jobs.values()) if (waits) seen.waiting++;
          }
          seen.refusals += accounts.refusals;
          seen.granted += one.said.filter((text) => text.startsWith('granted')).length;
        }),
        { numRuns: 100 * share, afterFixed: () => expectReached(seen) },
      );
    });

    test('accounts postpone a job that waits, refuse one that does not, and keep no running one out', () => {
      const accounts = new QuotaAccounts(1);
      const world = make([2, 2], accounts);
      const { arbiter } = world;
      const granted: number[] = [];
      arbiter.attach({ granted: (job) => granted.push(job), lost: () => {}, expired: () => {} });
      arbiter.advance(1);
      const order = ordersIn(world)[0] as ArbiterOrder;
      const waiting = { ...order, waits: true };
      expect(arbiter.place(0, order, 1)).toBe(1);
      expect(arbiter.place(1, order, 1)).toBe(REFUSED);
      expect(arbiter.place(2, waiting, 1)).toBe(POSTPONED);
      expect(arbiter.postponedCount).toBe(1);
      // Neither a quote nor a job that runs already is a question to the accounts.
      const { asks, holds } = accounts;
      const quote: Quote = { pods: -1, price: -1 };
      arbiter.quote(order, quote);
      expect(quote.pods).toBe(1);
      expect(arbiter.adopt(3, { ...order, podCount: 2 }, [1, 1], [0, 0], 2)).toBe(2);
      expect([accounts.asks, accounts.holds]).toEqual([asks, holds + 2]);
      arbiter.release(0, 3);
      arbiter.finish(3, 4);
      while (arbiter.dueSeconds <= 4) arbiter.advance(4);
      expect(granted).toEqual([2]);
      expect(arbiter.postponedCount).toBe(0);
      world.check();
    });

    test('a tenant that is not admitted keeps no other out, and waits for its own room alone', () => {
      const accounts = new QuotaAccounts(1);
      const world = make([2, 2], accounts);
      const { arbiter } = world;
      const granted: number[] = [];
      arbiter.attach({ granted: (job) => granted.push(job), lost: () => {}, expired: () => {} });
      arbiter.advance(1);
      const order = { ...(ordersIn(world)[0] as ArbiterOrder), waits: true };
      const settle = (timeSeconds: number): void => {
        while (arbiter.dueSeconds <= timeSeconds) arbiter.advance(timeSeconds);
      };
      expect(arbiter.place(0, { ...order, tenant: 1 }, 1)).toBe(1);
      expect(arbiter.place(1, { ...order, tenant: 1, priority: 1 }, 1)).toBe(POSTPONED);
      expect(arbiter.place(2, { ...order, tenant: 2 }, 1)).toBe(1);
      const held = (): (number | undefined)[] =>
        [0, 1, 2].map((tenant) => accounts.pods.get(world.accountOf(tenant)) ?? 0);
      expect(held()).toEqual([0, 1, 1]);
      arbiter.release(2, 2);
      settle(2);
      expect(granted).toEqual([]);
      arbiter.release(0, 3);
      settle(3);
      expect(granted).toEqual([1]);
      expect(held()).toEqual([0, 1, 0]);
      expect(arbiter.adopt(3, { ...order, tenant: 2 }, [1], [0], 4)).toBe(1);
      expect(held()).toEqual([0, 1, 1]);
      world.check();
    });

    test('accounts are asked again for a tenant that they wake, and for no other', () => {
      const accounts = new ThriftyAccounts(1);
      const world = make([2, 2], accounts);
      const { arbiter } = world;
      const granted: number[] = [];
      arbiter.attach({ granted: (job) => granted.push(job), lost: () => {}, expired: () => {} });
      arbiter.advance(1);
      const order = { ...(ordersIn(world)[0] as ArbiterOrder), waits: true };
      for (const tenant of [1, 2]) {
        expect(arbiter.place(2 * tenant, { ...order, tenant }, 1)).toBe(1);
        expect(arbiter.place(2 * tenant + 1, { ...order, tenant }, 1)).toBe(POSTPONED);
      }
      const { asks } = accounts;
      arbiter.release(2, 2);
      while (arbiter.dueSeconds <= 2) arbiter.advance(2);
      expect(granted).toEqual([3]);
      expect(accounts.asks).toBe(asks + 1);
      expect(arbiter.postponedCount).toBe(1);
    });

    test('placing and releasing leaves room and quotes unchanged', () => {
      const seen = { placed: 0 };
      checkProperty(
        fc.property(life, fc.nat(), ([nodes, moves], pick) => {
          const one = new Life(make(nodes));
          for (const move of moves) one.do(move, true);
          const { world } = one;
          const { arbiter } = world;
          const orders = ordersIn(world);
          const order = orders[pick % orders.length] as ArbiterOrder;
          // A waiting job would take the released capacity.
          for (const [job, { waits }] of one.jobs) if (waits) arbiter.release(job, arbiter.timeSeconds);
          const room = world.room();
          const quote = one.quote(order);
          if (arbiter.place(JOBS, order, arbiter.timeSeconds) > 0) {
            seen.placed++;
            expect(world.room()).not.toEqual(room);
            arbiter.release(JOBS, arbiter.timeSeconds);
          }
          expect(world.room()).toEqual(room);
          expect(one.quote(order)).toEqual(quote);
          expect(arbiter.costOf(JOBS)).toBe(0);
          world.check();
        }),
        { numRuns: 200 * share, afterFixed: () => expectReached(seen) },
      );
    });

    test('a hold ends at its time, not before, and not once it is kept', () => {
      const world = make([2, 2]);
      const { arbiter } = world;
      const expired: number[] = [];
      arbiter.attach({ granted: () => {}, lost: () => {}, expired: (job) => expired.push(job) });
      const order = ordersIn(world)[0] as ArbiterOrder;
      const empty = world.room();
      expect(arbiter.hold(0, order, 20, 10)).toBe(1);
      expect(arbiter.hold(1, order, 15, 10)).toBe(1);
      expect(arbiter.dueSeconds).toBe(15);
      arbiter.advance(14.9);
      expect(expired).toEqual([]);
      arbiter.advance(15);
      expect(expired).toEqual([1]);
      expect(arbiter.keep(0, Number.POSITIVE_INFINITY, 19)).toBe(true);
      arbiter.advance(100);
      expect(expired).toEqual([1]);
      expect(arbiter.hold(2, order, 110, 100)).toBe(1);
      expect(arbiter.keep(2, 200, 110)).toBe(false);
      expect(expired).toEqual([1, 2]);
      arbiter.release(0, 110);
      expect(world.room()).toEqual(empty);
      arbiter.advance(110);
      expect(arbiter.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    });

    test('a running job is adopted where it is, or not at all', () => {
      const world = make([2, 2]);
      const { arbiter } = world;
      arbiter.attach({ granted: () => {}, lost: () => {}, expired: () => {} });
      const order = { ...(ordersIn(world)[0] as ArbiterOrder), podCount: 2, gangMin: 2 };
      expect(arbiter.adopt(0, order, [1, 1], [0, 0], 5)).toBe(2);
      const nodes: number[] = [];
      arbiter.pods(0, (_, node) => nodes.push(node));
      expect(nodes).toEqual([1, 1]);
      world.check();
    });
  });
}
