/** Verdicts about pods and other pods: topology spread, affinity and anti-affinity. */
import type { Json } from '../differential/draw-nodes.ts';
import { HOST, node, probe, running, type VerdictCase, ZONE } from './builders.ts';

const SKEWED = "node(s) didn't match pod topology spread constraints";
const NO_FRIEND = "node(s) didn't match pod affinity rules";
const ENEMY = "node(s) didn't match pod anti-affinity rules";
const IN_THE_WAY = "node(s) didn't satisfy existing pods anti-affinity rules";
const web = { app: 'web' };
const selects = { labelSelector: { matchLabels: web } };
const zones = [
  node('n1', { labels: { [ZONE]: 'a' } }),
  node('n2', { labels: { [ZONE]: 'a' } }),
  node('n3', { labels: { [ZONE]: 'b' } }),
];
const spread = (more: Json = {}, labels: Record<string, string> = web): Json =>
  probe({
    labels,
    spec: {
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', ...selects, ...more },
      ],
    },
  });
const near = (kind: 'podAffinity' | 'podAntiAffinity', term: Json): Json => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
});
const likes = (topologyKey: string, more: Json = {}): Json =>
  probe({ spec: near('podAffinity', { topologyKey, ...selects, ...more }) });
const avoids = (topologyKey: string): Json =>
  probe({ spec: near('podAntiAffinity', { topologyKey, ...selects }) });

/** See the head of the file. */
export const POD_CASES: readonly VerdictCase[] = [
  {
    name: 'spread over zones: the fuller zone is refused',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: spread(),
    fits: 'n3',
  },
  {
    name: 'spread over zones: a skew of 2 is allowed',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: spread({ maxSkew: 2 }),
    fits: 'n1 n2 n3',
  },
  {
    name: 'spread counts only pods of its selector',
    objects: [...zones, running('a', 'n1', { labels: { app: 'db' } })],
    probe: spread(),
    fits: 'n1 n2 n3',
  },
  {
    name: 'spread does not count pods on their way out',
    objects: [
      ...zones,
      {
        ...running('a', 'n1', { labels: web }),
        metadata: {
          name: 'a',
          namespace: 'default',
          uid: 'uid-a',
          labels: web,
          deletionTimestamp: '2026-06-01T00:00:00Z',
          deletionGracePeriodSeconds: 30,
        },
      },
    ],
    probe: spread(),
    fits: 'n1 n2 n3',
  },
  {
    name: 'spread: a node without the topology label',
    objects: [node('n1')],
    probe: spread(),
    fits: '',
    says: `1 ${SKEWED} (missing required label)`,
  },
  {
    name: 'spread: fewer domains than there have to be',
    objects: [...zones, running('a', 'n1', { labels: web }), running('b', 'n3', { labels: web })],
    probe: spread({ minDomains: 3 }),
    fits: '',
    says: `3 ${SKEWED}`,
  },
  {
    name: 'spread: a pod that its own selector does not match adds no skew',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: spread({}, { app: 'other' }),
    fits: 'n1 n2 n3',
  },
  {
    name: 'spread: zones that the pod cannot go to do not count',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: probe({
      labels: web,
      spec: {
        nodeSelector: { [ZONE]: 'a' },
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', ...selects },
        ],
      },
    }),
    fits: 'n1 n2',
  },
  {
    name: 'spread: tainted nodes count unless it is said otherwise',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      node('n2', { labels: { [ZONE]: 'b' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
      running('a', 'n1', { labels: web }),
    ],
    probe: spread(),
    fits: '',
    says: `1 ${SKEWED}, 1 node(s) had untolerated taint(s)`,
  },
  {
    name: 'spread: taints are honoured where it is said',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      node('n2', { labels: { [ZONE]: 'b' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
      running('a', 'n1', { labels: web }),
    ],
    probe: spread({ nodeTaintsPolicy: 'Honor' }),
    fits: 'n1',
  },
  {
    name: 'soft spread refuses nothing',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: spread({ whenUnsatisfiable: 'ScheduleAnyway' }),
    fits: 'n1 n2 n3',
  },
  {
    name: 'affinity: the zone of the other pod',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: likes(ZONE),
    fits: 'n1 n2',
  },
  {
    name: 'affinity: the node of the other pod',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: likes(HOST),
    fits: 'n1',
  },
  {
    name: 'affinity: there is no such pod',
    objects: zones,
    probe: likes(ZONE),
    fits: '',
    says: `3 ${NO_FRIEND}`,
  },
  {
    name: 'affinity: the first of pods that seek each other goes anywhere',
    objects: zones,
    probe: probe({ labels: web, spec: near('podAffinity', { topologyKey: ZONE, ...selects }) }),
    fits: 'n1 n2 n3',
  },
  {
    name: 'affinity: pods of other namespaces are not meant',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: likes(ZONE, { namespaces: ['elsewhere'] }),
    fits: '',
    says: `3 ${NO_FRIEND}`,
  },
  {
    name: 'affinity: an empty namespace selector means all namespaces',
    objects: [...zones, running('a', 'n3', { labels: web })],
    probe: likes(ZONE, { namespaceSelector: {} }),
    fits: 'n3',
  },
  {
    name: 'anti-affinity: not in the zone of the other pod',
    objects: [...zones, running('a', 'n1', { labels: web })],
    probe: avoids(ZONE),
    fits: 'n3',
  },
  {
    name: 'anti-affinity: the other pod is everywhere',
    objects: [...zones, running('a', 'n1', { labels: web }), running('b', 'n3', { labels: web })],
    probe: avoids(ZONE),
    fits: '',
    says: `3 ${ENEMY}`,
  },
  {
    name: 'anti-affinity of a pod that is there holds for those that come',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      running('a', 'n1', { spec: near('podAntiAffinity', { topologyKey: ZONE, ...selects }) }),
    ],
    probe: probe({ labels: web }),
    fits: '',
    says: `1 ${IN_THE_WAY}`,
  },
  {
    name: 'anti-affinity: a node without the topology label is in no zone',
    objects: [...zones, node('n4'), running('a', 'n1', { labels: web })],
    probe: avoids(ZONE),
    fits: 'n3 n4',
  },
];
