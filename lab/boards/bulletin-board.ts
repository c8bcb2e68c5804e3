/**
 * Servers behind a board: every T_b the queue lengths are written on it, and arrivals choose by the board, through the
 * same interface as agents choose zones.
 *
 * The price of a server is the expected response of a job there according to the board, (queue + 1) / speed; each
 * further job raises it by 1 / speed. Queues have no end: slots are many, in proportion to speed. Jobs belong to
 * streams, each of which has a home on the locality axis and remembers the server of its last job.
 *
 * @source theory §1B; Mitzenmacher 2000, How useful is old information?, IEEE TPDS 11(1), for the model.
 */
import {
  type ChoiceStream,
  type Chooser,
  makeOffers,
  newStream,
  type ZoneOffers,
} from '../../src/governor/choosers/chooser.ts';
import type { Random } from '../../src/kernel/random.ts';
import { Servers } from './servers.ts';

/** Part of the arrivals that is left out of the means. */
const WARMUP = 0.1;
/** Service times between two samples of all queues. */
const SAMPLE_EVERY = 0.5;
/** Slots of a server of speed 1: more than will ever be filled. */
const SLOTS = 1e6;

/** The simulation. Times in mean service times of a server of speed 1. */
export interface BoardOptions {
  readonly chooser: Chooser;
  /** T_b > 0: time between two refreshes of an entry. */
  readonly staleness: number;
  readonly arrivals: number;
  /** Offered load over capacity, in (0, 1). */
  readonly load: number;
  /** @shape [servers] > 0 */
  readonly speeds: Float64Array;
  /** True if all entries are written at once; false: one after the other evenly over T_b. */
  readonly refresh: 'together' | 'staggered';
  /**
   * The number of deciders reported to choosers: arrivals that have chosen on the board so far, by the mean age of its
   * entries (as for agents of the cluster), or all arrivals between two refreshes.
   */
  readonly deciders: 'so-far' | 'per-refresh';
}

/** The results. */
export interface BoardResult {
  /** Mean time from arrival to departure. */
  readonly meanResponse: number;
  /**
   * Root mean square over time of the standard deviation of the queue length over servers, over that of independent
   * queues, √load / (1 − load). 1: as uneven as under random choice; above it: herding.
   */
  readonly herding: number;
  /** Mean distance on the axis between two successive choices of a stream. */
  readonly distance: number;
}

/** @returns 100 servers of total speed 100: all of speed 1, or of four speeds from 0.25 to 2.25, mixed. */
export function boardSpeeds(kind: 'equal' | 'unequal'): Float64Array {
  const four = kind === 'equal' ? [1, 1, 1, 1] : [0.25, 0.5, 1, 2.25];
  return Float64Array.from({ length: 100 }, (_, s) => four[s % four.length] as number);
}

/**
 * Runs one board.
 *
 * @param random Arrivals and works come from one fork of it and choices from another: all choosers see the same jobs.
 */
export function simulateBoard(options: BoardOptions, random: Random): BoardResult {
  return new BoardRun(options, random).run();
}

class BoardRun {
  private readonly options: BoardOptions;
  private readonly jobs: Random;
  private readonly choices: Random;
  private readonly servers: Servers;
  private readonly offers: ZoneOffers;
  private readonly written: Float64Array;
  private readonly streams: ChoiceStream[];
  /** Server of the last job of each stream; −1 before. */
  private readonly last: Int32Array;
  private readonly rate: number;
  private ticks = 0;
  private sampleAt = 0;
  private variance = 0;
  private samples = 0;

  constructor(options: BoardOptions, random: Random) {
    this.options = options;
    this.jobs = random.fork(1);
    this.choices = random.fork(2);
    this.servers = new Servers(options.speeds);
    this.rate = options.load * options.speeds.reduce((sum, speed) => sum + speed, 0);
    this.offers = emptyBoard(options.speeds);
    this.written = new Float64Array(this.servers.count);
    this.streams = Array.from(options.speeds, (_, s) => newStream(s));
    this.last = new Int32Array(this.streams.length).fill(-1);
  }

  run(): BoardResult {
    const { arrivals, load } = this.options;
    const warm = Math.ceil(WARMUP * arrivals);
    let now = 0;
    let responses = 0;
    let distances = 0;
    let moves = 0;
    for (let i = 0; i < arrivals; i++) {
      now += this.jobs.nextExponential() / this.rate;
      const work = this.jobs.nextExponential();
      this.advance(now, i >= warm);
      const s = this.choices.nextInt(this.streams.length);
      const server = this.choose(s, now);
      const end = this.servers.serve(server, work, now);
      const before = this.last[s] as number;
      this.last[s] = server;
      if (i < warm) continue;
      responses += end - now;
      if (before < 0) continue;
      distances += Math.abs(server - before);
      moves++;
    }
    const independent = Math.sqrt(load) / (1 - load);
    return {
      meanResponse: responses / (arrivals - warm),
      herding: Math.sqrt(this.variance / Math.max(1, this.samples)) / independent,
      distance: distances / Math.max(1, moves),
    };
  }

  private choose(s: number, now: number): number {
    const { offers, written, options, rate } = this;
    let ages = 0;
    for (let i = 0; i < offers.count; i++) {
      const age = now - (written[i] as number);
      offers.ages[i] = age;
      ages += age;
    }
    const time = options.deciders === 'so-far' ? ages / offers.count : options.staleness;
    return options.chooser.choose(
      offers,
      Math.max(1, rate * time),
      this.streams[s] as ChoiceStream,
      this.choices,
    );
  }

  /** Refreshes and samples, in order of time, that are due. */
  private advance(now: number, isMeasured: boolean): void {
    const { servers, options } = this;
    const together = options.refresh === 'together';
    const period = together ? options.staleness : options.staleness / servers.count;
    for (;;) {
      const tickAt = this.ticks * period;
      if (Math.min(tickAt, this.sampleAt) > now) return;
      if (this.sampleAt < tickAt) {
        if (isMeasured) {
          this.variance += servers.varianceAt(this.sampleAt);
          this.samples++;
        }
        this.sampleAt += SAMPLE_EVERY;
        continue;
      }
      if (together) for (let s = 0; s < servers.count; s++) this.write(s, tickAt);
      else this.write(this.ticks % servers.count, tickAt);
      this.ticks++;
    }
  }

  private write(server: number, time: number): void {
    const { servers, offers, written } = this;
    offers.prices[server] = (servers.queueAt(server, time) + 1) / (servers.speeds[server] as number);
    written[server] = time;
  }
}

function emptyBoard(speeds: Float64Array): ZoneOffers {
  const offers = makeOffers(speeds.length);
  offers.count = speeds.length;
  for (let s = 0; s < speeds.length; s++) {
    const speed = speeds[s] as number;
    offers.entries[s] = s;
    offers.prices[s] = 1 / speed;
    offers.slopes[s] = 1 / speed;
    offers.near[s] = 1;
    offers.slots[s] = Math.ceil(SLOTS * speed);
    offers.positions[s] = s;
  }
  return offers;
}
