import { describe, expect, test } from 'vitest';
import { nodeText, podGroupTemplate, podTemplate } from './bench-objects.ts';
import { GANG_SIZE, sizesOf, WORKLOADS, workloadByName } from './workloads.ts';

describe('sizes', () => {
  test('by default are those of the workload', () => {
    for (const workload of WORKLOADS) expect(sizesOf(workload)).toEqual(workload.sizes);
    expect(sizesOf(workloadByName('SchedulingBasic')).map((size) => size.nodes)).toEqual([1000, 5000]);
  });

  test('the requested size, if it fits', () => {
    expect(sizesOf(workloadByName('SchedulingBasic'), 10, 20)).toEqual([
      { nodes: 10, initPods: 5, pods: 20 },
    ]);
    expect(sizesOf(workloadByName('SchedulingBasic'), undefined, 70).map((size) => size.pods)).toEqual([
      70, 70,
    ]);
    expect(sizesOf(workloadByName('SchedulingWithMixedChurn'), 10, 20)).toEqual([
      { nodes: 10, initPods: 0, pods: 20 },
    ]);
    expect(sizesOf(workloadByName('GangScheduling'), 10, 45)).toEqual([{ nodes: 10, initPods: 0, pods: 40 }]);
    expect(sizesOf(workloadByName('GangScheduling'), 10, GANG_SIZE - 1)[0]?.pods).toBe(GANG_SIZE - 1);
    expect(sizesOf(workloadByName('Restart'), 10, 300)).toEqual([{ nodes: 10, initPods: 0, pods: 300 }]);
  });

  test('never more pods than nodes can take', () => {
    expect(sizesOf(workloadByName('SchedulingPodAntiAffinity'), 10, 100)).toEqual([
      { nodes: 10, initPods: 2, pods: 8 },
    ]);
    expect(sizesOf(workloadByName('PreemptionBasic'), 10, 100)).toEqual([
      { nodes: 10, initPods: 40, pods: 10 },
    ]);
    expect(sizesOf(workloadByName('SchedulingBasic'), 2, 1000)).toEqual([
      { nodes: 2, initPods: 1, pods: 79 },
    ]);
    expect(sizesOf(workloadByName('SchedulingPodAntiAffinity'), 1, 1)[0]?.pods).toBe(1);
  });

  test('a workload that there is not', () => {
    expect(() => workloadByName('Basic')).toThrow(
      /got the workload 'Basic', expected some of SchedulingBasic/,
    );
  });
});

describe('objects', () => {
  test('are JSON with their name in its place and nowhere else', () => {
    const template = podTemplate({ namespace: 'bench', schedulerName: 'teg', spec: { priority: 10 } });
    const pod = JSON.parse(template.text('pod-1'));
    expect(template.path).toBe('/api/v1/namespaces/bench/pods');
    expect(pod.metadata).toEqual({ name: 'pod-1', namespace: 'bench' });
    expect(pod.spec.schedulerName).toBe('teg');
    expect(pod.spec.priority).toBe(10);
    expect(pod.spec.containers[0].resources.requests).toEqual({ cpu: '100m', memory: '500Mi' });
    expect(template.text('x').length + 4).toBe(template.text('pod-1').length);
  });

  test('nodes have their host name as a label', () => {
    const node = JSON.parse(nodeText('node-7', { labels: { a: 'b' } }));
    expect(node.metadata.labels).toEqual({ 'kubernetes.io/hostname': 'node-7', a: 'b' });
    expect(node.status.capacity).toEqual({ pods: '110', cpu: '4', memory: '32Gi' });
  });

  test('pod groups require all their pods', () => {
    const group = JSON.parse(podGroupTemplate('bench', 20).text('gang-3'));
    expect(group.metadata.name).toBe('gang-3');
    expect(group.spec.schedulingPolicy.gang.minCount).toBe(20);
  });
});
