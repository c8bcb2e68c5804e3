/** Rules about other pods: topology spread, affinity, anti-affinity. */
import { describe, expect, test } from 'vitest';
import { Refusal } from '../constraints.ts';
import { apps, Cluster, HOST, near, spread, ZONE } from './cluster.fixtures.ts';
import { emptyTemplate, plainNode } from './constraints.fixtures.ts';

const X = { labels: { app: 'x' } };
const Y = { labels: { app: 'y' } };

describe('hard topology spread', () => {
  const text = "node(s) didn't match pod topology spread constraints";
  const cluster = (): Cluster =>
    new Cluster().zoned('a1', 'za').zoned('a2', 'za').zoned('b1', 'zb').node('none');
  const pod = { ...X, spread: [spread(ZONE)] };

  test('not more than maxSkew above the fullest of the emptiest domains; nodes without the label are refused', () => {
    const own = cluster();
    own.put('a1', X);
    const missing = `${text} (missing required label)`;
    expect(own.ask(pod)).toEqual({ a1: text, a2: text, b1: '', none: missing });
    own.put('b1', X);
    expect(own.fits(pod)).toEqual(['a1', 'a2', 'b1']);
    expect(own.refusal('none', pod)).toBe(Refusal.SpreadMissingLabel);
  });

  test('a pod that does not match itself does not count itself', () => {
    const own = cluster();
    own.put('a1', X);
    expect(own.fits({ ...Y, spread: [spread(ZONE)] })).toEqual(['a1', 'a2', 'b1']);
    own.put('a1', X);
    expect(own.fits({ ...Y, spread: [spread(ZONE)] })).toEqual(['b1']);
  });

  test('only pods of the namespace that are not being deleted are counted', () => {
    const own = cluster();
    own.put('a1', { ...X, namespace: 'b' });
    own.put('a1', Y);
    const takeOff = own.put('a1', X, true);
    expect(own.fits(pod)).toEqual(['a1', 'a2', 'b1']);
    takeOff();
    expect(own.fits(pod)).toEqual(['a1', 'a2', 'b1']);
    own.put('a1', X);
    expect(own.fits(pod)).toEqual(['b1']);
  });

  test('with fewer domains than minDomains the least is 0', () => {
    const own = cluster();
    own.put('a1', X);
    own.put('b1', X);
    const wide = { ...X, spread: [spread(ZONE, { minDomains: 3 })] };
    expect(own.fits({ ...X, spread: [spread(ZONE, { minDomains: 2 })] })).toEqual(['a1', 'a2', 'b1']);
    expect(own.fits(wide)).toEqual([]);
    own.zoned('c1', 'zc');
    expect(own.fits(wide)).toEqual(['c1']);
  });

  test('nodeAffinityPolicy: nodes that the pod cannot be on count or not', () => {
    const own = new Cluster()
      .node('a', { labels: { [ZONE]: 'za', kind: 'gpu' } })
      .node('b', { labels: { [ZONE]: 'zb' } });
    own.put('a', X);
    const gpu = { ...X, nodeSelector: { kind: 'gpu' } };
    expect(own.fits({ ...gpu, spread: [spread(ZONE)] })).toEqual(['a']);
    expect(own.fits({ ...gpu, spread: [spread(ZONE, { honorNodeAffinity: false })] })).toEqual([]);
  });

  test('nodeTaintsPolicy: nodes whose taints are not tolerated count or not', () => {
    const own = new Cluster()
      .zoned('a', 'za')
      .node('b', { labels: { [ZONE]: 'zb' }, taints: [{ key: 't', value: '', effect: 'NoSchedule' }] });
    own.put('a', X);
    expect(own.fits({ ...X, spread: [spread(ZONE)] })).toEqual([]);
    expect(own.fits({ ...X, spread: [spread(ZONE, { honorNodeTaints: true })] })).toEqual(['a']);
    own.zoned('b', 'zb');
    expect(own.fits({ ...X, spread: [spread(ZONE, { honorNodeTaints: true })] })).toEqual(['b']);
  });

  test('a selector that is not given matches nothing; an empty one counts nothing but matches the pod', () => {
    const own = cluster();
    for (let i = 0; i < 3; i++) own.put('a1', X);
    const of = (selector: undefined | []): readonly string[] =>
      own.fits({ ...X, spread: [spread(ZONE, { selector })] });
    expect(of(undefined)).toEqual(['a1', 'a2', 'b1']);
    expect(of([])).toEqual(['a1', 'a2', 'b1']);
  });

  test('a node without all labels of the constraints does not count for any of them', () => {
    const own = new Cluster().zoned('a', 'za').zoned('b', 'zb').zoned('c', 'zc');
    own.rules.setNode(own.slot('c'), plainNode('c', { labels: { [ZONE]: 'zc' } }));
    own.put('a', X);
    own.put('b', X);
    expect(own.fits({ ...X, spread: [spread(ZONE)] })).toEqual(['c']);
    expect(own.fits({ ...X, spread: [spread(ZONE), spread(HOST, { maxSkew: 9 })] })).toEqual(['a', 'b']);
  });

  test('pods move with the label of their node', () => {
    const own = cluster();
    own.put('a1', X);
    own.zoned('a1', 'zb');
    expect(own.fits(pod)).toEqual(['a2']);
  });
});

