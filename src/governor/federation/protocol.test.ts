/**
 * Two governors and a host over a network that loses, doubles, delays and reorders at will: safety throughout, and
 * liveness once it delivers again. Without crashes; whole clusters with crashes are run by `teg vopr`.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import {
  type AnyMessage,
  DemandId,
  entry,
  jobOf,
  makeGovernor,
  makeHost,
  message,
  Stage,
  type Step,
} from './federation.fixtures.ts';
import type { AgentHost } from './host/agent-host.ts';
import { AgentState } from './host/host-jobs.ts';
import { ActionKind, FederationReason, MessageKind } from './messages.ts';
import type { ZoneGovernor } from './zone/zone-governor.ts';
import { HoldState } from './zone/zone-ledger.ts';

const ZONES = [0, 1] as const;
const HOST = 50;
// Gangs that span zones are VOPR's: a part is a job of its own to its zone.
const OPTIONS = {
  gangPartsMax: 1,
  movesPerBoard: 2,
  moveSavesMilliMin: 0.5,
  escrowSeconds: 5,
  standingZones: 2,
};

/** The next action; numbers pick among the present objects. */
const moves = fc.array(
  fc.record({
    what: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom('deliver', 'deliver', 'deliver', 'double', 'drop') },
      { weight: 6, arbitrary: fc.constantFrom('wait', 'board', 'board') },
      { weight: 4, arbitrary: fc.constantFrom('submit', 'submit', 'exit', 'exit') },
      { weight: 2, arbitrary: fc.constantFrom('cancel', 'down', 'up') },
    ),
    pick: fc.nat(1000),
    seconds: fc.constantFrom(0, 0.1, 0.6, 2.5),
  }),
  { maxLength: 220, size: 'max' },
);

class Cluster {
  now = 0;
  private readonly zones = ZONES.map(
    (id) => new Stage<ZoneGovernor>(makeGovernor({ id, parent: -1, options: OPTIONS })),
  );
  private readonly host = new Stage<AgentHost>(makeHost({ id: HOST, options: OPTIONS }));
  /** Messages in transit. */
  private readonly mail: AnyMessage[] = [];
  private readonly submitted = new Set<number>();
  private readonly cancelled = new Set<number>();
  /** Reason by job, as reported to its host. */
  private readonly ended = new Map<number, number>();
  private readonly exited = new Set<number>();
  private versions = 0;

  /** Running jobs, by zone, as the zones know them. */
  running(zone: number): { job: number; offer: number }[] {
    const { ledger } = this.zone(zone);
    const found: { job: number; offer: number }[] = [];
    ledger.forEach((local) => {
      if (ledger.states[local] !== HoldState.Running) return;
      found.push({ job: ledger.jobs[local] as number, offer: ledger.offers[local] as number });
    });
    return found;
  }

  does(what: string, pick: number, seconds: number): void {
    this.now += seconds;
    const zone = pick % ZONES.length;
    if (what === 'deliver' || what === 'double' || what === 'drop') this.handle(what, pick);
    if (what === 'wait') this.wakeAll();
    if (what === 'board') this.board();
    if (what === 'submit') this.submit(pick);
    if (what === 'cancel') this.cancel(pick % Math.max(1, this.submitted.size));
    if (what === 'exit') this.exit(zone, pick);
    if (what === 'down')
      this.take(this.stage(zone).step((out) => this.zone(zone).nodeDown(0, this.now, out)));
    if (what === 'up') this.up(zone);
  }

  /** Invariants at every moment. */
  check(): void {
    const all = ZONES.flatMap((zone) => this.running(zone).map(({ job }) => job));
    expect(new Set(all).size, 'a job runs twice').toBe(all.length);
    for (const zone of ZONES) this.zone(zone).arbiter.zone.check();
    for (const job of this.submitted) {
      const view = this.host.process.explain(job);
      expect(view === undefined, `job ${job} is known until it has ended`).toBe(this.ended.has(job));
      if (view?.state === 'waiting') expect(view.reason).not.toBe('none');
    }
    for (const [job, reason] of this.ended) {
      if (reason === FederationReason.Finished)
        expect(this.exited.has(job), `job ${job} has exited`).toBe(true);
      else expect(this.cancelled.has(job), `job ${job} was cancelled`).toBe(true);
    }
    const { jobs } = this.host.process;
    let proposed = 0;
    this.host.process.forEachLine((line) => {
      proposed += line.proposed;
      for (const slot of line.waiting) expect(jobs.states[slot]).toBe(AgentState.Waiting);
    });
    let states = 0;
    jobs.forEach((slot) => {
      if (jobs.states[slot] === AgentState.Proposed) states++;
    });
    expect(proposed).toBe(states);
  }

  /** From now on everything is delivered, in order, and nodes are up. */
  recover(): void {
    for (const zone of ZONES) this.up(zone);
    for (let i = 0; i < 400; i++) {
      while (this.mail.length > 0) this.deliver(this.mail.shift() as AnyMessage);
      this.now += 0.25;
      this.wakeAll();
      if (i % 4 === 0) this.board();
      this.check();
    }
    while (this.mail.length > 0) this.deliver(this.mail.shift() as AnyMessage);
  }

