import { describe, expect, test } from 'vitest';
import { namespaceOf, nodeOf, volumeLimitsOf } from '../../../model/readers/read-node.ts';
import { clusterNode, type LooseObject } from './objects.fixtures.ts';
import { budgetOf, podGroupOf } from './pod-group.ts';
import {
  attachmentOf,
  claimOf,
  csiDriverOf,
  storageCapacityOf,
  storageClassOf,
  volumeOf,
} from './storage.ts';

const Gi = 2 ** 30;
const MALFORMED = expect.objectContaining({ code: 'TEG_KUBE_OBJECT' });

describe('nodeOf', () => {
  test('a node', () => {
    expect(nodeOf(clusterNode())).toEqual({
      name: 'n1',
      uid: '0f0c1e6a-0000-4f43-9d54-0a4b4a2f9a01',
      labels: { 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' },
      taints: [
        { key: 'dedicated', value: 'ml', effect: 'NoSchedule' },
        { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' },
      ],
      unschedulable: true,
      cpuMilli: 95_500,
      memoryBytes: 780 * Gi,
      podsMax: 110,
      extended: { 'ephemeral-storage': 100 * Gi, 'nvidia.com/gpu': 8 },
    });
  });

  test('a node that has only just registered has room for nothing', () => {
    expect(nodeOf({ metadata: { name: 'n', uid: 'u' } })).toMatchObject({
      labels: {},
      taints: [],
      unschedulable: false,
      cpuMilli: 0,
      memoryBytes: 0,
      podsMax: 0,
      extended: {},
    });
  });

  test('text that is not a quantity is refused with its path; quantities beyond the representable range count as its maximum', () => {
    const node = clusterNode();
    node.status.allocatable['nvidia.com/gpu'] = '1e30';
    expect(nodeOf(node).extended['nvidia.com/gpu']).toBe(2 ** 53 - 1);
    node.status.allocatable['nvidia.com/gpu'] = '1 gpu';
    expect(() => nodeOf(node)).toThrow(/^Node n1: status.allocatable\[nvidia.com\/gpu\]: got "1 gpu"/);
  });
});

describe('groups', () => {
  const metadata = { namespace: 'a', name: 'g', uid: 'u' };
  const core = (spec: LooseObject, version = 'v1alpha2') =>
    podGroupOf({ apiVersion: `scheduling.k8s.io/${version}`, metadata, spec });

  test('a gang of the API', () => {
    const spec = {
      schedulingPolicy: { gang: { minCount: 8 } },
      schedulingConstraints: { topology: [{ key: 'rack' }] },
      disruptionMode: 'Pod',
    };
    const expected = {
      key: 'core:a/g',
      uid: 'u',
      minCount: 8,
      topologyKeys: ['rack'],
      unsupported: [],
    };
    expect(core(spec)).toEqual(expected);
    for (const version of ['v1beta1', 'v1alpha3']) {
      expect(core({ ...spec, disruptionMode: { single: {} } }, version)).toEqual(expected);
      expect(core({ ...spec, disruptionMode: null, workloadRef: {} }, version)).toEqual(expected);
    }
  });

  test('the terms of a group, in the form of each version', () => {
    const priority = { priority: -5, priorityClassName: 'low' };
    expect(core({ ...priority, disruptionMode: 'PodGroup' })).toMatchObject({
      priority: -5,
      disruption: 'all',
      unsupported: [],
    });
    const spec = { priority: 0, preemptionPolicy: 'Never', disruptionMode: { all: {}, single: null } };
    const expected = { priority: 0, preemptionPolicy: 'Never', disruption: 'all', unsupported: [] };
    for (const version of ['v1beta1', 'v1alpha3']) expect(core(spec, version)).toMatchObject(expected);
    expect(() => core({ preemptionPolicy: 'Sometimes' })).toThrow(MALFORMED);
    expect(() => core({ priority: 2 ** 31 })).toThrow(MALFORMED);
    for (const disruptionMode of ['Pod', { single: {} }, {}]) {
      expect(core({ disruptionMode }).disruption).toBeUndefined();
    }
  });

  test('no gang', () => {
    expect(core({ schedulingPolicy: { basic: {} } })).toMatchObject({ minCount: 1, unsupported: [] });
  });

  test.each<[LooseObject, string]>([
    [{ schedulingConstraints: { topology: [{ key: 'a' }, { key: 'b' }] } }, 'topology'],
    [{ resourceClaims: [{ name: 'a' }] }, 'spec.resourceClaims'],
    [{ disruptionMode: 'Node' }, 'spec.disruptionMode'],
    [{ disruptionMode: { all: {}, single: {} } }, 'spec.disruptionMode'],
    [{ disruptionMode: { half: {} } }, 'spec.disruptionMode'],
    [{ parentCompositePodGroupName: 'p' }, 'spec.parentCompositePodGroupName'],
    [{ schedulingPolicy: { elastic: {} } }, 'spec.schedulingPolicy.elastic'],
  ])('%j is reported as unsupported', (spec, what) => {
    const { unsupported } = core(spec);
    expect(unsupported).toEqual([expect.stringContaining(what)]);
  });

  test('a group of the coscheduling plugin', () => {
    const group = { metadata, spec: { minMember: 3, scheduleTimeoutSeconds: 10 } };
    const expected = {
      key: 'cosched:a/g',
      uid: 'u',
      minCount: 3,
      topologyKeys: [],
      unsupported: [],
    };
    expect(podGroupOf({ ...group, apiVersion: 'scheduling.x-k8s.io/v1alpha1' })).toEqual(expected);
    expect(podGroupOf(group, 'scheduling.x-k8s.io')).toEqual(expected);
    expect(podGroupOf({ metadata }, 'scheduling.x-k8s.io').minCount).toBe(1);
  });

  test('malformed objects', () => {
    expect(() => core({ schedulingPolicy: { gang: { minCount: 0 } } })).toThrow(MALFORMED);
    expect(() => podGroupOf({ metadata, apiVersion: 'example.com/v1' })).toThrow(MALFORMED);
    expect(() => podGroupOf({ metadata: { name: 'g' } })).toThrow(MALFORMED);
  });

  test('a budget', () => {
    const spec = { selector: { matchLabels: { b: '1', a: '2' } }, minAvailable: 1 };
    const status = { disruptionsAllowed: 2, disruptedPods: { p2: 'time', p1: 'time' } };
    expect(budgetOf({ metadata, spec, status })).toEqual({
      key: 'a/g',
      namespace: 'a',
      selector: [
        { key: 'a', operator: 'In', values: ['2'] },
        { key: 'b', operator: 'In', values: ['1'] },
      ],
      disruptionsAllowed: 2,
      disruptedPods: ['p1', 'p2'],
    });
    expect(budgetOf({ metadata, spec: { selector: {} } }).selector).toEqual([]);
    expect(budgetOf({ metadata, spec: {} })).toMatchObject({ selector: undefined, disruptionsAllowed: 0 });
  });
});

describe('storage', () => {
  test('a claim that waits for its first consumer', () => {
    const claim = {
      metadata: {
        namespace: 'a',
        name: 'c',
        uid: 'u',
        annotations: { 'volume.kubernetes.io/selected-node': 'n1' },
        ownerReferences: [
          { kind: 'Job', uid: 'other' },
          { kind: 'Pod', uid: 'p', controller: true },
        ],
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'fast',
        resources: { requests: { storage: '10Gi' } },
        volumeMode: 'Filesystem',
        volumeAttributesClassName: 'gold',
      },
      status: { phase: 'Pending' },
    };
    expect(claimOf(claim)).toEqual({
      key: 'a/c',
      uid: 'u',
      ownerUid: 'p',
      volumeName: '',
      className: 'fast',
      bound: false,
      unusable: false,
      selectedNode: 'n1',
      accessModes: ['ReadWriteOnce'],
      bytes: 10 * Gi,
      attributesClass: 'gold',
    });
  });

  test('a claim is bound when the binding is complete, and unusable when it is lost or goes away', () => {
    const claim: LooseObject = {
      metadata: {
        namespace: 'a',
        name: 'c',
        annotations: {
          'pv.kubernetes.io/bind-completed': 'yes',
          'volume.beta.kubernetes.io/storage-class': 'old',
        },
      },
      spec: {
        volumeName: 'v',
        storageClassName: 'new',
        volumeMode: 'Block',
        selector: { matchLabels: { a: 'b' } },
      },
    };
    expect(claimOf(claim)).toMatchObject({
      bound: true,
      className: 'old',
      unusable: false,
      volumeMode: 'Block',
      selector: [{ key: 'a', operator: 'In', values: ['b'] }],
    });
    expect(claimOf({ ...claim, status: { phase: 'Lost' } })).toMatchObject({ unusable: true, lost: true });
    claim.metadata.deletionTimestamp = '2026-03-01T10:00:00Z';
    expect(claimOf(claim).unusable).toBe(true);
    delete claim.metadata.annotations['pv.kubernetes.io/bind-completed'];
    expect(claimOf(claim).bound).toBe(false);
  });

  test('a local volume', () => {
    const zone = [{ key: 'zone', operator: 'In', values: ['a'] }];
    const volume: LooseObject = {
      metadata: { name: 'v', labels: { 'topology.kubernetes.io/zone': 'a' } },
      spec: {
        capacity: { storage: '1Ti' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: zone }] } },
        claimRef: { namespace: 'a', name: 'c', uid: 'u' },
        volumeAttributesClassName: 'gold',
        csi: { driver: 'csi.example.com', volumeHandle: 'h' },
      },
      status: { phase: 'Available' },
    };
    expect(volumeOf(volume)).toEqual({
      name: 'v',
      nodeTerms: [{ expressions: zone, fields: [] }],
      labels: { 'topology.kubernetes.io/zone': 'a' },
      className: 'local',
      claim: 'a/c',
      claimUid: 'u',
      accessModes: ['ReadWriteOnce'],
      bytes: 1024 * Gi,
      available: true,
      driver: 'csi.example.com',
      handle: 'h',
      attributesClass: 'gold',
    });
    volume.metadata.deletionTimestamp = '2026-03-01T10:00:00Z';
    expect(volumeOf(volume).deleting).toBe(true);
    const fields = [{ key: 'metadata.name', operator: 'In', values: ['n'] }];
    volume.spec.nodeAffinity.required.nodeSelectorTerms = [{ matchFields: fields }];
    expect(volumeOf(volume).nodeTerms).toBeUndefined();
    volume.spec.nodeAffinity.required.nodeSelectorTerms = [];
    expect(volumeOf(volume).nodeTerms).toEqual([]);
  });

  test('an in-tree disk counts for the CSI driver that took its place', () => {
    const volume = { metadata: { name: 'v' }, spec: { awsElasticBlockStore: { volumeID: 'x' } } };
    expect(volumeOf(volume)).toMatchObject({
      driver: 'ebs.csi.aws.com',
      handle: 'x',
      inTree: { plugin: 'kubernetes.io/aws-ebs', nodeTerms: undefined },
      nodeTerms: undefined,
      claim: '',
    });
    const metadata = { name: 's' };
    const classOf = (provisioner: string) => storageClassOf({ metadata, provisioner });
    expect(classOf('kubernetes.io/gce-pd')).toMatchObject({
      provisioner: 'kubernetes.io/gce-pd',
      driver: 'pd.csi.storage.gke.io',
    });
    expect(classOf('kubernetes.io/vsphere-volume').driver).toBe('');
    expect(classOf('csi.example.com').driver).toBeUndefined();
  });

  test.each([
    ['10Pi', 10 * 2 ** 50],
    ['200E', 200e18],
    ['7E', 7e18],
    ['1500m', 2],
  ])('%s of storage', (storage, bytes) => {
    expect(
      claimOf({ metadata: { namespace: 'a', name: 'c' }, spec: { resources: { requests: { storage } } } })
        .bytes,
    ).toBe(bytes);
    expect(volumeOf({ metadata: { name: 'v' }, spec: { capacity: { storage } } }).bytes).toBe(bytes);
  });

  test('objects that CSI drivers report', () => {
    const metadata = { name: 'x', namespace: 'kube-system' };
    const spec = { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } };
    expect(attachmentOf({ metadata, spec })).toEqual({
      name: 'x',
      node: 'n',
      attacher: 'csi.example.com',
      volume: 'v',
    });
    expect(attachmentOf({ metadata, spec: { ...spec, source: { inlineVolumeSpec: {} } } }).volume).toBe('');
    expect(csiDriverOf({ metadata, spec: { storageCapacity: true } }).tracksCapacity).toBe(true);
    expect(csiDriverOf({ metadata, spec: {} }).tracksCapacity).toBe(false);
    const capacity = {
      metadata,
      storageClassName: 's',
      capacity: '5Gi',
      nodeTopology: { matchLabels: { a: 'b' } },
    };
    expect(storageCapacityOf(capacity)).toEqual({
      key: 'kube-system/x',
      className: 's',
      bytes: 5 * Gi,
      nodes: [{ key: 'a', operator: 'In', values: ['b'] }],
    });
    expect(storageCapacityOf({ ...capacity, maximumVolumeSize: '2Gi' }).bytes).toBe(2 * Gi);
    expect(storageCapacityOf({ metadata, storageClassName: 's' })).toEqual({
      key: 'kube-system/x',
      className: 's',
    });
    expect(() => csiDriverOf({ metadata, spec: { storageCapacity: 'yes' } })).toThrow(MALFORMED);
  });

  test('a node that leaves in-tree volumes to CSI drivers', () => {
    const annotations = {
      'storage.alpha.kubernetes.io/migrated-plugins': 'kubernetes.io/aws-ebs,kubernetes.io/gce-pd',
    };
    expect(volumeLimitsOf({ metadata: { name: 'n', annotations }, spec: {} })).toEqual({
      name: 'n',
      limits: {},
      migrated: ['kubernetes.io/aws-ebs', 'kubernetes.io/gce-pd'],
    });
  });

  test('a storage class', () => {
    const storageClass = {
      metadata: { name: 's' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    };
    const allowed = (allowedTopologies: unknown) =>
      storageClassOf({ ...storageClass, allowedTopologies }).allowedTopologies;
    expect(storageClassOf(storageClass)).toEqual({
      name: 's',
      waitForFirstConsumer: true,
      provisioner: 'kubernetes.io/no-provisioner',
      allowedTopologies: undefined,
    });
    expect(allowed([])).toBeUndefined();
    expect(allowed([{}])).toEqual([]);
    expect(allowed([{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }])).toEqual([
      { expressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }], fields: [] },
    ]);
  });

  test('volume limits and namespaces', () => {
    const drivers = [
      { name: 'a', nodeID: 'x', allocatable: { count: 25 } },
      { name: 'b', nodeID: 'x', allocatable: {} },
      { name: 'c', nodeID: 'x' },
      { name: 'd', nodeID: 'x', allocatable: { count: 0 } },
    ];
    expect(volumeLimitsOf({ metadata: { name: 'n' }, spec: { drivers } })).toEqual({
      name: 'n',
      limits: { a: 25, d: 0 },
    });
    const labels = { team: 'x' };
    expect(namespaceOf({ metadata: { name: 'n', labels } })).toEqual({ name: 'n', labels });
  });
});
