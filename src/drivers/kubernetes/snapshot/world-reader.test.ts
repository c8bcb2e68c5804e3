import { expect, test } from 'vitest';
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { JobSpec } from '../../../model/job.ts';
import { coreOptions } from '../config/core-options.ts';
import { defaultSchedulerConfig } from '../config/scheduler-config.ts';
import { profilesOf } from '../objects/profiles.ts';
import { type WorldChanges, WorldReader } from './world-reader.ts';

const CHANGES: WorldChanges = { nodes: new Set(['n1']), removed: new Set(), copies: new Map() };

function job(id: string): JobSpec {
  return {
    id,
    tenant: 'a',
    priority: 7,
    cpuMilli: 1000,
    memoryMib: 0,
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds: 0,
    durationSeconds: Number.POSITIVE_INFINITY,
    requestedSeconds: Number.NaN,
    podCount: 1,
    gangMin: 1,
  };
}

function pod(name: string, schedulerName: string, more: object = {}): object {
  const resources = { limits: { cpu: '1', 'rdma/hca': '1' } };
  return {
    metadata: { name, namespace: 'a', uid: name, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { schedulerName, containers: [{ resources }], ...more },
  };
}

function read(ignored: readonly string[], ...pods: readonly object[]) {
  const reader = new WorldReader(profilesOf(['teg']), ignored);
  const node = { metadata: { name: 'n1' }, status: { allocatable: { cpu: '4', 'rdma/hca': '1' } } };
  reader.ofCluster({ kind: 'Node', object: node as Record<string, unknown> });
  for (const object of pods as Record<string, unknown>[]) {
    const { name } = object.metadata as { name: string };
    reader.ofCluster({ kind: 'Pod', object, job: job(`a/${name}`) });
  }
  return { reader, world: reader.world(coreOptions(defaultSchedulerConfig()), CHANGES) };
}

const namesOf = (events: readonly PodEvent[]): string[] =>
  events.map((event) => (event.kind === 'pod' ? event.pod.name : event.kind));

test('pods of others come after those that name the scheduler, as its watches list them; all are decided on', () => {
  const { world } = read(
    [],
    pod('b', 'other', { nodeName: 'n1' }),
    pod('c', 'teg'),
    pod('d', 'other'),
    pod('e', 'teg'),
  );
  expect(namesOf(world.events)).toEqual(['node', 'c', 'e', 'b', 'd']);
  for (const event of world.events) if (event.kind === 'pod') expect(event.pod.ours).toBe(true);
});

test('a pod has the priority of its job, and requests that its limits stand for', () => {
  const { world } = read([], pod('c', 'teg'));
  expect(world.pods.get('a/c')?.pod).toMatchObject({
    priority: 7,
    template: { requests: { cpuMilli: 1000, extended: { 'rdma/hca': 1 } } },
  });
});

test('resources that do not count are neither asked for nor offered', () => {
  const { world } = read(['rdma/hca'], pod('c', 'teg'));
  expect(world.pods.get('a/c')?.pod.template.requests.extended).toEqual({});
  expect(world.events[0]).toMatchObject({ kind: 'node', node: { extended: {} } });
});

test('a pod that cannot be read as one is what its job asks for, with a warning', () => {
  const { reader, world } = read([], pod('c', 'teg', { tolerations: 'none' }));
  expect(world.pods.get('a/c')?.pod).toMatchObject({
    priority: 7,
    template: { requests: { cpuMilli: 1000 } },
  });
  expect([...reader.warnings.keys()].join()).toContain('tolerations');
});
