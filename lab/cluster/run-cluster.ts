/** Runs `teg cluster`: from options to a ready cluster, and to its end. */
import { setTimeout as delay } from 'node:timers/promises';
import { interruptionIsSuccess, interruptSignal } from '../../src/cli/terminal/interrupt.ts';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import { createApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { loadTarget } from '../../src/drivers/kubernetes/client/target.ts';
import { TegError } from '../../src/model/errors.ts';
import { ensureBinaries } from '../control-plane/build.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { defineCoscheduling } from '../control-plane/coscheduling.ts';
import { GO_MODULES } from '../control-plane/go-modules.ts';
import { startKwokBeside } from '../control-plane/kwok.ts';
import { createNodes, deleteNodes, untilUsable } from '../control-plane/nodes.ts';
import { startControlPlane } from '../control-plane/start.ts';
import {
  checkTogether,
  nodeCountOf,
  nodesText,
  nodeTemplateOf,
  type TrialClusterOptions,
} from './cluster-options.ts';
import { ClusterProgress } from './cluster-progress.ts';
import { type ReadyCluster, readyText } from './cluster-text.ts';

/** Interval between checks that all processes still run. */
const LOOK_MS = 500;

const OWN_BINARIES = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kwok', 'kubectl'];

/** A process that the cluster needs. */
interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
}

/**
 * Builds, starts, creates the nodes, reports that all is ready, and waits for Ctrl-C.
 *
 * @throws TegError of the build, the start, the server; TEG_CONTROL_PLANE_FAILED if a process ends on its own.
 */
export async function runCluster(options: TrialClusterOptions): Promise<void> {
  checkTogether(options);
  const count = nodeCountOf(options);
  const progress = new ClusterProgress();
  try {
    if (options.buildOnly === true) await buildAll(progress);
    else if (options.kubeconfig === undefined) await runOwn(count, options, progress);
    else await runExisting(options.kubeconfig, count, options, progress);
  } catch (error) {
    // A request that met a server that is ending with us.
    throw interruptSignal().aborted ? interruptSignal().reason : error;
  } finally {
    progress.abandon();
  }
}

/** Everything that the tests and benchmarks need, too. */
async function buildAll(progress: ClusterProgress): Promise<void> {
  const names = GO_MODULES.flatMap(({ packages }) => Object.keys(packages));
  const paths = await build(names, progress);
  progress.end();
  for (const [name, path] of paths) process.stdout.write(`${name.padEnd(24)}  ${path}\n`);
}

function build(names: readonly string[], progress: ClusterProgress) {
  return ensureBinaries(names, { onProgress: (each) => progress.building(each), signal: interruptSignal() });
}

async function runOwn(count: number, options: TrialClusterOptions, progress: ClusterProgress): Promise<void> {
  const signal = interruptSignal();
  const names = options.withStockScheduler === true ? [...OWN_BINARIES, 'kube-scheduler'] : OWN_BINARIES;
  await build(names, progress);
  const plane = await startControlPlane(
    { admission: true, kwok: true, ...(options.folder !== undefined && { folder: options.folder }) },
    { onStart: (name) => progress.begin(`starting ${name}`), signal },
  );
  try {
    await withClient(plane.kubeconfig, async (client) => {
      await defineCoscheduling(client);
      await addNodes(client, count, options, progress);
    });
    if (options.withStockScheduler === true) await plane.startStockScheduler('');
    progress.end();
    printReady(await ownCluster(plane, count, options), options);
    interruptionIsSuccess();
    await untilInterrupted(signal, () => [...plane.processes.values()]);
  } finally {
    await plane.stop();
  }
}

async function ownCluster(
  plane: ControlPlane,
  count: number,
  options: TrialClusterOptions,
): Promise<ReadyCluster> {
  return {
    kubeconfig: plane.kubeconfig,
    server: plane.server,
    folder: plane.folder,
    nodes: count,
    nodesText: nodesText(count, options),
    kubectl: await plane.binary('kubectl'),
    hasStockScheduler: options.withStockScheduler === true,
    onInterrupt: 'ends the cluster',
  };
}

