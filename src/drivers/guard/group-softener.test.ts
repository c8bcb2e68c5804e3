/** Soft limits that a guard sets: recorded before, given back, left alone if others change them. With simulated groups. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SimulatedCgroups, type SimulatedGroup } from '../../guard/node/simulated-cgroups.fixtures.ts';
import { GroupSoftener } from './group-softener.ts';
import { JournalFile, readJournal } from './journal-file.ts';
import { undoJournal } from './undo-journal.ts';

const MIB = 1024 * 1024;
const NONE = Number.POSITIVE_INFINITY;

let folder: string;
let path: string;
let journal: JournalFile;
let backend: SimulatedCgroups;
let group: SimulatedGroup;
let soft: GroupSoftener;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-soft-'));
  path = join(folder, 'journal');
  journal = new JournalFile(path);
  backend = new SimulatedCgroups();
  group = backend.create('/a');
  group.anonymous = 100 * MIB;
  soft = new GroupSoftener(backend.open('/a'));
  soft.look(0, journal);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

test('the former limit is in the journal before the first change, and comes back', () => {
  expect(soft.set(200, 8 * MIB, journal)).toBe(true);
  expect([group.limits.high, soft.setMib]).toEqual([208 * MIB, 208]);
  expect(soft.set(300, 0, journal)).toBe(true);
  expect(readJournal(path)).toMatchObject([{ group: '/a', thaw: false, limits: { high: NONE } }]);
  expect(soft.set(NONE, 0, journal)).toBe(true);
  expect([group.limits.high, soft.setMib, readJournal(path)]).toEqual([NONE, undefined, []]);
});

test('a guard that died: undo gives the soft limit back, and leaves the hard one, which others have changed since', () => {
  group.limits = { high: 900 * MIB, max: 1000 * MIB };
  soft.look(1, journal);
  soft.set(200, 0, journal);
  soft.set(210, 0, journal);
  group.limits = { ...group.limits, max: 2000 * MIB };
  expect(undoJournal(path, backend)).toEqual([
    { group: '/a', thawed: false, limitsRestored: true, fault: undefined },
  ]);
  expect(group.limits).toEqual({ high: 900 * MIB, max: 2000 * MIB });
  expect(undoJournal(path, backend)).toEqual([]);
});

test('is never set below what is used, nor above what others set', () => {
  soft.set(50, 0, journal);
  expect(group.limits.high).toBe(101 * MIB);
  group.limits = { high: 150 * MIB, max: NONE };
  const other = new GroupSoftener(backend.open('/a'));
  other.look(0, journal);
  expect(other.set(200, 0, journal)).toBe(true);
  expect([group.limits.high, other.setMib]).toEqual([150 * MIB, undefined]);
});

test('others change it: theirs stays, and it is not set any more', () => {
  soft.set(200, 0, journal);
  expect(soft.look(1, journal)).toBe(false);
  group.limits = { ...group.limits, high: 170 * MIB };
  expect(soft.look(2, journal)).toBe(true);
  expect([soft.canThrottle, soft.foreignMib, readJournal(path)]).toEqual([false, 170, []]);
  expect(soft.set(200, 0, journal)).toBe(false);
  expect(soft.restore(journal)).toBe(true);
  expect(group.limits.high).toBe(170 * MIB);
});

test('the kernel refuses it, or has none: nothing is set', () => {
  group.isGone = true;
  expect(soft.set(200, 0, journal)).toBe(false);
  const none = new GroupSoftener({ ...backend.open('/a'), limits: () => ({ high: Number.NaN, max: NONE }) });
  none.look(0, journal);
  expect(none.canThrottle).toBe(false);
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2);
});
