import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Hologram } from '../../field/hologram/hologram.ts';
import {
  DemandId,
  done,
  type GovernorSetup,
  makeGovernor,
  message,
  only,
  reply,
  Stage,
  type Step,
  told,
} from './federation.scenarios.ts';
import {
  ActionKind,
  FederationReason,
  type FederationReasonCode,
  type Message,
  MessageKind,
} from './messages.ts';
import type { ZoneGovernor } from './zone-governor.ts';

const HOST = 50;

/** A governor, with what can happen to it as methods. One node of four GPUs unless said otherwise. */
class Site extends Stage<ZoneGovernor> {
  private attempts = 0;

  constructor(setup: GovernorSetup = {}) {
    super(makeGovernor({ firstPublishSeconds: 1e6, ...setup }));
  }

  propose(job: number, at = 0, fields: Partial<Message> = {}): Step {
    const proposal = { job, attempt: ++this.attempts, host: HOST, demandId: DemandId.OneGpu, podCount: 1 };
    const gangMin = fields.gangMin ?? fields.podCount ?? 1;
    const m = message(MessageKind.Propose, HOST, this.process.id, {
      ...proposal,
      gangMin,
      deadline: at + 1,
      ...fields,
    });
    return this.receive(m, at);
  }

  /** @returns The number of the offer. */
  offered(job: number, at = 0, fields: Partial<Message> = {}): number {
    const m = reply(this.propose(job, at, fields));
    expect(m).toMatchObject({ kind: MessageKind.Offer, job });
    return m.offer;
  }

  confirm(job: number, offer: number, at = 0, fields: Partial<Message> = {}): Step {
    return this.receive(message(MessageKind.Confirm, HOST, this.process.id, { job, offer, ...fields }), at);
  }

  /** @returns The number of the offer that it runs under. */
  running(job: number, at = 0, fields: Partial<Message> = {}): number {
    const offer = this.offered(job, at, fields);
    expect(done(this.confirm(job, offer, at))).toEqual([`start ${job}`]);
    return offer;
  }

  decline(job: number, offer: number, at = 0): Step {
    return this.receive(message(MessageKind.Decline, HOST, this.process.id, { job, offer }), at);
  }

  stop(job: number, offer: number, at = 0, reason: FederationReasonCode = FederationReason.Cancelled): Step {
    return this.receive(message(MessageKind.Stop, HOST, this.process.id, { job, offer, reason }), at);
  }

  ack(job: number, offer: number, at = 0): Step {
    return this.receive(message(MessageKind.EndedAck, HOST, this.process.id, { job, offer }), at);
  }

  exit(job: number, offer: number, at = 0): Step {
    return this.step((out) => this.process.podsExited(job, offer, at, out));
  }

  down(node: number, at = 0): Step {
    return this.step((out) => this.process.nodeDown(node, at, out));
  }

  up(node: number, at = 0): Step {
    return this.step((out) => this.process.nodeUp(node, at, out));
  }

  /** The hologram published at that time. */
  published(): { version: number; hologram: Hologram } {
    const { messages } = this.wake(Math.max(this.process.wakeAt, 1e6));
    const summary = messages.find((m) => m.kind === MessageKind.Summary) as Message;
    return { version: summary.version, hologram: summary.hologram as Hologram };
  }

  get freeGpuMilli(): number {
    const { cluster } = this.process.zone;
    let free = 0;
    for (let node = 0; node < cluster.nodeCount; node++) free += cluster.freeGpuMilli[node] as number;
    return free;
  }

  /** Fails unless all accounts agree. */
  check(): void {
    const { zone, ledger } = this.process;
    zone.check();
    const { capacity } = zone.cluster;
    expect(capacity.gpuMilli - this.freeGpuMilli).toBe(ledger.escrowGpuMilli + ledger.runningGpuMilli);
  }
}

