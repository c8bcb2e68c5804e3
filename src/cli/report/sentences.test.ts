/**
 * Every sentence of a report on random results, each checked against the figures by an independent predicate: nothing
 * here uses the code that makes the sentences.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import type { ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import { headline, sentenceText, tallies } from './headline.ts';
import { smallRun } from './report.fixtures.ts';
import { comparisonOf, partialText } from './report-source.ts';

const BASE = smallRun('teg', 1);
const WAIT = BASE.wait as NonNullable<SimulationResult['wait']>;

/** The random parts of a run. */
interface Draw {
  readonly complete: boolean;
  readonly use: number;
  /** Undefined: no job started. */
  readonly wait: number | undefined;
  readonly largest: number | undefined;
  readonly waiting: number;
  readonly dropped: number;
  readonly micros: number | undefined;
  readonly examined: number;
  readonly endSeconds: number;
}

/** The random parts of a comparison. */
interface World {
  readonly hasGpus: boolean;
  readonly warmup: boolean;
  readonly atOnce: boolean;
  /** @shape [policies][seeds] */
  readonly draws: readonly (readonly Draw[])[];
}

/** 0, or at least 1e-9: no clock is finer, and a difference of 5e-324 s has no mean that a double could hold. */
const amount = (max: number) =>
  fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max, noNaN: true }), fc.constant(max / 2));

const draw: fc.Arbitrary<Draw> = fc.record({
  complete: fc.oneof(
    { weight: 5, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  use: amount(1),
  wait: fc.option(amount(1e6), { nil: undefined, freq: 4 }),
  largest: fc.option(amount(1e6), { nil: undefined, freq: 4 }),
  waiting: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 })),
  dropped: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 })),
  micros: fc.option(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { nil: undefined }),
  examined: amount(5000),
  endSeconds: fc.double({ min: 1, max: 1e7, noNaN: true }),
});

const world: fc.Arbitrary<World> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }))
  .chain(([policies, seeds]) =>
    fc.record({
      hasGpus: fc.boolean(),
      warmup: fc.boolean(),
      atOnce: fc.boolean(),
      draws: fc.array(
        // Some policies do the same in all runs, so that sentences about equals come up.
        fc.oneof(
          fc.array(draw, { minLength: seeds, maxLength: seeds }),
          draw.map((one) => Array.from({ length: seeds }, () => one)),
        ),
        { minLength: policies, maxLength: policies },
      ),
    }),
  );

const POLICIES = ['teg', 'kube-scheduler', 'fgd'];

function runOf(w: World, p: number, s: number): SimulationResult {
  const d = w.draws[p]?.[s] as Draw;
  const distribution = (mean: number) => ({
    ...WAIT,
    mean,
    p50: mean,
    p90: mean,
    p99: mean,
    p999: mean,
    max: mean,
  });
  const wait = d.wait === undefined ? null : distribution(d.wait);
  const largest = d.largest === undefined ? null : distribution(d.largest);
  return {
    ...BASE,
    policy: POLICIES[p] as string,
    seed: s + 1,
    complete: d.complete,
    ended: d.complete ? 'drained' : 'interrupted',
    endSeconds: d.endSeconds,
    cluster: { ...BASE.cluster, gpus: w.hasGpus ? 96 : 0, cpuCores: 64 },
    workload: { ...BASE.workload, spanSeconds: w.atOnce ? 0 : 5_000 },
    options: { ...BASE.options, warmupSeconds: w.warmup ? 100 : 0 },
    jobs: { ...BASE.jobs, waiting: d.waiting, dropped: d.dropped },
    allocationWhileArriving: { gpu: w.hasGpus ? d.use : null, cpu: d.use, memory: 0 },
    wait,
    bySize: [{ size: 'gpu-2-8', jobs: 10, wait: largest, boundedSlowdown: null }],
    decisions: { ...BASE.decisions, nodesExamined: { mean: d.examined, p50: 0, p99: 0, max: 0 } },
    ...(d.micros === undefined
      ? { timing: undefined }
      : {
          timing: {
            wallSeconds: 1,
            jobsPerSecond: 1,
            decisionMicros: distribution(d.micros),
            share: { queue: 0, field: 0, zone: 0, metrics: 0 },
            peakMemoryBytes: null,
          },
        }),
  } as SimulationResult;
}

function resultOf(w: World): ComparisonResult {
  const policies = POLICIES.slice(0, w.draws.length);
  const seeds = (w.draws[0] as readonly Draw[]).map((_, s) => s + 1);
  if (policies.length === 1 && seeds.length === 1) return comparisonOf(runOf(w, 0, 0));
  const runs = policies.map((_, p) => seeds.map((_, s) => runOf(w, p, s)));
  return compareRuns({ policies, seeds, baseline: policies.at(-1) as string, runs });
}