describe('affinity between pods', () => {
  const cluster = (): Cluster =>
    new Cluster().zoned('a1', 'za').zoned('a2', 'za').zoned('b1', 'zb').node('none');
  const text = "node(s) didn't match pod affinity rules";

  test('where a matching pod is in the domain', () => {
    const own = cluster();
    own.put('a1', Y);
    expect(own.ask({ ...X, affinity: [near(ZONE, 'y')] })).toEqual({ a1: '', a2: '', b1: text, none: text });
    expect(own.fits({ ...X, affinity: [near(HOST, 'y')] })).toEqual(['a1']);
    expect(own.rules.isResolvable(Refusal.PodAffinity)).toBe(false);
  });

  test('one pod has to match all terms', () => {
    const own = cluster();
    own.put('a1', { labels: { app: 'x', tier: 'front' } });
    own.put('b1', { labels: { app: 'x' } });
    const front = near(ZONE, 'x', { selector: [{ key: 'tier', operator: 'In', values: ['front'] }] });
    expect(own.fits({ affinity: [near(HOST, 'x'), front] })).toEqual(['a1']);
  });

  test('the first of a group that wants itself goes anywhere that has the topology', () => {
    const own = cluster();
    const pod = { ...X, affinity: [near(ZONE, 'x')] };
    expect(own.fits(pod)).toEqual(['a1', 'a2', 'b1']);
    expect(own.fits({ ...Y, affinity: [near(ZONE, 'x')] })).toEqual([]);
    const takeOff = own.put('b1', pod);
    expect(own.fits(pod)).toEqual(['b1']);
    takeOff();
    // A pod on a node without the topology does not make the second.
    own.put('none', pod);
    expect(own.fits(pod)).toEqual(['a1', 'a2', 'b1']);
  });

  test('namespaces by name and by label', () => {
    const own = cluster();
    own.put('a1', { ...Y, namespace: 'b' });
    const team = (values: string[]) => [{ key: 'team', operator: 'In' as const, values }];
    expect(own.fits({ affinity: [near(ZONE, 'y')] })).toEqual([]);
    expect(own.fits({ affinity: [near(ZONE, 'y', { namespaces: ['b'] })] })).toEqual(['a1', 'a2']);
    const byTeam = { affinity: [near(ZONE, 'y', { namespaces: [], namespaceSelector: team(['red']) })] };
    expect(own.fits(byTeam)).toEqual([]);
    own.rules.take({ kind: 'namespace', name: 'b', labels: { team: 'red' } });
    expect(own.fits(byTeam)).toEqual(['a1', 'a2']);
    own.rules.take({ kind: 'namespace', name: 'b', labels: { team: 'blue' } });
    expect(own.fits(byTeam)).toEqual([]);
    expect(own.fits({ affinity: [near(ZONE, 'y', { namespaces: [], namespaceSelector: [] })] })).toEqual([
      'a1',
      'a2',
    ]);
  });
});

