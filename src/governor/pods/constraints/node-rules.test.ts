/**
 * Rules that look at a node alone, at its ports and at its disks.
 */
import { describe, expect, test } from 'vitest';
import type { LabelRequirement, NodeSelectorTerm, Toleration } from '../../../model/kubernetes/pod.ts';
import { Refusal } from '../constraints.ts';
import { Cluster, HOST } from './cluster.fixtures.ts';
import { emptyTemplate } from './constraints.fixtures.ts';
import { REFUSAL_COUNT, REFUSAL_PLUGINS, REFUSAL_TEXTS } from './refusals.ts';

function tolerate(changes: Partial<Toleration>): Toleration {
  return { key: '', operator: 'Exists', value: '', effect: '', ...changes };
}

function term(
  expressions: readonly LabelRequirement[],
  fields: readonly LabelRequirement[] = [],
): NodeSelectorTerm {
  return { expressions, fields };
}

describe('refusals', () => {
  test('every code has a plugin and a text, and none is forgotten', () => {
    expect(REFUSAL_COUNT).toBe(Object.keys(Refusal).length);
    expect(REFUSAL_PLUGINS.filter((plugin) => plugin === '')).toHaveLength(1);
    expect(REFUSAL_TEXTS.filter((text) => text === '')).toHaveLength(1);
    expect(REFUSAL_PLUGINS[Refusal.DiskConflict]).toBe('VolumeRestrictions');
  });

  test('preemption cures refusals caused by pods on the node', () => {
    const { rules } = new Cluster();
    const resolvable = Object.entries(Refusal).filter(([, code]) => code !== 0 && rules.isResolvable(code));
    expect(resolvable.map(([name]) => name).sort()).toEqual([
      'DiskConflict',
      'ExistingAntiAffinity',
      'PodAntiAffinity',
      'Ports',
      'Resources',
      'Spread',
      'VolumeInUse',
      'VolumeLimits',
    ]);
  });
});

describe('taints', () => {
  test('a node with spec.unschedulable takes only pods that tolerate it', () => {
    const cluster = new Cluster().node('n', { unschedulable: true });
    expect(cluster.ask({})).toEqual({ n: 'node(s) were unschedulable' });
    const key = 'node.kubernetes.io/unschedulable';
    expect(cluster.fits({ tolerations: [tolerate({ key, effect: 'NoSchedule' })] })).toEqual(['n']);
    expect(cluster.fits({ tolerations: [tolerate({ key, effect: 'NoExecute' })] })).toEqual([]);
  });

  test.each([
    ['NoSchedule', 'node(s) had untolerated taint(s)'],
    ['NoExecute', 'node(s) had untolerated taint(s)'],
    ['PreferNoSchedule', ''],
  ] as const)('%s', (effect, text) => {
    const cluster = new Cluster().node('n', { taints: [{ key: 'gpu', value: 'a100', effect }] });
    expect(cluster.ask({})).toEqual({ n: text });
  });

  test.each([
    [{ key: 'gpu', operator: 'Equal', value: 'a100' }, true],
    [{ key: 'gpu', operator: 'Equal', value: 'v100' }, false],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }, true],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: '', operator: 'Exists' }, true],
    [{ key: 'spot', operator: 'Exists' }, false],
  ] as const)('toleration %j: %s', (changes, fits) => {
    const cluster = new Cluster().node('n', {
      taints: [{ key: 'gpu', value: 'a100', effect: 'NoSchedule' }],
    });
    expect(cluster.fits({ tolerations: [tolerate(changes)] })).toEqual(fits ? ['n'] : []);
  });

  test('a taint that comes and goes with new descriptions of the node, with others in between', () => {
    const cluster = new Cluster().node('n').node('m');
    for (let i = 0; i < 300; i++) {
      cluster.node('n', { taints: [{ key: 'going', value: String(i), effect: 'NoSchedule' }] });
      expect(cluster.fits({})).toEqual(['m']);
      expect(
        cluster.fits({ tolerations: [tolerate({ key: 'going', operator: 'Equal', value: String(i) })] }),
      ).toEqual(['n', 'm']);
    }
    expect(cluster.node('n').fits({})).toEqual(['n', 'm']);
  });
});

