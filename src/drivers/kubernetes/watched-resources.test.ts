import { expect, test } from 'vitest';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { watchedResources } from './watched-resources.ts';

test('items of a list, which have neither kind nor apiVersion, are read as objects of a watch are', () => {
  const events: PodEvent[] = [];
  const resources = watchedResources('teg', (event) => events.push(event));
  const item = {
    metadata: { namespace: 'a', name: 'x', uid: 'u' },
    spec: { schedulingPolicy: { gang: { minCount: 3 } }, minMember: 4 },
    provisioner: 'none',
  };
  for (const resource of resources) resource.set(item);
  expect(events.map(({ kind }) => kind).sort()).toEqual([
    'budget',
    'claim',
    'group',
    'group',
    'namespace',
    'node',
    'pod',
    'pod',
    'storage-class',
    'volume',
    'volume-limits',
  ]);
  const groups = events.flatMap((event) => (event.kind === 'group' ? [event.group] : []));
  expect(groups.map(({ key, minCount }) => `${key} ${minCount}`)).toEqual(['core:a/x 3', 'cosched:a/x 4']);
});
