/**
 * What the small parts cost that every decision is made of. Prints JSON: nanoseconds of CPU time per operation, best of
 * several rounds, on seeded data.
 */
import { ClassHeap } from '../src/field/class-heap.ts';
import { CostRows, slotsReached } from '../src/field/cost-rows.ts';
import { GeometricLattice } from '../src/field/lattice.ts';
import { EventQueue } from '../src/kernel/event-queue.ts';
import { KeyTable } from '../src/kernel/key-table.ts';
import { QuantileSketch } from '../src/kernel/quantile-sketch.ts';
import { Random } from '../src/kernel/random.ts';
import { TimeHeap } from '../src/kernel/time-heap.ts';

const ROUNDS = 8;
const OPERATIONS = 400_000;

interface Result {
  readonly name: string;
  readonly nanos: number;
  readonly note: string;
}

const results: Result[] = [];
/** Keeps what is computed from being optimised away. */
let sink = 0;

/** Runs rounds of `OPERATIONS` operations and keeps the best. */
function measure(name: string, note: string, round: () => number): void {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.cpuUsage();
    sink += round();
    const used = process.cpuUsage(start);
    least = Math.min(least, ((used.user + used.system) * 1000) / OPERATIONS);
  }
  results.push({ name, nanos: Math.round(least * 10) / 10, note });
}

function randomDraws(): void {
  const random = new Random(1);
  measure('random 32 bits', 'xoshiro128**', () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) sum += random.nextU32();
    return sum;
  });
  measure('random exponential', '', () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) sum += random.nextExponential();
    return sum;
  });
}

function keys(entries: number): void {
  const random = new Random(2);
  const table = new KeyTable(entries);
  const byText = new Map<string, number>();
  const asked = Int32Array.from({ length: 3 * entries }, () => random.nextInt(1 << 30));
  for (let i = 0; i < entries; i++) {
    const [a = 0, b = 0, c = 0] = asked.subarray(3 * i, 3 * i + 3);
    table.add(a, b, c, i);
    byText.set(`${a},${b},${c}`, i);
  }
  const order = Int32Array.from({ length: OPERATIONS }, () => random.nextInt(entries));
  measure(`key table, ${entries} keys`, 'three integers to one', () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      const at = 3 * (order[i] as number);
      sum += table.get(asked[at] as number, asked[at + 1] as number, asked[at + 2] as number);
    }
    return sum;
  });
  measure(`map of strings, ${entries} keys`, 'what the key table was chosen over', () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      const at = 3 * (order[i] as number);
      sum += byText.get(`${asked[at]},${asked[at + 1]},${asked[at + 2]}`) ?? 0;
    }
    return sum;
  });
}

function events(pending: number): void {
  const random = new Random(3);
  const steps = Float64Array.from({ length: 1 << 16 }, () => random.nextExponential());
  const step = (i: number): number => steps[i & 0xffff] as number;
  const queue = new EventQueue();
  const heap = new TimeHeap();
  let sequence = 0;
  for (let i = 0; i < pending; i++) {
    queue.push(step(i), i);
    heap.push(step(i), sequence++, i);
  }
  measure(`event queue, ${pending} pending`, 'one pop and one push', () => {
    for (let i = 0; i < OPERATIONS; i++) {
      const id = queue.pop();
      queue.push(queue.time + step(i), id);
    }
    return queue.time;
  });
  measure(`4-ary heap, ${pending} pending`, 'what the event queue was chosen over', () => {
    for (let i = 0; i < OPERATIONS; i++) {
      const time = heap.times[0] as number;
      heap.push(time + step(i), sequence++, heap.pop());
    }
    return heap.times[0] as number;
  });
}

function classHeap(size: number): void {
  const random = new Random(4);
  const heap = new ClassHeap();
  for (let id = 0; id < size; id++) heap.push(id, random.nextInt(1000));
  measure(`class heap of ${size}`, 'one pop and one push', () => {
    for (let i = 0; i < OPERATIONS; i++) {
      const id = heap.topClass();
      heap.pop();
      heap.push(id, random.nextInt(1000));
    }
    return heap.size;
  });
}

function costRows(classes: number, demands: number): void {
  const random = new Random(5);
  const rows = new CostRows();
  rows.widen(classes, demands);
  for (let at = 0; at < rows.cells.length; at++) rows.cells[at] = random.nextInt(1000);
  const limits = Float32Array.from({ length: rows.stride }, () => random.nextInt(600) - 200);
  const slots = Int32Array.from({ length: demands }, (_, slot) => slot);
  const reached = new Int32Array(rows.stride);
  measure(`cost row of ${demands} demands`, `${classes} classes; per demand`, () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS / demands; i++) {
      sum += slotsReached(rows.cells, random.nextInt(classes) * rows.stride, limits, slots, reached);
    }
    return sum;
  });
}

function lattice(): void {
  const random = new Random(6);
  const points = new GeometricLattice(1000, 128_000);
  measure('lattice index', '', () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) sum += points.indexOf(random.nextInt(128_000));
    return sum;
  });
}

function sketch(): void {
  const random = new Random(7);
  const quantiles = new QuantileSketch();
  measure('quantile sketch', 'one value', () => {
    for (let i = 0; i < OPERATIONS; i++) quantiles.insert(random.nextInt(1_000_000));
    return quantiles.quantile(0.5);
  });
}

randomDraws();
keys(4_000);
keys(100_000);
events(1_000);
events(100_000);
classHeap(32);
classHeap(1_000);
costRows(4_000, 160);
lattice();
sketch();
if (!Number.isFinite(sink)) throw new Error(`a benchmark computed ${sink}`);
console.log(JSON.stringify(results, null, 1));
