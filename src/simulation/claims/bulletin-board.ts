/**
 * Servers behind a board: every T_b the queue lengths are written on it, and arrivals choose by what it says.
 *
 * Departures are known when a job is given to a server (first come, first served), so there is no event queue: a
 * refresh counts the jobs whose departure lies ahead.
 */
import { AliasTable } from '../../kernel/alias-table.ts';
import type { Random } from '../../kernel/random.ts';
import { anticipate } from '../../physics/anticipated.ts';
import { logitProbabilities } from '../../physics/logit.ts';

const SERVERS = 100;
const LOAD = 0.9;
/** Part of the arrivals that is left out of the mean. */
const WARMUP = 0.1;
/** Departed jobs of a server that are kept before its list is cut. */
const DEPARTED_MAX = 256;

/** One class of servers with the same queue on the board. */
interface Level {
  readonly queue: number;
  readonly servers: number[];
}

/** What the board says, shortest queue first, and the shares of its levels where a rule draws by them. */
interface Board {
  readonly queues: Int32Array;
  levels: Level[];
  shares: Float64Array;
  readonly alias: AliasTable;
}

interface Rule {
  /** Prepares draws after a refresh. */
  readonly prepare?: (board: Board, period: number) => void;
  readonly choose: (board: Board, random: Random) => number;
}

const choices = (d: number): Rule => ({
  choose: ({ queues }, random) => {
    let best = random.nextInt(SERVERS);
    for (let i = 1; i < d; i++) {
      const other = random.nextInt(SERVERS);
      if ((queues[other] as number) < (queues[best] as number)) best = other;
    }
    return best;
  },
});

const logit = (temperature: number): Rule => ({
  prepare: (board) => {
    const costs = Float64Array.from(
      board.levels,
      ({ queue, servers }) => queue - temperature * Math.log(servers.length),
    );
    logitProbabilities(costs, temperature, costs);
    board.shares = costs;
  },
  choose: drawByLevel,
});

/** The rules that are compared. */
export const BOARD_RULES = {
  random: choices(1),
  'least loaded': { choose: ({ levels }, random) => anyOf((levels[0] as Level).servers, random) },
  'two choices': choices(2),
  D3: {
    prepare: (board, period) => {
      const { levels } = board;
      const prices = Float64Array.from(levels, (level) => level.queue);
      const counts = Float64Array.from(levels, (level) => level.servers.length);
      const slopes = new Float64Array(levels.length).fill(1);
      board.shares = new Float64Array(levels.length);
      anticipate({ prices, slopes, counts }, SERVERS * LOAD * period, 0, board.shares);
    },
    choose: drawByLevel,
  },
  'logit T=0.5': logit(0.5),
  'logit T=5': logit(5),
} as const satisfies Record<string, Rule>;

/** Name of a rule. */
export type BoardRule = keyof typeof BOARD_RULES;

/**
 * @param period T_b in mean service times.
 * @param random Arrivals and services come from one fork of it and choices from another: rules see the same jobs.
 * @returns Mean time from arrival to departure, in mean service times.
 */
export function meanResponse(name: BoardRule, period: number, arrivals: number, random: Random): number {
  const rule: Rule = BOARD_RULES[name];
  const jobs = random.fork(1);
  const choice = random.fork(2);
  const board: Board = {
    queues: new Int32Array(SERVERS),
    levels: [],
    shares: new Float64Array(0),
    alias: new AliasTable(SERVERS),
  };
  const departures: number[][] = Array.from({ length: SERVERS }, () => []);
  const heads = new Int32Array(SERVERS);
  const freeAt = new Float64Array(SERVERS);
  let now = 0;
  let refreshAt = 0;
  let sum = 0;
  for (let i = 0; i < arrivals; i++) {
    now += jobs.nextExponential() / (SERVERS * LOAD);
    const service = jobs.nextExponential();
    if (now >= refreshAt) {
      const written = period * Math.floor(now / period);
      refreshAt = written + period;
      refresh(board, departures, heads, written);
      rule.prepare?.(board, period);
      if (board.shares.length > 0) board.alias.build(board.shares);
    }
    const server = rule.choose(board, choice);
    const end = Math.max(now, freeAt[server] as number) + service;
    freeAt[server] = end;
    departures[server]?.push(end);
    if (i >= WARMUP * arrivals) sum += end - now;
  }
  return sum / (arrivals - Math.ceil(WARMUP * arrivals));
}

function refresh(board: Board, departures: number[][], heads: Int32Array, time: number): void {
  const byQueue = new Map<number, number[]>();
  for (let s = 0; s < SERVERS; s++) {
    const list = departures[s] as number[];
    let head = heads[s] as number;
    while (head < list.length && (list[head] as number) <= time) head++;
    if (head > DEPARTED_MAX) {
      list.splice(0, head);
      head = 0;
    }
    heads[s] = head;
    const queue = list.length - head;
    board.queues[s] = queue;
    const servers = byQueue.get(queue);
    if (servers === undefined) byQueue.set(queue, [s]);
    else servers.push(s);
  }
  board.levels = [...byQueue]
    .map(([queue, servers]) => ({ queue, servers }))
    .sort((a, b) => a.queue - b.queue);
}

function drawByLevel({ levels, alias }: Board, random: Random): number {
  return anyOf((levels[alias.draw(random)] as Level).servers, random);
}

function anyOf(servers: readonly number[], random: Random): number {
  return servers[random.nextInt(servers.length)] as number;
}
