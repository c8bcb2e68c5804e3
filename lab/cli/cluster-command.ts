/**
 * `teg cluster` (`npm run cluster`): a Kubernetes cluster on this machine to try TEG on, without containers: a real API
 * server with its controllers, and nodes simulated by kwok.
 */
import type { Command } from 'commander';
import { wholeNumber } from '../../src/cli/terminal/option-values.ts';
import type { TrialClusterOptions } from '../cluster/cluster-options.ts';

const EXAMPLES = `
Examples:
  npm run cluster -- --nodes 1000
  npm run cluster -- --nodes 200 --gpus 8 --with-stock-scheduler
  npm run cluster -- --kubeconfig ~/.kube/config --nodes 50
Without --kubeconfig: builds etcd, kube-apiserver, kube-controller-manager, kwok and kubectl from their Go modules (once
a machine: about ten minutes on two cores, 5 GB of disk while it builds; needs Go 1.26 or later), starts them on free ports of 127.0.0.1,
and ends them on Ctrl-C. With --kubeconfig: uses that cluster; --nodes adds nodes that kwok plays, tainted so that pods
come to them only if they tolerate it, and removes them on Ctrl-C.`;

/** Adds `teg cluster`. */
export function addClusterCommand(parent: Command): void {
  parent
    .command('cluster')
    .description('start a Kubernetes cluster without machines to try TEG on')
    .option(
      '--nodes <n>',
      'the nodes: how many to generate (default: 100; with --kubeconfig: 0)',
      wholeNumber(0, 100_000),
    )
    .option('--zones <n>', 'spread over n zones; 0: no zones', wholeNumber(0, 1_000), 3)
    .option('--cpus <n>', 'CPUs of a node', wholeNumber(1, 100_000), 4)
    .option('--memory <quantity>', 'memory of a node', '32Gi')
    .option('--gpus <n>', 'nvidia.com/gpu of a node', wholeNumber(0, 1_000), 0)
    .option('--with-stock-scheduler', 'also run the stock kube-scheduler, for pods that name no scheduler')
    .option('--kubeconfig <file>', 'use this cluster instead of starting one')
    .option('--folder <dir>', 'keep data and logs there, and continue from them the next time')
    .option('--build-only', 'build the required binaries (and the tools that tests use), and end')
    .option('--json', 'print JSON when it is ready: {kubeconfig, server, folder, nodes, kubectl}')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TrialClusterOptions) => {
      const { runCluster } = await import('../cluster/run-cluster.ts');
      await runCluster(options);
    });
}
