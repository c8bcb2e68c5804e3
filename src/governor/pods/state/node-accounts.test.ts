import { describe, expect, test } from 'vitest';
import { node, requests } from '../scheduler.fixtures.ts';
import { NodeAccounts } from './node-accounts.ts';

describe('NodeAccounts', () => {
  test('has a column for a resource as long as a node or request names it', () => {
    const accounts = new NodeAccounts();
    accounts.setNode(0, node('a', { extended: { x: 2 } }));
    const first = accounts.requestOf(requests(1, 1, { x: 1, y: 1 }));
    expect(accounts.resources).toEqual(['cpu', 'memory', 'x', 'y']);
    accounts.releaseRequest(first);
    accounts.setNode(0, node('a', { extended: { z: 1 } }));
    const named = accounts.resources.filter((name) => name !== '');
    expect(named.sort()).toEqual(['cpu', 'memory', 'z']);
    accounts.requestOf(requests(1, 1, { w: 1 }));
    expect(accounts.resources).toHaveLength(4);
  });

  test('spends no memory on resources that are only requested', () => {
    const accounts = new NodeAccounts();
    for (let slot = 0; slot < 1000; slot++) accounts.setNode(slot, node(`n${slot}`));
    const { bytes } = accounts;
    for (let i = 0; i < 1000; i++) accounts.requestOf(requests(0, 0, { [`example.com/r${i}`]: 1 }));
    expect(accounts.bytes).toBe(bytes);
  });

  test("clears a resource's amounts when its column is used again", () => {
    const accounts = new NodeAccounts();
    accounts.setNode(0, node('a', { extended: { x: 8 } }));
    const old = accounts.requestOf(requests(0, 0, { x: 3 }));
    accounts.add(0, old, 1);
    accounts.add(0, old, -1);
    accounts.releaseRequest(old);
    accounts.clear(0);
    accounts.setNode(0, node('a', { extended: { y: 4 } }));
    expect(accounts.freeOf(0, 'y')).toBe(4);
    expect(accounts.freeOf(0, 'x')).toBe(0);
  });

  test('knows how often a request fits, and whether booked amounts exist', () => {
    const accounts = new NodeAccounts();
    accounts.setNode(0, node('a', { podsMax: 5 }));
    const half = accounts.requestOf(requests(1500));
    const none = accounts.requestOf(requests(0));
    expect([accounts.times(0, half, 9), accounts.times(0, half, 1), accounts.times(0, none, 9)]).toEqual([
      2, 1, 5,
    ]);
    for (let i = 0; i < 3; i++) accounts.add(0, half, 1);
    expect(accounts.times(0, half, 9)).toBe(0);
    expect(accounts.holds(0, half)).toBe(false);
    expect(accounts.holds(0, none)).toBe(true);
  });

  test('holds counts beyond 32 bits for the most there can be', () => {
    const accounts = new NodeAccounts();
    accounts.setNode(0, node('a', { podsMax: 2 ** 40, cpuMilli: 2 ** 45, memoryBytes: 2 ** 52 }));
    expect(accounts.podsMax[0]).toBe(2 ** 31 - 1);
    expect(accounts.fits(0, accounts.requestOf(requests(2 ** 45, 2 ** 52)))).toBe(true);
  });
});
