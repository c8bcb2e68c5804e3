import { expect, test } from 'vitest';
import { DURATION_BOUNDS_SECONDS, RequestStatistics, resourceOfPath } from './request-statistics.ts';

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
  const last = DURATION_BOUNDS_SECONDS.length;
  expect(Array.from(histogram?.counts ?? []).map((count, at) => [at, count])).toEqual(
    Array.from({ length: last + 1 }, (_, at) => [at, at <= 1 || at >= last - 1 ? 1 : 0]),
  );
});
