import { describe, expect, test } from 'vitest';
import { DemandId, done, message, only, reply, type Step, told } from '../federation.fixtures.ts';
import { ActionKind, FederationReason, MessageKind } from '../messages.ts';
import { HOST, Site } from '../zone-governor.fixtures.ts';

describe('the end of a job', () => {
  test('is reported at once, and again until it is acknowledged; then it may be dropped', () => {
    const site = new Site({ id: 6, options: { noticeSeconds: 2 } });
    const offer = site.running(7, 0, { podCount: 2 });
    site.wake(5);
    const step = site.exit(7, offer, 10);
    expect(reply(step)).toMatchObject({
      kind: MessageKind.Ended,
      from: 6,
      to: HOST,
      job: 7,
      offer,
      reason: FederationReason.Finished,
      doneSeconds: 0,
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
  test('ends the jobs that ran there; the report is repeated until the host acknowledges', () => {
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

  test('of a missing offer finds it gone, and leaves another offer of the job alone', () => {
    const site = new Site();
    expect(told(site.stop(7, 99))).toEqual(['gone 7']);
    const offer = site.running(7);
    expect(told(site.stop(7, offer + 1))).toEqual(['gone 7']);
    expect(site.process.ledger.runningPods).toBe(1);
  });

  test('to move a job reports its work done, also before it came here', () => {
    const site = new Site();
    const offer = site.offered(7, 10);
    const start = only(site.confirm(7, offer, 12, { doneSeconds: 100 }));
    expect(start.doneSeconds).toBe(100);
    const ended = reply(site.stop(7, offer, 20, FederationReason.Moved));
    expect(ended).toMatchObject({
      kind: MessageKind.Ended,
      reason: FederationReason.Moved,
      doneSeconds: 108,
    });
    expect(reply(site.wake(1000))).toEqual(ended);
  });
});

describe('a quote', () => {
  const ask = (site: Site, job: number, offer: number): Step =>
    site.receive(message(MessageKind.Quote, HOST, site.process.id, { job, offer }), 1);

  test("gives the cost of a running job's place; that of its offer where nothing else has changed", () => {
    const site = new Site({ nodes: 2 });
    const offered = reply(site.propose(7));
    site.confirm(7, offered.offer);
    const quoted = reply(ask(site, 7, offered.offer));
    expect(quoted).toMatchObject({
      kind: MessageKind.Quoted,
      to: HOST,
      from: 0,
      job: 7,
      offer: offered.offer,
    });
    expect(quoted.priceMilli).toBeCloseTo(offered.priceMilli, 3);
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

  test('adopts running jobs on its nodes, exactly where they run', () => {
    const before = new Site({ nodes: 3 });
    const offers = [1, 2, 3].map((job) =>
      before.running(job, 0, { podCount: job, demandId: DemandId.HalfGpu }),
    );
    const after = new Site({ nodes: 3, incarnation: 2 });
    offers.forEach((offer, i) => {
      const job = i + 1;
      const nodes: number[] = [];
      const gpuMasks: number[] = [];
      before.process.arbiter.zone.forEachPod(before.process.ledger.localOf(job), (_, node, mask) => {
        nodes.push(node);
        gpuMasks.push(mask);
      });
      after.process.adopt(
        { job, offer, host: HOST, demandId: DemandId.HalfGpu, tenant: 0, nodes, gpuMasks },
        5,
      );
    });
    const free = (site: Site): number[][] => {
      const { freeGpuMilli, freeCpuMilli, gpuIdleMilli } = site.process.arbiter.zone.cluster;
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

  test('pins only adopted jobs', () => {
    const site = new Site({ nodes: 2, incarnation: 2 });
    site.process.adopt(
      { job: 1, offer: 5, host: HOST, demandId: DemandId.OneGpu, tenant: 0, nodes: [1], gpuMasks: [0b1000] },
      0,
    );
    expect(site.process.arbiter.zone.cluster.gpuIdleMilli.slice(4, 8)).toEqual(
      Uint16Array.of(1000, 1000, 1000, 0),
    );
    for (let job = 2; job <= 8; job++) site.offered(job);
    expect(told(site.propose(9))).toEqual(['refuse 9: no room in the zone']);
    site.check();
  });

  test('does not adopt a job that does not fit', () => {
    const site = new Site({ incarnation: 2 });
    const running = {
      job: 1,
      offer: 5,
      host: HOST,
      demandId: DemandId.FourGpus,
      tenant: 0,
      nodes: [0],
      gpuMasks: [0b1111],
    };
    site.process.adopt(running, 0);
    expect(() => site.process.adopt({ ...running, job: 2, offer: 6 }, 0)).toThrow('has no room there');
  });

  test('reports ended jobs to hosts again, and drops them once acknowledged', () => {
    const site = new Site({ incarnation: 2 });
    site.process.adoptEnded(7, 91, HOST, FederationReason.Finished, 5);
    expect(site.process.wakeAt).toBe(5);
    expect(told(site.wake(5))).toEqual(['ended 7: finished']);
    expect(done(site.ack(7, 91, 6))).toEqual(['forget 7']);
  });

  test('the work of a job that it took over counts from then', () => {
    const site = new Site({ incarnation: 2 });
    // The local number is reused: its earlier job's state must not count.
    site.exit(1, site.running(1, 0), 3);
    site.process.adopt(
      { job: 2, offer: 5, host: HOST, demandId: DemandId.OneGpu, tenant: 0, nodes: [0], gpuMasks: [1] },
      100,
    );
    expect(reply(site.stop(2, 5, 130, FederationReason.Moved)).doneSeconds).toBe(30);
  });
});