/** Two-sided 95 % quantiles of Student's t for 1, 2 and 3 degrees of freedom, as tables have them. */
const T_95 = [12.7062, 4.3027, 3.1824];

/** The figures of a world, worked out without the code under test. */
class Figures {
  readonly w: World;
  readonly isSingle: boolean;

  constructor(w: World) {
    this.w = w;
    this.isSingle = w.draws.length === 1 && w.draws[0]?.length === 1;
  }

  /** Runs of a policy that count; the only run always does. */
  runs(p: number): Draw[] {
    return (this.w.draws[p] as Draw[]).filter(({ complete }) => complete || this.isSingle);
  }

  all(): Draw[] {
    return this.w.draws.flatMap((_, p) => this.runs(p));
  }

  mean(p: number, of: (d: Draw) => number | undefined): number | undefined {
    const values = this.runs(p).flatMap((d) => of(d) ?? []);
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;
  }

  /** The difference of the first policy to another one over the seeds that both have. */
  difference(p: number, of: (d: Draw) => number | undefined) {
    const pairs = (this.w.draws[0] as Draw[]).flatMap((own, s) => {
      const other = this.w.draws[p]?.[s] as Draw;
      if (!own.complete || !other.complete) return [];
      const [a, b] = [of(own), of(other)];
      return a === undefined || b === undefined ? [] : [a - b];
    });
    const mean = pairs.reduce((a, b) => a + b, 0) / pairs.length;
    const variance = pairs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, pairs.length - 1);
    const half = (T_95[pairs.length - 2] ?? Number.POSITIVE_INFINITY) * Math.sqrt(variance / pairs.length);
    const slack = 1e-4 * half + 1e-12;
    return {
      pairs: pairs.length,
      mean,
      isEqual: pairs.every((x) => x === 0),
      /** Not within rounding of the border of the interval. */
      mayBeClear: pairs.length > 1 && Math.abs(mean) >= half - slack,
      mayBeUnclear: pairs.length < 2 || Math.abs(mean) <= half + slack,
    };
  }
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
};

