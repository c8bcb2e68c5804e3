/**
 * Helpers shared by the tests of a whole scheduler process: a small cluster's objects, a scripted API server, and a
 * scheduler of it. Both stop with the test that runs.
 */
import type { ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import {
  type ScriptedRequest,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
} from '../../../test/support/scripted-server.ts';
import { streamList } from './client/reflector.fixtures.ts';
import { defaultSchedulerConfig, type SchedulerConfig } from './config/scheduler-config.ts';
import { SchedulerProcess } from './scheduler-process.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

/** The node `n1`; `cpu` as the API has it, or garbage. */
export function nodeObject(version: number, cpu: unknown = '4'): object {
  return {
    metadata: { name: 'n1', uid: 'uid-n1', resourceVersion: `${version}` },
    status: { allocatable: { cpu, memory: '8Gi', pods: '110' } },
  };
}

/** The pod `a/p`, which TEG is to place: waiting, or on a node. */
export function podObject(version: number, nodeName?: string): object {
  return {
    metadata: { namespace: 'a', name: 'p', uid: 'uid-p', resourceVersion: `${version}` },
    spec: {
      schedulerName: 'teg',
      containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
  };
}

/** True for a request for pods that TEG is to place or has placed and that have not ended. */
export function asksForOurPods({ path, query }: ScriptedRequest): boolean {
  const selector = query.get('fieldSelector');
  return (
    path === '/api/v1/pods' && selector?.startsWith('spec.schedulerName=teg,status.phase!=Succeeded') === true
  );
}

/** True for a request that reads or writes a lease. */
export function isForLease({ path }: ScriptedRequest): boolean {
  return path.startsWith(LEASES);
}

/** Answers as if no lease existed; every process that writes one gets it. */
export function grantLease(response: ServerResponse, { method, body }: ScriptedRequest): void {
  if (method === 'GET') sendJson(response, 404, {});
  else {
    const lease = JSON.parse(body) as { metadata: object };
    sendJson(response, 201, { ...lease, metadata: { ...lease.metadata, resourceVersion: '30' } });
  }
}

/**
 * Starts an API server.
 *
 * @param answer Returns true if it has answered. All other requests get an empty list, or a success without contents.
 */
export async function serve(
  answer: (response: ServerResponse, request: ScriptedRequest) => boolean,
): Promise<ScriptedServer> {
  const server = await startScriptedServer((response, request) => {
    if (answer(response, request)) return;
    if (request.query.get('watch') === '1') streamList(response, 10, []);
    else sendJson(response, request.method === 'POST' ? 201 : 200, {});
  });
  onTestFinished(() => server.stop());
  return server;
}

/** Starts a scheduler. @returns It, and the warnings that it logs: each a message and its details as JSON. */
export function startScheduler(
  server: ScriptedServer,
  config: SchedulerConfig = defaultSchedulerConfig(),
): {
  readonly scheduler: SchedulerProcess;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const scheduler = new SchedulerProcess({
    target: server.target,
    config,
    identity: 'test',
    dryRun: false,
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (details, message) => warnings.push(`${message} ${JSON.stringify(details)}`),
      error: () => undefined,
    },
    onBroken: (error) => {
      throw error;
    },
  });
  // Before the server: cleanups run in reverse order.
  onTestFinished(() => scheduler.stop());
  scheduler.start();
  return { scheduler, warnings };
}
