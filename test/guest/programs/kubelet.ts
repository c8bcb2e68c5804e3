/** A real kubelet with `teg guard` in charge: what becomes of frozen containers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlGroup } from './control-group.ts';
import { type ContainerStatus, KubeletNode, logTail } from './kubelet-node.ts';
import { part, report, until } from './report.ts';
import { RunningGuard } from './running-guard.ts';

/** Containers with a liveness probe over HTTP, and how often each is frozen. */
const WEBS = 5;
const ROUNDS = 10;
/** Containers with a handler of SIGTERM in a pod that is deleted frozen, and in one that is not. */
const HANDLERS = 20;
const FREE = 3;

const CONFIG = {
  wall: { of: 'node', mib: 2300 },
  growth: { rateMaxMibPerSecond: 512 },
  pods: { staticPodsToo: true },
};

const SLEEPER = { name: 'main', command: ['/bin/sleep', '100000'] };

const started = performance.now();
const node = await KubeletNode.start();
report('kubelet-up', (performance.now() - started) / 1000);
// One pod after the other: creating many containers at once takes longer than runtime and kubelet wait.
if (process.argv[2] === 'deletion') {
  await addPod(
    'free',
    range(FREE).map((index) => handler('free', index)),
  );
  await addPod(
    'held',
    range(HANDLERS).map((index) => handler('held', index)),
  );
} else {
  await addPod('webs', range(WEBS).map(web));
  await addPod('stranger', [SLEEPER], { annotations: {} });
  await addPod('batch', [
    {
      ...SLEEPER,
      livenessProbe: { exec: { command: ['/bin/true'] }, periodSeconds: 3, failureThreshold: 2 },
    },
  ]);
}
const guard = await RunningGuard.start(CONFIG);
await sleep(2000);
if (process.argv[2] === 'deletion') await part('deletion', deletePods);
else {
  await part('groups', whoIsGuarded);
  await part('probes', freezeWebs);
  await part('restart', restartRuntime);
  await part('control', frozenByHand);
}
await guard.stop();
report('seconds', (performance.now() - started) / 1000);
process.exit(0);

/** Adds a pod and waits until all of its containers run. */
async function addPod(name: string, containers: Record<string, unknown>[], metadata = {}): Promise<void> {
  node.addPod(name, containers, metadata);
  await node.running(name, containers.length);
  report(`${name}-up`, (performance.now() - started) / 1000);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function web(index: number): Record<string, unknown> {
  const port = 8081 + index;
  return {
    name: `web-${index}`,
    command: ['/bin/httpd', '-f', '-p', String(port), '-h', '/www'],
    livenessProbe: {
      httpGet: { host: '127.0.0.1', port, path: '/index.html' },
      periodSeconds: 2,
      failureThreshold: 5,
      // A second is short for a virtual machine without acceleration.
      timeoutSeconds: 2,
    },
  };
}

function handler(pod: string, index: number): Record<string, unknown> {
  const script = `trap 'echo ended > /shared/${pod}-${index}; exit 0' TERM; sleep 100000 & wait`;
  return { name: `handler-${index}`, command: ['/bin/sh', '-c', script] };
}

/** The guard acts on containers of pods that opted in, and on nothing else. */
async function whoIsGuarded(): Promise<unknown> {
  const { groups } = await guard.status();
  const containers = await node.containers();
  const expected = containers.filter(({ pod }) => pod !== 'stranger').map(({ path }) => path);
  const paths = groups.filter(({ optedIn }) => optedIn).map(({ path }) => path);
  return {
    groups: paths.length,
    missing: expected.filter((path) => !paths.includes(path)),
    others: paths.filter((path) => !expected.includes(path)),
  };
}

/** The control: without the guard a frozen web server is restarted. */
async function frozenByHand(): Promise<unknown> {
  const [first] = await of('webs');
  const { path } = first as ContainerStatus;
  const group = new ControlGroup(path);
  group.write('cgroup.freeze', 1);
  const before = await restartsOf('webs');
  // Its grace period passes, and then SIGKILL reaches frozen processes too.
  for (let seconds = 0; seconds < 90 && (await restartsOf('webs')) === before; seconds++) await sleep(1000);
  const restarts = (await restartsOf('webs')) - before;
  return { restarts };
}

/** All web servers are frozen by request; the guard thaws them before their probes fail. */
async function freezeWebs(): Promise<unknown> {
  const before = await restartsOf('webs');
  const frozenFor: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const webs = await of('webs');
    for (const { path } of webs) await guard.ask({ op: 'freeze', group: path });
    const begun = performance.now();
    const groups = webs.map(({ path }) => new ControlGroup(path));
    await until(() => groups.every((group) => group.isFrozen()), 5000, 'the web servers frozen', 10);
    await until(() => groups.every((group) => !group.isFrozen()), 20_000, 'the web servers thawed', 10);
    frozenFor.push(performance.now() - begun);
    // The guard lets them run for two periods and a timeout, 6 s.
    await sleep(6500);
  }
  const restarts = (await restartsOf('webs')) - before;
  return { freezes: ROUNDS * WEBS, restarts, frozenMsMax: Math.max(...frozenFor) };
}

