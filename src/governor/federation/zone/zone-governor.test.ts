import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { DemandId, done, message, only, reply, type Step, told } from '../federation.fixtures.ts';
import { ActionKind, FederationReason, MessageKind } from '../messages.ts';
import { HOST, Site } from '../zone-governor.fixtures.ts';

describe('a proposal', () => {
  test('that fits gets an offer, backed by capacity that nothing runs on yet', () => {
    const site = new Site({ id: 6, options: { escrowSeconds: 5 } });
    const step = site.propose(7, 2, { attempt: 44, podCount: 3 });
    expect(reply(step)).toMatchObject({
      kind: MessageKind.Offer,
      from: 6,
      to: HOST,
      job: 7,
      attempt: 44,
      deadline: 7,
    });
    expect(step.actions).toEqual([]);
    expect(site.freeGpuMilli).toBe(1000);
    expect(site.process.ledger).toMatchObject({ escrows: 1, escrowGpuMilli: 3000, runningGpuMilli: 0 });
    site.check();
  });

  test('states the cost of the place, for all its pods', () => {
    const site = new Site();
    const one = reply(site.propose(7)).priceMilli;
    expect(Number.isFinite(one)).toBe(true);
    expect(one).not.toBe(0);
    // The cost of a gang is that of its pods placed one after the other, not of its last pod.
    const gang = reply(new Site().propose(7, 0, { podCount: 2 })).priceMilli;
    expect(gang).toBeCloseTo(one + reply(site.propose(8)).priceMilli, 9);
  });

  test('names the same price that a quote names for the same place', () => {
    const site = new Site();
    site.running(1, 0);
    const { priceMilli, offer } = reply(site.propose(7));
    site.confirm(7, offer);
    const quote = message(MessageKind.Quote, HOST, site.process.id, { job: 7, offer });
    expect(reply(site.receive(quote, 1))).toMatchObject({ kind: MessageKind.Quoted, job: 7, priceMilli });
  });

  test("that does not fit is refused, with the zone's last published version", () => {
    const site = new Site({ id: 6, incarnation: 3 });
    site.running(1, 0, { podCount: 3 });
    expect(reply(site.propose(7, 1, { attempt: 9, podCount: 2 }))).toMatchObject({
      kind: MessageKind.Refuse,
      from: 6,
      to: HOST,
      job: 7,
      attempt: 9,
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
    // A late duplicate of the earlier attempt would be declined by its host: no answer.
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
    site.process.arbiter.zone.forEachPod(start.local, (_, node) => {
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

  test('of an offer that was never made finds it gone', () => {
    expect(told(new Site().confirm(7, 12345))).toEqual(['gone 7']);
  });

  test('of a job that has ended meanwhile gets its end as the answer', () => {
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
      /** The offer among those made for the job: mostly the last one. */
      back: fc.constantFrom(0, 0, 0, 1),
      pods: fc.integer({ min: 1, max: 9 }),
      demandId: fc.nat(4),
      node: fc.nat(2),
      gap: fc.constantFrom(0, 0.1, 1, 4),
    }),
    { maxLength: 120, size: 'max' },
  );

  test('capacity is held exactly for escrows and running jobs, and no offer starts twice', () => {
    checkProperty(
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
        // No hold lasts forever: once no host confirms any more, only running jobs are left.
        site.wake(now + 5);
        expect(site.process.ledger.escrows).toBe(0);
        site.check();
      }),
      { numRuns: 150 },
    );
  });
});

describe('renewals of a part of a gang', () => {
  const renew = (site: Site, job: number, offer: number, deadline: number, at: number) =>
    site.receive(message(MessageKind.Renew, HOST, site.process.id, { job, offer, deadline }), at);

  test('keep the escrow until then, and never for less than it lasts already', () => {
    const site = new Site({ options: { escrowSeconds: 5 } });
    const offer = site.offered(7, 0, { podCount: 3, gangMin: 1 });
    expect(reply(renew(site, 7, offer, 8, 2))).toMatchObject({
      kind: MessageKind.Offer,
      offer,
      pods: 3,
      deadline: 8,
    });
    expect(reply(renew(site, 7, offer, 6, 3))).toMatchObject({ deadline: 8 });
    site.wake(7.9);
    expect(site.freeGpuMilli).toBe(1000);
    site.wake(8);
    expect(site.freeGpuMilli).toBe(4000);
    expect(told(renew(site, 7, offer, 12, 8))).toEqual(['gone 7']);
    site.check();
  });

  test('of an escrow that ended just now come too late', () => {
    const site = new Site({ options: { escrowSeconds: 5 } });
    const offer = site.offered(7);
    expect(told(renew(site, 7, offer, 12, 5))).toEqual(['gone 7']);
    expect(site.freeGpuMilli).toBe(4000);
  });

  test('of a part that runs, or ran, are answered with that', () => {
    const site = new Site();
    const offer = site.running(7);
    expect(told(renew(site, 7, offer, 9, 1))).toEqual(['started 7']);
    site.exit(7, offer, 2);
    expect(told(renew(site, 7, offer, 9, 2))).toEqual(['ended 7: finished']);
  });
});
