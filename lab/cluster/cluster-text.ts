/** The output of `teg cluster` once its cluster is ready. */
import { join } from 'node:path';
import { styleText } from 'node:util';
import { wantsColor } from '../../src/cli/terminal/color.ts';

/** A cluster that is ready. */
export interface ReadyCluster {
  readonly kubeconfig: string;
  readonly server: string;
  /** Folder of data and logs; undefined: not ours. */
  readonly folder: string | undefined;
  readonly nodes: number;
  /** In words. */
  readonly nodesText: string;
  /** Path of kubectl; undefined: the user's own. */
  readonly kubectl: string | undefined;
  readonly hasStockScheduler: boolean;
  /** Effect of Ctrl-C; undefined: the command is over. */
  readonly onInterrupt: string | undefined;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** @returns The text, ending in a line feed. */
export function readyText(cluster: ReadyCluster): string {
  const head = (text: string) =>
    wantsColor(process.stdout) ? styleText('bold', text, { validateStream: false }) : text;
  const rows = [
    ['kubeconfig', cluster.kubeconfig],
    ['server', cluster.server],
    ['nodes', cluster.nodesText],
    ['logs', cluster.folder === undefined ? undefined : join(cluster.folder, '*.log')],
    ['scheduler', cluster.hasStockScheduler ? 'kube-scheduler, for pods that name no other' : 'none yet'],
  ].filter((row) => row[1] !== undefined);
  const width = Math.max(...rows.map(([name]) => name?.length ?? 0));
  return `${[
    head('The cluster is ready.'),
    '',
    ...rows.map(([name, value]) => `  ${name?.padEnd(width)}  ${value}`),
    '',
    head('TEG as its scheduler, in another terminal:'),
    `  ${join(ROOT, 'bin', 'teg')} scheduler --kubeconfig ${cluster.kubeconfig}`,
    '',
    head('Something to schedule, in a third one:'),
    ...commandsToTry(cluster).map((command) => `  ${command}`),
    ...(cluster.onInterrupt === undefined ? [] : ['', head(`Ctrl-C ${cluster.onInterrupt}.`)]),
  ].join('\n')}\n`;
}

function commandsToTry({ kubeconfig, kubectl, folder }: ReadyCluster): string[] {
  const examples = join(ROOT, 'deploy', 'examples');
  return [
    `export KUBECONFIG=${kubeconfig}`,
    ...(kubectl === undefined ? [] : [`alias kubectl=${kubectl}`]),
    `kubectl apply -f ${join(examples, 'deployment.yaml')}   # 20 pods with schedulerName: teg`,
    `kubectl apply -f ${join(examples, 'job.yaml')}`,
    ...(folder === undefined
      ? []
      : [`kubectl apply -f ${join(examples, 'gang.yaml')}         # all or nothing`]),
    `kubectl get pods -o wide --watch`,
    `kubectl describe pod -l app=web --show-events`,
  ];
}
