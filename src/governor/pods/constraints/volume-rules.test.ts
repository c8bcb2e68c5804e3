/** Claims and volumes: preconditions, locations of volumes, reservations, and limits of nodes. */
import { describe, expect, test } from 'vitest';
import { Cluster, HOST, ZONE } from './cluster.fixtures.ts';
import { emptyTemplate } from './constraints.fixtures.ts';

const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
const AFFINITY = "node(s) didn't match PersistentVolume's node affinity";
const NONE_TO_BIND = "node(s) didn't find available persistent volumes to bind";
const pod = { claims: ['data'] };

function on(key: string, ...values: string[]) {
  return [{ expressions: [{ key, operator: 'In' as const, values }], fields: [] }];
}

function cluster(): Cluster {
  return new Cluster()
    .zoned('a', 'za')
    .zoned('b', 'zb')
    .storageClass('local', NO_PROVISIONER)
    .storageClass('made', 'disk.csi');
}

/** The needs of the pod's claims on a node: `claim volume`. */
function needs(own: Cluster, node: string, claims: readonly string[] = ['data']): readonly string[] {
  const shape = own.shape(emptyTemplate({ claims }));
  return own.rules.claimsFor(shape, own.slot(node)).map(({ claim, volume }) => `${claim} ${volume}`);
}

describe('preconditions', () => {
  test('the claim', () => {
    const own = cluster();
    expect(own.ask(pod)).toBe('persistentvolumeclaim "data" not found');
    own.claim('data', { className: 'made' });
    expect(own.fits(pod)).toEqual(['a', 'b']);
    own.rules.take({ kind: 'claim-gone', key: 'a/data' });
    expect(own.ask(pod)).toBe('persistentvolumeclaim "data" not found');
  });

  test('a claim that is being deleted or lost', () => {
    const own = cluster().claim('data', { unusable: true });
    expect(own.ask(pod)).toBe('persistentvolumeclaim "data" is being deleted');
    own.claim('data', { unusable: true, lost: true, volumeName: 'v' });
    expect(own.ask(pod)).toBe('persistentvolumeclaim "data" bound to non-existent persistentvolume "v"');
  });

  test.each([
    ['a class that binds at once', { className: 'now' }],
    ['no class', { className: '' }],
    ['a volume named, but not bound', { className: 'local', volumeName: 'v' }],
  ])('%s', (_, changes) => {
    const own = cluster().claim('data', changes);
    const now = {
      name: 'now',
      waitForFirstConsumer: false,
      provisioner: 'disk.csi',
      allowedTopologies: undefined,
    };
    own.rules.take({ kind: 'storage-class', storageClass: now });
    expect(own.ask(pod)).toBe('pod has unbound immediate PersistentVolumeClaims');
  });

  test('the volume of a bound claim', () => {
    const own = cluster().claim('data', { bound: true, volumeName: 'v' });
    expect(own.ask(pod)).toBe('persistentvolume "v" not found');
    own.volume('v', { claim: 'a/data' });
    expect(own.fits(pod)).toEqual(['a', 'b']);
    own.rules.take({ kind: 'volume-gone', name: 'v' });
    expect(own.ask(pod)).toBe('persistentvolume "v" not found');
  });
});

describe('where the volume is', () => {
  test.each([
    ['host', on(HOST, 'b'), ['b']],
    ['zone', on(ZONE, 'za', 'zc'), ['a']],
    ['alternatives', [...on(HOST, 'b'), ...on(HOST, 'a')], ['a', 'b']],
    ['no alternative', [], []],
    ['anywhere', undefined, ['a', 'b']],
  ])('node affinity: %s', (_, nodeTerms, nodes) => {
    const own = cluster().claim('data', { bound: true, volumeName: 'v' }).volume('v', { nodeTerms });
    expect(own.fits(pod)).toEqual(nodes);
    const said = own.ask(pod);
    if (nodes.length === 1) expect(Object.values(said)).toContain(AFFINITY);
  });

  test.each([
    [{ [ZONE]: 'za' }, ['a', 'plain']],
    [{ [ZONE]: 'za__zb' }, ['a', 'b', 'plain']],
    [{ [ZONE]: 'za__' }, ['a', 'b', 'plain']],
    [{ 'failure-domain.beta.kubernetes.io/zone': 'zb' }, ['b', 'plain']],
    [{ 'topology.kubernetes.io/region': 'r' }, ['plain']],
    [{}, ['a', 'b', 'plain']],
  ])('labels %j: %j', (labels, nodes) => {
    const own = cluster().node('plain').claim('data', { bound: true, volumeName: 'v' });
    own.volume('v', { labels });
    expect(own.fits(pod)).toEqual(nodes);
    const refused = ['a', 'b'].filter((name) => !nodes.includes(name));
    for (const name of refused)
      expect(own.ask(pod)).toHaveProperty(name, 'node(s) had no available volume zone');
  });
});

