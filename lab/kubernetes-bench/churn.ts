/**
 * Background activity while pods are measured: objects that come and go at a steady pace, as scheduler_perf's `churn`.
 */
import { nodeText, podTemplate, serviceTemplate } from './bench-objects.ts';
import type { LoadClient } from './load-client.ts';
import type { ChurnKind } from './workloads.ts';

/** Namespace of the objects that come and go. */
export const CHURN_NAMESPACE = 'bench-churn';

/** A churned pod is never scheduled: nine CPUs on nodes of four. */
const NEVER_FITS = { requests: { cpu: '9', memory: '500Mi' }, spec: { priority: 10 } };

const INTERVAL_MS: Readonly<Record<ChurnKind, number>> = { unschedulable: 200, mixed: 1000 };

/** Runs from `startChurn` until `stop`. */
export interface Churn {
  /** Ends it and waits for requests in flight. @throws TegError TEG_BENCH_FAILED if a request of it failed. */
  stop(): Promise<void>;
}

/** Starts it. */
export function startChurn(kind: ChurnKind, client: LoadClient, schedulerName: string): Churn {
  const act = kind === 'mixed' ? mixed(client, schedulerName) : unschedulable(client, schedulerName);
  let failure: unknown;
  let running: Promise<void> = Promise.resolve();
  let busy = false;
  let step = 0;
  const timer = setInterval(() => {
    // A tick is left out while the previous one is not done, as with a Go ticker.
    if (busy) return;
    busy = true;
    running = act(step++)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        busy = false;
      });
  }, INTERVAL_MS[kind]);
  return {
    async stop() {
      clearInterval(timer);
      await running;
      if (failure !== undefined) throw failure;
    },
  };
}

/** A pod that never fits, every time. */
function unschedulable(client: LoadClient, schedulerName: string): (step: number) => Promise<void> {
  const template = podTemplate({ namespace: CHURN_NAMESPACE, schedulerName, ...NEVER_FITS });
  return (step) => client.create(template.path, template.text(`never-${step}`));
}

/** A node without room, a pod that never fits and a service: created at one time, deleted at the next. */
function mixed(client: LoadClient, schedulerName: string): (step: number) => Promise<void> {
  const pods = podTemplate({ namespace: CHURN_NAMESPACE, schedulerName, ...NEVER_FITS });
  const services = serviceTemplate(CHURN_NAMESPACE);
  return async (step) => {
    const name = `churn-${step >> 1}`;
    if (step % 2 === 1) {
      // At once, as there is no kubelet.
      for (const path of ['/api/v1/nodes', pods.path, services.path]) await client.delete(`${path}/${name}`);
      return;
    }
    await client.create('/api/v1/nodes', nodeText(name, { capacity: { pods: '0' } }));
    await client.create(pods.path, pods.text(name));
    await client.create(services.path, services.text(name));
  };
}
