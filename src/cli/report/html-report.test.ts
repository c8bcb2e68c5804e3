/** The page as a browser's document: complete, safe for any names, with plots that match their figures. */
import { Window } from 'happy-dom';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Chart } from './chart.ts';
import { chartsOf, shownPolicies } from './charts.ts';
import { formatUnit } from './comparison-tables.ts';
import { htmlReport, titleOf } from './html-report.ts';
import { HOSTILE, renamed, smallComparison, smallRun, sourceOf } from './report.fixtures.ts';
import { comparisonOf, type ReportSource } from './report-source.ts';

type PageDocument = Window['document'];
type PageElement = ReturnType<PageDocument['createElement']>;

function parse(page: string): PageDocument {
  const { document } = new Window();
  document.write(page);
  return document;
}

/** Every element of a document with its attributes. */
function attributes(document: PageDocument): { tag: string; name: string; value: string | null }[] {
  return [...document.querySelectorAll('*')].flatMap((element) =>
    [...element.attributes].map(({ name, value }) => ({ tag: element.tagName.toLowerCase(), name, value })),
  );
}

const DECISIONS = [1_000, 10_000, 100_000].flatMap((nodes) => [
  { nodes, policy: 'teg', p50Micros: 4, p99Micros: 11 },
  { nodes, policy: HOSTILE, p50Micros: nodes / 100, p99Micros: nodes / 10 },
]);

