import { expect, test } from 'vitest';
import { DEFAULT_TENANT_NAME } from '../../model/tenants.ts';
import { group, node, pod, TestCluster } from './scheduler.fixtures.ts';

/** Names of the tenants of all pods known. */
function tenantsOf(cluster: TestCluster): Record<string, string> {
  const view = cluster.scheduler.view();
  const names: Record<string, string> = {};
  view.forEachPod(({ name, tenant }) => {
    names[name] = view.tenantName(tenant);
  });
  return names;
}

test('a pod keeps its tenant from its object to its record, and may change it', () => {
  const cluster = new TestCluster().nodes(node('a'));
  cluster.pods(pod('p', {}, { tenant: 'nlp' }), pod('q'), pod('r', {}, { tenant: 'nlp', ours: false }));
  expect(tenantsOf(cluster)).toEqual({ p: 'nlp', q: DEFAULT_TENANT_NAME });
  cluster.decide();
  cluster.update('p', { tenant: 'vision' });
  expect(tenantsOf(cluster)).toEqual({ p: 'vision', q: DEFAULT_TENANT_NAME });
});

test('a group has the tenant of its first pending member when it comes to the queue', () => {
  const cluster = new TestCluster().nodes(node('a'));
  cluster.group(group('g', 2));
  cluster.pods(
    pod('late', {}, { tenant: 'vision', group: 'core:default/g', createdSeconds: 9 }),
    pod('early', {}, { tenant: 'nlp', group: 'core:default/g', createdSeconds: 3 }),
  );
  const { groups, state } = cluster.scheduler.internals;
  expect(state.tenants.nameOf(groups.get('core:default/g')?.tenant ?? -1)).toBe('nlp');
});