describe('anti-affinity between pods', () => {
  const cluster = (): Cluster =>
    new Cluster().zoned('a1', 'za').zoned('a2', 'za').zoned('b1', 'zb').node('none');

  test("the pod's own: not where a matching pod is in the domain; nodes without the topology will do", () => {
    const own = cluster();
    own.put('a1', Y);
    const text = "node(s) didn't match pod anti-affinity rules";
    expect(own.ask({ ...X, antiAffinity: [near(ZONE, 'y')] })).toEqual({
      a1: text,
      a2: text,
      b1: '',
      none: '',
    });
  });

  test('that of running pods: it holds the other way round, also against pods without terms', () => {
    const own = cluster();
    const plain = own.shape(emptyTemplate(Y));
    expect(own.rules.isPlain(plain)).toBe(true);
    const takeOff = own.put('a1', { ...X, antiAffinity: [near(ZONE, 'y')] });
    const text = "node(s) didn't satisfy existing pods anti-affinity rules";
    expect(own.ask(Y)).toEqual({ a1: text, a2: text, b1: '', none: '' });
    expect(own.rules.isPlain(plain)).toBe(false);
    expect(own.rules.dependsOnPods(plain)).toBe(true);
    expect(own.rules.isPlain(own.shape(emptyTemplate({ ...Y, namespace: 'b' })))).toBe(true);
    takeOff();
    expect(own.rules.isPlain(plain)).toBe(true);
    expect(own.fits(Y)).toHaveLength(4);
  });

  test("namespace selectors of running pods are evaluated on the namespace's current labels", () => {
    const own = cluster();
    const namespaceSelector = [{ key: 'team', operator: 'In' as const, values: ['red'] }];
    own.put('a1', { ...X, antiAffinity: [near(HOST, 'y', { namespaces: [], namespaceSelector })] });
    expect(own.fits(Y)).toHaveLength(4);
    own.rules.take({ kind: 'namespace', name: 'a', labels: { team: 'red' } });
    expect(own.fits(Y)).toEqual(['a2', 'b1', 'none']);
    own.rules.take({ kind: 'namespace-gone', name: 'a' });
    expect(own.fits(Y)).toHaveLength(4);
  });

  test('victims taken off and put back: as before', () => {
    const own = cluster();
    const pod = { ...X, antiAffinity: [near(ZONE, 'x')] };
    const shape = own.shape(emptyTemplate(pod));
    const slot = own.slot('a1');
    own.rules.addPod(slot, shape, 'victim');
    const before = own.ask(pod);
    own.rules.removePod(slot, shape, 'victim');
    expect(own.fits(pod)).toHaveLength(4);
    own.rules.addPod(slot, shape, 'victim');
    expect(own.ask(pod)).toEqual(before);
  });

  test('a pod that was never there is not taken off', () => {
    const own = cluster();
    own.put('a1', X);
    own.rules.removePod(own.slot('b1'), own.shape(emptyTemplate(X)), 'nobody');
    expect(own.fits({ affinity: [near(HOST, 'x')] })).toEqual(['a1']);
  });
});

describe('the pods that a pod affects', () => {
  const cluster = new Cluster();
  const concerns = (one: object, other: object): boolean =>
    cluster.rules.concerns(cluster.shape(emptyTemplate(one)), cluster.shape(emptyTemplate(other)));

  test.each([
    ['plain pods', {}, X, false],
    ['spread', { spread: [spread(ZONE)] }, X, true],
    ['spread of another namespace', { spread: [spread(ZONE)] }, { ...X, namespace: 'b' }, false],
    ['soft spread', { spread: [spread(ZONE, { hard: false })] }, X, false],
    ['affinity', { affinity: [near(ZONE, 'x')] }, X, true],
    ['affinity to others', { affinity: [near(ZONE, 'x')] }, Y, false],
    ['anti-affinity', { antiAffinity: [near(ZONE, 'x')] }, X, true],
    ['anti-affinity of the other', X, { antiAffinity: [near(ZONE, 'x')] }, true],
    ['claims', { claims: ['c'] }, { claims: ['d'] }, true],
    ['disks', { exclusiveDisks: ['gce:d'] }, { exclusiveDisks: ['gce:d:ro'] }, true],
  ])('%s', (_, one, other, expected) => {
    expect(concerns(one, other)).toBe(expected);
  });

  test('ports', () => {
    const port = { ip: '', protocol: 'TCP' as const, port: 80 };
    expect(concerns({ hostPorts: [port] }, { hostPorts: [{ ...port, ip: '10.0.0.1' }] })).toBe(true);
    expect(concerns({ hostPorts: [port] }, { hostPorts: [{ ...port, port: 81 }] })).toBe(false);
  });
});

test('selectors of pods know all operators', () => {
  const cluster = new Cluster().node('n').node('m');
  cluster.put('n', X);
  const fits = (operator: 'NotIn' | 'Exists' | 'DoesNotExist', values: string[] = []): readonly string[] =>
    cluster.fits({ ...X, affinity: [near(HOST, '', { selector: [{ key: 'app', operator, values }] })] });
  expect(fits('Exists')).toEqual(['n']);
  expect(fits('NotIn', ['y'])).toEqual(['n']);
  expect(fits('NotIn', ['x'])).toEqual([]);
  expect(fits('DoesNotExist')).toEqual([]);
  expect(cluster.fits({ affinity: [near(HOST, '', { selector: apps('y', 'x') })] })).toEqual(['n']);
});
