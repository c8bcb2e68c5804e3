import { afterEach, expect, test } from 'vitest';
import { until } from '../../../test/support/scripted-server.ts';
import type { PodEffect } from '../../governor/pods/pod-events.ts';
import { nodeOf } from '../../model/readers/read-node.ts';
import { defaultSchedulerConfig } from './config/scheduler-config.ts';
import { CoreDriver, type CorePorts } from './core-driver.ts';
import { podOf } from './objects/pod.ts';
import { profilesOf } from './objects/profiles.ts';
import { newCore } from './scheduler-process.ts';

const PODS = 300;
const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A driver of a cluster on whose one node all pods fit. */
function driverOf(ports: Partial<CorePorts> = {}): { driver: CoreDriver; effects: PodEffect[] } {
  const effects: PodEffect[] = [];
  const driver = new CoreDriver(newCore(defaultSchedulerConfig()), {
    onEffect: (effect) => effects.push(effect),
    onBroken: (error) => {
      throw error;
    },
    room: () => Number.MAX_SAFE_INTEGER,
    onStep: () => undefined,
    ...ports,
  });
  stops.push(() => driver.stop());
  const allocatable = { cpu: '400', memory: '800Gi', pods: `${PODS}` };
  driver.feed({
    kind: 'node',
    node: nodeOf({ metadata: { name: 'n1', uid: 'n' }, status: { allocatable } }),
  });
  for (let i = 0; i < PODS; i++) {
    const metadata = { namespace: 'a', name: `p${i}`, uid: `u${i}` };
    const spec = { schedulerName: 'teg', containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] };
    driver.feed({ kind: 'pod', pod: podOf({ metadata, spec }, profilesOf(['teg'])) });
  }
  return { driver, effects };
}

test('continues in turns until everything that can be decided is decided', async () => {
  const { driver, effects } = driverOf();
  driver.allow(true);
  await until(() => effects.length === PODS);
  expect(new Set(effects.map(({ kind }) => kind))).toEqual(new Set(['bind']));
  // Short turns, so that events are never late for long.
  expect(driver.turns.count).toBeGreaterThan(PODS / 100);
});

test('decides nothing before it may, nor after it may not any more', async () => {
  const { driver, effects } = driverOf();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(effects).toEqual([]);
  driver.allow(true);
  driver.allow(false);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(effects).toEqual([]);
});

test('decides no more than there is room for, and continues when room is made', async () => {
  let room = 10;
  const { driver, effects } = driverOf({
    room: () => room,
    onEffect: (effect) => {
      room--;
      effects.push(effect);
    },
  });
  driver.allow(true);
  await until(() => effects.length === 10);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(effects).toHaveLength(10);
  room = 5;
  driver.wake();
  await until(() => effects.length === 15);
});

test('an exception of the core stops it, and is passed on', async () => {
  const broken: unknown[] = [];
  const { driver } = driverOf({
    onBroken: (error) => broken.push(error),
    onEffect: () => {
      throw new Error('a bug');
    },
  });
  driver.allow(true);
  await until(() => broken.length === 1);
  expect(broken).toMatchObject([{ message: 'a bug' }]);
  driver.wake();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(broken).toHaveLength(1);
});
