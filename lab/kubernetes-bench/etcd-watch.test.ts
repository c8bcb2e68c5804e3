import { describe, expect, test } from 'vitest';
import { isBound, isScheduledEvent, type StoredChange } from './etcd-watch.ts';

/** A change whose stored value contains these bytes. */
function change(version: number, ...parts: (string | number)[]): StoredChange {
  const bytes = parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part)));
  const value = Buffer.concat([Buffer.from('k8s\0…'), ...bytes, Buffer.from('…')]).toString('base64');
  return { namespace: 'bench', name: 'pod-1', version, value };
}

describe('stored objects', () => {
  test('a pod is bound when a change says PodScheduled=True', () => {
    const condition = [0x0a, 12, 'PodScheduled', 0x12] as const;
    expect(isBound(change(2, ...condition, 4, 'True'))).toBe(true);
    expect(isBound(change(3, ...condition, 4, 'True'))).toBe(true);
    expect(isBound(change(1, ...condition, 4, 'True'))).toBe(false);
    expect(isBound(change(2, ...condition, 5, 'False'))).toBe(false);
    expect(isBound(change(2, 'PodScheduled', 'True'))).toBe(false);
  });

  test('an event is new and its reason is Scheduled', () => {
    expect(isScheduledEvent(change(1, 0x1a, 9, 'Scheduled'))).toBe(true);
    expect(isScheduledEvent(change(2, 0x1a, 9, 'Scheduled'))).toBe(false);
    expect(isScheduledEvent(change(1, 0x1a, 16, 'FailedScheduling'))).toBe(false);
    expect(isScheduledEvent(change(1, 'Scheduled'))).toBe(false);
  });
});
