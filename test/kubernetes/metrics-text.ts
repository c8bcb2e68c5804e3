/**
 * Metrics of a scheduler's /metrics page, for tests.
 */

/** A series: its labels and its value. */
export interface MetricSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** @returns The series of a metric in a page of Prometheus' text format. */
export function seriesOf(page: string, name: string): MetricSeries[] {
  const found: MetricSeries[] = [];
  for (const line of page.split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const labels: Record<string, string> = {};
    for (const [, key = '', value = ''] of (match[2] ?? '').matchAll(/([a-zA-Z0-9_]+)="([^"]*)"/g)) {
      labels[key] = value;
    }
    found.push({ labels, value: Number(match[3]) });
  }
  return found;
}

/** @returns The sum of the series of a metric that have these labels. */
export function sumOf(page: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return seriesOf(page, name)
    .filter((series) => Object.entries(labels).every(([key, value]) => series.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
