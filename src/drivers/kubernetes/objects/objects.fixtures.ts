/**
 * API objects as a real server sends them, for the tests of this folder.
 */

/** Parsed JSON that a test changes. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach deep into API objects and break them on purpose
export type LooseObject = any;

const CLAIM_TEMPLATE = {
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
};

/** @returns A new pod of a Deployment, as it comes from the API server before it is scheduled. */
export function deploymentPod(): LooseObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: 'web-7d4b9c6f5-x2v9k',
      generateName: 'web-7d4b9c6f5-',
      namespace: 'shop',
      uid: '6a1f0c1e-3f55-4f43-9d54-0a4b4a2f9a01',
      resourceVersion: '1042',
      creationTimestamp: '2026-03-01T10:00:00Z',
      labels: { app: 'web', 'pod-template-hash': '7d4b9c6f5' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9c6f5', uid: 'b9', controller: true },
      ],
      managedFields: [
        { manager: 'kube-controller-manager', operation: 'Update', apiVersion: 'v1', fieldsV1: {} },
      ],
    },
    spec: {
      volumes: [
        {
          name: 'kube-api-access-x',
          projected: { sources: [{ serviceAccountToken: { path: 'token' } }], defaultMode: 420 },
        },
      ],
      containers: [
        {
          name: 'web',
          image: 'registry.example/web:1.2.3',
          ports: [{ containerPort: 8080, protocol: 'TCP' }],
          env: [{ name: 'A', value: 'b' }],
          resources: {
            limits: { cpu: '1', memory: '1Gi' },
            requests: { cpu: '100m', memory: '500Mi' },
          },
          volumeMounts: [{ name: 'kube-api-access-x', mountPath: '/var/run/secrets' }],
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      schedulerName: 'teg',
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
        {
          key: 'node.kubernetes.io/unreachable',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
      ],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: { phase: 'Pending', qosClass: 'Burstable' },
  };
}

/** @returns A pod with nearly every field that bears on placement. */
export function elaboratePod(): LooseObject {
  const pod = deploymentPod();
  pod.metadata.labels.tier = 'gold';
  pod.metadata.labels['scheduling.x-k8s.io/pod-group'] = 'crew';
  const own = pod.spec.volumes;
  Object.assign(pod.spec, {
    nodeSelector: { pool: 'gpu' },
    initContainers: [
      {
        name: 'mesh',
        image: 'mesh:1',
        restartPolicy: 'Always',
        resources: { requests: { cpu: '50m', memory: '64Mi' } },
      },
      { name: 'load', image: 'load:1', resources: { requests: { cpu: '2', memory: '100Mi' } } },
    ],
    overhead: { cpu: '10m', memory: '20Mi' },
    schedulingGates: [{ name: 'example.com/quota' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] },
            { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
          ],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 7, preference: { matchExpressions: [{ key: 'ssd', operator: 'Exists' }] } },
        ],
      },
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: 'zone',
            labelSelector: { matchLabels: { app: 'db' } },
            matchLabelKeys: ['tier', 'not-there'],
          },
        ],
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: {
              topologyKey: 'kubernetes.io/hostname',
              labelSelector: {},
              namespaceSelector: {},
            },
          },
        ],
      },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['x'] }] },
            namespaces: ['a', 'b'],
            mismatchLabelKeys: ['tier'],
          },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 2,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'web' } },
        matchLabelKeys: ['pod-template-hash'],
        minDomains: 3,
        nodeTaintsPolicy: 'Honor',
      },
      { maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'ScheduleAnyway', nodeAffinityPolicy: 'Ignore' },
    ],
    volumes: [
      ...own,
      { name: 'data', persistentVolumeClaim: { claimName: 'data-0' } },
      { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: CLAIM_TEMPLATE } } },
      { name: 'gce', gcePersistentDisk: { pdName: 'disk-1', readOnly: true } },
      { name: 'ebs', awsElasticBlockStore: { volumeID: 'vol-1', readOnly: true } },
      { name: 'rbd', rbd: { monitors: ['m1:6789', 'm2'], pool: 'rbd', image: 'i' } },
      { name: 'iscsi', iscsi: { iqn: 'iqn.2001-04.com.example:ro', targetPortal: 't', lun: 0 } },
    ],
    resources: { requests: { cpu: '3' } },
  });
  pod.spec.containers[0].ports.push({ containerPort: 53, hostPort: 53, protocol: 'UDP', hostIP: '10.0.0.1' });
  pod.spec.containers[0].resources.requests['nvidia.com/gpu'] = '2';
  pod.spec.containers[0].resources.limits['nvidia.com/gpu'] = '2';
  pod.spec.tolerations.push({ key: 'gpu', value: 'yes', effect: 'NoSchedule' });
  return pod;
}

/** @returns A node, as kubelet keeps it. */
export function clusterNode(): LooseObject {
  return {
    metadata: {
      name: 'n1',
      uid: '0f0c1e6a-0000-4f43-9d54-0a4b4a2f9a01',
      labels: { 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' },
    },
    spec: {
      unschedulable: true,
      taints: [
        { key: 'dedicated', value: 'ml', effect: 'NoSchedule' },
        { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: '2026-03-01T10:00:00Z' },
      ],
    },
    status: {
      capacity: { cpu: '96', memory: '792Gi' },
      allocatable: {
        cpu: '95500m',
        memory: '780Gi',
        pods: '110',
        'ephemeral-storage': '100Gi',
        'hugepages-2Mi': '0',
        'nvidia.com/gpu': '8',
        storage: '5',
      },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** @returns A random value of any of JSON's types. @param random Uniform in [0, 1). */
export function randomJson(random: () => number): unknown {
  const kinds = [
    null,
    true,
    -1,
    1e308,
    0.5,
    '',
    'x',
    '1e60',
    '9999999999999999999Ei',
    '-5',
    '__proto__',
    [],
    [null],
    {},
    { key: 3 },
    '\ud800',
    'a'.repeat(70),
    [[['deep']]],
  ];
  return kinds[Math.floor(random() * kinds.length)];
}

/** Replaces, removes or adds a few random parts of a JSON object, in place. @param random Uniform in [0, 1). */
export function mutate(object: LooseObject, random: () => number): void {
  const changes = 1 + Math.floor(random() * 3);
  for (let i = 0; i < changes; i++) {
    let parent = object;
    for (let depth = 0; depth < 12; depth++) {
      const keys = Object.keys(parent);
      if (keys.length === 0) break;
      const key = keys[Math.floor(random() * keys.length)] as string;
      const child = parent[key];
      if (typeof child === 'object' && child !== null && random() < 0.85) {
        parent = child;
        continue;
      }
      if (random() < 0.3) {
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else delete parent[key];
      } else parent[key] = randomJson(random);
      break;
    }
  }
}