describe('a proposal', () => {
  test('that fits gets an offer, backed by capacity that nothing runs on yet', () => {
    const site = new Site({ id: 6, options: { escrowSeconds: 5 } });
    const step = site.propose(7, 2, { attempt: 44, podCount: 3 });
    expect(reply(step)).toMatchObject({
      kind: MessageKind.Offer,
      from: 6,
      to: HOST,
      zone: 6,
      job: 7,
      attempt: 44,
      deadline: 7,
    });
    expect(step.actions).toEqual([]);
    expect(site.freeGpuMilli).toBe(1000);
    expect(site.process.ledger).toMatchObject({ escrows: 1, escrowGpuMilli: 3000, runningGpuMilli: 0 });
    site.check();
  });

  test('names what the place costs', () => {
    const site = new Site();
    const { price } = reply(site.propose(7));
    expect(Number.isFinite(price)).toBe(true);
    expect(price).not.toBe(0);
  });

  test('that does not fit is refused, with what the zone last published', () => {
    const site = new Site({ id: 6, incarnation: 3 });
    site.running(1, 0, { podCount: 3 });
    expect(reply(site.propose(7, 1, { attempt: 9, podCount: 2 }))).toMatchObject({
      kind: MessageKind.Refuse,
      from: 6,
      to: HOST,
      job: 7,
      attempt: 9,
      zone: 6,
      reason: FederationReason.NoRoom,
      version: 3 * 2 ** 32,
    });
    expect(told(site.propose(8, 1))).toEqual(['offer 8']);
    expect(told(site.propose(9, 1))).toEqual(['refuse 9: no room in the zone']);
    site.check();
  });

  test('is answered to the host that it names, not to the summary node that routed it', () => {
    const site = new Site();
    const routed = message(MessageKind.Propose, 100, 0, {
      job: 1,
      host: 61,
      podCount: 1,
      gangMin: 1,
      deadline: 9,
    });
    expect(reply(site.receive(routed, 0)).to).toBe(61);
    expect(reply(site.receive({ ...routed, job: 2, deadline: -1 }, 0)).to).toBe(61);
  });

  test('that comes again gets the same offer, and holds capacity once', () => {
    const site = new Site();
    const first = reply(site.propose(7, 0, { attempt: 4 }));
    expect(reply(site.propose(7, 1, { attempt: 4 }))).toEqual(first);
    expect(site.freeGpuMilli).toBe(3000);
    // The host has asked elsewhere in between and comes back.
    expect(reply(site.propose(7, 2, { attempt: 6 }))).toEqual({ ...first, attempt: 6 });
    // A late double of the earlier attempt would be declined by its host: no answer.
    expect(told(site.propose(7, 3, { attempt: 4 }))).toEqual([]);
    expect(site.process.counters).toMatchObject({ proposals: 4, offers: 1 });
    site.check();
  });

  test('for a job that runs here is answered with that', () => {
    const site = new Site();
    const offer = site.running(7);
    const again = site.propose(7, 3, { attempt: 2 ** 34 });
    expect(reply(again)).toMatchObject({ kind: MessageKind.Started, job: 7, offer, attempt: 2 ** 34 });
    expect(again.actions).toEqual([]);
  });

  test('that is late is refused, but not one at the last moment', () => {
    const site = new Site();
    expect(told(site.propose(7, 5, { deadline: 4.999 }))).toEqual(['refuse 7: too late']);
    expect(told(site.propose(8, 5, { deadline: 5 }))).toEqual(['offer 8']);
    expect(site.freeGpuMilli).toBe(3000);
  });

  test('of a gang gets all that it needs or nothing', () => {
    const site = new Site({ nodes: 2 });
    site.running(1, 0, { podCount: 3 });
    expect(told(site.propose(7, 0, { podCount: 6 }))).toEqual(['refuse 7: no room in the zone']);
    expect(site.freeGpuMilli).toBe(5000);
    const offer = site.offered(8, 0, { podCount: 6, gangMin: 4 });
    expect(site.freeGpuMilli).toBe(0);
    const start = only(site.confirm(8, offer));
    const nodes: number[] = [];
    site.process.zone.forEachPod(start.local, (_, node) => {
      nodes.push(node);
    });
    expect(nodes).toHaveLength(5);
    site.check();
  });

  test('that no node could ever hold is refused', () => {
    const site = new Site({ nodes: 3 });
    expect(told(site.propose(7, 0, { demandId: DemandId.EightGpus }))).toEqual([
      'refuse 7: no room in the zone',
    ]);
    site.check();
  });
});

