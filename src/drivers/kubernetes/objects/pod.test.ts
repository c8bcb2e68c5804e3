import { describe, expect, test } from 'vitest';
import { TegError } from '../../../model/errors.ts';
import { deploymentPod, elaboratePod } from './objects.fixtures.ts';
import { podOf } from './pod.ts';
import { profilesOf } from './profiles.ts';

const Mi = 2 ** 20;

/** The template of a pod after a change. */
function templateAfter(change: (pod: ReturnType<typeof deploymentPod>) => void, pod = deploymentPod()) {
  change(pod);
  return podOf(pod, profilesOf(['teg'])).template;
}

describe('podOf', () => {
  test('a pod of a Deployment', () => {
    expect(podOf(deploymentPod(), profilesOf(['teg']))).toEqual({
      uid: '6a1f0c1e-3f55-4f43-9d54-0a4b4a2f9a01',
      namespace: 'shop',
      name: 'web-7d4b9c6f5-x2v9k',
      ours: true,
      nodeName: '',
      ended: false,
      deleting: false,
      preempted: false,
      gates: [],
      priority: 0,
      generation: 0,
      nominatedNodeName: '',
      createdSeconds: Date.UTC(2026, 2, 1, 10) / 1000,
      startedSeconds: 0,
      group: '',
      tenant: 'shop',
      template: {
        namespace: 'shop',
        labels: { app: 'web', 'pod-template-hash': '7d4b9c6f5' },
        requests: { cpuMilli: 100, memoryBytes: 500 * Mi, extended: {} },
        nodeSelector: {},
        requiredNodeTerms: undefined,
        preferredNodeTerms: [],
        tolerations: [
          { key: 'node.kubernetes.io/not-ready', operator: 'Exists', value: '', effect: 'NoExecute' },
          { key: 'node.kubernetes.io/unreachable', operator: 'Exists', value: '', effect: 'NoExecute' },
        ],
        hostPorts: [],
        spread: [],
        affinity: [],
        antiAffinity: [],
        preferredAffinity: [],
        preferredAntiAffinity: [],
        claims: [],
        exclusiveDisks: [],
        preemptionPolicy: 'PreemptLowerPriority',
        unsupported: [],
      },
    });
  });

  test('its expected run time and its last checkpoint', () => {
    const pod = deploymentPod();
    Object.assign(pod.metadata, {
      annotations: { 'teg.dev/expected-runtime': '90m', 'teg.dev/checkpointed-at': '2026-03-01T11:00:00Z' },
    });
    expect(podOf(pod, profilesOf(['teg']))).toMatchObject({
      expectedSeconds: 5400,
      checkpointedSeconds: Date.UTC(2026, 2, 1, 11) / 1000,
    });
  });

  test('everything that bears on placement', () => {
    const pod = podOf(elaboratePod(), profilesOf(['teg']));
    expect(pod.gates).toEqual(['example.com/quota']);
    expect(pod.group).toBe('cosched:shop/crew');
    expect(pod.template).toMatchObject({
      requests: {
        cpuMilli: 3010,
        memoryBytes: (500 + 64 + 20) * Mi,
        extended: { 'nvidia.com/gpu': 2 },
      },
      nodeSelector: { pool: 'gpu' },
      requiredNodeTerms: [
        { expressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }], fields: [] },
        { expressions: [], fields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
      ],
      preferredNodeTerms: [
        { weight: 7, term: { expressions: [{ key: 'ssd', operator: 'Exists', values: [] }], fields: [] } },
      ],
      tolerations: [{}, {}, { key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }],
      hostPorts: [{ ip: '10.0.0.1', protocol: 'UDP', port: 53 }],
      spread: [
        {
          topologyKey: 'zone',
          maxSkew: 2,
          hard: true,
          selector: [
            { key: 'app', operator: 'In', values: ['web'] },
            { key: 'pod-template-hash', operator: 'In', values: ['7d4b9c6f5'] },
          ],
          minDomains: 3,
          honorNodeAffinity: true,
          honorNodeTaints: true,
        },
        {
          topologyKey: 'rack',
          maxSkew: 1,
          hard: false,
          selector: undefined,
          minDomains: 0,
          honorNodeAffinity: false,
          honorNodeTaints: false,
        },
      ],
      affinity: [
        {
          topologyKey: 'zone',
          selector: [
            { key: 'app', operator: 'In', values: ['db'] },
            { key: 'tier', operator: 'In', values: ['gold'] },
          ],
          namespaces: ['shop'],
          namespaceSelector: undefined,
        },
      ],
      antiAffinity: [
        {
          topologyKey: 'kubernetes.io/hostname',
          selector: [
            { key: 'app', operator: 'NotIn', values: ['x'] },
            { key: 'tier', operator: 'NotIn', values: ['gold'] },
          ],
          namespaces: ['a', 'b'],
          namespaceSelector: undefined,
        },
      ],
      preferredAffinity: [
        {
          weight: 100,
          term: {
            topologyKey: 'kubernetes.io/hostname',
            selector: [],
            namespaces: [],
            namespaceSelector: [],
          },
        },
      ],
      claims: ['data-0', 'web-7d4b9c6f5-x2v9k-scratch'],
      exclusiveDisks: [
        'gce:disk-1:ro',
        'aws:vol-1',
        'rbd:m1%3A6789/rbd/i',
        'rbd:m2/rbd/i',
        'iscsi:iqn.2001-04.com.example%3Aro',
      ],
      unsupported: [],
    });
  });

  test('distinguishes victims of preemption from other pods that leave', () => {
    const victim = deploymentPod();
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' };
    victim.metadata.deletionTimestamp = '2026-03-01T10:00:00Z';
    victim.metadata.generation = 4;
    victim.status = { conditions: [{ type: 'Ready', status: 'False' }, condition] };
    expect(podOf(victim, profilesOf(['teg']))).toMatchObject({
      deleting: true,
      preempted: true,
      generation: 4,
    });
    for (const other of [{ status: 'False' }, { reason: 'EvictionByEvictionAPI' }, { type: 'Ready' }]) {
      victim.status = { conditions: [{ ...condition, ...other }] };
      expect(podOf(victim, profilesOf(['teg']))).toMatchObject({ deleting: true, preempted: false });
    }
  });

  test('the phases of a pod', () => {
    const pod = deploymentPod();
    pod.spec.schedulerName = 'default-scheduler';
    pod.spec.nodeName = 'n1';
    pod.spec.priority = -7;
    pod.metadata.deletionTimestamp = '2026-03-01T11:00:00Z';
    pod.spec.schedulingGroup = { podGroupName: 'gang' };
    pod.metadata.labels['scheduling.x-k8s.io/pod-group'] = 'other';
    pod.status = { phase: 'Failed', startTime: '2026-03-01T10:00:01.5Z', nominatedNodeName: 'n2' };
    expect(podOf(pod, profilesOf(['teg']))).toMatchObject({
      ours: false,
      nodeName: 'n1',
      ended: true,
      deleting: true,
      priority: -7,
      nominatedNodeName: 'n2',
      startedSeconds: Date.UTC(2026, 2, 1, 10, 0, 1, 500) / 1000,
      group: 'core:shop/gang',
    });
  });

  test('label keys that the API server merged in are not merged again', () => {
    const term = {
      topologyKey: 'zone',
      labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
      matchLabelKeys: ['app'],
    };
    const affinity = {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    };
    const template = templateAfter((pod) => Object.assign(pod.spec, { affinity }));
    expect(template.affinity[0]?.selector).toEqual([{ key: 'app', operator: 'In', values: ['web'] }]);
  });

  test('of a waiting pod only the given fields count', () => {
    const pod = deploymentPod();
    pod.status.containerStatuses = [{ name: 'web', resources: { requests: { cpu: '8' } } }];
    expect(podOf(pod, profilesOf(['teg'])).template.requests.cpuMilli).toBe(100);
    pod.spec.nodeName = 'n1';
    expect(podOf(pod, profilesOf(['teg'])).template.requests.cpuMilli).toBe(8000);
  });

  test.each<[string, (pod: ReturnType<typeof deploymentPod>) => void]>([
    [
      'dynamic resource claims (spec.resourceClaims)',
      (pod) => {
        pod.spec.resourceClaims = [{ name: 'gpu' }];
      },
    ],
    [
      'a resource that stands for a device class',
      (pod) => {
        pod.spec.containers[0].resources.requests['deviceclass.resource.kubernetes.io/gpu'] = '1';
      },
    ],
    [
      'spec.workloadRef',
      (pod) => {
        pod.spec.workloadRef = { name: 'w', podGroup: 'g' };
      },
    ],
    [
      'spec.hostUsers',
      (pod) => {
        pod.spec.hostUsers = false;
        pod.spec.hostNetwork = true;
      },
    ],
    [
      'RestartAllContainers',
      (pod) => {
        pod.spec.containers[0].restartPolicyRules = [{ action: 'RestartAllContainers' }];
      },
    ],
    [
      'tolerations with the operator Gt',
      (pod) => {
        pod.spec.tolerations.push({ key: 'a', operator: 'Gt', value: '3' });
      },
    ],
    [
      'spec.topologySpreadConstraints[0].whenUnsatisfiable',
      (pod) => {
        pod.spec.topologySpreadConstraints = [{ whenUnsatisfiable: 'Maybe' }];
      },
    ],
    [
      'spec.topologySpreadConstraints[0].labelSelector',
      (pod) => {
        pod.spec.topologySpreadConstraints = [
          {
            whenUnsatisfiable: 'DoNotSchedule',
            topologyKey: 'a',
            labelSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] },
          },
        ];
      },
    ],
  ])('%s is reported as unsupported', (what, change) => {
    const { unsupported } = templateAfter(change);
    expect(unsupported).toHaveLength(1);
    expect(unsupported[0]).toContain(what);
  });

  test.each<[string, (pod: ReturnType<typeof deploymentPod>) => void]>([
    [
      'hostUsers alone',
      (pod) => {
        pod.spec.hostUsers = false;
      },
    ],
    [
      'an empty list of claims',
      (pod) => {
        pod.spec.resourceClaims = [];
      },
    ],
    [
      'os and runtime class',
      (pod) => {
        pod.spec.os = { name: 'linux' };
        pod.spec.runtimeClassName = 'kata';
      },
    ],
    [
      'other restart rules',
      (pod) => {
        pod.spec.containers[0].restartPolicyRules = [{ action: 'Restart' }];
      },
    ],
  ])('%s is supported', (_, change) => {
    expect(templateAfter(change).unsupported).toEqual([]);
  });

  test('terms that match no node are left out, an empty selector stays empty', () => {
    const required = (terms: unknown[]) =>
      templateAfter((pod) => {
        pod.spec.affinity = {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
          },
        };
      }).requiredNodeTerms;
    expect(required([])).toEqual([]);
    expect(required([{}])).toEqual([]);
    expect(required([{ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['x'] }] }])).toEqual([]);
    expect(required([{ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] }])).toEqual([]);
    expect(
      required([{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['no label!'] }] }]),
    ).toEqual([]);
    expect(
      required([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a', 'b'] }] }]),
    ).toEqual([]);
    expect(required([{ matchExpressions: [{ key: 'a', operator: 'Lt', values: ['-3'] }] }])).toHaveLength(1);
    // Not beside one that names nodes: then not all alternatives do.
    const naming = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] };
    expect(required([{}, naming])?.at(-1)).toEqual({ expressions: [], fields: [] });
    expect(required([naming])).toHaveLength(1);
  });

  test('a list of pod affinity with an unusable term is dropped whole, as kube-scheduler does', () => {
    const good = { topologyKey: 'zone', labelSelector: {} };
    const bad = { topologyKey: 'zone', labelSelector: { matchLabels: { a: 'no label!' } } };
    const affinity = {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [good, bad] },
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [good] },
    };
    const template = templateAfter((pod) => Object.assign(pod.spec, { affinity }));
    expect(template.affinity).toEqual([]);
    expect(template.antiAffinity).toHaveLength(1);
  });

  test.each<[string, (pod: ReturnType<typeof deploymentPod>) => unknown]>([
    ['metadata.uid: got nothing', (pod) => delete pod.metadata.uid],
    [
      'metadata.name',
      (pod) => {
        pod.metadata.name = 7;
      },
    ],
    [
      'metadata.namespace',
      (pod) => {
        pod.metadata.namespace = '';
      },
    ],
    [
      'metadata.labels[app]',
      (pod) => {
        pod.metadata.labels.app = 1;
      },
    ],
    [
      'metadata.creationTimestamp',
      (pod) => {
        pod.metadata.creationTimestamp = 'yesterday';
      },
    ],
    [
      'spec: got a list',
      (pod) => {
        pod.spec = [];
      },
    ],
    [
      'spec.priority',
      (pod) => {
        pod.spec.priority = 2 ** 31;
      },
    ],
    [
      'spec.containers[].resources.requests[cpu]',
      (pod) => {
        pod.spec.containers[0].resources.requests.cpu = 'many';
      },
    ],
    [
      'spec.containers[].ports[].hostPort',
      (pod) => {
        pod.spec.containers[0].ports[0].hostPort = 70_000;
      },
    ],
    [
      'spec.tolerations',
      (pod) => {
        pod.spec.tolerations = {};
      },
    ],
    [
      'spec.nodeSelector',
      (pod) => {
        pod.spec.nodeSelector = 'x';
      },
    ],
    [
      'spec.preemptionPolicy',
      (pod) => {
        pod.spec.preemptionPolicy = 'Sometimes';
      },
    ],
  ])('%s is malformed', (path, change) => {
    const pod = deploymentPod();
    change(pod);
    let error: unknown;
    try {
      podOf(pod, profilesOf(['teg']));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TegError);
    expect(error).toMatchObject({ code: 'TEG_KUBE_OBJECT', message: expect.stringContaining(path) });
    expect((error as Error).message).toMatch(/^Pod /);
  });

  test.each([undefined, null, 3, 'pod', [], {}, { metadata: {} }])('%j is not a pod', (object) => {
    expect(() => podOf(object, profilesOf(['teg']))).toThrow(
      expect.objectContaining({ code: 'TEG_KUBE_OBJECT' }),
    );
  });
});
