/** `teg explain pod`: why a pod is where it is, or on no node. */
import type { Command } from 'commander';
import type { PodExplanation } from '../../governor/pods/explain/explain-types.ts';
import { TegError } from '../../model/errors.ts';
import type { PodName } from '../kubernetes/pod-name.ts';
import {
  addServerOptions,
  askPage,
  checkServerOptions,
  type ServerOptions,
} from '../kubernetes/server-options.ts';

interface ExplainOptions extends ServerOptions {
  readonly snapshot?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
}

const NOTES = `
Examples:
  teg explain pod team-a/train-0                                   from the current state of the kubeconfig's cluster
  teg explain pod team-a/train-0 --snapshot cluster.json.gz        from a file of teg snapshot, or kubectl get -o json
  kubectl -n teg-system port-forward deploy/teg 10259              and then, from the scheduler's own state:
  teg explain pod team-a/train-0 --server https://127.0.0.1:10259 --insecure-skip-tls-verify --token-file token
Only a running scheduler knows attempts, waits and nominations; a cluster or a file is explained as a scheduler would
see it at its first look.`;

/** Adds `teg explain pod`. */
export function addExplainCommand(parent: Command): void {
  const explain = parent.command('explain').description('why a pod is where it is, or nowhere');
  const pod = explain
    .command('pod [pod]')
    .description('explain a pod: NAMESPACE/NAME, or NAME in the namespace default');
  addServerOptions(pod, 'explain')
    .option('--snapshot <file>', 'explain from a file of teg snapshot, or manifests in YAML or JSON')
    .option(
      '--kubeconfig <file>',
      'explain from the cluster (default: $KUBECONFIG, ~/.kube/config, or in cluster)',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option('--config <file>', 'SchedulerConfiguration, unless a server explains')
    .option('--json', 'print JSON')
    .option('--json-schema', 'print the JSON Schema of the output of --json, and end')
    .addHelpText('after', NOTES)
    .action(explainPod);
}

async function explainPod(text: string | undefined, options: ExplainOptions): Promise<void> {
  const { printJson, printJsonSchema } = await import('../terminal/json-output.ts');
  if (options.jsonSchema) {
    printJsonSchema((await import('../kubernetes/explanation-schema.ts')).podExplanationSchema);
    return;
  }
  checkTogether(options);
  if (text === undefined) {
    throw new TegError('TEG_OPTION_INVALID', 'got no pod, expected NAMESPACE/NAME such as team-a/train-0');
  }
  const pod = (await import('../kubernetes/pod-name.ts')).parsePodName(text);
  const nowSeconds = Date.now() / 1000;
  const explanation =
    options.server === undefined
      ? await compute(pod, options, nowSeconds)
      : await ask(pod, options.server, options);
  if (options.json) printJson(explanation);
  else (await import('../kubernetes/explanation-text.ts')).printExplanation(explanation, nowSeconds);
}

/** @throws TegError TEG_OPTION_INVALID for options that contradict each other. */
function checkTogether(options: ExplainOptions): void {
  const { server, snapshot, kubeconfig, context, config } = options;
  const refuse = (got: string, expected: string): never => {
    throw new TegError('TEG_OPTION_INVALID', `got ${got}, expected ${expected}`);
  };
  const sources = [server, snapshot, kubeconfig ?? context].filter((source) => source !== undefined);
  if (sources.length > 1) refuse('more than one source', 'one of --server, --snapshot and --kubeconfig');
  checkServerOptions(options);
  if (server !== undefined && config !== undefined) {
    refuse('--server and --config', 'one of them: a running scheduler has its configuration');
  }
}

async function ask(pod: PodName, server: string, options: ExplainOptions): Promise<PodExplanation> {
  const { podExplanationSchema } = await import('../kubernetes/explanation-schema.ts');
  const path = `/explain/${encodeURIComponent(pod.namespace)}/${encodeURIComponent(pod.name)}`;
  const explanation = await askPage(server, options, path, podExplanationSchema);
  if (explanation !== undefined) return explanation;
  throw new TegError(
    'TEG_POD_UNKNOWN',
    `got the pod '${pod.namespace}/${pod.name}', expected one that the scheduler at ${server} knows; ` +
      'it knows the pods that name it, and pods on nodes',
  );
}

/** From a file or the cluster's API server. */
async function compute(pod: PodName, options: ExplainOptions, nowSeconds: number): Promise<PodExplanation> {
  const { defaultSchedulerConfig, readSchedulerConfig } = await import(
    '../../drivers/kubernetes/config/scheduler-config.ts'
  );
  const { coreOptions } = await import('../../drivers/kubernetes/config/core-options.ts');
  const { tenantKeyReader } = await import('../../drivers/kubernetes/economy/economy-resources.ts');
  const { profilesOf } = await import('../../drivers/kubernetes/objects/profiles.ts');
  const { explainFromObjects } = await import('../../drivers/kubernetes/snapshot/explain-objects.ts');
  const { readSnapshotFile } = await import('../../drivers/kubernetes/snapshot/object-events.ts');
  const onWarning = (text: string): void => {
    process.stderr.write(`note: ${text}\n`);
  };
  const config =
    options.config === undefined
      ? defaultSchedulerConfig()
      : await readSchedulerConfig(options.config, onWarning);
  const common = {
    ...pod,
    profiles: profilesOf(config.schedulerNames),
    core: coreOptions(config),
    tenantOf: tenantKeyReader(config.economy.tenantLabels, config.economy.admittedLabels),
    // Without a configuration the Market says whether it is in force.
    economyMode: options.config === undefined ? undefined : config.economy.mode,
    nowSeconds,
    onWarning,
  };
  if (options.snapshot !== undefined) {
    const { FROM_FILE } = await import('../../model/readers/leniency.ts');
    return explainFromObjects(readSnapshotFile(options.snapshot), { ...common, leniency: FROM_FILE });
  }
  const { loadTarget } = await import('../../drivers/kubernetes/client/target.ts');
  const { createApiClient } = await import('../../drivers/kubernetes/client/http-client.ts');
  const { listCluster } = await import('../../drivers/kubernetes/snapshot/take-snapshot.ts');
  const { reportedCondition, withReported } = await import(
    '../../drivers/kubernetes/snapshot/reported-condition.ts'
  );
  const target = await loadTarget({ kubeconfig: options.kubeconfig, context: options.context });
  const client = createApiClient(target);
  try {
    const pages = listCluster(client, { server: target.server, onWarning });
    async function* objects() {
      for await (const page of pages) yield* page;
    }
    return withReported(await explainFromObjects(objects(), common), await reportedCondition(client, pod));
  } finally {
    await client.close();
  }
}
