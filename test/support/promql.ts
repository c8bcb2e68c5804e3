/**
 * As much of PromQL as the alert rules of `deploy/` use, over two scrapes of a metrics page: so that a test can ask whether a rule
 * holds. A range function sees the two scrapes; a series that the first one lacks has no rate, as in Prometheus.
 */
import { seriesOf } from '../kubernetes/metrics-text.ts';

/** Labels and a value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Two scrapes, `seconds` apart. */
export interface Scrapes {
  readonly before: string;
  readonly now: string;
  readonly seconds: number;
}

type Value = Sample[] | number;

const TOKEN = /\s*([a-zA-Z_:][a-zA-Z0-9_:]*|\d+(?:\.\d+)?|"[^"]*"|==|[(){}[\],=*/><])/y;
/** Labels that every series gets from being scraped. */
const SCRAPED = { job: 'teg', instance: 'a' };

/** @returns Samples for which the rule holds; none: it does not. @throws Error at what this does not know. */
export function evaluate(expression: string, scrapes: Scrapes): Sample[] {
  const parser = new Evaluator(expression, scrapes);
  const value = parser.all();
  if (typeof value === 'number') throw new Error(`${expression}: a number, not a vector`);
  return value;
}

class Evaluator {
  private readonly tokens: string[] = [];
  private at = 0;
  private readonly scrapes: Scrapes;

  constructor(text: string, scrapes: Scrapes) {
    this.scrapes = scrapes;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const from = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (match === null) throw new Error(`not known: ${text.slice(from)}`);
      this.tokens.push(match[1] as string);
    }
  }

  all(): Value {
    const value = this.conjunction();
    if (this.at < this.tokens.length) throw new Error(`not known: ${this.tokens.slice(this.at).join(' ')}`);
    return value;
  }

  private conjunction(): Value {
    let left = this.comparison();
    while (this.take('and')) {
      const keys = this.on();
      const right = vector(this.comparison());
      left = vector(left).filter((one) => right.some((other) => keyOf(other, keys) === keyOf(one, keys)));
    }
    return left;
  }

  private comparison(): Value {
    const left = this.product();
    const op = ['>', '<', '=='].find((each) => this.take(each));
    if (op === undefined) return left;
    const right = this.product();
    if (typeof right !== 'number') throw new Error('a comparison with something other than a number');
    const holds = (value: number): boolean =>
      op === '>' ? value > right : op === '<' ? value < right : value === right;
    return vector(left).filter(({ value }) => holds(value));
  }

  private product(): Value {
    let left = this.term();
    for (;;) {
      const op = ['*', '/'].find((each) => this.take(each));
      if (op === undefined) return left;
      const keys = this.peek() === 'on' ? this.on() : undefined;
      if (this.take('group_left')) this.list();
      const right = vector(this.term());
      left = vector(left).flatMap((one) => {
        const names = keys ?? Object.keys(one.labels);
        const other = right.find((each) => keyOf(each, names) === keyOf(one, names));
        if (other === undefined) return [];
        const value = op === '*' ? one.value * other.value : one.value / other.value;
        return [{ labels: one.labels, value }];
      });
    }
  }

  private term(): Value {
    if (this.take('(')) {
      const value = this.conjunction();
      this.need(')');
      return value;
    }
    const name = this.tokens[this.at++] as string;
    if (/^\d/.test(name)) return Number(name);
    if (name === 'sum') {
      this.need('by');
      const keys = this.list();
      return sumBy(this.argument(), keys);
    }
    if (name === 'absent') return vector(this.argument()).length === 0 ? [{ labels: {}, value: 1 }] : [];
    if (name === 'rate' || name === 'increase') return this.change(name);
    if (name === 'histogram_quantile') return this.quantile();
    return select(this.scrapes.now, name, this.matchers());
  }

  private argument(): Value {
    this.need('(');
    const value = this.conjunction();
    this.need(')');
    return value;
  }

  private change(name: 'rate' | 'increase'): Sample[] {
    this.need('(');
    const metric = this.tokens[this.at++] as string;
    const matchers = this.matchers();
    this.need('[');
    while (!this.take(']')) this.at++;
    this.need(')');
    const { before, now, seconds } = this.scrapes;
    const first = select(before, metric, matchers);
    return select(now, metric, matchers).flatMap(({ labels, value }) => {
      const start = first.find(
        (one) => keyOf(one, Object.keys(labels)) === keyOf({ labels, value }, Object.keys(labels)),
      );
      if (start === undefined) return [];
      const grown = value - start.value;
      return [{ labels, value: name === 'rate' ? grown / seconds : grown }];
    });
  }

  /** The upper bound of the bucket that holds it: enough to compare with a bound. */
  private quantile(): Sample[] {
    this.need('(');
    const share = Number(this.tokens[this.at++]);
    this.need(',');
    const buckets = vector(this.conjunction());
    this.need(')');
    const bounds = buckets
      .map(({ labels, value }) => ({ bound: Number(labels.le === '+Inf' ? 'Infinity' : labels.le), value }))
      .sort((x, y) => x.bound - y.bound);
    const total = bounds.at(-1)?.value ?? 0;
    if (total === 0) return [];
    return [{ labels: {}, value: bounds.find(({ value }) => value >= share * total)?.bound ?? Number.NaN }];
  }

  private matchers(): Record<string, string> {
    const matchers: Record<string, string> = {};
    if (!this.take('{')) return matchers;
    while (!this.take('}')) {
      const name = this.tokens[this.at++] as string;
      this.need('=');
      matchers[name] = (this.tokens[this.at++] as string).slice(1, -1);
      this.take(',');
    }
    return matchers;
  }

  private on(): string[] {
    this.need('on');
    return this.list();
  }

  private list(): string[] {
    const names: string[] = [];
    this.need('(');
    while (!this.take(')')) if (!this.take(',')) names.push(this.tokens[this.at++] as string);
    return names;
  }

  private peek(): string | undefined {
    return this.tokens[this.at];
  }

  private take(token: string): boolean {
    if (this.peek() !== token) return false;
    this.at++;
    return true;
  }

  private need(token: string): void {
    if (!this.take(token)) throw new Error(`expected ${token}, got ${this.peek()}`);
  }
}

function vector(value: Value): Sample[] {
  if (typeof value === 'number') throw new Error('a number where a vector is needed');
  return value;
}

function keyOf({ labels }: Sample, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => labels[key] ?? ''));
}

function sumBy(value: Value, keys: readonly string[]): Sample[] {
  const sums = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const sample of vector(value)) {
    const key = keyOf(sample, keys);
    const sum = sums.get(key) ?? { labels: {}, value: 0 };
    for (const name of keys) sum.labels[name] = sample.labels[name] ?? '';
    sum.value += sample.value;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

function select(page: string, name: string, matchers: Readonly<Record<string, string>>): Sample[] {
  return seriesOf(page, name)
    .map(({ labels, value }) => ({ labels: { ...labels, ...SCRAPED }, value }))
    .filter(({ labels }) =>
      Object.entries(matchers).every(([key, value]) => (labels as Record<string, string>)[key] === value),
    );
}
