import { expect, test } from 'vitest';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { profilesOf } from './objects/profiles.ts';
import { watchedResources } from './watched-resources.ts';

test('items of a list, which have neither kind nor apiVersion, are read as objects of a watch are', () => {
  const events: PodEvent[] = [];
  const resources = watchedResources(profilesOf(['teg']), (event) => events.push(event));
  const item = {
    metadata: { namespace: 'a', name: 'x', uid: 'u' },
    spec: { schedulingPolicy: { gang: { minCount: 3 } }, minMember: 4 },
    provisioner: 'none',
  };
  for (const resource of resources) resource.set(item);
  expect(events.map(({ kind }) => kind).sort()).toEqual([
    'budget',
    'claim',
    'csi-driver',
    'device-class',
    'group',
    'group',
    'namespace',
    'node',
    'pod',
    'pod',
    'storage-capacity',
    'storage-class',
    'volume',
    'volume-attachment',
    'volume-limits',
  ]);
  const groups = events.flatMap((event) => (event.kind === 'group' ? [event.group] : []));
  expect(groups.map(({ key, minCount }) => `${key} ${minCount}`)).toEqual(['core:a/x 3', 'cosched:a/x 4']);
});

test('pods of ours that ran and have ended are watched for the sake of their groups', () => {
  const events: PodEvent[] = [];
  const ended = watchedResources(profilesOf(['teg']), (event) => events.push(event)).find(
    ({ resource }) => resource.name === 'pods.ended',
  );
  expect(ended?.resource.fieldSelector).toBe(
    'spec.schedulerName=teg,spec.nodeName!=,status.phase!=Pending,status.phase!=Running,status.phase!=Unknown',
  );
  const metadata = { namespace: 'a', name: 'x', uid: 'u' };
  const spec = { nodeName: 'n' };
  ended?.set({ metadata, spec });
  ended?.set({ metadata, spec: { ...spec, schedulingGroup: { podGroupName: 'g' } } });
  ended?.set({ metadata: { ...metadata, labels: { 'scheduling.x-k8s.io/pod-group': 'h' } }, spec });
  ended?.gone('u', 'a/x');
  expect(events).toEqual([
    { kind: 'member-ended', uid: 'u', group: 'core:a/g' },
    { kind: 'member-ended', uid: 'u', group: 'cosched:a/h' },
    { kind: 'ended-gone', uid: 'u' },
  ]);
});

test('several names of schedulers: a watch each, named differently, and pods of others are those of none of them', () => {
  const events: PodEvent[] = [];
  const profiles = profilesOf(['teg', { name: 'others', strategy: 'spread' }]);
  const pods = watchedResources(profiles, (event) => events.push(event)).filter(
    ({ resource }) => resource.path === '/api/v1/pods',
  );
  const live = 'status.phase!=Succeeded,status.phase!=Failed';
  const ended = 'spec.nodeName!=,status.phase!=Pending,status.phase!=Running,status.phase!=Unknown';
  expect(pods.map(({ resource }) => [resource.name, resource.fieldSelector])).toEqual([
    ['pods', `spec.schedulerName=teg,${live}`],
    ['pods[others]', `spec.schedulerName=others,${live}`],
    ['pods.others', `spec.schedulerName!=teg,spec.schedulerName!=others,spec.nodeName!=,${live}`],
    ['pods.ended', `spec.schedulerName=teg,${ended}`],
    ['pods.ended[others]', `spec.schedulerName=others,${ended}`],
  ]);
  for (const schedulerName of ['teg', 'others', 'default-scheduler']) {
    pods[0]?.set({ metadata: { namespace: 'a', name: 'x', uid: schedulerName }, spec: { schedulerName } });
  }
  const read = events.map((event) => (event.kind === 'pod' ? event.pod : undefined));
  expect(read.map((pod) => [pod?.ours, pod?.template.strategy])).toEqual([
    [true, undefined],
    [true, 'spread'],
    [false, undefined],
  ]);
});
