/** A market is cut off anywhere; the next one finishes it and goes on: the log verifies, and nobody lost or won a token. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { MICROS_PER_HOUR } from '../amounts.ts';
import { type ChainedBatch, HashChain } from '../hash-chain.ts';
import { Ledger } from '../ledger.ts';
import { verifyLedger } from '../verify-ledger.ts';
import { RentAudit } from './rent-audit.ts';
import { TokenMarket } from './token-market.ts';
import { finishMarket } from './unfinished-market.ts';

const HALF_LIFE = 168 * MICROS_PER_HOUR;

/** A ledger that keeps its log. */
class LoggedLedger {
  readonly log: ChainedBatch[] = [];
  readonly ledger: Ledger;
  private readonly chain = new HashChain();

  constructor() {
    this.ledger = new Ledger({
      halfLifeMicros: HALF_LIFE,
      onBatch: (batch) => {
        this.log.push(this.chain.append(batch));
      },
    });
  }

  market(tenants: readonly string[], startMicros: number): TokenMarket {
    return new TokenMarket({
      flavors: ['h100', 'a100'].map((name) => ({ name, capacityMilli: 16_000 })),
      tenants: tenants.map((name) => ({ name, quotaMilli: 1_000, weight: 1 })),
      ...{ ledger: this.ledger, startMicros, continues: true },
    });
  }

  fault(): unknown {
    return verifyLedger(this.log, { audit: new RentAudit() }).fault;
  }

  get sum(): bigint {
    const { ledger } = this;
    return ledger.accounts.names.reduce((sum, _, at) => sum + ledger.view(at).balance, 0n);
  }

  get reserved(): number {
    const { ledger } = this;
    return ledger.accounts.names.reduce((sum, _, at) => sum + ledger.view(at).reserved, 0);
  }
}

describe('finishMarket', () => {
  test('does nothing to an empty log', () => {
    const logged = new LoggedLedger();
    expect(finishMarket(logged.ledger, logged.log.toReversed(), 5)).toEqual({ ended: 0, due: 0, unpaid: 0 });
    expect(logged.log.length).toBe(1);
  });

  test('pays the rent since the last tick out of the escrow, to the micro-token', () => {
    const logged = new LoggedLedger();
    const market = logged.market(['nlp', 'vision'], 0);
    market.started(0, 0, 2_000, 24 * MICROS_PER_HOUR);
    market.advance(30 * MICROS_PER_HOUR);
    const rate = market.rents.perHourOf(0);
    const until = 30 * MICROS_PER_HOUR + MICROS_PER_HOUR / 2;
    market.noteUsage(until);
    const found = finishMarket(logged.ledger, logged.log.toReversed(), until);
    expect(found).toEqual({ ended: 1, due: Math.floor(rate / 2), unpaid: 0 });
    expect(logged.reserved).toBe(0);
    expect(logged.fault()).toBeUndefined();
    // Finished once: a second time there is nothing left.
    expect(finishMarket(logged.ledger, logged.log.toReversed(), until).due).toBe(0);
  });

  test('property: cut off at any time, with tenants that come and go, the log verifies and adds up', () => {
    checkProperty(
      fc.property(fc.nat(), (seed) => {
        const rng = new Random(seed);
        const logged = new LoggedLedger();
        let time = 0;
        let lives = 0;
        for (let life = 0; life < 4; life++) {
          const names = ['nlp', 'vision', 'speech', 'maps'].filter(() => rng.nextInt(4) > 0);
          if (names.length === 0) continue;
          lives++;
          const market = logged.market(names, time);
          const leases: number[] = [];
          for (let step = 0; step < 40; step++) {
            time += rng.nextInt(MICROS_PER_HOUR);
            if (leases.length > 0 && rng.nextInt(3) === 0) {
              market.ended(leases.splice(rng.nextInt(leases.length), 1)[0] as number, time);
            } else if (rng.nextInt(6) === 0) {
              market.remint(
                names.map(() => rng.nextInt(20) * 1_000_000),
                time,
              );
            } else {
              leases.push(
                market.started(rng.nextInt(names.length), rng.nextInt(2), 1 + rng.nextInt(3_000), time),
              );
            }
          }
          market.noteUsage(time);
          time += 3 * rng.nextInt(MICROS_PER_HOUR);
          const found = finishMarket(logged.ledger, logged.log.toReversed(), time);
          expect(found.ended).toBe(leases.length);
          expect(found.unpaid).toBeLessThanOrEqual(found.due);
          expect(logged.reserved).toBe(0);
          expect(logged.sum).toBe(0n);
        }
        if (lives > 0) expect(logged.fault()).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });
});
