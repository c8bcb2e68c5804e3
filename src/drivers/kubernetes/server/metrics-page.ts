/** Generates the page docs/kubernetes-metrics.md from the definitions. */
import { ECONOMY_METRICS, METRICS } from './metric-definitions.ts';
import type { MetricDefinition } from './metric-series.ts';

/** @returns The text of docs/kubernetes-metrics.md. */
export function metricsMarkdown(): string {
  const definitions: readonly MetricDefinition[] = Object.values(METRICS);
  const own = definitions.filter(({ name }) => name.startsWith('teg_'));
  const common = definitions.filter(({ name }) => !name.startsWith('teg_'));
  return `${[
    '# Metrics of `teg scheduler`',
    '',
    'Generated from `src/drivers/kubernetes/server/metric-definitions.ts`; a test compares.',
    '',
    'They are served at `/metrics` (port 10259, HTTPS). The caller needs a bearer token that may `get` the',
    'non-resource URL `/metrics`, unless the server listens on loopback only. Metrics of the process and of Node.js',
    '(`process_*`, `nodejs_*`) are served as well.',
    '',
    '## As kube-scheduler has them',
    '',
    'Names, labels and buckets are those of kube-scheduler 1.36; the label `profile` is the scheduler name. Metrics of',
    'features that TEG does not have are missing: batching, queueing hints, asynchronous API calls.',
    '',
    ...table(common),
    '',
    "## TEG's own",
    '',
    ...table(own),
    '',
    '## Of the economy',
    '',
    'Only while `economy.mode` is not off, and of the tenants that come first in the tree, `economy.metricTenantsMax` of',
    'them; what further tenants have of a counter or of waiting pods is counted as `other`.',
    '',
    ...table(Object.values(ECONOMY_METRICS)),
  ].join('\n')}\n`;
}

function table(definitions: readonly MetricDefinition[]): string[] {
  return [
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...definitions.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    ),
  ];
}
