import { describe, expect, test } from 'vitest';
import { deploymentPod, elaboratePod, type LooseObject } from './objects.fixtures.ts';
import { podOf } from './pod.ts';
import { profilesOf } from './profiles.ts';
import { TemplateCache } from './template-cache.ts';

describe('TemplateCache', () => {
  test('pods of one controller have one template object', () => {
    const cache = new TemplateCache();
    const first = podOf(deploymentPod(), profilesOf(['teg']), cache);
    const pod = deploymentPod();
    pod.metadata.name = 'web-7d4b9c6f5-other';
    pod.metadata.uid = 'other';
    pod.spec.containers[0].image = 'other';
    pod.spec.volumes[0].name = 'kube-api-access-y';
    expect(podOf(pod, profilesOf(['teg']), cache).template).toBe(first.template);
  });

  test('it is the template that is read without a cache', () => {
    for (const pod of [deploymentPod(), elaboratePod()]) {
      expect(podOf(pod, profilesOf(['teg']), new TemplateCache())).toEqual(podOf(pod, profilesOf(['teg'])));
    }
  });

  test('the same pod has the same template when it runs, another one while it is resized', () => {
    const cache = new TemplateCache();
    const waiting = podOf(deploymentPod(), profilesOf(['teg']), cache).template;
    const pod = deploymentPod();
    pod.spec.nodeName = 'n1';
    pod.status = {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'web',
          resources: { requests: { cpu: '100m', memory: '500Mi' } },
          allocatedResources: { cpu: '100m', memory: '500Mi' },
        },
      ],
    };
    expect(podOf(pod, profilesOf(['teg']), cache).template).toBe(waiting);
    pod.status.containerStatuses[0].allocatedResources.cpu = '200m';
    const resized = podOf(pod, profilesOf(['teg']), cache).template;
    expect(resized).not.toBe(waiting);
    expect(resized.requests.cpuMilli).toBe(200);
  });

  test('labels in another order are the same template', () => {
    const cache = new TemplateCache();
    const pod = deploymentPod();
    const selector = { matchLabels: { a: '1', b: '2' } };
    pod.spec.topologySpreadConstraints = [
      { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector },
    ];
    const turned = structuredClone(pod);
    turned.spec.topologySpreadConstraints[0].labelSelector.matchLabels = { b: '2', a: '1' };
    expect(podOf(turned, profilesOf(['teg']), cache).template).toBe(
      podOf(pod, profilesOf(['teg']), cache).template,
    );
  });

  test.each<[string, (pod: LooseObject) => void]>([
    [
      'namespace',
      (pod) => {
        pod.metadata.namespace = 'b';
      },
    ],
    [
      'labels',
      (pod) => {
        pod.metadata.labels.app = 'b';
      },
    ],
    [
      'requests',
      (pod) => {
        pod.spec.containers[0].resources.requests.cpu = '101m';
      },
    ],
    [
      'requests of a sidecar',
      (pod) => {
        pod.spec.initContainers = [{ restartPolicy: 'Always', resources: { requests: { cpu: '1m' } } }];
      },
    ],
    [
      'tolerations',
      (pod) => {
        pod.spec.tolerations.pop();
      },
    ],
    [
      'node selector',
      (pod) => {
        pod.spec.nodeSelector = { a: 'b' };
      },
    ],
    [
      'affinity',
      (pod) => {
        pod.spec.affinity = {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a', labelSelector: {} }],
          },
        };
      },
    ],
    [
      'spread',
      (pod) => {
        pod.spec.topologySpreadConstraints = [
          { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' },
        ];
      },
    ],
    [
      'host port',
      (pod) => {
        pod.spec.containers[0].ports[0].hostPort = 8080;
      },
    ],
    [
      'claim',
      (pod) => {
        pod.spec.volumes.push({ name: 'v', persistentVolumeClaim: { claimName: 'c' } });
      },
    ],
    [
      'ephemeral volume',
      (pod) => {
        pod.spec.volumes.push({ name: 'v', ephemeral: {} });
      },
    ],
    [
      'disk',
      (pod) => {
        pod.spec.volumes.push({ name: 'v', gcePersistentDisk: { pdName: 'd' } });
      },
    ],
    [
      'overhead',
      (pod) => {
        pod.spec.overhead = { cpu: '1m' };
      },
    ],
    [
      'pod-level requests',
      (pod) => {
        pod.spec.resources = { requests: { cpu: '5' } };
      },
    ],
    [
      'preemption policy',
      (pod) => {
        pod.spec.preemptionPolicy = 'Never';
      },
    ],
    [
      'resource claims',
      (pod) => {
        pod.spec.resourceClaims = [{ name: 'a' }];
      },
    ],
    [
      'user namespaces',
      (pod) => {
        pod.spec.hostUsers = false;
        pod.spec.hostNetwork = true;
      },
    ],
    [
      'workload',
      (pod) => {
        pod.spec.workloadRef = { name: 'a' };
      },
    ],
    [
      'restart rules',
      (pod) => {
        pod.spec.containers[0].restartPolicyRules = [{ action: 'RestartAllContainers' }];
      },
    ],
  ])('another %s is another template, and the right one', (_, change) => {
    const cache = new TemplateCache();
    const before = podOf(deploymentPod(), profilesOf(['teg']), cache).template;
    const pod = deploymentPod();
    change(pod);
    const after = podOf(pod, profilesOf(['teg']), cache).template;
    expect(after).not.toBe(before);
    expect(after).toEqual(podOf(pod, profilesOf(['teg'])).template);
    expect(after).not.toEqual(before);
  });

  test('generic ephemeral volumes make claims of each pod, so that no two share a template', () => {
    const cache = new TemplateCache();
    const pod = deploymentPod();
    pod.spec.volumes.push({ name: 'v', ephemeral: {} });
    const other = structuredClone(pod);
    other.metadata.name = 'b';
    expect(podOf(pod, profilesOf(['teg']), cache).template.claims).toEqual(['web-7d4b9c6f5-x2v9k-v']);
    expect(podOf(other, profilesOf(['teg']), cache).template.claims).toEqual(['b-v']);
  });

  test('it keeps no more than its limit, and entries in use', () => {
    const cache = new TemplateCache(100);
    const often = podOf(deploymentPod(), profilesOf(['teg']), cache).template;
    for (let i = 0; i < 1000; i++) {
      const pod = deploymentPod();
      pod.metadata.labels.app = `app-${i}`;
      podOf(pod, profilesOf(['teg']), cache);
      expect(cache.count).toBeLessThanOrEqual(100);
      if (i % 20 === 0) expect(podOf(deploymentPod(), profilesOf(['teg']), cache).template).toBe(often);
    }
    expect(cache.count).toBeGreaterThan(40);
  });

  test('templates too long to be kept are still read', () => {
    const cache = new TemplateCache();
    const pod = deploymentPod();
    pod.metadata.labels.long = 'x'.repeat(20_000);
    expect(podOf(pod, profilesOf(['teg']), cache).template.labels.long).toHaveLength(20_000);
    expect(cache.count).toBe(0);
  });
});