describe('a confirmation', () => {
  test('starts the job, once', () => {
    const site = new Site({ id: 6 });
    const offer = site.offered(7);
    const step = site.confirm(7, offer, 1);
    expect(reply(step)).toMatchObject({
      kind: MessageKind.Started,
      from: 6,
      to: HOST,
      zone: 6,
      job: 7,
      offer,
    });
    expect(step.actions).toMatchObject([{ kind: ActionKind.Start, job: 7, offer, zone: 6 }]);
    const again = site.confirm(7, offer, 2);
    expect(told(again)).toEqual(['started 7']);
    expect(again.actions).toEqual([]);
    expect(site.process.counters.starts).toBe(1);
    expect(site.process.ledger).toMatchObject({ escrows: 0, escrowGpuMilli: 0, runningGpuMilli: 1000 });
    site.check();
  });

  test('of an escrow that has ended finds it gone, and its capacity free', () => {
    const site = new Site({ options: { escrowSeconds: 5 } });
    const offer = site.offered(7, 0, { podCount: 4 });
    expect(site.process.wakeAt).toBe(5);
    site.wake(4.999);
    expect(site.freeGpuMilli).toBe(0);
    site.wake(5);
    expect(site.freeGpuMilli).toBe(4000);
    const step = site.confirm(7, offer, 5.1);
    expect([told(step), done(step)]).toEqual([['gone 7'], []]);
    expect(site.process.counters).toMatchObject({ expired: 1, starts: 0 });
    expect(site.process.wakeAt).toBe(1e6);
    site.check();
  });

  test('at the very end of the escrow is too late, also before the governor was woken', () => {
    const site = new Site({ options: { escrowSeconds: 5 } });
    const offer = site.offered(7);
    expect(told(site.confirm(7, offer, 5))).toEqual(['gone 7']);
    expect(site.freeGpuMilli).toBe(4000);
    const other = site.offered(8, 5);
    expect(told(site.confirm(8, other, 9.999))).toEqual(['started 8']);
    expect(site.process.counters.expired).toBe(1);
    site.check();
  });

  test('of an older offer of a job that has a new one does nothing to it', () => {
    const site = new Site({ options: { escrowSeconds: 5 } });
    const old = site.offered(7, 0);
    site.wake(5);
    const offer = site.offered(7, 6);
    expect(offer).not.toBe(old);
    expect(reply(site.confirm(7, old, 7))).toMatchObject({ kind: MessageKind.Gone, offer: old });
    expect(site.process.ledger.escrows).toBe(1);
    expect(done(site.confirm(7, offer, 8))).toEqual(['start 7']);
  });

  test('of an offer that nobody made finds it gone', () => {
    expect(told(new Site().confirm(7, 12345))).toEqual(['gone 7']);
  });

  test('of a job that has ended meanwhile is told its end', () => {
    const site = new Site();
    const offer = site.running(7);
    site.exit(7, offer, 1);
    expect(told(site.confirm(7, offer, 2))).toEqual(['ended 7: finished']);
    site.ack(7, offer, 3);
    expect(told(site.confirm(7, offer, 4))).toEqual(['gone 7']);
    expect(site.process.counters.starts).toBe(1);
  });
});

describe('a declined offer', () => {
  test('gives its capacity back, once', () => {
    const site = new Site();
    const offer = site.offered(7, 0, { podCount: 4 });
    expect(site.decline(7, offer, 1)).toEqual({ messages: [], actions: [] });
    expect(site.freeGpuMilli).toBe(4000);
    site.decline(7, offer, 2);
    site.wake(10);
    expect(site.process.counters.expired).toBe(0);
    expect(told(site.confirm(7, offer, 3))).toEqual(['gone 7']);
    site.check();
  });

  test('of another number, or of a job that runs, changes nothing', () => {
    const site = new Site();
    const offer = site.offered(7);
    site.decline(7, offer + 1);
    site.decline(8, offer);
    expect(site.process.ledger.escrows).toBe(1);
    site.confirm(7, offer);
    site.decline(7, offer);
    expect(site.process.ledger).toMatchObject({ runningPods: 1 });
    site.check();
  });
});

