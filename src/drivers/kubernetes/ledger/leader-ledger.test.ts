/** The leader's ledger: the next leader goes on from the file, and the one before it is refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createConstraints } from '../../../governor/pods/constraints/cluster-constraints.ts';
import { PodScheduler } from '../../../governor/pods/pod-scheduler.ts';
import { readBatch } from '../../../market/batch.ts';
import { JobCharges } from '../../../market/job-charges.ts';
import { podTenantSpec } from '../../../market/tenants/economy-description.ts';
import { marketSpec, quotaFlavor, tenantSpec } from '../../../market/tenants/spec.ts';
import { RentAudit } from '../../../market/token-market/rent-audit.ts';
import { verifyLedger } from '../../../market/verify-ledger.ts';
import { barePod, bareTemplate } from '../../../model/kubernetes/bare-pod.ts';
import { SqliteLedgerStore } from '../../../store/sqlite-ledger-store.ts';
import { coreOptions } from '../config/core-options.ts';
import { defaultSchedulerConfig } from '../config/scheduler-config.ts';
import { LeaderLedger } from './leader-ledger.ts';

const HOUR = 3_600;
const folder = mkdtempSync(join(tmpdir(), 'teg-leader-ledger-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A leader's core with its ledger: one node of 64 cores, one flavour at a unit a core, one tenant with all namespaces. */
class Leader {
  readonly core = new PodScheduler(coreOptions(defaultSchedulerConfig()), createConstraints());
  readonly ledger: LeaderLedger;
  seconds: number;

  constructor(path: string, seconds: number) {
    this.seconds = seconds;
    this.ledger = new LeaderLedger({
      path,
      halfLifeSeconds: () => 168 * HOUR,
      useLedger: (ledger) => this.core.useLedger(ledger),
      feed: (event) => this.core.step(event, this.seconds),
      log: () => {},
    });
    const unitsPerHour = { core: 1, gib: 0, gpu: 0 };
    const market = { ...marketSpec({ flavors: [quotaFlavor('any', { unitsPerHour })] }), tokens: true };
    const tenants = [podTenantSpec(tenantSpec('nlp', { quota: { any: { cpuMilli: 64_000 } } }), [])];
    this.core.step({ kind: 'namespace', name: 'default', labels: {} }, seconds);
    this.core.step({ kind: 'economy', economy: { mode: 'enforce', market, tenants } }, seconds);
    const resources = { cpuMilli: 64_000, memoryBytes: 2 ** 36, podsMax: 110, extended: {} };
    const node = { name: 'n1', uid: 'n1', labels: {}, taints: [], unschedulable: false, ...resources };
    this.core.step({ kind: 'node', node }, seconds);
  }

  /** A pod waits, or runs. */
  pod(name: string, nodeName = ''): void {
    const template = bareTemplate('default', { cpuMilli: 1_000, memoryBytes: 0, extended: {} });
    const pod = { ...barePod(name, name, template), tenant: 'default//', nodeName };
    this.core.step({ kind: 'pod', pod }, this.seconds);
  }

  /** Decides and commits. @returns Uids of the pods that may be bound now. */
  decide(): string[] {
    const effects = this.core.step({ kind: 'decide', max: 100 }, this.seconds);
    const bound = effects.flatMap((effect) => (effect.kind === 'bind' ? [effect.uid] : []));
    this.ledger.commit(bound.length > 0, this.seconds);
    return bound;
  }
}

/** Pods whose rent runs, by the file; everything is verified. */
function openPods(path: string): string[] {
  const store = new SqliteLedgerStore(path, { readOnly: true });
  const batches = [...store.read()];
  store.close();
  expect(verifyLedger(batches, { audit: new RentAudit() }).fault).toBeUndefined();
  const charges = new JobCharges();
  for (const { bytes, number } of batches) for (const _ of charges.read(readBatch(bytes, `batch ${number}`)));
  return charges.runningJobs.map((name) => name.split('/')[1] ?? '').sort();
}

describe('the ledger of a leader', () => {
  test('has each pod once before it is bound, and goes on with the next leader', () => {
    const path = join(folder, 'next.ledger');
    const first = new Leader(path, 1_000_000);
    first.ledger.lead(1, first.seconds);
    first.pod('a');
    first.pod('b');
    expect(first.decide()).toEqual(['a', 'b']);
    expect(openPods(path)).toEqual(['a', 'b']);
    first.seconds += 2 * HOUR;
    first.decide();
    // It hangs. Another process leads, where only `b` runs still.
    const second = new Leader(path, first.seconds + 60);
    second.pod('b', 'n1');
    second.ledger.lead(2, second.seconds);
    // What it finished is stored together with what it starts again.
    expect(openPods(path)).toEqual(['a', 'b']);
    second.decide();
    second.ledger.stop();
    expect(openPods(path)).toEqual(['b']);
    // The first one wakes: nothing of its step may be carried out.
    first.seconds += 120;
    first.pod('c');
    expect(() => first.decide()).toThrow('another process leads');
    expect(openPods(path)).toEqual(['b']);
  });

  test('that leads again, and nobody else led, goes on as it was; an older term is refused', () => {
    const path = join(folder, 'again.ledger');
    const leader = new Leader(path, 1_000_000);
    leader.ledger.lead(5, leader.seconds);
    leader.pod('a');
    leader.decide();
    leader.ledger.lead(5, leader.seconds + 10);
    expect(openPods(path)).toEqual(['a']);
    const older = new Leader(path, 1_000_100);
    expect(() => older.ledger.lead(4, older.seconds)).toThrow('another process leads');
    leader.ledger.stop();
  });

  test('that leads again after another one goes on from the file', () => {
    const path = join(folder, 'back.ledger');
    const first = new Leader(path, 1_000_000);
    first.ledger.lead(1, first.seconds);
    first.pod('a');
    first.decide();
    const second = new Leader(path, 1_000_060);
    second.pod('a', 'n1');
    second.ledger.lead(2, second.seconds);
    second.pod('b');
    expect(second.decide()).toEqual(['b']);
    second.ledger.stop();
    first.seconds += 120;
    first.pod('b', 'n1');
    first.ledger.lead(3, first.seconds);
    first.pod('c');
    expect(first.decide()).toEqual(['c']);
    expect(openPods(path)).toEqual(['a', 'b', 'c']);
    first.ledger.stop();
  });

  test('bindings are stored at once, ends within a second; a clock that is behind the file does not matter', () => {
    const path = join(folder, 'urgent.ledger');
    const leader = new Leader(path, 1_000_000);
    leader.ledger.lead(1, leader.seconds);
    for (const name of ['a', 'b']) {
      leader.pod(name);
      expect(leader.decide()).toEqual([name]);
    }
    expect(openPods(path)).toEqual(['a', 'b']);
    leader.core.step({ kind: 'pod-gone', uid: 'a' }, leader.seconds);
    expect(leader.decide()).toEqual([]);
    expect(openPods(path)).toEqual(['a', 'b']);
    leader.seconds += 2;
    leader.decide();
    expect(openPods(path)).toEqual(['b']);
    leader.ledger.stop();
    const behind = new Leader(path, leader.seconds - HOUR);
    behind.pod('b', 'n1');
    behind.ledger.lead(2, behind.seconds);
    behind.decide();
    behind.ledger.stop();
    expect(openPods(path)).toEqual(['b']);
  });
});