describe('claims that wait for their first consumer', () => {
  test('a free volume of the node: of its class, large enough, with its access modes; the smallest', () => {
    const own = cluster().claim('data', { bytes: 10 });
    own.volume('small', { bytes: 9, nodeTerms: on(HOST, 'a') });
    own.volume('other-class', { bytes: 10, className: 'made' });
    own.volume('read-only', { bytes: 10, accessModes: ['ReadOnlyMany'] });
    own.volume('block', { bytes: 10, volumeMode: 'Block' });
    own.volume('in-use', { bytes: 10, available: false });
    own.volume('reserved', { bytes: 10, claim: 'a/else' });
    expect(own.ask(pod)).toEqual({ a: NONE_TO_BIND, b: NONE_TO_BIND });
    own.volume('large', { bytes: 20, nodeTerms: on(HOST, 'a') });
    own.volume('fitting', { bytes: 12, nodeTerms: on(HOST, 'a') });
    own.volume('anywhere', { bytes: 15 });
    expect(own.fits(pod)).toEqual(['a', 'b']);
    expect(needs(own, 'a')).toEqual(['data fitting']);
    expect(needs(own, 'b')).toEqual(['data anywhere']);
  });

  test('labels that the claim selects', () => {
    const own = cluster().claim('data', { selector: [{ key: 'disk', operator: 'In', values: ['fast'] }] });
    own.volume('slow', { labels: { disk: 'slow' } });
    expect(own.fits(pod)).toEqual([]);
    own.volume('fast', { labels: { disk: 'fast' }, bytes: 5 });
    expect(needs(own, 'a')).toEqual(['data fast']);
  });

  test('a volume that is reserved for the claim is taken, wherever it is', () => {
    const own = cluster()
      .claim('data')
      .volume('free', { nodeTerms: on(HOST, 'b') });
    own.volume('own', { claim: 'a/data', bytes: 9, available: false, nodeTerms: on(HOST, 'a') });
    expect(own.ask(pod)).toEqual({ a: '', b: NONE_TO_BIND });
    expect(needs(own, 'a')).toEqual(['data own']);
  });

  test('a volume of an earlier claim of the name is not theirs', () => {
    const own = cluster().claim('data', { uid: 'new' });
    own.volume('old', { claim: 'a/data', claimUid: 'earlier', available: false, nodeTerms: on(HOST, 'a') });
    expect(own.ask(pod)).toEqual({ a: NONE_TO_BIND, b: NONE_TO_BIND });
    own.volume('free', { nodeTerms: on(HOST, 'b') });
    expect(own.ask(pod)).toEqual({ a: NONE_TO_BIND, b: '' });
    expect(needs(own, 'b')).toEqual(['data free']);
    own.volume('old', { claim: 'a/data', claimUid: 'new', available: false, nodeTerms: on(HOST, 'a') });
    expect(own.ask(pod)).toEqual({ a: '', b: NONE_TO_BIND });
  });

  test('two claims of a pod do not get one volume', () => {
    const own = cluster()
      .claim('data')
      .claim('log')
      .volume('v', { nodeTerms: on(HOST, 'a') });
    const both = { claims: ['data', 'log'] };
    expect(own.fits(both)).toEqual([]);
    own.volume('w', { nodeTerms: on(HOST, 'a') });
    expect(own.fits(both)).toEqual(['a']);
    expect(needs(own, 'a', both.claims)).toEqual(['data v', 'log w']);
  });

  test('a volume is promised once, and free again when the pod is taken off', () => {
    const own = cluster()
      .claim('data')
      .claim('log')
      .volume('v', { nodeTerms: on(HOST, 'a') });
    const takeOff = own.put('a', pod);
    expect(needs(own, 'a')).toEqual(['data v']);
    expect(own.fits({ claims: ['log'] })).toEqual([]);
    takeOff();
    expect(own.fits({ claims: ['log'] })).toEqual(['a']);
    own.put('a', { claims: ['log'] });
    expect(own.fits(pod)).toEqual([]);
  });

  test('a volume is made where the class may, and for one node once that was chosen', () => {
    const own = cluster().storageClass('made', 'disk.csi', ['zb']).claim('data', { className: 'made' });
    expect(own.ask(pod)).toEqual({ a: NONE_TO_BIND, b: '' });
    expect(needs(own, 'b')).toEqual(['data ']);
    own.storageClass('made', 'disk.csi').claim('data', { className: 'made', selectedNode: 'a' });
    expect(own.ask(pod)).toEqual({ a: '', b: NONE_TO_BIND });
    own.claim('data', { className: 'made' });
    const takeOff = own.put('b', pod);
    expect(own.fits(pod)).toEqual(['b']);
    expect(needs(own, 'b')).toEqual(['data ']);
    takeOff();
    expect(own.fits(pod)).toEqual(['a', 'b']);
  });

  test('a provisioner that gives up frees the claim for other nodes', () => {
    const own = cluster().claim('data', { className: 'made' });
    own.put('a', pod);
    own.claim('data', { className: 'made', selectedNode: 'a' });
    expect(own.fits(pod)).toEqual(['a']);
    own.claim('data', { className: 'made', selectedNode: '' });
    expect(own.fits(pod)).toEqual(['a', 'b']);
  });

  test('a pod that was there before has been promised nothing, also after it was looked past', () => {
    const own = cluster()
      .claim('data')
      .claim('log')
      .volume('v', { nodeTerms: on(HOST, 'a') });
    const shape = own.shape(emptyTemplate(pod));
    for (let i = 0; i < 2; i++) {
      own.rules.addPod(own.slot('a'), shape, 'there', false, true);
      expect(own.fits({ claims: ['log'] })).toEqual(['a']);
      expect(needs(own, 'a', ['log'])).toEqual(['log v']);
      own.rules.removePod(own.slot('a'), shape, 'there');
    }
    own.rules.addPod(own.slot('a'), shape, 'there');
    expect(own.fits({ claims: ['log'] })).toEqual(['a']);
  });

  test('reservations stay the same when a pod is taken off for a trial', () => {
    const own = cluster().claim('data').claim('log').volume('v').volume('w');
    const shape = own.shape(emptyTemplate(pod));
    own.put('a', { claims: ['log'] });
    own.rules.addPod(own.slot('a'), shape, 'victim');
    const before = needs(own, 'a');
    expect(before).toEqual(['data w']);
    own.rules.removePod(own.slot('a'), shape, 'victim');
    own.rules.addPod(own.slot('a'), shape, 'victim');
    expect(needs(own, 'a')).toEqual(before);
  });
});

