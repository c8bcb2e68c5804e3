import { expect, test } from 'vitest';
import { createConstraints } from '../../governor/pods/constraints/cluster-constraints.ts';
import { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { coreOptions } from './config/core-options.ts';
import { defaultSchedulerConfig } from './config/scheduler-config.ts';
import { podOf } from './objects/pod.ts';
import { profilesOf } from './objects/profiles.ts';
import { Standby } from './standby.ts';

/** A pod that TEG refuses as soon as it sees it. */
function claimingDevices(name: string): object {
  return {
    metadata: { namespace: 'a', name, uid: `uid-${name}` },
    spec: {
      schedulerName: 'teg',
      containers: [{ name: 'main' }],
      resourceClaims: [{ name: 'device', resourceClaimTemplateName: 'gpu' }],
    },
  };
}

test('a new leader reports all waiting pods: by an event those that were not reported before', () => {
  const core = new PodScheduler(coreOptions(defaultSchedulerConfig()), createConstraints());
  const standby = new Standby();
  const told: string[] = [];
  const tell = (pod: { name: string }, message: string, isNew: boolean): void => {
    told.push(`${pod.name} ${isNew ? 'new' : 'state'}: ${message.slice(0, 25)}`);
  };
  for (const name of ['p', 'q']) {
    for (const effect of core.step(
      { kind: 'pod', pod: podOf(claimingDevices(name), profilesOf(['teg'])) },
      1,
    )) {
      if (effect.kind === 'unschedulable' && name === 'p') standby.note(effect.uid);
    }
  }
  standby.noteUnreadable({ namespace: 'a', name: 'broken', uid: 'uid-broken' }, 'TEG cannot read this pod');
  // It was malformed when it was first seen, and is not any more.
  standby.noteUnreadable({ namespace: 'a', name: 'q', uid: 'uid-q' }, 'TEG cannot read this pod');
  standby.tellAll(core.view(), tell);
  expect(told).toEqual([
    'p new: TEG does not schedule thi',
    'q state: TEG does not schedule thi',
    'broken new: TEG cannot read this pod',
  ]);
  told.length = 0;
  standby.tellAll(core.view(), tell);
  expect(told).toEqual(['p state: TEG does not schedule thi', 'q state: TEG does not schedule thi']);
});

test('no more is remembered than may be', () => {
  const core = new PodScheduler(coreOptions(defaultSchedulerConfig()), createConstraints());
  const standby = new Standby();
  for (let pod = 0; pod <= 20_000; pod++) {
    standby.noteUnreadable({ namespace: 'a', name: `p${pod}`, uid: `u${pod}` }, 'broken');
  }
  let told = 0;
  standby.tellAll(core.view(), () => {
    told++;
  });
  expect(told).toBe(20_000);
});