describe('node affinity', () => {
  const cluster = new Cluster()
    .node('small', { labels: { size: '2', kind: 'cpu' } })
    .node('large', { labels: { size: '10', kind: 'gpu', constructor: 'x' } })
    .node('odd', { labels: { size: 'huge' } });
  const text = "node(s) didn't match Pod's node affinity/selector";

  test('nodeSelector', () => {
    expect(cluster.ask({ nodeSelector: { kind: 'gpu' } })).toEqual({ small: text, large: '', odd: text });
    expect(cluster.ask({ nodeSelector: { constructor: 'x' } })).toEqual({
      small: text,
      large: '',
      odd: text,
    });
  });

  test.each([
    [{ key: 'kind', operator: 'In', values: ['gpu', 'tpu'] }, ['large']],
    [{ key: 'kind', operator: 'NotIn', values: ['gpu'] }, ['small', 'odd']],
    [{ key: 'kind', operator: 'Exists', values: [] }, ['small', 'large']],
    [{ key: 'kind', operator: 'DoesNotExist', values: [] }, ['odd']],
    [{ key: 'size', operator: 'Gt', values: ['2'] }, ['large']],
    [{ key: 'size', operator: 'Lt', values: ['10'] }, ['small']],
    [{ key: 'size', operator: 'Gt', values: ['huge'] }, []],
    [{ key: 'size', operator: 'Gt', values: ['1', '2'] }, []],
    [{ key: 'size', operator: 'Lt', values: ['99999999999999999999'] }, []],
    [{ key: 'kind', operator: 'In', values: [] }, []],
    [{ key: 'kind', operator: 'NotIn', values: ['not a label value'] }, []],
    [{ key: '-bad', operator: 'DoesNotExist', values: [] }, []],
    [{ key: 'Bad_Prefix/x', operator: 'DoesNotExist', values: [] }, []],
  ] as const)('%j: %j', (requirement, nodes) => {
    expect(cluster.fits({ requiredNodeTerms: [term([requirement])] })).toEqual(nodes);
  });

  test('terms are alternatives, requirements hold together, an empty term matches nothing', () => {
    const gpu = { key: 'kind', operator: 'In', values: ['gpu'] } as const;
    const odd = { key: 'size', operator: 'In', values: ['huge'] } as const;
    expect(cluster.fits({ requiredNodeTerms: [term([gpu]), term([odd])] })).toEqual(['large', 'odd']);
    expect(cluster.fits({ requiredNodeTerms: [term([gpu, odd])] })).toEqual([]);
    expect(cluster.fits({ requiredNodeTerms: [term([])] })).toEqual([]);
    expect(cluster.fits({ requiredNodeTerms: [] })).toEqual([]);
    expect(cluster.fits({ nodeSelector: { kind: 'gpu' }, requiredNodeTerms: [term([odd])] })).toEqual([]);
  });

  test('a node named by field: others are not even looked at', () => {
    const pod = {
      requiredNodeTerms: [term([], [{ key: 'metadata.name', operator: 'In', values: ['odd'] }])],
    };
    const other = "node(s) didn't satisfy plugin(s) [NodeAffinity]";
    expect(cluster.ask(pod)).toEqual({ small: other, large: other, odd: '' });
    expect(cluster.rules.namedNodes(cluster.shape(emptyTemplate(pod)))).toEqual(['odd']);
  });

  test('names that contradict themselves', () => {
    const names = ['odd', 'small'].map((name) => ({
      key: 'metadata.name',
      operator: 'In' as const,
      values: [name],
    }));
    expect(cluster.ask({ requiredNodeTerms: [term([], names)] })).toBe('pod affinity terms conflict');
  });

  test('a field that may not have a value; several values are not a valid field', () => {
    const not = { key: 'metadata.name', operator: 'NotIn' as const, values: ['odd'] };
    expect(cluster.fits({ requiredNodeTerms: [term([], [not])] })).toEqual(['small', 'large']);
    const many = { key: 'metadata.name', operator: 'NotIn' as const, values: ['odd', 'small'] };
    expect(cluster.fits({ requiredNodeTerms: [term([], [many])] })).toEqual([]);
  });

  test('host names name nodes too, by their current label', () => {
    const named = (changes: object): readonly string[] | undefined =>
      cluster.rules.namedNodes(cluster.shape(emptyTemplate(changes)));
    expect(named({})).toBeUndefined();
    expect(named({ nodeSelector: { kind: 'gpu' } })).toBeUndefined();
    expect(named({ nodeSelector: { [HOST]: 'large' } })).toEqual(['large']);
    expect(named({ nodeSelector: { [HOST]: 'gone' } })).toEqual([]);
    const hosts = { key: HOST, operator: 'In' as const, values: ['odd', 'small'] };
    expect(named({ requiredNodeTerms: [term([hosts])] })).toEqual(['odd', 'small']);
  });

  test('a node that gets another label is matched again', () => {
    const own = new Cluster().node('n', { labels: { kind: 'cpu' } });
    const pod = emptyTemplate({ nodeSelector: { kind: 'gpu' } });
    expect(own.fits(pod)).toEqual([]);
    expect(own.node('n', { labels: { kind: 'gpu' } }).fits(pod)).toEqual(['n']);
  });
});

