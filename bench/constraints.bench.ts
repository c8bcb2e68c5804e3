/**
 * What the rules about where a pod may run cost, at 5,000 nodes in 10 zones and 50,000 pods of 100 deployments. Prints
 * JSON: nanoseconds of CPU time, best of several rounds, of a pod coming and going (`add`), of `preFilter` after a pod came,
 * of one `check`, of `preFilter` and `check` of all nodes together (`everything`), of `scoreAll` on all nodes, and of the
 * first `preFilter` of all, which counts the pods there are (`first`, once).
 */

import { ClusterConstraints } from '../src/governor/pods/constraints/cluster-constraints.ts';
import { emptyTemplate, plainNode } from '../src/governor/pods/constraints/constraints.fixtures.ts';
import type { PodShape } from '../src/governor/pods/constraints.ts';
import type { NodeDescription } from '../src/model/kubernetes/node.ts';
import type { PodTemplate } from '../src/model/kubernetes/pod.ts';

const NODES = 5000;
const PODS = 50_000;
const APPS = 100;
const ROUNDS = 5;
const REPEATS = 40;
const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';

const selector = [{ key: 'app', operator: 'In' as const, values: ['app-1'] }];
const labels = { app: 'app-1' };
const spread = { maxSkew: 1, selector, minDomains: 0, honorNodeAffinity: true, honorNodeTaints: false };
const term = { selector, namespaces: ['a'], namespaceSelector: undefined };

/** What is measured, by name. */
const SHAPES: Readonly<Record<string, Partial<PodTemplate>>> = {
  plain: {},
  nodeAffinity: { nodeSelector: { disk: 'ssd' } },
  ports: { hostPorts: [{ ip: '', protocol: 'TCP', port: 80 }] },
  spreadZone: { labels, spread: [{ ...spread, topologyKey: ZONE, hard: true }] },
  spreadHost: { labels, spread: [{ ...spread, topologyKey: HOST, hard: true }] },
  spreadBoth: {
    labels,
    spread: [
      { ...spread, topologyKey: ZONE, hard: true, maxSkew: 2000 },
      { ...spread, topologyKey: HOST, hard: true },
    ],
  },
  antiAffinity: { labels, antiAffinity: [{ ...term, topologyKey: HOST }] },
  affinity: { labels, affinity: [{ ...term, topologyKey: ZONE }] },
  softSpread: { labels, spread: [{ ...spread, topologyKey: ZONE, hard: false }] },
  softAffinity: { labels, preferredAntiAffinity: [{ weight: 10, term: { ...term, topologyKey: HOST } }] },
  claims: { claims: ['claim'] },
};

function node(i: number): NodeDescription {
  const name = `node-${i}`;
  const where = { [HOST]: name, [ZONE]: `zone-${i % 10}`, disk: i % 3 === 0 ? 'ssd' : 'hdd' };
  return plainNode(name, { labels: where });
}

function fill(): { rules: ClusterConstraints; own: Map<string, PodShape> } {
  const rules = new ClusterConstraints();
  rules.take({
    kind: 'claim',
    claim: {
      key: 'a/claim',
      uid: 'claim',
      volumeName: 'volume',
      className: 'local',
      bound: true,
      unusable: false,
      selectedNode: '',
      accessModes: ['ReadWriteOnce'],
      bytes: 1,
    },
  });
  rules.take({
    kind: 'volume',
    volume: {
      name: 'volume',
      nodeTerms: [{ expressions: [{ key: ZONE, operator: 'In', values: ['zone-1'] }], fields: [] }],
      labels: { [ZONE]: 'zone-1' },
      className: 'local',
      claim: 'a/claim',
      claimUid: 'claim',
      accessModes: ['ReadWriteOnce'],
      bytes: 1,
      available: false,
      driver: 'disk.csi',
      handle: 'volume',
    },
  });
  for (let i = 0; i < NODES; i++) rules.setNode(i, node(i));
  const shapes: PodShape[] = [];
  for (let id = 0; id < APPS; id++) {
    shapes.push({ id, template: emptyTemplate({ labels: { app: `app-${id}` } }) });
  }
  for (let i = 0; i < PODS; i++) rules.addPod(i % NODES, shapes[(i * 7) % APPS] as PodShape, `pod-${i}`);
  const own = new Map(
    Object.entries(SHAPES).map(([name, changes], i) => [
      name,
      { id: APPS + i, template: emptyTemplate(changes) },
    ]),
  );
  return { rules, own };
}

let sink = 0;

/** Least nanoseconds of CPU time of one call, of several rounds. */
function measure(repeats: number, call: (i: number) => void, rounds = ROUNDS): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < repeats; i++) call(i);
    const used = process.cpuUsage(start);
    least = Math.min(least, ((used.user + used.system) * 1000) / repeats);
  }
  return Math.round(least);
}

const { rules, own } = fill();
const all = Int32Array.from({ length: NODES }, (_, i) => i);
const scores = new Float64Array(NODES);
const results = [...own].map(([name, shape]) => {
  const first = measure(1, () => rules.preFilter(shape), 1);
  const add = measure(20_000, (i) => {
    rules.addPod(i % NODES, shape, 'uid');
    rules.removePod(i % NODES, shape, 'uid');
  });
  const begin = measure(2000, (i) => {
    rules.addPod(i % NODES, shape, 'uid');
    rules.preFilter(shape);
    rules.removePod(i % NODES, shape, 'uid');
  });
  const everything = measure(REPEATS, () => {
    rules.preFilter(shape);
    for (let i = 0; i < NODES; i++) sink += rules.check(i);
  });
  const score = rules.hasPreferences(shape)
    ? measure(REPEATS, () => rules.scoreAll(all, NODES, scores))
    : undefined;
  return {
    shape: name,
    add,
    begin: begin - add,
    check: Math.round(everything / NODES),
    everything,
    score,
    first,
  };
});
process.stdout.write(
  `${JSON.stringify({ nodes: NODES, pods: PODS, results, sink: sink > 0 }, undefined, 2)}\n`,
);