/** containerd ends and starts while a container is frozen by the guard. */
async function restartRuntime(): Promise<unknown> {
  const [batch] = await of('batch');
  const { path, restarts } = batch as ContainerStatus;
  await guard.ask({ op: 'freeze', group: path });
  const group = new ControlGroup(path);
  await until(() => group.isFrozen(), 5000, 'the batch frozen', 10);
  await node.restartContainerd();
  await sleep(15_000);
  const isFrozen = group.isFrozen();
  const [after] = await of('batch');
  await guard.ask({ op: 'thaw', group: path });
  await until(() => !group.isFrozen(), 5000, 'the batch thawed', 10);
  await sleep(5000);
  return {
    isFrozen,
    isSame: after?.id === batch?.id,
    restarts: (await restartsOf('batch')) - restarts,
    isRunning: after?.isRunning,
  };
}

/** Two pods are deleted, one of them frozen. */
async function deletePods(): Promise<unknown> {
  const freeMs = await deletePod('free', []);
  const held = await of('held');
  for (const { path } of held) await guard.ask({ op: 'freeze', group: path });
  const groups = held.map(({ path }) => new ControlGroup(path));
  await until(() => groups.every((group) => group.isFrozen()), 10_000, 'the handlers frozen', 10);
  let thawedMs = Number.NaN;
  const heldMs = await deletePod('held', groups, (ms) => {
    thawedMs = ms;
  });
  const ended = readdirSync('/tmp/shared');
  const count = (pod: string) => ended.filter((name) => name.startsWith(`${pod}-`)).length;
  return { handlers: HANDLERS, endedFree: count('free'), endedHeld: count('held'), freeMs, heldMs, thawedMs };
}

/** @returns Milliseconds from the removal of the pod's file until its last group is gone. */
async function deletePod(
  name: string,
  groups: readonly ControlGroup[],
  onThawed?: (ms: number) => void,
): Promise<number> {
  const paths = (await of(name)).map(({ path }) => path);
  const begun = performance.now();
  node.removePod(name);
  if (onThawed !== undefined) {
    const isThawed = (group: ControlGroup): boolean =>
      !existsSync(`/sys/fs/cgroup${group.path}`) || !group.isFrozen();
    await until(() => groups.every(isThawed), 60_000, `${name} thawed`, 5);
    onThawed(performance.now() - begun);
  }
  await until(() => paths.every((path) => !existsSync(`/sys/fs/cgroup${path}`)), 90_000, `${name} gone`, 20);
  return performance.now() - begun;
}

async function of(name: string): Promise<ContainerStatus[]> {
  return (await node.containers()).filter(({ pod }) => pod === name);
}

async function restartsOf(name: string): Promise<number> {
  return (await of(name)).reduce((sum, { restarts }) => sum + restarts, 0);
}

process.on('uncaughtException', (error) => {
  process.stdout.write(
    `${error.stack}\n${logTail('kubelet')}\n${readFileSync('/tmp/guard.log', 'utf8').slice(-2000)}\n`,
  );
  process.exit(1);
});