describe('ports', () => {
  const port = (ip: string, protocol: 'TCP' | 'UDP' = 'TCP', number = 80) => ({ ip, protocol, port: number });

  test.each([
    [port(''), port(''), false],
    [port(''), port('0.0.0.0'), false],
    [port(''), port('10.0.0.1'), false],
    [port('10.0.0.1'), port(''), false],
    [port('10.0.0.1'), port('10.0.0.1'), false],
    [port('10.0.0.1'), port('10.0.0.2'), true],
    [port(''), port('', 'UDP'), true],
    [port(''), port('', 'TCP', 81), true],
  ])('%j held, %j requested: %s', (held, asked, fits) => {
    const cluster = new Cluster().node('n');
    const takeOff = cluster.put('n', { hostPorts: [held] });
    const text = fits ? '' : "node(s) didn't have free ports for the requested pod ports";
    expect(cluster.ask({ hostPorts: [asked] })).toEqual({ n: text });
    takeOff();
    expect(cluster.fits({ hostPorts: [asked] })).toEqual(['n']);
  });

  test('held by two, free when both are gone', () => {
    const cluster = new Cluster().node('n');
    const off = [cluster.put('n', { hostPorts: [port('')] }), cluster.put('n', { hostPorts: [port('')] })];
    off[0]?.();
    expect(cluster.fits({ hostPorts: [port('')] })).toEqual([]);
    off[1]?.();
    expect(cluster.fits({ hostPorts: [port('')] })).toEqual(['n']);
  });
});

test.each([
  ['gce:d', 'gce:d', false],
  ['gce:d:ro', 'gce:d', false],
  ['gce:d', 'gce:d:ro', false],
  ['gce:d:ro', 'gce:d:ro', true],
  ['gce:d', 'gce:e', true],
])('disk %s used, %s requested: %s', (used, asked, fits) => {
  const cluster = new Cluster().node('n');
  const takeOff = cluster.put('n', { exclusiveDisks: [used] });
  expect(cluster.ask({ exclusiveDisks: [asked] })).toEqual({
    n: fits ? '' : 'node(s) had no available disk',
  });
  takeOff();
  expect(cluster.fits({ exclusiveDisks: [asked] })).toEqual(['n']);
});
