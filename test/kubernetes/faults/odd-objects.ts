/**
 * Objects as they should not be: what a real API server lets in of it, and what it does not.
 */
import { startRewritingProxy } from './rewriting-proxy.ts';
import { type Facts, round, type Scenario } from './scenario.ts';
import { podObject, type Stage } from './stage.ts';

/** How much goes on. */
interface Parameters {
  /** Sound pods between the odd ones. */
  readonly pods: number;
  /** Of each odd kind. */
  readonly each: number;
}

/** An object of parsed JSON, to be spoilt. */
// biome-ignore lint/suspicious/noExplicitAny: what is spoilt may have any form, and no form is right
type Spoilt = any;

/** Spoils a pod, by the label `odd`. The scheduler must refuse it with an event, or place it; nothing else. */
const ODD_PODS: Readonly<Record<string, (pod: Spoilt) => void>> = {
  'no-spec': (pod) => {
    delete pod.spec.containers;
    pod.spec.containers = 'main';
  },
  'negative-cpu': (pod) => {
    pod.spec.containers[0].resources.requests.cpu = '-1';
  },
  'not-a-quantity': (pod) => {
    pod.spec.containers[0].resources.requests.memory = 'NaN';
  },
  'beyond-all-numbers': (pod) => {
    pod.spec.containers[0].resources.requests.memory = `1${'0'.repeat(400)}`;
  },
  'quantity-object': (pod) => {
    pod.spec.containers[0].resources.requests = { cpu: { $: 1 } };
  },
  'selector-of-numbers': (pod) => {
    pod.spec.nodeSelector = { a: 1 };
  },
  'tolerations-object': (pod) => {
    pod.spec.tolerations = { key: 'x' };
  },
  'priority-beyond': (pod) => {
    pod.spec.priority = 1e300;
  },
  'created-never': (pod) => {
    pod.metadata.creationTimestamp = 'yesterday';
  },
  'affinity-list': (pod) => {
    pod.spec.affinity = [];
    pod.spec.affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: 7 } };
  },
  'labels-list': (pod) => {
    pod.metadata.labels = ['x'];
  },
  'deeply-nested': (pod) => {
    let inner: Spoilt = 'x';
    for (let depth = 0; depth < 3000; depth++) inner = [inner];
    pod.spec.topologySpreadConstraints = inner;
  },
  'one-megabyte-annotation': (pod) => {
    pod.metadata.annotations = { large: 'x'.repeat(2 ** 20) };
  },
  'eight-megabyte-annotation': (pod) => {
    pod.metadata.annotations = { large: 'ü'.repeat(2 ** 22) };
  },
  'unknown-fields': (pod) => {
    pod.spec.__proto__x = { polluted: true };
    pod.spec.futureThing = [{ deep: { deeper: [1, 2, 3] } }];
    pod.status.fromTomorrow = 7;
    pod.tomorrow = null;
  },
};

/** Kinds that can be placed: nothing that counts is wrong with them. */
const PLACEABLE = ['one-megabyte-annotation', 'eight-megabyte-annotation', 'unknown-fields'];

/** What a real API server lets in. */
const ABSURD: Readonly<Record<string, object>> = {
  'cpu-of-a-planet': { requests: { cpu: '9223372036854775807' } },
  'memory-of-a-planet': { requests: { memory: '9223372036854775807' } },
  'memory-with-suffix': { requests: { memory: '8191P' } },
  'nano-cpu': { requests: { cpu: '0.001', memory: '1' } },
  'thousandths-of-bytes': { requests: { memory: '1500m' } },
  exponent: { requests: { cpu: '1e3', memory: '1E1' } },
  'own-resource': {
    requests: { 'example.com/dongles': '1000000000000' },
    limits: { 'example.com/dongles': '1000000000000' },
  },
};

/** See the head of the file. */
export const ODD_OBJECTS: Scenario<Parameters> = {
  name: 'odd objects',
  what: 'absurd quantities, annotations of 250 kB, and through a proxy that spoils watches: malformed pods and nodes, annotations of 1 and 8 MB, lines that are none',
  short: { pods: 100, each: 1 },
  full: { pods: 2000, each: 20 },
  play,
};

async function play(stage: Stage, { pods, each }: Parameters, facts: Facts): Promise<void> {
  await stage.nodes(Math.ceil(pods / 20) + 5);
  const uids = await createAbsurd(stage, each);
  // Before it leads, and again after a restart: all of them are there when it lists.
  await createLarge(stage, each * 4);
  const spoilt = new Map<string, string[]>();
  let lines = 0;
  const proxy = await startRewritingProxy(stage.plane.kubeconfig, (line) => {
    lines++;
    return spoil(line);
  });
  try {
    for (const kind of Object.keys(ODD_PODS).slice(0, 5)) await createOdd(stage, kind, each, spoilt);
    const election = {
      leaderElect: true,
      leaseDuration: '4s',
      renewDeadline: '3s',
      retryPeriod: '0.5s',
    };
    const teg = stage.startTeg({ kubeconfig: proxy.kubeconfig, config: { leaderElection: election } });
    await stage.until('it leads', () => teg.said('leading').length > 0, 30);
    for (const kind of Object.keys(ODD_PODS).slice(5)) await createOdd(stage, kind, each, spoilt);
    await oddNodes(stage, each);
    await stage.pods(pods, { prefix: 'sound' });
    facts['sound pods placed, s'] = round(
      await stage.until('sound pods are placed', () => isPlaced(stage, 'sound-', pods), 60),
    );
    const large = (): boolean => isPlaced(stage, 'large-', each * 4);
    await stage.until('pods with large annotations are placed', large, 30);
    await judge(stage, spoilt, uids);
    facts['kinds of odd pods'] = Object.keys(ODD_PODS).length + Object.keys(ABSURD).length;
    facts['odd pods with an event'] = stage.auditor.failedEvents.size;
    facts['lines of watches'] = lines;
    facts['peak memory, MB'] = Math.round(teg.usage().peakBytes / 1e6);
    if (!teg.running) stage.auditor.violations.push('the scheduler is gone');
  } finally {
    await proxy.stop();
  }
}

