import { expect, test } from 'vitest';
import { createConstraints } from '../../pods/constraints/cluster-constraints.ts';
import { PodArbiter } from '../../pods/pod-arbiter.ts';
import { PodScheduler } from '../../pods/pod-scheduler.ts';
import { checkScheduler } from '../../pods/pod-scheduler-check.ts';
import { node, pod, requests, SCHEDULER_OPTIONS, template } from '../../pods/scheduler.fixtures.ts';
import { type AnyMessage, done, message, reply, Stage, told } from '../federation.fixtures.ts';
import { federationOptions } from '../federation-options.ts';
import { MessageKind, ProposalMode } from '../messages.ts';
import { ZoneGovernor } from './zone-governor.ts';

const HOST = 9;

/** A governor whose nodes are those of a pod scheduler. */
function makeStage(): { stage: Stage<ZoneGovernor<PodArbiter>>; arbiter: PodArbiter } {
  const scheduler = new PodScheduler(SCHEDULER_OPTIONS, createConstraints());
  const templates = [template({ requests: requests(2000) })];
  const arbiter = new PodArbiter(scheduler, { name: 'held', templates, postponedMax: 10 });
  for (const name of ['a', 'b']) arbiter.step({ kind: 'node', node: node(name) }, 0);
  arbiter.step({ kind: 'decide', max: 0 }, 0);
  const { state } = scheduler.internals;
  const zone = state.zones.zones[0];
  if (zone === undefined) throw new Error('no field');
  const { cluster, policy } = zone;
  const shown = {
    get changes() {
      return state.anyVersion;
    },
    cluster,
    classes: policy.classes,
    rent: policy.rent,
  };
  const options = federationOptions({ escrowSeconds: 5 });
  const governor = new ZoneGovernor({
    id: 3,
    parent: 100,
    arbiter,
    shown,
    options,
    incarnation: 1,
    firstPublishSeconds: 1,
  });
  return { stage: new Stage(governor), arbiter };
}

function propose(job: number, fields: Partial<AnyMessage> = {}): AnyMessage {
  const usual = { job, attempt: 1, host: HOST, demandId: 0, podCount: 1, gangMin: 1, deadline: 1000 };
  return message(MessageKind.Propose, HOST, 3, { ...usual, ...fields });
}

test('a governor offers what a pod scheduler holds, starts it, and reports its end', () => {
  const { stage, arbiter } = makeStage();
  const offer = reply(stage.receive(propose(7, { podCount: 3, gangMin: 3 }), 1));
  expect(offer).toMatchObject({ kind: MessageKind.Offer, job: 7, deadline: 6 });
  expect(told(stage.receive(propose(8, { podCount: 2, gangMin: 2 }), 1))).toEqual([
    'refuse 8: no room in the zone',
  ]);
  const confirm = message(MessageKind.Confirm, HOST, 3, { job: 7, offer: offer.offer });
  expect(done(stage.receive(confirm, 2))).toEqual(['start 7']);
  stage.wake(50);
  checkScheduler(arbiter.scheduler);
  // Nodes are watched by the scheduler; the governor learns of changes from its arbiter.
  arbiter.step({ kind: 'node-gone', name: 'a' }, 51);
  expect(told(stage.step((out) => stage.process.noticed(51, out)))).toEqual(['ended 7: node lost']);
  expect(arbiter.scheduler.view().podCount).toBe(0);
});

test('an unconfirmed offer ends, and a standing request gets its room', () => {
  const { stage, arbiter } = makeStage();
  const whole = { podCount: 4, gangMin: 4 };
  expect(told(stage.receive(propose(7, whole), 1))).toEqual(['offer 7']);
  const standing = propose(8, { ...whole, mode: ProposalMode.Standing });
  expect(told(stage.receive(standing, 2))).toEqual([]);
  expect(arbiter.postponedCount).toBe(1);
  expect(stage.process.wakeAt).toBeLessThanOrEqual(6);
  expect(told(stage.wake(6)).filter((text) => text.startsWith('offer'))).toEqual(['offer 8']);
  expect(stage.process.counters.expired).toBe(1);
  checkScheduler(arbiter.scheduler);
});

test('pods of Kubernetes and offers share the nodes: neither goes beyond them', () => {
  const { stage, arbiter } = makeStage();
  for (const name of ['p', 'q', 'r']) {
    arbiter.step({ kind: 'pod', pod: pod(name, { requests: requests(2000) }) }, 1);
  }
  const bound = arbiter.step({ kind: 'decide', max: 10 }, 1).filter(({ kind }) => kind === 'bind');
  expect(bound.length).toBe(3);
  expect(told(stage.receive(propose(7), 2))).toEqual(['offer 7']);
  expect(told(stage.receive(propose(8), 2))).toEqual(['refuse 8: no room in the zone']);
  const summary = stage.wake(3).messages.find(({ kind }) => kind === MessageKind.Summary);
  expect(summary?.hologram.sums).toMatchObject({ nodes: 2, nodesUp: 2, freeCpuMilli: 0 });
});