async function runExisting(
  kubeconfig: string,
  count: number,
  options: TrialClusterOptions,
  progress: ClusterProgress,
): Promise<void> {
  progress.begin('asking the cluster');
  const target = await loadTarget({ kubeconfig });
  await withClient(kubeconfig, async (client) => {
    const nodes = await nodesThere(client, target.server);
    const ready: ReadyCluster = {
      kubeconfig,
      server: target.server,
      folder: undefined,
      nodes: nodes + count,
      nodesText: `${nodes} of its own${count > 0 ? `, and ${nodesText(count, options)} that kwok plays` : ''}`,
      kubectl: undefined,
      hasStockScheduler: true,
      onInterrupt: count > 0 ? `removes the ${count} nodes` : undefined,
    };
    if (count > 0) await playNodes(client, kubeconfig, count, options, progress, ready);
    else {
      progress.end();
      printReady(ready, options);
    }
  });
}

/** Adds nodes to a cluster that is not ours, and takes them out again at the end. */
async function playNodes(
  client: ApiClient,
  kubeconfig: string,
  count: number,
  options: TrialClusterOptions,
  progress: ClusterProgress,
  ready: ReadyCluster,
): Promise<void> {
  const program = (await build(['kwok'], progress)).get('kwok') as string;
  const kwok = await startKwokBeside(program, kubeconfig);
  try {
    await addNodes(client, count, options, progress);
    progress.end();
    printReady(ready, options);
    interruptionIsSuccess();
    await untilInterrupted(interruptSignal(), () => [{ name: 'kwok', pid: kwok.pid, logFile: kwok.logFile }]);
  } finally {
    await deleteNodes(client, count, nodeTemplateOf(options).prefix as string);
    await kwok.stop();
  }
}

async function withClient<T>(kubeconfig: string, use: (client: ApiClient) => Promise<T>): Promise<T> {
  const client = createApiClient(await loadTarget({ kubeconfig }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function addNodes(
  client: ApiClient,
  count: number,
  options: TrialClusterOptions,
  progress: ClusterProgress,
): Promise<void> {
  if (count === 0) return;
  const template = nodeTemplateOf(options);
  const signal = interruptSignal();
  const report = (done: number): void => {
    signal.throwIfAborted();
    progress.update(done, count);
  };
  progress.begin(`creating ${count.toLocaleString('en-US')} nodes`);
  await createNodes(client, count, template, report);
  progress.begin('waiting for the nodes to be ready');
  await untilUsable(client, template.prefix as string, report);
}

/** @returns The cluster's number of nodes. @throws TegError TEG_SERVER_FAILED if it cannot be queried. */
async function nodesThere(client: ApiClient, server: string): Promise<number> {
  const answer = await client
    .request({ method: 'GET', path: '/api/v1/nodes?limit=1', timeoutSeconds: 15 })
    .catch((error: Error) => {
      throw new TegError(
        'TEG_SERVER_FAILED',
        `${server} could not be reached (${error.message}), expected the API server that the kubeconfig names: is the cluster up, and its address reachable from here?`,
        { cause: error },
      );
    });
  const { metadata, items, message } = (answer.body ?? {}) as {
    metadata?: { remainingItemCount?: number };
    items?: unknown[];
    message?: string;
  };
  if (answer.status === 200 && items !== undefined) return items.length + (metadata?.remainingItemCount ?? 0);
  throw new TegError(
    'TEG_SERVER_FAILED',
    `${server} answered ${answer.status} (${message ?? 'no message'}), expected the list of its nodes: check the kubeconfig's user`,
  );
}

function printReady(ready: ReadyCluster, { json }: TrialClusterOptions): void {
  const { kubeconfig, server, folder, nodes, kubectl } = ready;
  const fields = { kubeconfig, server, folder: folder ?? null, nodes, kubectl: kubectl ?? null };
  process.stdout.write(json === true ? `${JSON.stringify(fields)}\n` : readyText(ready));
}

/** @throws TegError TEG_CONTROL_PLANE_FAILED if one of the processes ends before. */
async function untilInterrupted(signal: AbortSignal, processes: () => readonly Watched[]): Promise<void> {
  while (!signal.aborted) {
    const ended = processes().find(({ pid }) => pid === 0);
    if (ended !== undefined) {
      throw new TegError(
        'TEG_CONTROL_PLANE_FAILED',
        `${ended.name} ended on its own, expected it to run until Ctrl-C; the end of ${ended.logFile} says why (use --folder to keep it)`,
      );
    }
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}
