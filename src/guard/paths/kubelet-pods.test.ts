import { describe, expect, test } from 'vitest';
import { probeBudget, readKubeletPods } from './kubelet-pods.ts';

const ID = 'c3'.repeat(32);

function pod(metadata: object, spec: object = {}, statuses: object[] = []): object {
  return {
    metadata: { uid: 'u', ...metadata },
    spec: { containers: [], ...spec },
    status: { containerStatuses: statuses },
  };
}

describe('what a kubelet says about its pods', () => {
  test('opted in by annotation or label, critical by number or class, being deleted', () => {
    const { pods } = readKubeletPods({
      items: [
        pod({ uid: 'a', annotations: { 'teg.dev/guard': 'enabled' } }, { priority: 7 }),
        pod({ uid: 'b', labels: { 'teg.dev/guard': 'enabled' }, deletionTimestamp: '2026-12-01T00:00:00Z' }),
        pod(
          { uid: 'c', annotations: { 'teg.dev/guard': 'true' } },
          { priorityClassName: 'system-node-critical' },
        ),
      ],
    });
    expect(pods.get('a')).toEqual({
      optedIn: true,
      isStatic: false,
      isTerminating: false,
      priority: 7,
      priorityClass: undefined,
    });
    expect(pods.get('b')).toMatchObject({ optedIn: true, isTerminating: true, priority: undefined });
    expect(pods.get('c')).toMatchObject({ optedIn: false, priorityClass: 'system-node-critical' });
  });

  test('a static pod has the hash of its file as uid, and the priority that its file says', () => {
    const annotations = { 'kubernetes.io/config.hash': 'f00', 'kubernetes.io/config.source': 'file' };
    const { pods } = readKubeletPods({ items: [pod({ uid: 'a', annotations })] });
    expect(pods.get('f00')).toMatchObject({ isStatic: true, priority: 0 });
    expect(pods.has('a')).toBe(false);
  });

  test('a container belongs to its pod, and has the budget of its own probes', () => {
    const livenessProbe = { httpGet: {}, periodSeconds: 2, failureThreshold: 3 };
    const { containers, budgets } = readKubeletPods({
      items: [
        pod({ uid: 'a' }, { containers: [{ name: 'main', livenessProbe }] }, [
          { name: 'main', containerID: `containerd://${ID}`, state: { running: {} } },
          { name: 'gone', containerID: 'containerd://d4', state: { terminated: {} } },
          { name: 'early', state: { waiting: {} } },
        ]),
      ],
    });
    expect(containers.get(ID)).toEqual({ podUid: 'a', isRunning: true });
    expect(containers.get('d4')).toEqual({ podUid: 'a', isRunning: false });
    expect(containers.size).toBe(2);
    expect(budgets.get(ID)).toEqual({ frozenSecondsMax: 3, breatherSeconds: 5 });
  });

  test.each([undefined, null, 7, 'x', [], {}, { items: 7 }, { items: [null, 7, {}, { metadata: 7 }] }])(
    'nothing of %j is taken for a pod',
    (list) => {
      expect(readKubeletPods(list).pods.size).toBe(0);
    },
  );
});

describe('the budget of probes', () => {
  test.each([
    ['no probe', {}, Number.POSITIVE_INFINITY, 0],
    ['a command', { livenessProbe: { exec: {}, periodSeconds: 1 } }, Number.POSITIVE_INFINITY, 0],
    ['readiness', { readinessProbe: { httpGet: {} } }, Number.POSITIVE_INFINITY, 0],
    ['defaults', { livenessProbe: { tcpSocket: {} } }, 19, 21],
    ['the first failure is one too many', { livenessProbe: { grpc: {}, failureThreshold: 1 } }, -1, 21],
    [
      'the strictest of two',
      {
        livenessProbe: { httpGet: {}, periodSeconds: 5, failureThreshold: 2 },
        startupProbe: { httpGet: {}, periodSeconds: 30, failureThreshold: 9, timeoutSeconds: 4 },
      },
      4,
      64,
    ],
  ] as const)('%s', (_, container, frozenSecondsMax, breatherSeconds) => {
    expect(probeBudget(container)).toEqual({ frozenSecondsMax, breatherSeconds });
  });
});