/** True if a text such as `2 h 05 m` gives a number of seconds, to the precision of its last digit. */
function tellsSeconds(text: string, seconds: number): boolean {
  const parts = [...text.matchAll(/([\d,.]+) (ns|µs|ms|s|m|h|d)(?= |$)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join(' ') !== text) return false;
  const told = parts.reduce(
    (sum, [, digits = '', unit = '']) => sum + numberOf(digits) * (UNITS[unit] as number),
    0,
  );
  const [, digits = '', unit = ''] = parts.at(-1) as unknown as string[];
  return Math.abs(told - seconds) <= 0.5001 * step(digits) * (UNITS[unit] as number) + 1e-12;
}

function numberOf(digits: string): number {
  return Number(digits.replaceAll(',', ''));
}

/** The value of a number's last digit. */
function step(digits: string): number {
  return 10 ** -(digits.split('.')[1]?.length ?? 0);
}

function tellsNumber(text: string, value: number): boolean {
  if (!/^[\d,]+(\.\d+)?$/.test(text)) return false;
  // A number that is not 0 is not printed as 0.
  if (value !== 0 && numberOf(text) === 0) return Math.abs(value) < 1e-6;
  return Math.abs(numberOf(text) - value) <= 0.5001 * step(text);
}

/** `under kube-scheduler 12.0 s (clearly longer) and under fgd 3.0 s` against the figures. */
function othersHold(
  text: string,
  f: Figures,
  of: (d: Draw) => number | undefined,
  tells: (text: string, value: number) => boolean,
  [more, less]: readonly [string, string],
): boolean {
  return [1, 2].every((p) => {
    const policy = POLICIES[p] as string;
    const clause = new RegExp(`under ${policy} (.+?)(?: \\((.*?)\\))?(?=, under| and under|$)`).exec(text);
    if (p >= f.w.draws.length) return clause === null;
    const mean = f.mean(p, of);
    if (clause === null) return mean === undefined || everywhereZero(f, of, p);
    if (mean === undefined || !tells(clause[1] as string, mean)) return false;
    const d = f.difference(p, of);
    switch (clause[2]) {
      case undefined:
        return d.pairs < 2 || (more === '' && d.mayBeClear);
      case 'the same':
        return d.pairs > 0 && d.isEqual;
      case 'no clear difference':
        return d.pairs > 1 && d.mayBeUnclear;
      case more:
        return d.mayBeClear && d.mean < 0;
      case less:
        return d.mayBeClear && d.mean > 0;
      default:
        return false;
    }
  });
}

/** A figure that is 0 in both policies is left out of their comparison. */
function everywhereZero(f: Figures, of: (d: Draw) => number | undefined, p: number): boolean {
  return [0, p].every((q) => f.runs(q).every((d) => (of(d) ?? 0) === 0));
}

const startedAll = (d: Draw): boolean => d.waiting === 0 && d.dropped === 0;

/** The form of each sentence, and when it is true. */
const SENTENCES: Readonly<Record<string, [RegExp, (match: readonly string[], f: Figures) => boolean]>> = {
  use: [
    /^TEG kept ([\d.]+) % of (96 GPUs|64 cores) in use (while jobs arrived|on average)(?:: (.*))?\.$/,
    ([, percent = '', things, when, others], f) =>
      Math.abs(Number(percent) - 100 * (f.mean(0, (d) => d.use) as number)) < 0.0501 &&
      things === (f.w.hasGpus ? '96 GPUs' : '64 cores') &&
      (when === 'while jobs arrived') === !f.w.atOnce &&
      [1, 2].every((p) => useHolds(others ?? '', p, f)),
  ],
  'all at once': [
    /^Every job started at once, whatever the policy: this workload does not fill this cluster\.$/,
    (_, f) => f.all().every((d) => d.wait === 0 && startedAll(d) && d.complete) && !f.w.warmup,
  ],
  'at once': [
    /^Every job( that arrived in the measured time)? started at once( under TEG)?\.$/,
    ([, warm], f) =>
      f.runs(0).every((d) => d.wait === 0 && startedAll(d)) && (warm === undefined) === !f.w.warmup,
  ],
  'some at once': [
    /^Every job that (arrived in the measured time and )?started did so at once( under TEG)?\.$/,
    ([, warm], f) =>
      f.runs(0).every((d) => d.wait === undefined || d.wait === 0) &&
      f.runs(0).some((d) => d.wait === 0) &&
      !f.runs(0).every((d) => d.wait === 0 && startedAll(d)) &&
      (warm === undefined) === !f.w.warmup,
  ],
  'none started': [
    /^No job( that arrived in the measured time)? started( under TEG)?\.$/,
    (_, f) => f.runs(0).every((d) => d.wait === undefined),
  ],
  wait: [
    /^A job( that started)? waited (.+?) on average(?:; (.*))?\.$/,
    ([, some, time = '', others], f) =>
      (some === undefined) === f.all().every(startedAll) &&
      tellsSeconds(time, f.mean(0, (d) => d.wait) as number) &&
      othersHold(others ?? '', f, (d) => d.wait, tellsSeconds, ['clearly longer', 'clearly shorter']),
  ],
  waiting: [
    /^(At the end|When it was stopped) (\S+) jobs? still waited(?:; (.*))?\.$/,
    ([, when, jobs = '', others], f) => {
      const mean = f.mean(0, (d) => d.waiting) as number;
      const isStopped = f.isSingle && f.w.draws[0]?.[0]?.complete === false;
      return (
        (when === 'When it was stopped') === isStopped &&
        (jobs === 'no' ? mean === 0 : tellsNumber(jobs, mean)) &&
        othersHold(others ?? '', f, (d) => d.waiting, tellsNumber, ['', ''])
      );
    },
  ],
  largest: [
    /^Of the largest jobs( that started)?, 99 in 100 (?:started|did) within (.+?)(?:; (.*))?\.$/,
    ([, some, time = '', others], f) =>
      (some === undefined) === f.all().every(startedAll) &&
      tellsSeconds(time, f.mean(0, (d) => d.largest) as number) &&
      othersHold(others ?? '', f, (d) => d.largest, tellsSeconds, ['clearly later', 'clearly sooner']),
  ],
  cost: [
    /^Choosing a node took it (.+?) \(median, on this machine\)(?:; (.*))?\.$/,
    ([, time = '', others], f) =>
      tellsSeconds(time, (f.mean(0, (d) => d.micros) as number) / 1e6) &&
      othersHold(
        others ?? '',
        f,
        (d) => d.micros,
        (text, micros) => tellsSeconds(text, micros / 1e6),
        ['clearly slower', 'clearly faster'],
      ),
  ],
  examined: [
    /^For one decision it looked at (\S+) nodes one by one(?:; (.*))?\.$/,
    ([, nodes = '', others], f) => {
      const mean = f.mean(0, (d) => d.examined) as number;
      return (
        (nodes === 'no' ? mean === 0 : tellsNumber(nodes, mean)) &&
        othersHold(others ?? '', f, (d) => d.examined, tellsNumber, ['', ''])
      );
    },
  ],
};

function useHolds(text: string, p: number, f: Figures): boolean {
  const policy = POLICIES[p] as string;
  if (p >= f.w.draws.length) return !text.includes(policy);
  const d = f.difference(p, (x) => x.use);
  if (d.pairs === 0) return !text.includes(policy);
  const found = new RegExp(
    `(?:(about )?as much as ${policy}|([\\d.]+) points (more|less) than ${policy}(?: \\((one seed|may be chance)\\))?)(?=,| and|$)`,
  ).exec(text);
  if (found === null) return everywhereZero(f, (x) => x.use, p);
  const [, about, points, direction, doubt] = found;
  if (points === undefined)
    return about === undefined ? d.isEqual : Math.abs(d.mean) < 0.0005 && d.mayBeUnclear;
  if (!tellsNumber(points, 100 * Math.abs(d.mean)) || (direction === 'more') !== d.mean > 0) return false;
  if (doubt === 'one seed') return d.pairs === 1;
  return doubt === undefined ? d.mayBeClear : d.mayBeUnclear && d.pairs > 1;
}

/** The sentence's name, or what is wrong with it. */
function judged(text: string, f: Figures): string {
  for (const [name, [form, holds]] of Object.entries(SENTENCES)) {
    const match = form.exec(text);
    if (match !== null) return holds(match, f) ? name : `FALSE: ${text}`;
  }
  return `WITHOUT A PREDICATE: ${text}`;
}

/** Of the fixed draws, half of these, every kind of sentence and of verdict comes up. */
const SETTINGS = { numRuns: 1500, seed: 11 } as const;

describe('on random results', () => {
  test('every sentence of the headline holds, and each kind of sentence comes up', () => {
    const seen = new Set<string>();
    checkProperty(
      fc.property(world, (w) => {
        const f = new Figures(w);
        const verdicts = headline(resultOf(w)).map((sentence) => judged(sentenceText(sentence), f));
        expect(verdicts.filter((verdict) => /^[A-Z]{4}/.test(verdict))).toEqual([]);
        for (const verdict of verdicts) seen.add(verdict);
      }),
      { ...SETTINGS, numRuns: 1700 },
    );
    expect([...seen].sort()).toEqual(Object.keys(SENTENCES).sort());
  });

  test('sentences about a partial result hold', () => {
    checkProperty(
      fc.property(world, (w) => {
        const draws = w.draws.flat();
        const ended = draws.filter(({ complete }) => complete).length;
        const text = partialText(resultOf(w));
        if (ended === draws.length) {
          expect(text).toBeUndefined();
          return;
        }
        const latest = Math.max(
          ...draws.filter(({ complete }) => !complete).map(({ endSeconds }) => endSeconds),
        );
        const match =
          draws.length === 1
            ? /^The run was stopped before its end, at virtual time (.*)\. The figures are up to then\.$/.exec(
                text ?? '',
              )
            : new RegExp(
                `^Stopped before all runs had ended: ${ended} of ${draws.length} reached their end, the others at virtual time (.*) at the latest\\. Only these count\\.$`,
              ).exec(text ?? '');
        // A run of which only the stop is known has no valid figures.
        if (match === null && draws.length === 1) expect(resultOf(w).metrics).toEqual([]);
        else expect(tellsSeconds(match?.[1] ?? '', latest), text).toBe(true);
      }),
      SETTINGS,
    );
  });

  test('a figure counts as better or worse only where its interval says so', () => {
    const of: Readonly<Record<string, (d: Draw) => number | undefined>> = {
      'wait, mean': (d) => d.wait,
      'jobs waiting at the end': (d) => d.waiting,
      'decision, p50': (d) => d.micros,
    };
    const seen = new Set<string>();
    checkProperty(
      fc.property(world, (w) => {
        const f = new Figures(w);
        for (const [i, tally] of tallies(resultOf(w)).entries()) {
          for (const kind of ['better', 'worse', 'unclear'] as const) {
            for (const [label, pick] of Object.entries(of)) {
              if (!tally[kind].includes(label)) continue;
              seen.add(kind);
              const d = f.difference(i + 1, pick);
              expect(d.pairs, label).toBeGreaterThan(0);
              if (kind === 'unclear') expect(d.mayBeUnclear, label).toBe(true);
              else expect(d.mayBeClear && d.mean < 0 === (kind === 'better'), label).toBe(true);
            }
          }
        }
      }),
      SETTINGS,
    );
    expect([...seen].sort()).toEqual(['better', 'unclear', 'worse']);
  });
});
