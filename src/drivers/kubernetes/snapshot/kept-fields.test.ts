import { describe, expect, test } from 'vitest';
import { TegError } from '../../../model/errors.ts';
import {
  clusterNode,
  deploymentPod,
  elaboratePod,
  type LooseObject,
  mutate,
} from '../objects/objects.fixtures.ts';
import { profilesOf } from '../objects/profiles.ts';
import { keptOf } from './kept-fields.ts';
import { ObjectEvents } from './object-events.ts';

/** xorshift32, uniform in [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function read(object: LooseObject): unknown {
  try {
    return new ObjectEvents(profilesOf(['teg'])).eventOf(object);
  } catch (error) {
    if (error instanceof TegError && error.code === 'TEG_KUBE_OBJECT') return 'malformed';
    throw error;
  }
}

const SECRET = 'hunter2';

function secretPod(): LooseObject {
  const pod = elaboratePod();
  const container = {
    name: 'app',
    image: `registry/${SECRET}`,
    command: ['sh', '-c', SECRET],
    args: [SECRET],
    env: [{ name: 'PASSWORD', value: SECRET }],
    envFrom: [{ secretRef: { name: SECRET } }],
    volumeMounts: [{ name: SECRET }],
    resources: { requests: { cpu: '1' } },
    ports: [{ hostPort: 80, containerPort: 80 }],
  };
  pod.spec.containers.push(container);
  pod.spec.initContainers = [...(pod.spec.initContainers ?? []), container];
  pod.spec.volumes = [
    ...(pod.spec.volumes ?? []),
    { name: 'v', secret: { secretName: SECRET } },
    {
      name: 'r',
      rbd: { monitors: ['m'], pool: 'p', image: 'i', secretRef: { name: SECRET }, keyring: SECRET },
    },
    { name: 'i', iscsi: { iqn: 'q', secretRef: { name: SECRET } } },
    {
      name: 'c',
      csi: { driver: 'd', nodePublishSecretRef: { name: SECRET }, volumeAttributes: { token: SECRET } },
    },
  ];
  pod.spec.imagePullSecrets = [{ name: SECRET }];
  pod.metadata.annotations = {
    'kubectl.kubernetes.io/last-applied-configuration': SECRET,
    'gpu-fraction': '0.5',
  };
  pod.metadata.managedFields = [{ manager: SECRET }];
  pod.status = { ...pod.status, message: SECRET, podIP: SECRET };
  return pod;
}

describe('fields that a snapshot keeps', () => {
  test('is all that scheduling reads, of whatever pod or node', () => {
    let described = 0;
    for (let seed = 1; seed <= 3_000; seed++) {
      const random = randomFrom(seed);
      const kinds = [deploymentPod, elaboratePod, secretPod, clusterNode];
      const make = kinds[seed % kinds.length] as () => LooseObject;
      const object = make();
      object.kind = make === clusterNode ? 'Node' : 'Pod';
      if (seed > 8) mutate(object, random);
      // A mutation may change the kind itself; the list that the object is read from determines the kind.
      const kind = make === clusterNode ? 'Node' : 'Pod';
      const full = read({ ...object, kind });
      if (full === 'malformed') continue;
      described++;
      expect(read(keptOf(object, 'v1', kind) ?? {})).toEqual(full);
    }
    expect(described).toBeGreaterThan(1_000);
  });

  test('is the same for the other kinds', () => {
    for (const object of OTHERS) {
      const full = read(object);
      expect(full).not.toBe('malformed');
      expect(full).toBeDefined();
      expect(read(keptOf(object, object.apiVersion, object.kind) ?? {})).toEqual(full);
    }
  });

  test('has no secrets, environment, images or messages', () => {
    const pod = secretPod();
    expect(JSON.stringify(pod)).toContain(SECRET);
    const kept = JSON.stringify(keptOf(pod, 'v1', 'Pod'));
    expect(kept).not.toContain(SECRET);
    expect(kept).toContain('gpu-fraction');
    expect(kept.length).toBeLessThan(JSON.stringify(pod).length);
  });

  test('leaves out other kinds and cuts off deep nesting', () => {
    expect(keptOf({ metadata: {} }, 'v1', 'Secret')).toBeUndefined();
    expect(keptOf({ metadata: {} }, 'v1', 'toString')).toBeUndefined();
    expect(keptOf('x', 'v1', 'Pod')).toBeUndefined();
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(keptOf({ metadata: { name: 'a', labels: deep } }, 'v1', 'Namespace')).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'a', labels: undefined },
    });
  });
});

const OTHERS: readonly LooseObject[] = [
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: 'a',
      uid: 'b',
      labels: { zone: 'z' },
      annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' },
    },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      claimRef: { namespace: 'n', name: 'c' },
      azureDisk: { diskName: 'd' },
      volumeMode: 'Block',
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] }],
        },
      },
    },
    status: { phase: 'Available' },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      namespace: 'n',
      name: 'c',
      uid: 'u',
      annotations: {
        'volume.kubernetes.io/selected-node': 'node-1',
        'pv.kubernetes.io/bind-completed': 'yes',
      },
    },
    spec: {
      volumeName: 'a',
      storageClassName: 's',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '5Gi' } },
      selector: { matchLabels: { a: 'b' } },
    },
    status: { phase: 'Bound' },
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 's' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: 'node-1' },
    spec: { drivers: [{ name: 'd', nodeID: 'i', allocatable: { count: 5 } }] },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace: 'n', name: 'b' },
    spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } },
    status: { disruptionsAllowed: 2, disruptedPods: { p: '2026-01-31T12:00:00Z' } },
  },
  {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { namespace: 'n', name: 'g', uid: 'u' },
    spec: {
      schedulingPolicy: { gang: { minCount: 4 } },
      schedulingConstraints: { topology: [{ key: 'rack' }] },
    },
  },
  {
    apiVersion: 'scheduling.x-k8s.io/v1alpha1',
    kind: 'PodGroup',
    metadata: { namespace: 'n', name: 'g', uid: 'u' },
    spec: { minMember: 3 },
  },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n', labels: { team: 'a' } } },
];
