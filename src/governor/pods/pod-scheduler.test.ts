import { describe, expect, test } from 'vitest';
import { bindings, GIB, node, pod, refusals, requests, TestCluster } from './scheduler.scenarios.ts';

describe('a pod', () => {
  test('is bound where it fits', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p'));
    expect(cluster.decide()).toEqual([
      {
        kind: 'bind',
        uid: 'p',
        namespace: 'default',
        name: 'p',
        node: 'a',
        claims: [],
        attempts: 1,
        waitedSeconds: 0,
        group: '',
      },
    ]);
    expect(cluster.decide()).toEqual([]);
  });

  test('fits to the byte', () => {
    const cluster = new TestCluster().nodes(node('a', { memoryBytes: 3 * GIB + 1 }));
    cluster.pods(
      pod('p', { requests: requests(1, GIB) }),
      pod('q', { requests: requests(1, 2 * GIB + 2) }),
      pod('r', { requests: requests(1, 2 * GIB + 1) }),
    );
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ p: 'a', r: 'a' });
    expect(refusals(effects)).toEqual({
      q: '0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    });
  });
});
