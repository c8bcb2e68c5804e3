import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import {
  AGENT_STATE_NAMES,
  AgentState,
  type HostJobRow,
  HostJobs,
  WAIT_REASON_NAMES,
  WaitReason,
} from './host-jobs.ts';
import { HostLines } from './host-lines.ts';

const line = new HostLines(0).lineOf(0, 1, 1);

describe('jobs of a host', () => {
  test('a new job waits, with nothing left of the one whose slot it got', () => {
    const jobs = new HostJobs();
    const slot = jobs.add({ job: 2 ** 53 - 1, priority: -5, tenant: 5 }, line, 1, 3.5);
    jobs.states[slot] = AgentState.Running;
    jobs.offers[slot] = 9;
    jobs.targets[slot] = 9;
    jobs.attempts[slot] = 9;
    jobs.repeats[slot] = 9;
    jobs.timers[slot] = 9;
    jobs.probes[slot] = 9;
    jobs.reasons[slot] = WaitReason.Refused;
    expect(jobs.slotOf(2 ** 53 - 1)).toBe(slot);
    jobs.remove(slot);
    expect(jobs.slotOf(2 ** 53 - 1)).toBe(-1);
    expect(jobs.add({ job: 7, priority: 4, tenant: 6 }, line, 2, 8.25)).toBe(slot);
    const row = [
      jobs.states,
      jobs.reasons,
      jobs.jobs,
      jobs.priorities,
      jobs.tenants,
      jobs.ranks,
      jobs.since,
      jobs.waitingSince,
    ];
    expect(row.map((column) => column[slot])).toEqual([
      AgentState.Waiting,
      WaitReason.None,
      7,
      4,
      6,
      2,
      8.25,
      8.25,
    ]);
    const reset = [jobs.offers, jobs.attempts, jobs.repeats, jobs.timers, jobs.probes];
    expect(reset.map((column) => column[slot])).toEqual([0, 0, 0, 0, 0]);
    expect(jobs.targets[slot]).toBe(-1);
  });

  test('no column of a slot keeps anything of its last owner', () => {
    const columns = (jobs: HostJobs): [string, Float64Array][] =>
      Object.entries(jobs).filter((entry): entry is [string, Float64Array] => ArrayBuffer.isView(entry[1]));
    const used = new HostJobs();
    const slot = used.add({ job: 1, priority: 1, tenant: 5 }, line, 1, 1);
    for (const [, column] of columns(used)) column[slot] = 77;
    used.jobs[slot] = 1;
    used.remove(slot);
    const fresh = new HostJobs();
    for (const jobs of [used, fresh])
      expect(jobs.add({ job: 2, priority: 3, tenant: 5 }, line, 4, 5)).toBe(slot);
    const row = (jobs: HostJobs) => columns(jobs).map(([name, column]) => [name, column[slot]]);
    expect(row(used)).toEqual(row(fresh));
    expect(row(used).length).toBeGreaterThan(20);
  });

  test('a row shows every column, and none twice', () => {
    const jobs = new HostJobs();
    const slot = jobs.add({ job: 5, priority: 1, tenant: 5 }, line, 1, 1);
    const columns = Object.values(jobs).filter((column): column is Float64Array =>
      ArrayBuffer.isView(column),
    );
    for (const column of columns) column[slot] = 0;
    const plain = jobs.rowAt(slot);
    expect(Object.keys(plain)).toHaveLength(columns.length);
    const shown = columns.map((column) => {
      column[slot] = 1;
      const row = jobs.rowAt(slot);
      column[slot] = 0;
      return Object.keys(row).filter(
        (name) => row[name as keyof HostJobRow] !== plain[name as keyof HostJobRow],
      );
    });
    expect(shown.flat().sort()).toEqual(Object.keys(plain).sort());
    expect(jobs.row(6)).toBeUndefined();
    expect(jobs.row(5)).toEqual(plain);
  });

  test('slots are dense and reused, and each job keeps its own whatever comes and goes', () => {
    checkProperty(
      fc.property(
        fc.array(fc.record({ add: fc.boolean(), pick: fc.nat(999) }), { maxLength: 300, size: 'max' }),
        (moves) => {
          const jobs = new HostJobs();
          const slots = new Map<number, number>();
          let most = 0;
          moves.forEach(({ add, pick }, i) => {
            const known = [...slots.keys()];
            if (add || known.length === 0)
              slots.set(i, jobs.add({ job: i, priority: 0, tenant: 5 }, line, i, 0));
            else {
              const job = known[pick % known.length] as number;
              jobs.remove(slots.get(job) as number);
              slots.delete(job);
            }
            most = Math.max(most, slots.size);
          });
          expect(jobs.size).toBe(slots.size);
          for (const [job, slot] of slots) {
            expect(jobs.slotOf(job)).toBe(slot);
            expect(jobs.jobs[slot]).toBe(job);
            expect(jobs.ranks[slot]).toBe(job);
          }
          const visited: number[] = [];
          jobs.forEach((slot) => {
            visited.push(slot);
          });
          expect(visited).toEqual([...slots.values()].sort((a, b) => a - b));
          expect(Math.max(-1, ...visited)).toBeLessThan(most);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('every state and reason has a name', () => {
    for (const code of Object.values(AgentState)) expect(AGENT_STATE_NAMES[code]).toBeTruthy();
    for (const code of Object.values(WaitReason)) expect(WAIT_REASON_NAMES[code]).toBeTruthy();
    expect(AGENT_STATE_NAMES).toHaveLength(Object.keys(AgentState).length);
    expect(WAIT_REASON_NAMES).toHaveLength(Object.keys(WaitReason).length);
  });
});
