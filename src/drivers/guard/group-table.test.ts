import { describe, expect, test } from 'vitest';
import { SimulatedCgroups } from '../../guard/node/simulated-cgroups.fixtures.ts';
import { plainFacts } from './group-rules.ts';
import { GroupTable, OPEN_GROUPS_MAX } from './group-table.ts';
import { parseGuardConfig } from './guard-config.ts';

const MIB = 1024 * 1024;

function tableOf(
  backend: SimulatedCgroups,
  groups: object[],
  own: readonly string[] = ['/guard'],
): GroupTable {
  const config = parseGuardConfig(JSON.stringify({ groups }), 'x.yaml');
  return new GroupTable(backend, config.groups, plainFacts(own));
}

describe('groups that opted in and must not be acted on', () => {
  test.each([
    ['/', 'it is the root'],
    ['/jobs/guard', 'the guard, the kubelet or the runtime runs in it or below it'],
    ['/jobs', 'the guard, the kubelet or the runtime runs in it or below it'],
    ['/system.slice/sshd.service', 'it keeps the machine running'],
    ['/system.slice', 'it keeps the machine running'],
    ['/kubepods.slice', 'it holds the pods: name a container'],
    ['/batch', 'it has groups below it: name the leaf'],
  ])('%s', (path, why) => {
    const backend = new SimulatedCgroups();
    for (const one of [path, '/batch/a']) backend.create(one);
    const table = tableOf(backend, [{ path, optIn: true }], ['/jobs/guard']);
    expect(table.refresh()).toEqual([{ event: 'group refused', group: path, why }]);
    expect(table.sample(0, true)[0]?.optedIn).toBe(false);
  });

  test('of those that did not, nothing is reported', () => {
    const backend = new SimulatedCgroups();
    backend.create('/system.slice');
    expect(tableOf(backend, [{ path: '/system.slice' }]).refresh()).toEqual([
      { event: 'group found', group: '/system.slice' },
    ]);
  });
});

test('groups come and go; one that comes back is found a look later', () => {
  const backend = new SimulatedCgroups();
  const table = tableOf(backend, [{ path: '/jobs/*', optIn: true }]);
  expect(table.refresh()).toEqual([]);
  backend.create('/jobs/a');
  expect(table.refresh()).toEqual([{ event: 'group found', group: '/jobs/a' }]);
  backend.remove('/jobs/a');
  backend.create('/jobs/a');
  expect(table.refresh()).toEqual([{ event: 'group gone', group: '/jobs/a' }]);
  expect(table.refresh()).toEqual([{ event: 'group found', group: '/jobs/a' }]);
});

test('the first entry that fits a group counts', () => {
  const backend = new SimulatedCgroups();
  for (const name of ['a', 'b']) backend.create(`/jobs/${name}`);
  const table = tableOf(backend, [
    { path: '/jobs/b', optIn: true, priority: 5, limitMib: 100 },
    { path: '/jobs/*', optIn: true },
  ]);
  table.refresh();
  const samples = table.sample(0, true);
  expect(samples.map(({ path, priority, limit }) => [path, priority, limit])).toEqual([
    ['/jobs/b', 5, 100],
    ['/jobs/a', 0, Number.POSITIVE_INFINITY],
  ]);
});

test('page cache does not count as usage', () => {
  const backend = new SimulatedCgroups();
  const group = backend.create('/a');
  const table = tableOf(backend, [{ path: '/a', optIn: true }]);
  table.refresh();
  group.anonymous = 10 * MIB;
  group.cache = 500 * MIB;
  expect(table.sample(1, true)[0]?.usage).toBe(10);
  // As it turns into other memory, it is read at every tick.
  group.anonymous = 400 * MIB;
  group.cache = 110 * MIB;
  expect(table.sample(1.001, true)[0]?.usage).toBe(400);
});

test('what others froze is seen, and what the guard froze is not taken for it', () => {
  const backend = new SimulatedCgroups();
  backend.create('/a').isFreezeAsked = true;
  const table = tableOf(backend, [{ path: '/a', optIn: true }]);
  table.refresh();
  expect(table.sample(0, true)[0]?.isForeign).toBe(true);
  const group = table.get('/a');
  if (group !== undefined) group.isOurs = true;
  table.refresh();
  expect(table.sample(0, true)[0]).toMatchObject({ isForeign: false, isFrozen: true });
});

test('holds as many groups as it may, and reports the others once', () => {
  const backend = new SimulatedCgroups();
  for (let i = 0; i <= OPEN_GROUPS_MAX; i++) backend.create(`/jobs/${i}`);
  const table = tableOf(backend, [{ path: '/jobs/*', optIn: true }]);
  const changes = table.refresh();
  expect(changes.filter(({ event }) => event === 'group found')).toHaveLength(OPEN_GROUPS_MAX);
  expect(changes.filter(({ event }) => event === 'too many groups')).toHaveLength(1);
  expect(table.refresh()).toEqual([]);
  expect(table.sample(0, true)).toHaveLength(OPEN_GROUPS_MAX);
});

test('a group that cannot be opened is reported once', () => {
  const table = tableOf(new SimulatedCgroups(), [{ path: '/missing', optIn: true }]);
  expect(table.refresh()).toMatchObject([{ event: 'group refused', group: '/missing' }]);
  expect(table.refresh()).toEqual([]);
  expect([...table.faults.keys()]).toEqual(['/missing']);
});