describe('limits', () => {
  test('at escrowsMax the zone is busy, until an escrow ends in whatever way', () => {
    const site = new Site({ nodes: 4, options: { escrowsMax: 2, escrowSeconds: 5 } });
    const first = site.offered(1);
    const second = site.offered(2);
    expect(told(site.propose(3))).toEqual(['refuse 3: zone busy']);
    expect(told(site.propose(1))).toEqual(['offer 1']);
    site.confirm(1, first);
    expect(told(site.propose(3))).toEqual(['offer 3']);
    expect(told(site.propose(4))).toEqual(['refuse 4: zone busy']);
    site.decline(2, second);
    expect(told(site.propose(4))).toEqual(['offer 4']);
    expect(told(site.propose(5, 4.9))).toEqual(['refuse 5: zone busy']);
    site.wake(5);
    expect(told(site.propose(5, 5))).toEqual(['offer 5']);
    site.check();
  });

  test('at noticesMax the zone is busy, until hosts acknowledge', () => {
    const site = new Site({ nodes: 4, options: { noticesMax: 2 } });
    const offers = [1, 2].map((job) => site.running(job));
    offers.forEach((offer, i) => {
      site.exit(i + 1, offer, 1);
    });
    expect(site.process.notices.size).toBe(2);
    expect(told(site.propose(3, 1))).toEqual(['refuse 3: zone busy']);
    site.ack(1, offers[0] as number, 2);
    expect(told(site.propose(3, 2))).toEqual(['offer 3']);
  });
});

describe('the end of a job', () => {
  test('is told at once, and again until it is acknowledged; then it may be forgotten', () => {
    const site = new Site({ id: 6, options: { noticeSeconds: 2 } });
    const offer = site.running(7, 0, { podCount: 2 });
    site.wake(5);
    const step = site.exit(7, offer, 10);
    expect(reply(step)).toMatchObject({
      kind: MessageKind.Ended,
      from: 6,
      to: HOST,
      zone: 6,
      job: 7,
      offer,
      reason: FederationReason.Finished,
      price: 0,
    });
    expect(site.freeGpuMilli).toBe(4000);
    for (const at of [12, 14, 16]) {
      expect(site.process.wakeAt).toBe(at);
      expect(told(site.wake(at))).toEqual(['ended 7: finished']);
    }
    const acked = site.ack(7, offer, 17);
    expect(acked.actions).toMatchObject([{ kind: ActionKind.Forget, job: 7, offer }]);
    expect(done(site.ack(7, offer, 18))).toEqual([]);
    expect(told(site.wake(1000))).toEqual([]);
    site.check();
  });

  test('of a start that is over, or of none, is ignored', () => {
    const site = new Site();
    const nothing = { messages: [], actions: [] };
    const offer = site.running(7);
    expect(site.exit(7, offer + 1)).toEqual(nothing);
    expect(site.exit(8, offer)).toEqual(nothing);
    site.exit(7, offer, 1);
    expect(site.exit(7, offer, 1)).toEqual(nothing);
    const second = site.offered(7, 2);
    expect(site.exit(7, second, 2)).toEqual(nothing);
    site.confirm(7, second, 2);
    expect(site.exit(7, offer, 3)).toEqual(nothing);
    expect(site.process.ledger.runningPods).toBe(1);
  });
});

