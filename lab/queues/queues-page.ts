/** The plots of `teg bench queues` as one HTML page: for each workload what large jobs wait against what stands idle. */
import { chartPage } from '../../src/cli/report/html-report.ts';
import { type QueuePoint, queueCharts } from '../../src/cli/report/queue-charts.ts';
import { packageVersion } from '../../src/cli/version.ts';
import { usesRuntimes } from '../../src/simulation/queueing/queue-names.ts';
import { QUEUE_WORKLOADS } from './queue-workload-names.ts';
import type { QueuesRow } from './queues-task.ts';

/** @returns The page. Two plots a workload. */
export function queuesPage(rows: readonly QueuesRow[]): string {
  const queues = [...new Set(rows.map(({ queue }) => queue))];
  const shown = [...queues.filter((queue) => queue === 'teg'), ...queues.filter((queue) => queue !== 'teg')];
  const charts = QUEUE_WORKLOADS.flatMap((workload) =>
    queueCharts(workload, workload, pointsOf(rows.filter((row) => row.workload === workload))),
  );
  const lead =
    'Queues on the same arrivals, by what they know of run times: exact, declared by owners, predicted, unknown.';
  return chartPage('Queues', lead, charts, shown, packageVersion());
}

/** One point for each queue and knowledge; where two kinds of knowledge gave the same, they share a point. */
function pointsOf(rows: readonly QueuesRow[]): QueuePoint[] {
  const points = new Map<string, { row: QueuesRow; knowledge: string[] }>();
  for (const row of rows) {
    const { queue, headOfLine, largeWaitP99Seconds, smallWaitP99Seconds } = row;
    const key = [queue, headOfLine, largeWaitP99Seconds, smallWaitP99Seconds].join();
    const point = points.get(key) ?? { row, knowledge: [] };
    point.knowledge.push(row.knowledge);
    points.set(key, point);
  }
  return [...points.values()].map(({ row, knowledge }): QueuePoint => {
    const label = usesRuntimes(row.queue) ? `${row.queue} ${knowledge.join(', ')}` : row.queue;
    const waits = knowledge.flatMap((knows) =>
      [
        { name: `small, ${knows}`, seconds: row.smallWaitP99Seconds },
        { name: `large, ${knows}`, seconds: row.largeWaitP99Seconds },
      ].flatMap(({ name, seconds }) => (seconds === null ? [] : [{ name, seconds }])),
    );
    return { queue: row.queue, label, headOfLine: row.headOfLine, waits };
  });
}
