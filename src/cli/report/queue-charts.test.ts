/** The plots of queues, as data and as pictures. */
import { Window } from 'happy-dom';
import { expect, test } from 'vitest';
import type { DisciplineName } from '../../simulation/queueing/queue-names.ts';
import type { ScatterChart } from './chart.ts';
import { chartFigures } from './chart-figures.ts';
import { plotSvg } from './plot-svg.ts';
import { comparedQueueCharts, type QueuePoint, queueCharts } from './queue-charts.ts';
import { smallComparison } from './report.fixtures.ts';
import { reportFacts } from './report-facts.ts';
import type { ReportSource } from './report-source.ts';

const POINTS: readonly QueuePoint[] = [
  {
    queue: 'teg',
    label: 'teg exact',
    headOfLine: 0.009,
    waits: [
      { name: 'small', seconds: 0 },
      { name: 'large', seconds: 36_000 },
    ],
  },
  {
    queue: 'easy',
    label: 'easy exact',
    headOfLine: 0.0129,
    waits: [
      { name: 'small', seconds: 60 },
      { name: 'large', seconds: 72_000 },
    ],
  },
];

test('queues stand by the wait of the last class and by what stands idle, with a table of the same figures', () => {
  const [trade, waits] = queueCharts('slots', 'slots', POINTS) as [ScatterChart, unknown];
  expect(trade.points.map(({ x, y }) => [x, y])).toEqual([
    [10, 0.009],
    [20, 0.0129],
  ]);
  expect(chartFigures(trade).rows).toEqual([
    ['teg exact', '10 h 00 m', '0.90 %'],
    ['easy exact', '20 h 00 m', '1.29 %'],
  ]);
  expect(waits).toMatchObject({ kind: 'dots', rows: ['small', 'large'] });
});

test('each queue has a point with its name beside it', () => {
  const [trade] = queueCharts('slots', 'slots', POINTS) as [ScatterChart];
  const { document } = new Window();
  document.write(plotSvg(trade, ['teg', 'easy'], 620));
  expect(document.querySelectorAll('circle').length).toBe(2);
  const texts = [...document.querySelectorAll('text')].map((text) => text.textContent);
  expect(texts).toEqual(expect.arrayContaining(['teg exact', 'easy exact', trade.x.label, trade.y.label]));
});

test('one queue, or a comparison of policies, has no such plot', () => {
  expect(queueCharts('slots', '', POINTS.slice(0, 1)).map(({ kind }) => kind)).toEqual(['dots']);
  const compared = smallComparison({ seeds: [1] });
  expect(comparedQueueCharts(compared)).toEqual([]);
  const runs = compared.runs.map((run) => ({
    ...run,
    options: { ...run.options, queue: run.policy === 'teg' ? ('easy' as const) : ('fifo' as const) },
  }));
  expect(comparedQueueCharts({ ...compared, runs }).map(({ id }) => id)).toEqual([
    'queues-trade',
    'queues-waits',
  ]);
});

test('a report says which queue ran, and of several that they are compared', () => {
  const compared = smallComparison({ seeds: [1] });
  const factsOf = (queueOf: (policy: string) => DisciplineName) => {
    const runs = compared.runs.map((run) => ({
      ...run,
      options: { ...run.options, queue: queueOf(run.policy) },
    }));
    const source = { result: { ...compared, runs }, machine: '', madeAt: '', version: '' } as ReportSource;
    return Object.fromEntries(reportFacts(source));
  };
  expect(factsOf(() => 'strict-fifo').queue).toMatch(/^strict-fifo: /);
  expect(factsOf(() => 'easy')).toMatchObject({ queue: 'easy', policies: compared.policies.join(', ') });
  const several = factsOf((policy) => (policy === 'teg' ? 'teg' : 'easy'));
  expect(several).toMatchObject({ queues: compared.policies.join(', ') });
  expect(several).not.toHaveProperty('queue');
  expect(several).not.toHaveProperty('policies');
});