describe('a lost node', () => {
  test('ends what ran there; the host is told until it acknowledges', () => {
    const site = new Site({ options: { noticeSeconds: 1 } });
    const offer = site.running(7, 0, { podCount: 2 });
    const step = site.down(0, 3);
    expect(told(step)).toEqual(['ended 7: node lost']);
    expect(done(step)).toEqual([]);
    expect(told(site.wake(4))).toEqual(['ended 7: node lost']);
    expect(done(site.ack(7, offer, 5))).toEqual(['forget 7']);
    expect(told(site.propose(8, 5))).toEqual(['refuse 8: no room in the zone']);
    site.up(0, 6);
    expect(told(site.propose(8, 6))).toEqual(['offer 8']);
    site.check();
  });

  test('takes escrows with it: their confirmation finds them gone', () => {
    const site = new Site();
    const offer = site.offered(7);
    expect(site.down(0, 1)).toEqual({ messages: [], actions: [] });
    expect(site.process.ledger.size).toBe(0);
    expect(told(site.confirm(7, offer, 2))).toEqual(['gone 7']);
    site.wake(10);
    expect(site.process.counters.expired).toBe(0);
    site.check();
  });

  test('ends a gang as a whole', () => {
    const site = new Site({ nodes: 2 });
    site.running(7, 0, { podCount: 8 });
    expect(told(site.down(1, 1))).toEqual(['ended 7: node lost']);
    expect(site.freeGpuMilli).toBe(8000);
    expect(told(site.propose(8, 1, { podCount: 4 }))).toEqual(['offer 8']);
    site.check();
  });

  test('a node that joins is used', () => {
    const site = new Site();
    site.running(1, 0, { podCount: 4 });
    const spec = { name: 'new', cpuMilli: 9000, memoryMib: 9000, gpuCount: 1, gpuModel: 'A100', podsMax: 9 };
    site.step((out) => site.process.nodeJoined(spec, 1, out));
    expect(told(site.propose(2, 1))).toEqual(['offer 2']);
    site.check();
  });
});

describe('a stop', () => {
  test('ends a job that runs, for the reason given', () => {
    const site = new Site();
    const offer = site.running(7);
    const step = site.stop(7, offer, 5);
    expect(told(step)).toEqual(['ended 7: cancelled']);
    expect(step.actions).toMatchObject([
      { kind: ActionKind.Stop, job: 7, offer, reason: FederationReason.Cancelled },
    ]);
    expect(site.freeGpuMilli).toBe(4000);
    // The host repeats itself until it hears the end, which is repeated too.
    expect(site.stop(7, offer, 6)).toEqual({ messages: [], actions: [] });
    expect(told(site.wake(6))).toEqual(['ended 7: cancelled']);
    site.ack(7, offer, 7);
    expect(told(site.stop(7, offer, 8))).toEqual(['gone 7']);
    site.check();
  });

  test('of an escrow lets it go: a confirmation that it has overtaken starts nothing', () => {
    const site = new Site();
    const offer = site.offered(7);
    expect(told(site.stop(7, offer, 1))).toEqual(['gone 7']);
    expect(site.freeGpuMilli).toBe(4000);
    const late = site.confirm(7, offer, 2);
    expect([told(late), done(late)]).toEqual([['gone 7'], []]);
    site.check();
  });

  test('of what is not there finds it gone, and leaves another offer of the job alone', () => {
    const site = new Site();
    expect(told(site.stop(7, 99))).toEqual(['gone 7']);
    const offer = site.running(7);
    expect(told(site.stop(7, offer + 1))).toEqual(['gone 7']);
    expect(site.process.ledger.runningPods).toBe(1);
  });

  test('to move a job tells how long it has worked, also before it came here', () => {
    const site = new Site();
    const offer = site.offered(7, 10);
    const start = only(site.confirm(7, offer, 12, { price: 100 }));
    expect(start.doneSeconds).toBe(100);
    const ended = reply(site.stop(7, offer, 20, FederationReason.Moved));
    expect(ended).toMatchObject({ kind: MessageKind.Ended, reason: FederationReason.Moved, price: 108 });
    expect(reply(site.wake(1000))).toEqual(ended);
  });
});

