import { describe, expect, test } from 'vitest';
import type { HeldPart } from '../../../field/hologram/held-part.ts';
import { Agents } from '../agent-host.fixtures.ts';
import { type AnyMessage, DemandId, entry, jobOf, type Step, told } from '../federation.fixtures.ts';
import { partNumber } from '../federation-limits.ts';
import { type GangTaxOptions, gangTaxFor } from '../gang-tax-options.ts';
import { ActionKind, MessageKind } from '../messages.ts';

const GANG = 7;
const OTHER = 3;
const PART = partNumber(GANG, 1);
const CAPACITY = { capacityGpuMilli: 8000, capacityCpuMilli: 64_000 };
const OLDER = { rankSeconds: 1, gang: OTHER, demandId: DemandId.OneGpu, pods: 8 };
const NOBODY: HeldPart = { gpuMilli: 0, cpuMilli: 0, champion: undefined };

/** A host with a gang of twelve pods, of which zone 1 gives it four and nobody any more. */
class Stuck extends Agents {
  version = 1;
  tokens = 0;

  constructor(tax: Partial<GangTaxOptions> = {}, deadline = 1000) {
    const gangTax = { ...gangTaxFor(2, 10), balance: 100, mintPerSecond: 0, championSeconds: 500, ...tax };
    const options = {
      spanAfterSeconds: 1,
      claimSeconds: 10,
      escrowSeconds: 1000,
      confirmSeconds: 1,
      gangTax,
    };
    super({ homeZone: 1, firstReportSeconds: 5, options });
    this.look(0, NOBODY, 4);
    this.step((out) => this.process.submit(jobOf(GANG, DemandId.OneGpu, 12), 0, out));
    const [ask] = this.look(2, NOBODY, 4).messages as [AnyMessage];
    this.hear(MessageKind.Offer, 1, ask.job, { attempt: ask.attempt, offer: 90, pods: 4, deadline }, 2);
  }

  /** A board on which zones 1 to 3 of eight GPUs each show that many free, and zone 1 what is held. */
  look(at: number, held: HeldPart, free = 0): Step {
    this.version++;
    const shown = { freeGpuMilli: 1000 * free, takenAt: at, sums: CAPACITY };
    const zones = [1, 2, 3].map((zone) =>
      entry(zone, this.version, { ...shown, ...(zone === 1 && { held }) }),
    );
    const step = this.board(zones, at);
    for (const { kind, microTokens } of step.actions)
      if (kind === ActionKind.Tax) this.tokens += (microTokens ?? 0) / 1e6;
    return step;
  }

  /** Boards every second. @returns When the gang has given back what it held; Infinity: not by then. */
  until(end: number, held: HeldPart): number {
    for (let at = 3; at <= end; at++) {
      if (told(this.look(at, held)).includes(`decline ${PART}`)) return at;
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** Half of all GPUs are held idle. */
const HALF: HeldPart = { gpuMilli: 12_000, cpuMilli: 0, champion: OLDER };

describe('the tax on what a gang holds idle', () => {
  test('is taken while ψ is high, grows, and ends with the gang giving back what it holds', () => {
    const gang = new Stuck();
    const at = gang.until(79, HALF);
    expect(at).toBeGreaterThan(6);
    expect(at).toBeLessThan(79);
    expect(gang.tokens).toBeCloseTo(100, 5);
    expect(gang.state(GANG)).toBe('waiting: no zone shows room');
  });

  test('is nothing while ψ is below the threshold, and the gang keeps what it holds until its patience ends', () => {
    const gang = new Stuck();
    expect(gang.until(70, { ...HALF, gpuMilli: 2000 })).toBe(Number.POSITIVE_INFINITY);
    expect(gang.tokens).toBe(0);
    expect(told(gang.wake(82))).toContain(`decline ${PART}`);
  });

  test('is nothing for the champion, which keeps what it holds, but not for ever', () => {
    const gang = new Stuck();
    expect(gang.until(400, { ...HALF, champion: { ...OLDER, gang: GANG } })).toBe(Number.POSITIVE_INFINITY);
    expect(gang.tokens).toBe(0);
    expect(told(gang.wake(503))).toContain(`decline ${PART}`);
  });

  test('is not more than the tenant has, with its income', () => {
    const rich = new Stuck({ mintPerSecond: 1 });
    const at = rich.until(79, HALF);
    expect(at).toBeLessThan(79);
    expect(rich.tokens).toBeGreaterThan(100);
    expect(rich.tokens).toBeLessThanOrEqual(100 + at);
  });

  test('gives way to wound-wait after T_max: the younger gives back at once', () => {
    const { governor } = gangTaxFor(2, 10);
    const free = { ...governor, landau: { ...governor.landau, taxScale: 0 }, fallbackSeconds: 20 };
    expect(new Stuck({ governor: free }).until(79, HALF)).toBe(24);
    expect(new Stuck({ governor: free }).until(79, { ...HALF, champion: undefined })).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(new Stuck({ remedy: 'wound-wait' }).until(79, HALF)).toBe(5);
  });

  test('knows a gang as stuck only after it was granted nothing for long, and says so with each renewal', () => {
    const early = new Stuck({}, 5);
    early.look(3, NOBODY);
    const isRenewal = (text: string) => /^(renew|held-idle)/.test(text);
    expect(told(early.wake(3.5)).filter(isRenewal)).toEqual([`renew ${PART}`]);
    const late = new Stuck({}, 12);
    late.look(3, NOBODY);
    const { messages } = late.wake(7);
    expect(messages).toContainEqual(
      expect.objectContaining({ kind: MessageKind.HeldIdle, to: 1, job: PART, offer: 90, deadline: 1007 }),
    );
    expect(messages).toContainEqual(expect.objectContaining({ kind: MessageKind.Renew, job: PART }));
  });

  test('bids for a gang that waits for parts, with what it lacks, and withdraws the bid', () => {
    const gang = new Stuck();
    gang.look(3, NOBODY);
    const bids = (step: Step) => step.messages.filter(({ kind }) => kind === MessageKind.Champion);
    const bid = { to: 1, rankSeconds: 2, gang: GANG, demandId: DemandId.OneGpu };
    expect(bids(gang.wake(5))).toMatchObject([{ ...bid, pods: 8 }]);
    gang.cancel(GANG, 5);
    expect(bids(gang.wake(6))).toMatchObject([{ to: 1, pods: 0 }]);
    expect(bids(gang.wake(7))).toEqual([]);
  });
});
