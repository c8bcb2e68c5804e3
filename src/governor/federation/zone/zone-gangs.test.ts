import { describe, expect, test } from 'vitest';
import { NO_HELD_PART } from '../../../field/hologram/held-part.ts';
import { DemandId, message, told } from '../federation.fixtures.ts';
import { partNumber } from '../federation-limits.ts';
import { gangTaxFor } from '../gang-tax-options.ts';
import { MessageKind } from '../messages.ts';
import { HOST, Site } from '../zone-governor.fixtures.ts';

const PARENT = 100;
const GANG = 7;
const PART = partNumber(GANG, 1);
const BID = { rankSeconds: 2, gang: GANG, demandId: DemandId.OneGpu, pods: 6 };
const OPTIONS = {
  gangTax: { ...gangTaxFor(2, 10), championSeconds: 20 },
  expireSeconds: 10,
  escrowSeconds: 1000,
};

/** A zone of one node with four GPUs. */
function site(): Site {
  return new Site({ parent: PARENT, options: OPTIONS });
}

/** A host bids, or the tree names a champion. */
function champion(zone: Site, from: number, at: number, fields: Partial<typeof BID> = {}): void {
  zone.receive(message(MessageKind.Champion, from, 0, { ...BID, ...fields }), at);
}

function heldIdle(zone: Site, job: number, offer: number, at: number, deadline: number): void {
  zone.receive(message(MessageKind.HeldIdle, HOST, 0, { job, offer, deadline }), at);
}

describe('a zone and gangs across zones', () => {
  test('counts an escrow as held idle while its host says so, and not once it runs, ends, or is another', () => {
    const zone = site();
    const offer = zone.offered(PART, 0, { podCount: 2 });
    expect(zone.process.gangs.part(0)).toEqual(NO_HELD_PART);
    heldIdle(zone, PART, offer + 1, 0, 100);
    expect(zone.process.gangs.part(0)).toEqual(NO_HELD_PART);
    heldIdle(zone, PART, offer, 0, 5);
    expect(zone.process.gangs.part(1)).toMatchObject({ gpuMilli: 2000 });
    expect(zone.process.gangs.part(5.1)).toEqual(NO_HELD_PART);
    heldIdle(zone, PART, offer, 6, 100);
    expect(zone.published().hologram.held).toEqual(NO_HELD_PART);
    heldIdle(zone, PART, offer, 1e6, 2e6);
    zone.decline(PART, offer, 1e6);
    expect(zone.process.gangs.part(1e6)).toEqual(NO_HELD_PART);
  });

  test('publishes the first of its hosts’ bids, until they are withdrawn or expire', () => {
    const zone = site();
    champion(zone, HOST, 0, { rankSeconds: 5, gang: 9 });
    champion(zone, HOST + 1, 0);
    expect(zone.process.gangs.part(0).champion).toEqual(BID);
    champion(zone, HOST + 1, 1, { pods: 0 });
    expect(zone.process.gangs.part(1).champion).toMatchObject({ gang: 9 });
    expect(zone.process.gangs.part(10.1).champion).toBeUndefined();
  });

  test('gives places that the champion can use to it alone', () => {
    const zone = site();
    champion(zone, PARENT, 0);
    expect(told(zone.propose(1))).toEqual(['refuse 1: no room in the zone']);
    expect(told(zone.propose(partNumber(8, 1)))).toEqual([`refuse ${partNumber(8, 1)}: no room in the zone`]);
    // A job that costs it no place.
    expect(told(zone.propose(2, 0, { demandId: DemandId.Cpu }))).toEqual(['offer 2']);
    expect(told(zone.propose(PART, 0, { podCount: 3 }))).toEqual([`offer ${PART}`]);
    expect(zone.process.ledger.pods[zone.process.ledger.localOf(PART)]).toBe(3);
    zone.check();
  });

  test('reserves no more than the champion lacks, and nothing once there is none', () => {
    const zone = site();
    champion(zone, PARENT, 0, { pods: 2 });
    expect(told(zone.propose(1, 0, { podCount: 2 }))).toEqual(['offer 1']);
    expect(told(zone.propose(2))).toEqual(['refuse 2: no room in the zone']);
    champion(zone, PARENT, 1, { pods: 0 });
    expect(told(zone.propose(2, 1))).toEqual(['offer 2']);
    const silent = site();
    champion(silent, PARENT, 0);
    expect(told(silent.propose(1, 10.1))).toEqual(['offer 1']);
  });

  test('takes a place back that a waiting job got, while the champion lacks any', () => {
    const zone = new Site({ parent: PARENT, options: { ...OPTIONS, standingZones: 1 } });
    const offer = zone.running(1, 0, { podCount: 4 });
    zone.propose(2, 0, { mode: 2 });
    champion(zone, PARENT, 0);
    expect(told(zone.exit(1, offer, 1))).toEqual(['ended 1: finished']);
    expect(zone.freeGpuMilli).toBe(4000);
    expect(told(zone.propose(PART, 1, { podCount: 4 }))).toEqual([`offer ${PART}`]);
    zone.check();
  });

  test('reserves for `championSeconds` at a stretch, then for as long nothing', () => {
    const zone = site();
    const refuses = (job: number, at: number): boolean => {
      champion(zone, PARENT, at);
      const [answer] = told(zone.propose(job, at));
      const { ledger } = zone.process;
      if (ledger.localOf(job) >= 0) zone.decline(job, ledger.offers[ledger.localOf(job)] as number, at);
      return answer === `refuse ${job}: no room in the zone`;
    };
    expect([0, 9, 19, 20, 29, 39, 40.5, 50, 59, 61].map((at, i) => refuses(20 + i, at))).toEqual([
      ...[true, true, true, false, false, false, true, true, true, false],
    ]);
  });
});
