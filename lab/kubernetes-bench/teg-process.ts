/** `teg scheduler` as a separate process, started as by a user, beside a control plane. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_API_VERSION, CONFIG_KIND } from '../../src/drivers/kubernetes/config/config-schema.ts';
import type { SchedulerConfig } from '../../src/drivers/kubernetes/config/scheduler-config.ts';
import type { ControlPlane, ControlPlaneProcess } from '../control-plane/control-plane.ts';
import { startGuardian } from '../control-plane/guardian.ts';
import { ManagedProcess } from '../control-plane/managed-process.ts';

/** This checkout. */
const ROOT = join(import.meta.dirname, '..', '..');

let started = 0;

/**
 * Starts it with its defaults but for the election and the address of its pages.
 *
 * Does not wait until it is ready: the first pod that it binds shows that.
 *
 * @param sections Of the configuration: overrides; default none.
 * @param checkout Folder of the sources; default: these. Its command, run by this very Node.js, stays one process.
 * @throws TegError TEG_CONTROL_PLANE_FAILED if it cannot be started.
 */
export async function startTeg(
  plane: ControlPlane,
  sections: {
    readonly clientConnection?: Partial<SchedulerConfig['clientConnection']>;
    readonly economy?: Partial<SchedulerConfig['economy']>;
  } = {},
  checkout = ROOT,
): Promise<ControlPlaneProcess> {
  const name = `teg-scheduler-${++started}`;
  const configFile = join(plane.folder, `${name}.yaml`);
  // JSON is YAML.
  const config = {
    apiVersion: CONFIG_API_VERSION,
    kind: CONFIG_KIND,
    ...sections,
    leaderElection: { leaderElect: false },
    server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
  };
  writeFileSync(configFile, JSON.stringify(config, undefined, 2));
  const guardian = startGuardian(undefined);
  const teg: ManagedProcess = new ManagedProcess(
    {
      name,
      program: process.execPath,
      args: [
        join(checkout, 'bin', 'teg'),
        'scheduler',
        '--kubeconfig',
        plane.kubeconfig,
        '--config',
        configFile,
      ],
      folder: plane.folder,
      isReady: () => Promise.resolve(true),
    },
    () => {
      if (teg.pid !== 0) guardian.protect([teg.pid]);
      else void guardian.dismiss();
    },
  );
  await teg.start();
  return teg;
}