  /** Invariants once all is quiet. */
  checkQuiet(): void {
    const placed = new Map(
      ZONES.flatMap((zone) => this.running(zone).map(({ job }) => [job, zone] as const)),
    );
    for (const zone of ZONES) {
      const { ledger, notices } = this.zone(zone);
      expect(notices.size).toBe(0);
      ledger.forEach((local) => {
        expect(this.submitted.has(ledger.jobs[local] as number)).toBe(true);
        expect(this.ended.has(ledger.jobs[local] as number)).toBe(false);
      });
    }
    let waiting = 0;
    for (const job of this.submitted) {
      const view = this.host.process.explain(job);
      if (view === undefined) expect(placed.has(job)).toBe(false);
      else if (view.state === 'waiting' || view.state === 'proposed' || view.state === 'confirming')
        waiting++;
      else {
        expect(['running', 'moving', 'leaving']).toContain(view.state);
        expect(view.target).toBe(placed.get(job));
      }
    }
    // Jobs wait only where no zone has room for the smallest of them.
    const free = ZONES.map((zone) => this.zone(zone).arbiter.zone.cluster.freeGpuMilli[0] as number);
    if (waiting > 0) expect(Math.max(...free)).toBeLessThan(4000);
  }

  private zone(id: number): ZoneGovernor {
    return this.stage(id).process;
  }

  private up(zone: number): void {
    this.take(this.stage(zone).step((out) => this.zone(zone).nodeUp(0, this.now, out)));
  }

  private stage(id: number): Stage<ZoneGovernor> {
    return this.zones[id] as Stage<ZoneGovernor>;
  }

  private handle(what: string, pick: number): void {
    if (this.mail.length === 0) return;
    const at = pick % this.mail.length;
    const m = this.mail[at] as AnyMessage;
    if (what !== 'double') this.mail.splice(at, 1);
    if (what !== 'drop') this.deliver(m);
  }

  private deliver(m: AnyMessage): void {
    const to = m.to === HOST ? this.host : this.stage(m.to);
    this.take(to.receive(m, this.now));
  }

  private take(step: Step): void {
    this.mail.push(...step.messages);
    for (const { kind, job, reason } of step.actions) {
      if (kind === ActionKind.Start) {
        expect(this.ended.has(job), `job ${job} starts after its end`).toBe(false);
        expect(this.exited.has(job), `job ${job} starts after it has exited`).toBe(false);
      }
      if (kind === ActionKind.JobEnded) {
        expect(this.ended.has(job), `job ${job} ends twice`).toBe(false);
        this.ended.set(job, reason);
      }
    }
  }

  private wakeAll(): void {
    for (const stage of [...this.zones, this.host]) {
      if (stage.process.wakeAt <= this.now) this.take(stage.wake(this.now));
    }
  }

  private board(): void {
    const version = ++this.versions;
    const entries = ZONES.map((id) => {
      const { cluster, runningPods } = this.zone(id).arbiter.zone;
      const freeGpuMilli = cluster.up[0] === 1 ? (cluster.freeGpuMilli[0] as number) : 0;
      return entry(id, version, { freeGpuMilli, takenAt: this.now, sums: { pods: runningPods } });
    });
    this.take(this.host.receive(message(MessageKind.Board, 100, HOST, { entries }), this.now));
  }

  private submit(pick: number): void {
    const job = this.submitted.size;
    this.submitted.add(job);
    const demandId = [DemandId.OneGpu, DemandId.HalfGpu, DemandId.FourGpus][pick % 3] as number;
    const pods = demandId === DemandId.HalfGpu ? 1 + (pick % 4) : 1;
    this.take(
      this.host.step((out) =>
        this.host.process.submit(jobOf(job, demandId, pods, pods, pick % 2), this.now, out),
      ),
    );
  }

  private cancel(job: number): void {
    if (this.host.process.explain(job) !== undefined) this.cancelled.add(job);
    this.take(this.host.step((out) => this.host.process.cancel(job, this.now, out)));
  }

  private exit(zone: number, pick: number): void {
    const running = this.running(zone);
    const one = running[pick % Math.max(1, running.length)];
    if (one === undefined) return;
    this.exited.add(one.job);
    this.take(this.stage(zone).step((out) => this.zone(zone).podsExited(one.job, one.offer, this.now, out)));
  }
}

test('no job runs twice, is lost, or starts after its end; and all settles once messages come through', () => {
  let checked = 0;
  checkProperty(
    fc.property(moves, (script) => {
      const cluster = new Cluster();
      for (const { what, pick, seconds } of script) {
        cluster.does(what, pick, seconds);
        cluster.check();
      }
      cluster.recover();
      cluster.checkQuiet();
      checked++;
    }),
    { numRuns: 60 },
  );
  expect(checked).toBeGreaterThanOrEqual(60);
});