describe('a page about hostile names', () => {
  let source: ReportSource;
  let page: string;
  let document: PageDocument;
  let charts: Chart[];
  beforeAll(() => {
    const result = renamed(smallComparison({ withTiming: true }), 'fgd', HOSTILE);
    source = sourceOf(result, { command: `teg '${HOSTILE}'`, decisions: DECISIONS });
    page = htmlReport(source);
    document = parse(page);
    charts = chartsOf(source);
  });

  test('runs nothing, loads nothing, and refuses to', () => {
    for (const tag of ['script', 'link', 'img', 'iframe', 'object', 'embed', 'base', 'form']) {
      expect(document.querySelectorAll(tag).length, tag).toBe(0);
    }
    const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]');
    expect(policy?.getAttribute('content')).toBe("default-src 'none'; style-src 'unsafe-inline'");
    expect(
      attributes(document).filter(({ name }) => /^on|^(src|srcset|action|xlink:href)$/.test(name)),
    ).toEqual([]);
    expect(
      attributes(document).filter(({ name, value }) => name === 'href' && !value?.startsWith('#')),
    ).toEqual([]);
    expect(/url\((?!#)|@import|<script|<img|https?:\/\/(?!www\.w3\.org)/i.exec(page)?.[0]).toBeUndefined();
  });

  test('shows the names as they are', () => {
    const cells = [...document.querySelectorAll('#in-use-over-time .legend li')].map((li) => li.textContent);
    expect(cells).toContain(HOSTILE);
    expect(document.querySelector('title')?.textContent).toBe(titleOf(source.result));
    expect(document.querySelector('title')?.textContent).toContain(HOSTILE);
    expect(document.querySelector('pre code')?.textContent).toBe(source.command);
    expect([...document.querySelectorAll('dd')].map((dd) => dd.textContent).join('\n')).toContain(HOSTILE);
  });

  test('has every plot, each with its legend, axes and one line or dot a policy', () => {
    expect(charts.map((chart) => chart.id)).toEqual([
      'in-use-over-time',
      'in-use-over-load',
      'waiting-over-time',
      'fragmentation',
      'wait',
      'wait-by-size',
      'slowdown',
      'decision',
      'decision-median',
      'decision-p99',
    ]);
    for (const chart of charts) {
      const figure = document.getElementById(chart.id) as unknown as PageElement;
      const plots = [...figure.querySelectorAll('svg[role="img"]')];
      expect(plots.length, chart.id).toBe(2);
      const legend = [...figure.querySelectorAll('.legend li')].map((li) => li.textContent);
      const shown = chart.kind === 'lines' ? chart.lines.map((line) => line.policy) : source.result.policies;
      for (const policy of shown) expect(legend, chart.id).toContain(policy);
      for (const plot of plots) checkPlot(plot as unknown as PageElement, chart);
    }
  });

  function checkPlot(plot: PageElement, chart: Chart): void {
    expect(plot.getAttribute('aria-label')).toContain(chart.title);
    const texts = [...plot.querySelectorAll('text')].map((text) => text.textContent);
    expect(texts, chart.id).toContain(chart.x.label);
    const ticks = [...plot.querySelectorAll('[aria-label="x-axis tick label"] text')];
    expect(ticks.length, chart.id).toBeGreaterThan(1);
    for (const tick of ticks) expect(tick.textContent?.trim(), chart.id).not.toBe('');
    if (chart.kind === 'dots') {
      expect(plot.querySelectorAll('circle').length).toBe(chart.dots.length);
      expect([...plot.querySelectorAll('circle title')].map((title) => title.textContent).sort()).toEqual(
        chart.dots.map(({ text }) => text).sort(),
      );
      for (const row of chart.rows) expect(texts).toContain(row);
      return;
    }
    expect(texts, chart.id).toContain(chart.y.label);
    if (chart.kind === 'scatter') {
      expect(plot.querySelectorAll('circle').length).toBe(chart.points.length);
      return;
    }
    for (const { policy, points } of chart.lines.filter((line) => line.points.length > 1)) {
      const line = [...plot.querySelectorAll('path[aria-label]')].find(
        (path) => path.getAttribute('aria-label') === policy,
      );
      const vertices = line?.getAttribute('d')?.match(/[ML]/g) ?? [];
      const corners = chart.steps === true ? 2 * points.length - 1 : points.length;
      expect(vertices.length, `${chart.id}: ${policy}`).toBe(corners);
    }
  }

  test('has no number that is none', () => {
    for (const { tag, name, value } of attributes(document)) {
      expect(value, `${tag} ${name}`).not.toMatch(/NaN|Infinity|undefined|null/);
    }
    expect(document.body.textContent).not.toMatch(/NaN|Infinity|undefined|\bnull\b|\[object/);
  });

  test('keeps lines inside their frame', () => {
    const plots = [...document.querySelectorAll('svg.plot')];
    expect(plots.length).toBe(2 * charts.length);
    for (const [i, plot] of plots.entries()) {
      const width = Number(plot.getAttribute('width'));
      const paths = [...plot.querySelectorAll('path[aria-label]')];
      if (charts[Math.floor(i / 2)]?.kind === 'lines') expect(paths.length).toBeGreaterThan(1);
      for (const path of paths) {
        const xs = [...(path.getAttribute('d') ?? '').matchAll(/[ML](-?[\d.]+),/g)].map((match) =>
          Number(match[1]),
        );
        expect(xs.length).toBeGreaterThan(1);
        expect(Math.min(...xs)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...xs)).toBeLessThanOrEqual(width);
      }
    }
  });

  test('has every figure of the comparison in its table', () => {
    const table = [...document.querySelectorAll('section')].find(
      (section) => section.querySelector('h2')?.textContent === 'All figures',
    );
    const head = [...(table?.querySelectorAll('thead th') ?? [])].map((th) => th.textContent);
    expect(head.slice(0, 4)).toEqual(['measure', ...source.result.policies]);
    expect(head.slice(4)).toEqual(['TEG against kube-scheduler', `TEG against ${HOSTILE}`]);
    const rows = [...(table?.querySelectorAll('tbody tr') ?? [])].map((tr) =>
      [...tr.querySelectorAll('th, td')].map((cell) => cell.textContent),
    );
    expect(rows.length).toBe(source.result.metrics.length);
    for (const [i, metric] of source.result.metrics.entries()) {
      const means = metric.policies.map(({ mean }) =>
        mean === null ? '–' : formatUnit(mean.mean, metric.unit),
      );
      expect(rows[i]?.slice(0, 4)).toEqual([metric.label, ...means]);
      expect(rows[i]?.length).toBe(head.length);
    }
  });

  test('can be read without seeing it, on any screen', () => {
    expect(document.documentElement.getAttribute('lang')).toBe('en');
    expect(document.querySelectorAll('h1').length).toBe(1);
    for (const region of document.querySelectorAll('.scroll')) {
      expect(region.getAttribute('tabindex')).toBe('0');
      expect(region.getAttribute('aria-label')).toBeTruthy();
    }
    for (const figure of document.querySelectorAll('figure')) {
      expect(figure.querySelectorAll('details table tbody tr').length, figure.id).toBeGreaterThan(1);
    }
    const style = document.querySelector('style')?.textContent ?? '';
    expect(style).toContain('prefers-color-scheme: dark');
    for (const place of shownPolicies(source).keys()) expect(style).toContain(`--policy-${place}:`);
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('pages of other results', () => {
  test('one run: no comparison, no verdicts', () => {
    const page = htmlReport(sourceOf(comparisonOf(smallRun('teg', 5))));
    const document = parse(page);
    expect(document.querySelector('h1')?.textContent).toBe('TEG on 12 nodes with 96 GPUs');
    expect(document.querySelector('.lead')?.textContent).toMatch(
      /^TEG kept \d+\.\d\s% of 96 GPUs in use while jobs arrived\.$/,
    );
    expect([...document.querySelectorAll('h2')].map((h2) => h2.textContent)).toEqual([
      'Plots',
      'All figures of the run',
      'Jobs that waited',
      'Wait by size of job',
      'The run',
    ]);
  });

  test('a run that was stopped says so and keeps its figures', () => {
    const run = { ...smallRun('teg', 5), complete: false };
    const document = parse(htmlReport(sourceOf(comparisonOf(run))));
    expect(document.querySelector('.partial')?.textContent).toMatch(
      /^Partial: The run was stopped before its end, at virtual time 1\sd\s03\sh\. The figures are up to then\.$/,
    );
    expect([...document.querySelectorAll('dd')].map((dd) => dd.textContent)).toContain('0 complete of 1');
    expect(document.body.textContent).not.toContain('time until all is done');
    expect(document.querySelectorAll('figure').length).toBeGreaterThan(2);
    expect(document.querySelector('.lead')?.textContent).toMatch(/^TEG kept/);
  });

  test('no run reached its end: says that there is nothing', () => {
    const result = smallComparison({ policies: ['teg', 'fgd'], seeds: [1] });
    const none = { ...result, complete: false, metrics: [], runs: [] };
    const document = parse(htmlReport(sourceOf(none)));
    expect(document.querySelector('.lead')?.textContent).toMatch(/^Stopped before any run/);
    expect(document.querySelectorAll('figure, .cards').length).toBe(0);
  });

  test('a cluster without GPUs is reported in cores', () => {
    const result = smallComparison({ isCpuOnly: true, nodes: 2, load: 4, policies: ['teg', 'first-fit'] });
    const document = parse(htmlReport(sourceOf(result)));
    expect(document.querySelector('.lead')?.textContent).toContain('128 cores');
    expect(document.getElementById('in-use-over-time')?.textContent).toContain('cores in use over time');
    expect(document.getElementById('fragmentation')).toBeNull();
    expect(document.body.textContent).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('two seeds: no wins and losses, and no seed of middle load', () => {
    const document = parse(htmlReport(sourceOf(smallComparison({ seeds: [1, 2] }))));
    expect(document.querySelector('.verdicts')).toBeNull();
    expect(document.body.textContent).toContain('Two seeds cannot show a difference');
    expect(document.body.textContent).not.toContain('middle load');
  });

  test('no win is green where there is none, and lines that coincide are both seen', () => {
    const document = parse(htmlReport(sourceOf(smallComparison())));
    const counts = [...document.querySelectorAll('.verdicts .good, .verdicts .bad')];
    for (const { textContent } of counts) expect(textContent).not.toMatch(/ in 0$/);
    const plot = document.querySelector('#in-use-over-load .wide')?.innerHTML ?? '';
    const at = ['teg', 'kube-scheduler', 'fgd'].map((policy) => plot.indexOf(`aria-label="${policy}"`));
    expect(at[0]).toBeGreaterThan(0);
    expect(at).toEqual([...at].sort((a, b) => a - b));
  });

  test('bars of shares are as long as the share', () => {
    const document = parse(htmlReport(sourceOf(smallComparison())));
    const card = [...document.querySelectorAll('.card')].find((c) => c.textContent?.includes('GPUs in use'));
    const rows = [...(card?.querySelectorAll('li') ?? [])];
    expect(rows.length).toBe(3);
    for (const row of rows) {
      const percent = Number.parseFloat(row.querySelector('.value')?.textContent ?? '');
      const width = Number.parseFloat(
        /width:([\d.]+)%/.exec(row.querySelector('.bar')?.innerHTML ?? '')?.[1] ?? '',
      );
      expect(width).toBeCloseTo(percent, 0);
      expect(width).toBeLessThan(100);
    }
  });

  test('without time series there are no plots over time, with them cut off there are', () => {
    const result = smallComparison({ policies: ['teg', 'best-fit'], seeds: [1, 2], horizonSeconds: 4_000 });
    const bare = { ...result, runs: result.runs.map(({ series: _, ...run }) => run) };
    expect(chartsOf(sourceOf(bare)).map(({ id }) => id)).not.toContain('in-use-over-time');
    const ids = chartsOf(sourceOf(result)).map(({ id }) => id);
    expect(ids).toContain('in-use-over-time');
    expect(htmlReport(sourceOf(result))).toContain('1 h 07 m of virtual time');
  });
});