test("a volume's location and a missing free volume are reported together", () => {
  const own = cluster()
    .volume('v', { nodeTerms: on(HOST, 'a'), claim: 'a/data', available: false })
    .claim('data', { bound: true, volumeName: 'v' })
    .claim('log');
  own.rules.preFilter(own.shape(emptyTemplate({ claims: ['data', 'log'] })));
  const texts = (node: string) => own.rules.texts(own.slot(node), own.rules.check(own.slot(node)));
  expect(texts('a')).toEqual([NONE_TO_BIND]);
  expect(texts('b')).toEqual([AFFINITY, NONE_TO_BIND]);
  own.claim('log', { className: 'made' });
  own.rules.preFilter(own.shape(emptyTemplate({ claims: ['data', 'log'] })));
  expect(texts('b')).toEqual([AFFINITY]);
});

test('a claim for one pod only', () => {
  const own = cluster().volume('v');
  own.claim('data', { bound: true, volumeName: 'v', accessModes: ['ReadWriteOncePod'] });
  expect(own.fits(pod)).toEqual(['a', 'b']);
  const takeOff = own.put('a', pod);
  const text =
    'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';
  expect(own.ask(pod)).toEqual({ a: text, b: text });
  takeOff();
  expect(own.fits(pod)).toEqual(['a', 'b']);
});

describe('volumes that a node takes', () => {
  const text = 'node(s) exceed max volume count';
  const limited = (): Cluster => {
    const own = cluster();
    own.rules.take({ kind: 'volume-limits', limits: { name: 'a', limits: { 'disk.csi': 2 } } });
    for (const name of ['data', 'c1', 'c2', 'c3']) own.claim(name, { className: 'made' });
    return own;
  };

  test('distinct ones by driver, also those still to be made', () => {
    const own = limited();
    const takeOff = own.put('a', { claims: ['c1'] });
    own.put('a', { claims: ['c1'] });
    expect(own.fits(pod)).toEqual(['a', 'b']);
    own.put('a', { claims: ['c2'] });
    expect(own.ask(pod)).toEqual({ a: text, b: '' });
    // An attached volume does not count twice.
    own.claim('c2', { className: 'made', selectedNode: '' });
    expect(own.fits({ claims: ['c2'] })).toEqual(['a']);
    takeOff();
    expect(own.fits(pod)).toEqual(['b']);
    own.rules.take({ kind: 'volume-limits-gone', name: 'a' });
    expect(own.fits(pod)).toEqual(['a', 'b']);
  });

  test('a claim that gets bound counts for the driver of its volume', () => {
    const own = limited();
    own.put('a', { claims: ['c1'] });
    own.put('a', { claims: ['c2'] });
    own.claim('c1', { bound: true, volumeName: 'v' }).volume('v', { driver: '' });
    expect(own.fits(pod)).toEqual(['a', 'b']);
    own.volume('v', { driver: 'disk.csi' });
    expect(own.fits(pod)).toEqual(['b']);
    own.claim('c2', { bound: true, volumeName: 'v' });
    expect(own.fits(pod)).toEqual(['a', 'b']);
  });
});
