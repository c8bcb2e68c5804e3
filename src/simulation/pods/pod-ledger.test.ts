import { describe, expect, test } from 'vitest';
import { node, pod, requests } from '../../governor/pods/scheduler.fixtures.ts';
import { JobState } from '../../governor/zone/zone-events.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { clusterOf, tableOf } from './pod-decider.fixtures.ts';
import { PodLedger, type SimulatedPod } from './pod-ledger.ts';

function simulated(description: PodDescription, job: number, member = 0): SimulatedPod {
  return {
    description,
    job,
    member,
    node: -1,
    gpuMask: 0,
    counted: false,
    graceSeconds: 0,
    comesBack: false,
  };
}

/** Two nodes of 4 cores; job 0 has two pods of 3 cores. */
function makeLedger() {
  const job = pod('job', { requests: requests(3000) });
  const table = tableOf([{ pod: job, podCount: 2 }]);
  const cluster = clusterOf([node('a'), node('b')], table);
  const ledger = new PodLedger(table, cluster);
  const add = (uid: string, nodeName: string, of = 0): SimulatedPod => {
    const made = simulated({ ...job, uid, nodeName }, of);
    ledger.add(made);
    ledger.place(made);
    return made;
  };
  const free = (): number[] => [...cluster.freeCpuMilli].slice(0, 2);
  return { ledger, cluster, add, free };
}

describe('PodLedger', () => {
  test('a pod is with its job, on its node and in the field; once, however often it is placed', () => {
    const { ledger, add, free } = makeLedger();
    expect([ledger.stateOf(0), ledger.jobOf(0).state]).toEqual([JobState.Unknown, JobState.Unknown]);
    const one = add('one', 'b');
    ledger.place(one);
    expect(one).toMatchObject({ node: 1, counted: true });
    expect([...ledger.podsOn(1)]).toEqual([one]);
    expect(ledger.jobOf(0)).toMatchObject({ placed: 1, pods: [one] });
    expect(free()).toEqual([4000, 1000]);
  });

  test('a removed pod is in no list, and its room is free; the others stay', () => {
    const { ledger, add, free } = makeLedger();
    const one = add('one', 'a');
    const two = add('two', 'b');
    ledger.remove(one);
    expect([...ledger.pods.keys()]).toEqual(['two']);
    expect(ledger.jobOf(0)).toMatchObject({ placed: 1, pods: [two] });
    expect([ledger.podsOn(0).size, ledger.podsOn(1).size]).toEqual([0, 1]);
    expect(one).toMatchObject({ node: -1, counted: false });
    expect(free()).toEqual([4000, 1000]);
    ledger.remove(two);
    expect(ledger.jobOf(0)).toMatchObject({ placed: 0, pods: [] });
    expect(free()).toEqual([4000, 4000]);
    // It may come again under its uid.
    expect(add('one', 'a').node).toBe(0);
  });

  test('a pod beyond what a node has is on it, but not in the field', () => {
    const { ledger, add, free } = makeLedger();
    add('one', 'a');
    const more = add('more', 'a');
    expect(more).toMatchObject({ node: 0, counted: false });
    expect(ledger.jobOf(0).placed).toBe(2);
    expect(free()).toEqual([1000, 4000]);
    ledger.remove(more);
    expect(free()).toEqual([1000, 4000]);
  });

  test('a pod of no job is on its node only', () => {
    const { ledger, add, free } = makeLedger();
    const other = add('other', 'a', -1);
    expect([...ledger.podsOn(0)]).toEqual([other]);
    expect(other.counted).toBe(false);
    expect(free()).toEqual([4000, 4000]);
    ledger.remove(other);
    expect([ledger.podsOn(0).size, ledger.pods.size]).toEqual([0, 0]);
    expect(free()).toEqual([4000, 4000]);
  });

  test('a pod on a node that the cluster lacks is on none', () => {
    const { ledger, add, free } = makeLedger();
    const lost = add('lost', 'z');
    expect(lost.node).toBe(-1);
    expect(ledger.jobOf(0)).toMatchObject({ placed: 0, pods: [lost] });
    ledger.unplace(lost);
    expect(ledger.jobOf(0).placed).toBe(0);
    expect(free()).toEqual([4000, 4000]);
  });
});
