/**
 * `teg scheduler`: TEG as a scheduler of a Kubernetes cluster.
 */
import type { Command } from 'commander';

interface SchedulerCommandOptions {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly bindAddress?: string;
  readonly dryRun?: boolean;
  readonly record?: string;
  readonly printDefaultConfig?: boolean;
}

const EXAMPLES = `
Examples:
  teg scheduler --kubeconfig ~/.kube/config --dry-run
  teg scheduler --print-default-config > teg.yaml
  teg scheduler --config teg.yaml --record decisions.log.gz
Pods choose it with spec.schedulerName: teg. docs/kubernetes.md goes from a cluster to try it on to an installation.`;

/** Adds `teg scheduler`. */
export function addSchedulerCommand(parent: Command): void {
  parent
    .command('scheduler')
    .description('schedule the pods of a Kubernetes cluster that name it as their scheduler')
    .option('--config <file>', 'SchedulerConfiguration, YAML or JSON (default: every field has a default)')
    .option(
      '--kubeconfig <file>',
      'how to reach the cluster (default: $KUBECONFIG, ~/.kube/config, or in cluster)',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option(
      '--bind-address <ip>',
      'address to serve health and metrics at (default: server.bindAddress; 127.0.0.1 outside of a cluster)',
    )
    .option('--dry-run', 'decide and explain, bind nothing')
    .option('--record <file>', 'write the log of events that `teg replay` repeats; gzip with .gz')
    .option('--print-default-config', 'print the configuration with all defaults, commented, and end')
    .addHelpText('after', EXAMPLES)
    .action(schedule);
}

function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

async function schedule(options: SchedulerCommandOptions): Promise<void> {
  const { defaultSchedulerConfig, printDefaultConfig, readSchedulerConfig, withBindAddress } = await import(
    '../../drivers/kubernetes/config/scheduler-config.ts'
  );
  if (options.printDefaultConfig === true) {
    process.stdout.write(printDefaultConfig());
    return;
  }
  const configured =
    options.config === undefined ? defaultSchedulerConfig() : await readSchedulerConfig(options.config, warn);
  const config = withBindAddress(configured, options.bindAddress);
  const { runScheduler } = await import('../kubernetes/run-scheduler.ts');
  const { interruptionIsSuccess, interruptSignal } = await import('../terminal/interrupt.ts');
  interruptionIsSuccess();
  const kubeconfig = options.kubeconfig ?? (config.clientConnection.kubeconfig || undefined);
  await runScheduler({
    config,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
    dryRun: options.dryRun === true,
    record: options.record ?? config.record,
    signal: interruptSignal(),
  });
}