describe('a quote', () => {
  const ask = (site: Site, job: number, offer: number): Step =>
    site.receive(message(MessageKind.Quote, HOST, site.process.id, { job, offer }), 1);

  test('says what the place of a running job costs; that of its offer where nothing else has changed', () => {
    const site = new Site({ nodes: 2 });
    const offered = reply(site.propose(7));
    site.confirm(7, offered.offer);
    const quoted = reply(ask(site, 7, offered.offer));
    expect(quoted).toMatchObject({
      kind: MessageKind.Quoted,
      to: HOST,
      zone: 0,
      job: 7,
      offer: offered.offer,
    });
    expect(quoted.price).toBeCloseTo(offered.price, 3);
    site.check();
  });

  test('is not given for escrows, gangs, other offers and unknown jobs', () => {
    const site = new Site();
    const escrow = site.offered(1);
    const gang = site.running(2, 0, { podCount: 2 });
    for (const [job, offer] of [
      [1, escrow],
      [2, gang],
      [2, gang + 1],
      [9, 9],
    ] as const) {
      expect(ask(site, job, offer).messages).toEqual([]);
    }
  });
});

describe('a governor that starts over', () => {
  test('never uses a number twice: offers and versions grow with the incarnation', () => {
    const numbers = [1, 2].map((incarnation) => {
      const site = new Site({ nodes: 2, incarnation });
      const offers = [1, 2, 3].map((job) => site.offered(job));
      const versions = [site.published().version, site.published().version];
      return { offers, versions };
    });
    for (const key of ['offers', 'versions'] as const) {
      const all = numbers.flatMap((one) => one[key]);
      expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
    }
  });

  test('takes over what runs on its nodes, exactly where it runs', () => {
    const before = new Site({ nodes: 3 });
    const offers = [1, 2, 3].map((job) =>
      before.running(job, 0, { podCount: job, demandId: DemandId.HalfGpu }),
    );
    const after = new Site({ nodes: 3, incarnation: 2 });
    offers.forEach((offer, i) => {
      const job = i + 1;
      const nodes: number[] = [];
      const gpuMasks: number[] = [];
      before.process.zone.forEachPod(before.process.ledger.localOf(job), (_, node, mask) => {
        nodes.push(node);
        gpuMasks.push(mask);
      });
      after.process.adopt({ job, offer, host: HOST, demandId: DemandId.HalfGpu, nodes, gpuMasks }, 5);
    });
    const free = (site: Site): number[][] => {
      const { freeGpuMilli, freeCpuMilli, gpuIdleMilli } = site.process.zone.cluster;
      return [freeGpuMilli, freeCpuMilli, gpuIdleMilli].map((column) => [...column]);
    };
    expect(free(after)).toEqual(free(before));
    expect(after.process.ledger).toMatchObject({ escrows: 0, runningGpuMilli: 3000, runningPods: 6 });
    after.check();
    expect(told(after.confirm(2, offers[1] as number, 6))).toEqual(['started 2']);
    expect(told(after.exit(2, offers[1] as number, 7))).toEqual(['ended 2: finished']);
    expect(told(after.stop(3, offers[2] as number, 8))).toEqual(['ended 3: cancelled']);
    after.check();
  });

  test('steers only what it takes over', () => {
    const site = new Site({ nodes: 2, incarnation: 2 });
    site.process.adopt(
      { job: 1, offer: 5, host: HOST, demandId: DemandId.OneGpu, nodes: [1], gpuMasks: [0b1000] },
      0,
    );
    expect(site.process.zone.cluster.gpuIdleMilli.slice(4, 8)).toEqual(Uint16Array.of(1000, 1000, 1000, 0));
    for (let job = 2; job <= 8; job++) site.offered(job);
    expect(told(site.propose(9))).toEqual(['refuse 9: no room in the zone']);
    site.check();
  });

  test('does not take over what does not fit', () => {
    const site = new Site({ incarnation: 2 });
    const running = {
      job: 1,
      offer: 5,
      host: HOST,
      demandId: DemandId.FourGpus,
      nodes: [0],
      gpuMasks: [0b1111],
    };
    site.process.adopt(running, 0);
    expect(() => site.process.adopt({ ...running, job: 2, offer: 6 }, 0)).toThrow('has no room there');
  });

  test('tells hosts again of what had ended, and forgets when they know', () => {
    const site = new Site({ incarnation: 2 });
    site.process.adoptEnded(7, 91, HOST, FederationReason.Finished, 5);
    expect(site.process.wakeAt).toBe(5);
    expect(told(site.wake(5))).toEqual(['ended 7: finished']);
    expect(done(site.ack(7, 91, 6))).toEqual(['forget 7']);
  });

  test('the work of a job that it took over counts from then', () => {
    const site = new Site({ incarnation: 2 });
    // The local number is used: what it said of another job must not count.
    site.exit(1, site.running(1, 0), 3);
    site.process.adopt(
      { job: 2, offer: 5, host: HOST, demandId: DemandId.OneGpu, nodes: [0], gpuMasks: [1] },
      100,
    );
    expect(reply(site.stop(2, 5, 130, FederationReason.Moved)).price).toBe(30);
  });
});

