import { describe, expect, test } from 'vitest';
import { PodTracker } from './pod-tracker.ts';

describe('a tracker', () => {
  test('counts each pod of its batch once', () => {
    const tracker = new PodTracker('pod-', 3);
    for (const name of ['pod-1', 'pod-1', 'other-0', 'pod-3', 'pod-x', 'pod-0']) tracker.bound(name, 1500);
    expect(tracker.boundCount).toBe(2);
    expect(tracker.lastBoundMs).toBe(1500);
    expect([...tracker.boundMs]).toEqual([1500, 1500, Number.NaN]);
    expect(tracker.name(2)).toBe('pod-2');
    const names = ['pod-2', 'pod-1', 'pod-3', 'other-2', 'pod-'];
    expect(names.filter((name) => tracker.awaits(name))).toEqual(['pod-2']);
  });

  test('gives times since the beginning and since the creation', () => {
    const tracker = new PodTracker('pod-', 4);
    tracker.created(0, 1000);
    tracker.created(1, 2000);
    tracker.created(3, 2500);
    tracker.bound('pod-1', 4000);
    tracker.bound('pod-0', 3500);
    tracker.bound('pod-3', 2400);
    expect([...tracker.bindSeconds(1000)]).toEqual([1.4, 2.5, 3]);
    expect([...tracker.waitSeconds(0)]).toEqual([0, 2, 2.5]);
    expect([...tracker.waitSeconds(3000)]).toEqual([0, 0.5, 1]);
  });

  test('a pod that was seen bound before its creation was answered did not wait', () => {
    const tracker = new PodTracker('pod-', 1);
    tracker.bound('pod-0', 10);
    expect([...tracker.waitSeconds(0)]).toEqual([0]);
  });
});
