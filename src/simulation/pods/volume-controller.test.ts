import { expect, test } from 'vitest';
import { pod } from '../../governor/pods/scheduler.fixtures.ts';
import type {
  ClaimDescription,
  StorageClassDescription,
  VolumeDescription,
} from '../../model/kubernetes/node.ts';
import { Scene } from './pod-decider.fixtures.ts';
import { VolumeController } from './volume-controller.ts';

const CLAIM: ClaimDescription = {
  key: 'default/data',
  uid: 'c-1',
  volumeName: '',
  className: 'fast',
  bound: false,
  unusable: false,
  selectedNode: '',
  accessModes: ['ReadWriteOnce'],
  bytes: 10,
};

const IN_A = [{ expressions: [{ key: 'zone', operator: 'In' as const, values: ['a'] }], fields: [] }];

const CLASS: StorageClassDescription = {
  name: 'fast',
  waitForFirstConsumer: true,
  provisioner: 'disk.example.com',
  allowedTopologies: IN_A,
};

const VOLUME: VolumeDescription = {
  name: 'pv',
  nodeTerms: undefined,
  labels: {},
  className: 'fast',
  claim: '',
  claimUid: '',
  accessModes: ['ReadWriteOnce'],
  bytes: 20,
  available: true,
  driver: '',
  handle: '',
};

function controller(): VolumeController {
  const volumes = new VolumeController();
  volumes.see({ kind: 'claim', claim: CLAIM });
  volumes.see({ kind: 'storage-class', storageClass: CLASS });
  volumes.see({ kind: 'volume', volume: VOLUME });
  return volumes;
}

test('a claim takes the volume that was found for it, once', () => {
  const volumes = controller();
  const binding = { namespace: 'default', node: 'a', claims: [{ claim: 'data', volume: 'pv' }] };
  expect(volumes.bind(binding)).toEqual([
    { kind: 'volume', volume: { ...VOLUME, claim: 'default/data', claimUid: 'c-1', available: false } },
    { kind: 'claim', claim: { ...CLAIM, volumeName: 'pv', bound: true } },
  ]);
  expect(volumes.bind(binding)).toEqual([]);
});

test('a claim without a volume gets one of its class, for the node', () => {
  const events = controller().bind({
    namespace: 'other',
    node: 'a',
    claims: [{ claim: 'default/data', volume: '' }],
  });
  expect(events).toEqual([
    {
      kind: 'volume',
      volume: {
        name: 'pvc-c-1',
        nodeTerms: IN_A,
        labels: {},
        className: 'fast',
        claim: 'default/data',
        claimUid: 'c-1',
        accessModes: ['ReadWriteOnce'],
        bytes: 10,
        available: false,
        driver: 'disk.example.com',
        handle: 'pvc-c-1',
      },
    },
    { kind: 'claim', claim: { ...CLAIM, volumeName: 'pvc-c-1', bound: true, selectedNode: 'a' } },
  ]);
});

test('a claim or a volume that is not there binds nothing', () => {
  const of = (claim: string, volume: string) =>
    controller().bind({ namespace: 'default', node: 'a', claims: [{ claim, volume }] });
  expect(of('none', '')).toEqual([]);
  expect(of('data', 'none')).toEqual([]);
});

test('a volume that a pod took is not there for the next', () => {
  const scene = new Scene({
    jobs: [{ pod: pod('first', { claims: ['data'] }) }, { pod: pod('second', { claims: ['more'] }) }],
    events: [
      { kind: 'storage-class', storageClass: { ...CLASS, provisioner: 'kubernetes.io/no-provisioner' } },
      { kind: 'volume', volume: VOLUME },
      { kind: 'claim', claim: CLAIM },
      { kind: 'claim', claim: { ...CLAIM, key: 'default/more', uid: 'c-2' } },
    ],
  });
  expect(scene.submit(0, 1)).toContain('JobStarted 0 1 None');
  scene.finish(0, 2);
  // The claim has it, though its pod is gone.
  expect(scene.submit(1, 3)).toEqual(['JobWaiting 1 0 NoFit']);
  expect(scene.decider.textOf(1)).toContain('persistent volumes');
});