describe('publishing', () => {
  test('comes every period in a constant phase, with growing versions', () => {
    const site = new Site({ firstPublishSeconds: 0.25, options: { publishSeconds: 2 } });
    const versions: number[] = [];
    for (const at of [0.25, 2.25, 4.25]) {
      expect(site.process.wakeAt).toBe(at);
      expect(site.wake(at - 0.01).messages).toEqual([]);
      const summary = reply(site.wake(at));
      expect(summary).toMatchObject({ kind: MessageKind.Summary, from: 0, to: 100 });
      expect(summary.hologram).toMatchObject({ takenAt: at, newestAt: at });
      expect(site.process.version).toBe(summary.version);
      versions.push(summary.version);
    }
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    site.wake(11.5);
    expect(site.process.wakeAt).toBe(12.25);
  });

  test('a governor without a parent publishes nothing', () => {
    const site = new Site({ parent: -1, firstPublishSeconds: 0 });
    expect(site.process.wakeAt).toBe(Number.POSITIVE_INFINITY);
    expect(site.wake(100).messages).toEqual([]);
  });

  test('sums add up: what is free, held and running is what there is', () => {
    const site = new Site({ nodes: 4 });
    site.running(1, 0, { podCount: 2 });
    site.running(3, 0, { demandId: DemandId.Cpu });
    site.offered(2, 999_999, { podCount: 3 });
    site.down(3, 999_999);
    const { hologram } = site.published();
    const { cluster, runningPods } = site.process.zone;
    const { sums, maxima } = hologram;
    expect(sums).toMatchObject({
      zones: 1,
      nodes: 4,
      nodesUp: 3,
      capacityGpuMilli: 16_000,
      capacityCpuMilli: 128_000,
      waitingJobs: 0,
      waitingGpuMilli: 0,
    });
    const { ledger } = site.process;
    expect(sums.heldGpuMilli).toBe(ledger.escrowGpuMilli);
    // The node that is down counts as capacity, and nothing on it is free.
    expect(sums.freeGpuMilli + sums.heldGpuMilli + ledger.runningGpuMilli).toBe(12_000);
    expect(sums.pods).toBe(ledger.runningPods);
    expect(runningPods).toBeGreaterThanOrEqual(ledger.runningPods);
    expect(maxima.zoneFreeGpuMilli).toBe(sums.freeGpuMilli);
    expect(maxima.heldShare).toBeCloseTo(ledger.escrowGpuMilli / 16_000, 9);
    expect(cluster.nodeCount).toBe(4);
  });

  test('whole GPUs are those that are idle on nodes that are up', () => {
    const site = new Site({ nodes: 2 });
    site.running(1, 0, { demandId: DemandId.HalfGpu });
    expect(site.published().hologram.maxima.zoneWholeGpus).toBe(7);
    site.down(0, 1e6);
    const left = site.published().hologram;
    expect([3, 4]).toContain(left.maxima.zoneWholeGpus);
    expect(left.sums.freeGpuMilli).toBe(left.maxima.zoneFreeGpuMilli);
  });

  test('shows the waiting jobs of all hosts that stand beside it, while their reports are fresh', () => {
    const site = new Site({ firstPublishSeconds: 0, options: { expireSeconds: 10 } });
    const report = (host: number, at: number, jobs: number, gpuMilli: number, oldest: number): void => {
      const fields = { podCount: jobs, price: gpuMilli, deadline: oldest };
      site.receive(message(MessageKind.HostReport, host, 0, fields), at);
    };
    const shown = (at: number): number[] => {
      const { sums, maxima } = reply(site.wake(at)).hologram as Hologram;
      return [sums.waitingJobs, sums.waitingGpuMilli, maxima.oldestWaitSeconds];
    };
    report(50, 0, 3, 3000, 2);
    report(51, 0, 2, 500, 7);
    expect(shown(1)).toEqual([5, 3500, 7]);
    report(50, 5, 1, 1000, 3);
    expect(shown(6)).toEqual([3, 1500, 7]);
    expect(shown(11)).toEqual([1, 1000, 3]);
    expect(shown(16)).toEqual([0, 0, 0]);
  });

  test('shows how many proposals come', () => {
    const site = new Site({ firstPublishSeconds: 100 });
    for (let i = 0; i < 1000; i++) site.propose(1, i / 10);
    const { arrivalsPerSecond } = (reply(site.wake(100)).hologram as Hologram).sums;
    expect(arrivalsPerSecond).toBeGreaterThan(9);
    expect(arrivalsPerSecond).toBeLessThan(11);
  });
});

