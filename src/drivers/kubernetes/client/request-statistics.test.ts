import { expect, test } from 'vitest';
import { RequestStatistics, resourceOfPath } from './request-statistics.ts';

test.each([
  ['/api/v1/pods?limit=500', 'pods'],
  ['/api/v1/nodes/n1', 'nodes'],
  ['/api/v1/nodes/n1/status', 'nodes/status'],
  ['/api/v1/namespaces', 'namespaces'],
  ['/api/v1/namespaces/a', 'namespaces'],
  ['/api/v1/namespaces/a/pods', 'pods'],
  ['/api/v1/namespaces/a/pods/p', 'pods'],
  ['/api/v1/namespaces/a/pods/p/binding?x=/y', 'pods/binding'],
  ['/apis/coordination.k8s.io/v1/namespaces/a/leases/l', 'leases'],
  ['/apis/policy/v1/poddisruptionbudgets', 'poddisruptionbudgets'],
  ['/healthz', 'none'],
  ['/api', 'none'],
  ['/', 'none'],
  ['', 'none'],
])('%s is about %s', (path, resource) => {
  expect(resourceOfPath(path)).toBe(resource);
});

test('durations fall into the bucket whose bound they do not pass', () => {
  const statistics = new RequestStatistics();
  for (const seconds of [0.005, 0.0051, 60, 60.1]) statistics.record('GET', '/api/v1/pods', '200', seconds);
  const histogram = statistics.durations().get('GET');
  expect(histogram?.count).toBe(4);
  expect(histogram?.sumSeconds).toBeCloseTo(120.1101);
  // Up to 5 ms, 25 ms, 100 ms, 250 ms, 500 ms, 1 s, 2 s, 4 s, 8 s, 15 s, 30 s, 60 s, and beyond.
  expect(Array.from(histogram?.counts ?? [])).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
});
