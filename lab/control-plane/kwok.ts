/**
 * kwok: gives nodes without a machine a heartbeat, and the pods bound to them a life.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startGuardian } from './guardian.ts';
import { kwokConfiguration } from './kwok-stages.ts';
import { ManagedProcess, type ProcessPlan } from './managed-process.ts';
import { KWOK_ANNOTATION } from './nodes.ts';
import { freePorts } from './ports.ts';
import { onProcessEnd } from './process-end.ts';
import { serves } from './serving.ts';

/**
 * Leases of nodes, renewed each quarter of it: five times a kubelet's, so that 5,000 nodes cost 100 small writes a
 * second instead of 500.
 */
export const NODE_LEASE_SECONDS = 200;

/**
 * @param program Path of kwok.
 * @param folder For its configuration and log.
 * @param onlyAnnotated Not all nodes, but those that `nodes.ts` made: real ones have their own kubelets.
 */
export async function kwokPlan(
  program: string,
  kubeconfig: string,
  folder: string,
  onlyAnnotated: boolean,
): Promise<ProcessPlan> {
  const [port] = (await freePorts(1)) as [number];
  const configFile = join(folder, 'kwok.yaml');
  writeFileSync(configFile, kwokConfiguration());
  const args = [
    `--kubeconfig=${resolve(kubeconfig)}`,
    `--config=${configFile}`,
    onlyAnnotated
      ? `--manage-nodes-with-annotation-selector=${KWOK_ANNOTATION}=fake`
      : '--manage-all-nodes=true',
    // As often as a kubelet where the cluster's own controllers decide how long a node may be silent.
    `--node-lease-duration-seconds=${onlyAnnotated ? 40 : NODE_LEASE_SECONDS}`,
    '--node-ip=127.0.0.1',
    `--server-address=127.0.0.1:${port}`,
  ];
  return { name: 'kwok', program, args, folder, isReady: () => serves(`http://127.0.0.1:${port}/healthz`) };
}

/** kwok on a cluster that is not ours. */
export interface KwokBeside {
  /** 0 once it has ended. */
  readonly pid: number;
  readonly logFile: string;
  stop(): Promise<void>;
}

/**
 * Starts kwok on an existing cluster; it looks after nodes that `nodes.ts` made, and ends with us.
 *
 * @throws TegError TEG_CONTROL_PLANE_FAILED with the end of its log.
 */
export async function startKwokBeside(program: string, kubeconfig: string): Promise<KwokBeside> {
  const folder = mkdtempSync(join(tmpdir(), 'teg-kwok-'));
  const guardian = startGuardian(folder);
  const kwok = new ManagedProcess(await kwokPlan(program, kubeconfig, folder, true), () =>
    guardian.protect(kwok.pid === 0 ? [] : [kwok.pid]),
  );
  const stop = async (): Promise<void> => {
    await kwok.stop();
    forget();
    await guardian.dismiss();
    await rm(folder, { recursive: true, force: true });
  };
  const forget = onProcessEnd({ stop, killNow: () => kwok.killNow() });
  try {
    await kwok.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    get pid() {
      return kwok.pid;
    },
    logFile: kwok.logFile,
    stop,
  };
}
