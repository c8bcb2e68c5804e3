/** `teg snapshot`: the cluster state that scheduling reads, in one file. */
import type { Command } from 'commander';

interface SnapshotCommandOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: string;
}

const NOTES = `
Examples:
  teg snapshot -o cluster.json.gz
  teg simulate --cluster cluster.json.gz --start-from-snapshot --add-nodes '8*gpu-node-3'
  teg explain pod team-a/train-0 --snapshot cluster.json.gz
Saved: nodes, pods of all schedulers, PriorityClasses, PodGroups, PodDisruptionBudgets, PersistentVolumes and their claims,
StorageClasses, CSINodes, CSIDrivers, CSIStorageCapacities, VolumeAttachments, DeviceClasses, namespaces, and of each only the fields that
scheduling reads. Not saved: environment variables, commands, arguments, images, secrets, config maps, annotations of others. Names and labels stay as they are.`;

/** Adds `teg snapshot`. */
export function addSnapshotCommand(parent: Command): void {
  parent
    .command('snapshot')
    .description(
      'save the state of a Kubernetes cluster that scheduling reads, for what-if runs and explanations',
    )
    .option(
      '--kubeconfig <file>',
      'how to reach the cluster (default: $KUBECONFIG, ~/.kube/config, or in cluster)',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option('-o, --output <file>', 'where to; gzip with .gz; -: standard output', '-')
    .addHelpText('after', NOTES)
    .action(snapshot);
}

async function snapshot(options: SnapshotCommandOptions): Promise<void> {
  const { loadTarget } = await import('../../drivers/kubernetes/client/target.ts');
  const { createApiClient } = await import('../../drivers/kubernetes/client/http-client.ts');
  const { takeSnapshot } = await import('../../drivers/kubernetes/snapshot/take-snapshot.ts');
  const { prepareOutput } = await import('../files/output-file.ts');
  const { writeText } = await import('../files/text-file.ts');
  const { ProgressLine } = await import('../terminal/progress-line.ts');
  const { interruptSignal } = await import('../terminal/interrupt.ts');
  const { formatCount } = await import('../terminal/formatting.ts');
  await prepareOutput(options.output, [options.kubeconfig]);
  const signal = interruptSignal();
  const target = await loadTarget({ kubeconfig: options.kubeconfig, context: options.context });
  const client = createApiClient(target);
  const line = new ProgressLine(`reading ${target.server}`, { unit: 'objects' });
  try {
    const pieces = takeSnapshot(client, {
      takenAtSeconds: Math.floor(Date.now() / 1000),
      server: target.server,
      onWarning: (text) => {
        line.clear();
        process.stderr.write(`warning: ${text}\n`);
      },
      onProgress: (objects, kind) => {
        signal.throwIfAborted();
        line.update(objects, kind);
      },
    });
    const counts = await writeText(options.output, pieces);
    line.finish();
    const told = Object.entries(counts).map(([kind, count]) => `${formatCount(count)} ${kind}`);
    const where = options.output === '-' ? 'standard output' : options.output;
    process.stderr.write(`${where}: ${told.join(', ')}\n`);
  } finally {
    line.finish();
    await client.close();
  }
}