describe('whatever comes, in whatever order', () => {
  const steps = fc.array(
    fc.record({
      what: fc.constantFrom(
        'propose',
        'propose',
        'confirm',
        'confirm',
        'decline',
        'stop',
        'exit',
        'ack',
        'down',
        'up',
        'wait',
      ),
      job: fc.nat(9),
      /** Which of the offers that were made for the job: mostly the last one. */
      back: fc.constantFrom(0, 0, 0, 1),
      pods: fc.integer({ min: 1, max: 9 }),
      demandId: fc.nat(4),
      node: fc.nat(2),
      gap: fc.constantFrom(0, 0.1, 1, 4),
    }),
    { maxLength: 120, size: 'max' },
  );

  test('capacity is held exactly for escrows and running jobs, and no offer starts twice', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const site = new Site({ nodes: 3, options: { escrowSeconds: 5, escrowsMax: 4, noticesMax: 3 } });
        const offers = new Map<number, number[]>();
        const started = new Set<number>();
        let now = 0;
        for (const { what, job, back, pods, demandId, node, gap } of script) {
          now += gap;
          const made = offers.get(job) ?? [];
          const offer = made.at(-1 - back) ?? 12345;
          const took: Step[] = [];
          if (what === 'propose') took.push(site.propose(job, now, { podCount: pods, demandId }));
          if (what === 'confirm') took.push(site.confirm(job, offer, now));
          if (what === 'decline') took.push(site.decline(job, offer, now));
          if (what === 'stop') took.push(site.stop(job, offer, now));
          if (what === 'exit') took.push(site.exit(job, offer, now));
          if (what === 'ack') took.push(site.ack(job, offer, now));
          if (what === 'down') took.push(site.down(node, now));
          if (what === 'up') took.push(site.up(node, now));
          if (what === 'wait') took.push(site.wake(now));
          for (const m of took.flatMap((step) => step.messages)) {
            if (m.kind === MessageKind.Offer && !made.includes(m.offer))
              offers.set(m.job, [...made, m.offer]);
          }
          for (const action of took.flatMap((step) => step.actions)) {
            if (action.kind !== ActionKind.Start) continue;
            expect(started.has(action.offer)).toBe(false);
            started.add(action.offer);
          }
          site.check();
          expect(site.process.ledger.escrows).toBeLessThanOrEqual(4);
        }
        // Nothing is held for ever: once nobody confirms any more, only what runs is left.
        site.wake(now + 5);
        expect(site.process.ledger.escrows).toBe(0);
        site.check();
      }),
      { numRuns: 150 },
    );
  });
});
