/**
 * What limits that several actuators share cost: microseconds of one solution by bisection, beside a dual active-set solver
 * on the same problems. Seeded; prints JSON: an array of one object a size.
 *
 *     node bench/guard-caps.bench.ts [problems]
 */
import { performance } from 'node:perf_hooks';
import { solveQP } from 'quadprog';
import { type CapProblem, coupledCaps } from '../src/guard/barrier/coupled-caps.ts';
import { Random } from '../src/kernel/random.ts';

const [problems = 2000] = process.argv.slice(2).map(Number);
const SIZES = [2, 16, 32, 64];
const WARMUP = 500;

/** A binding problem: about half of what the inputs could take. */
function problemOf(random: Random, n: number): { problem: CapProblem; bound: number } {
  const column = (low: number, high: number): Float64Array =>
    Float64Array.from({ length: n }, () => low + (high - low) * random.nextDouble());
  const low = column(0, 100);
  const high = low.map((least) => least + 600 * random.nextDouble());
  const problem = { wanted: column(400, 800), weights: column(0.1, 10), shares: column(0.5, 2), low, high };
  let bound = 0;
  for (let i = 0; i < n; i++) {
    bound += ((problem.shares[i] as number) * ((low[i] as number) + (high[i] as number))) / 2;
  }
  return { problem, bound };
}

/** The same for the solver, whose arrays begin at 1. */
function solver({ wanted, weights, shares, low, high }: CapProblem, bound: number): () => void {
  const n = wanted.length;
  const rows = (count: number, columns: number): number[][] =>
    Array.from({ length: count + 1 }, () => new Array<number>(columns + 1).fill(0));
  const sides = rows(n, 1 + 2 * n);
  const linear = [0, ...wanted].map((wish, i) => (i === 0 ? 0 : wish * (weights[i - 1] as number)));
  const least = [0, -bound, ...low, ...high.map((most) => -most)];
  for (let i = 1; i <= n; i++) {
    const side = sides[i] as number[];
    side[1] = -(shares[i - 1] as number);
    side[1 + i] = 1;
    side[1 + n + i] = -1;
  }
  return () => {
    // It overwrites its matrix.
    const quadratic = rows(n, n);
    for (let i = 1; i <= n; i++) (quadratic[i] as number[])[i] = weights[i - 1] as number;
    if (solveQP(quadratic, linear, sides, least, 0).message !== '') throw new Error('not solved');
  };
}

function quantiles(micros: number[]): { p50: number; p99: number } {
  micros.sort((a, b) => a - b);
  const at = (q: number): number =>
    Number((micros[Math.floor(q * (micros.length - 1))] as number).toFixed(2));
  return { p50: at(0.5), p99: at(0.99) };
}

const results = SIZES.map((n) => {
  const random = new Random(1, n);
  const ours: number[] = [];
  const theirs: number[] = [];
  const out = new Float64Array(n);
  for (let i = 0; i < WARMUP + problems; i++) {
    const { problem, bound } = problemOf(random, n);
    const start = performance.now();
    const outcome = coupledCaps(problem, bound, out);
    const middle = performance.now();
    if (outcome !== 'binds') throw new Error(`a problem that ${outcome}`);
    const solve = i % 20 === 0 ? solver(problem, bound) : undefined;
    const begin = performance.now();
    solve?.();
    if (i < WARMUP) continue;
    ours.push(1000 * (middle - start));
    if (solve !== undefined) theirs.push(1000 * (performance.now() - begin));
  }
  return { inputs: n, bisectionMicros: quantiles(ours), activeSetMicros: quantiles(theirs) };
});
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
