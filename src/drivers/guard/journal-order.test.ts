/**
 * The journal's record is synced to the device after the freeze, outside of the tick. That is safe: what the record is for, the death
 * of the guard, does not lose what was written to a file; a machine that stops forgets record and freeze together.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CgroupBackend, CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import { guardOptions } from '../../guard/node/guard-options.ts';
import { SimulatedCgroups } from '../../guard/node/simulated-cgroups.fixtures.ts';
import { plainFacts } from './group-rules.ts';
import { GroupTable } from './group-table.ts';
import { GuardEvents } from './guard-events.ts';
import { GuardLoop } from './guard-loop.ts';
import { JournalFile, readJournal } from './journal-file.ts';
import { until } from './real-groups.fixtures.ts';
import { undoJournal } from './undo-journal.ts';
import { WallReader } from './wall-reader.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-order-'));
  path = join(folder, 'journal');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Says at each freeze and thaw whether the journal has the group to be thawed: what a crash right then would leave. */
function watched(groups: SimulatedCgroups, seen: string[]): CgroupBackend {
  const isPending = (): boolean => readJournal(path).some(({ thaw }) => thaw);
  const open = (group: string): CgroupHandle => {
    const handle = groups.open(group);
    const [freeze, thaw] = [handle.freeze.bind(handle), handle.thaw.bind(handle)];
    handle.freeze = () => {
      seen.push(`freeze, pending: ${isPending()}`);
      return freeze();
    };
    handle.thaw = () => {
      seen.push(`thaw, pending: ${isPending()}`);
      return thaw();
    };
    return handle;
  };
  return { kind: 'simulated', list: (group) => groups.list(group), open };
}

test('the record is in the file before the freeze, and until after the thaw', async () => {
  const groups = new SimulatedCgroups();
  groups.create('/a').processes = 1;
  const seen: string[] = [];
  const backend = watched(groups, seen);
  const journal = new JournalFile(path);
  const broken: unknown[] = [];
  const loop = new GuardLoop({
    options: guardOptions({
      ...{ wall: 400, processors: 2, isRealtime: true, rateMax: 1000, bypassRate: 64 },
      ...{ frozenSecondsMax: 60, gangFrozenSecondsMax: 100, escalations: ['thaw'], lastResort: 'hold' },
    }),
    table: new GroupTable(backend, [{ path: '/a', optIn: true, priority: 0 }], plainFacts([])),
    wall: new WallReader({ of: 'groups', mib: 400 }, backend),
    events: new GuardEvents(() => undefined),
    journal,
    onBroken: (error) => broken.push(error),
  });
  loop.core.freezeByHand('/a');
  loop.start();
  await until(() => groups.at('/a').isFreezeAsked, 5000, 'the freeze');
  loop.core.thawByHand('/a', loop.now());
  await until(() => !groups.at('/a').isFreezeAsked, 5000, 'the thaw');
  await until(() => readJournal(path).length === 0, 5000, 'the record of the thaw');
  loop.stop();
  journal.close();
  expect(broken).toEqual([]);
  expect(seen).toEqual(['freeze, pending: true', 'thaw, pending: true']);
});

test('a guard that is killed before the record is synced leaves it: the group is thawed', () => {
  const groups = new SimulatedCgroups();
  const group = groups.create('/a');
  group.isFreezeAsked = true;
  const module = new URL('./journal-file.ts', import.meta.url).href;
  const record = { op: 'freeze', group: '/a', identity: group.identity };
  const program = `import { JournalFile } from '${module}';
    new JournalFile(${JSON.stringify(path)}).append(${JSON.stringify(record)});
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  expect(signal).toBe('SIGKILL');
  expect(undoJournal(path, groups)).toMatchObject([{ group: '/a', thawed: true }]);
  expect(group.isFreezeAsked).toBe(false);
});
