import { describe, expect, test } from 'vitest';
import { pod } from '../../governor/pods/scheduler.fixtures.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { GRACE_SECONDS_DEFAULT } from '../inputs/pod-world.ts';
import { type SceneJob, tableOf, worldOf } from './pod-decider.fixtures.ts';
import { PodLedger } from './pod-ledger.ts';
import { PodMaker } from './pod-maker.ts';

function makerOf(jobs: readonly SceneJob[]) {
  const table = tableOf(jobs);
  const maker = new PodMaker(worldOf({ jobs, originSeconds: 5000 }), table);
  const ledger = new PodLedger(table, new ClusterState(table.demands));
  return { maker, jobOf: (job: number) => ledger.jobOf(job) };
}

describe('PodMaker', () => {
  test('the first pod of a job of one is the recorded pod itself, not assigned; later ones are new', () => {
    const recorded = pod('web', {}, { uid: 'u-1', nodeName: 'a', startedSeconds: 7, nominatedNodeName: 'a' });
    const { maker, jobOf } = makerOf([{ pod: recorded, comesBack: true, graceSeconds: 4 }]);
    expect(maker.make(jobOf(0), 0, 10)).toMatchObject({
      description: { ...recorded, nodeName: '', startedSeconds: 0 },
      node: -1,
      graceSeconds: 4,
      comesBack: true,
    });
    const going = { ...recorded, deleting: true, preempted: true };
    const again = makerOf([{ pod: going }]);
    again.jobOf(0).made = 1;
    expect(again.maker.make(again.jobOf(0), 0, 12.5)?.description).toEqual({
      ...recorded,
      uid: 'default/web~2',
      name: 'web',
      createdSeconds: 5012.5,
      nodeName: '',
      nominatedNodeName: '',
      startedSeconds: 0,
    });
  });

  test('members of a gang have names and uids of their own, also when they are made again', () => {
    const { maker, jobOf } = makerOf([{ pod: pod('gang'), podCount: 2 }]);
    const made = [0, 1, 1].map((member) => maker.make(jobOf(0), member, 0)?.description);
    expect(made.map((each) => each?.name)).toEqual(['gang-0', 'gang-1', 'gang-1']);
    expect(made.map((each) => each?.uid)).toEqual([
      'default/gang-0~1',
      'default/gang-1~2',
      'default/gang-1~3',
    ]);
  });

  test('a gang without a group is given one, and its pods are in it', () => {
    const { maker, jobOf } = makerOf([{ pod: pod('gang'), podCount: 3, gangMin: 2 }]);
    const key = 'core:default/job default/gang';
    expect(maker.groupOf(0)).toEqual({ key, uid: key, minCount: 2, topologyKeys: [], unsupported: [] });
    expect(maker.make(jobOf(0), 0, 0)?.description.group).toBe(key);
  });

  test('pods of a group stay in it, and a job of one pod needs none', () => {
    const grouped = pod('gang', {}, { group: 'core:default/own' });
    const { maker, jobOf } = makerOf([{ pod: grouped, podCount: 2 }, { pod: pod('one') }]);
    expect([maker.groupOf(0), maker.groupOf(1)]).toEqual([undefined, undefined]);
    expect(maker.make(jobOf(0), 0, 0)?.description.group).toBe('core:default/own');
    expect(maker.make(jobOf(1), 0, 0)?.description.group).toBe('');
  });

  test('a recorded pod keeps its place; one of no job has the default grace period and does not come back', () => {
    const { maker } = makerOf([{ pod: pod('web'), comesBack: true, graceSeconds: 4 }]);
    const there = pod('web', {}, { nodeName: 'a' });
    expect(maker.recorded(there, 0)).toMatchObject({
      description: there,
      job: 0,
      graceSeconds: 4,
      comesBack: true,
    });
    expect(maker.recorded(there, -1)).toMatchObject({
      description: there,
      job: -1,
      graceSeconds: GRACE_SECONDS_DEFAULT,
      comesBack: false,
    });
  });

  test('the jobs of the start are known by the uids of their pods', () => {
    const { maker } = makerOf([
      { pod: pod('web', {}, { uid: 'u-1' }) },
      { pod: pod('db', {}, { uid: 'u-2' }) },
    ]);
    expect([...maker.jobsOfTheStart(1)]).toEqual([['u-1', 0]]);
    expect([...maker.jobsOfTheStart(2)]).toEqual([
      ['u-1', 0],
      ['u-2', 1],
    ]);
  });
});