function isPlaced(stage: Stage, prefix: string, count: number): boolean {
  let placed = 0;
  for (const { name, node } of stage.auditor.pods.values()) {
    if (name.startsWith(`default/${prefix}`) && node !== '') placed++;
  }
  return placed === count;
}

/** @returns Uids by kind. */
async function createAbsurd(stage: Stage, each: number): Promise<Map<string, string[]>> {
  const uids = new Map<string, string[]>();
  for (const [kind, resources] of Object.entries(ABSURD)) {
    for (let index = 0; index < each; index++) {
      const containers = [{ name: 'main', image: 'none', resources }];
      const body = podObject(index, { prefix: kind, spec: { containers } });
      const answer = await stage.must('/api/v1/namespaces/default/pods', body);
      uids.set(kind, [...(uids.get(kind) ?? []), uidOf(answer.body)]);
    }
  }
  return uids;
}

/** As large as a real API server lets in. */
function createLarge(stage: Stage, count: number): Promise<void> {
  const annotations = { large: 'x'.repeat(250_000) };
  return stage.pods(count, { prefix: 'large', metadata: { annotations }, cpu: '10m' });
}

async function createOdd(
  stage: Stage,
  kind: string,
  each: number,
  uids: Map<string, string[]>,
): Promise<void> {
  for (let index = 0; index < each; index++) {
    const body = podObject(index, { prefix: kind, cpu: '10m', metadata: { labels: { odd: kind } } });
    const answer = await stage.must('/api/v1/namespaces/default/pods', body);
    uids.set(kind, [...(uids.get(kind) ?? []), uidOf(answer.body)]);
  }
}

/** Nodes that are spoilt on the way, by their names. */
async function oddNodes(stage: Stage, each: number): Promise<void> {
  for (const kind of ['negative', 'text', 'list', 'huge']) {
    for (let index = 0; index < each; index++) {
      const name = `odd-${kind}-${index}`;
      const allocatable = { cpu: '0', memory: '0', pods: '0' };
      await stage.must('/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels: { odd: kind } },
        status: { capacity: allocatable, allocatable },
      });
    }
  }
}

function uidOf(body: unknown): string {
  return (body as { metadata: { uid: string } }).metadata.uid;
}

/** Spoils a line of a watch if its object is marked. */
function spoil(line: string): string {
  if (!line.includes('"odd":"')) return line;
  const event = JSON.parse(line) as Spoilt;
  const { object } = event;
  const kind = object?.metadata?.labels?.odd as string;
  if (object.kind === 'Node') spoilNode(object, kind);
  else ODD_PODS[kind]?.(object);
  // Kinds of events that there may be one day, beside.
  const beside = JSON.stringify({ type: 'TOMORROW', object: { kind: 'Pod', metadata: {} } });
  const nameless = JSON.stringify({ type: 'MODIFIED', object: { kind: 'Pod', metadata: { uid: 7 } } });
  return `${beside}\n${nameless}\n${JSON.stringify(event)}`;
}

function spoilNode(node: Spoilt, kind: string): void {
  if (kind === 'negative') node.status.allocatable.cpu = '-4';
  else if (kind === 'text') node.status.allocatable = 'much';
  else if (kind === 'list') node.spec.taints = { key: 'x' };
  else node.metadata.annotations = { large: 'x'.repeat(2 ** 20) };
}

/** Every odd pod is placed or reported. */
async function judge(
  stage: Stage,
  spoilt: ReadonlyMap<string, string[]>,
  absurd: ReadonlyMap<string, string[]>,
): Promise<void> {
  const { auditor } = stage;
  const isSettled = (uid: string): boolean => auditor.everBound.has(uid) || auditor.failedEvents.has(uid);
  for (const [kind, uids] of [...spoilt, ...absurd]) {
    await stage.until(`each pod '${kind}' is placed or reported`, () => uids.every(isSettled), 30);
  }
  for (const [kind, uids] of spoilt) {
    const placed = uids.filter((uid) => auditor.everBound.has(uid)).length;
    const expected = PLACEABLE.includes(kind) ? uids.length : 0;
    if (placed !== expected) {
      auditor.violations.push(`${placed} pods '${kind}' were placed, expected ${expected}`);
    }
  }
}
