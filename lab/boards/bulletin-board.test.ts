import { describe, expect, test } from 'vitest';
import type { Chooser, ZoneOffers } from '../../src/governor/choosers/chooser.ts';
import { CHOOSERS, chooserByName } from '../../src/governor/choosers/registry.ts';
import { Random } from '../../src/kernel/random.ts';
import { type BoardOptions, type BoardResult, boardSpeeds, simulateBoard } from './bulletin-board.ts';

const BASE = {
  staleness: 1,
  arrivals: 10_000,
  load: 0.9,
  speeds: boardSpeeds('equal'),
  refresh: 'together',
  deciders: 'so-far',
} as const satisfies Omit<BoardOptions, 'chooser'>;

function run(name: string, options: Partial<BoardOptions> = {}): BoardResult {
  const chooser = chooserByName(name).create();
  return simulateBoard({ ...BASE, chooser, ...options }, new Random(4));
}

/** A chooser that reports its input. */
function spy(see: (offers: ZoneOffers, deciders: number, home: number) => void): Chooser {
  return {
    name: 'spy',
    choose(offers, deciders, stream, random) {
      see(offers, deciders, stream.home);
      return random.nextInt(offers.count);
    },
  };
}

describe('servers behind a board', () => {
  test('chosen at random they are independent M/M/1 queues', () => {
    for (const servers of ['equal', 'unequal'] as const) {
      const options = { arrivals: 150_000, load: 0.6, speeds: boardSpeeds(servers) };
      const { meanResponse, herding, distance } = run('random', options);
      // 1/(1 − ρ) on average over servers in proportion to their speed, whatever the speeds.
      const mean = options.speeds.length / options.speeds.reduce((sum, speed) => sum + speed, 0) / 0.4;
      expect(meanResponse / mean).toBeCloseTo(1, 1);
      expect(herding).toBeCloseTo(1, 1);
      if (servers === 'equal') expect(distance).toBeCloseTo(100 / 3, 0);
    }
  });

  test('show prices, slopes and ages as they are', () => {
    let shown = 0;
    const chooser = spy((offers, deciders, home) => {
      shown++;
      expect(offers.count).toBe(100);
      expect(offers.positions[home]).toBe(home);
      const ages = offers.ages.subarray(0, 100);
      expect(Math.max(...ages)).toBeLessThanOrEqual(1);
      expect(Math.max(...ages)).toBe(Math.min(...ages));
      expect(deciders).toBeCloseTo(Math.max(1, 90 * (ages[0] as number)), 9);
      for (let s = 0; s < 4; s++) {
        const speed = BASE_UNEQUAL[s] as number;
        expect(offers.slopes[s]).toBe(1 / speed);
        const queue = (offers.prices[s] as number) * speed - 1;
        expect(queue).toBeCloseTo(Math.round(queue), 9);
        expect(queue).toBeGreaterThanOrEqual(-1e-9);
      }
    });
    simulateBoard({ ...BASE, chooser, arrivals: 500, speeds: BASE_UNEQUAL }, new Random(1));
    expect(shown).toBe(500);
  });

  test('are refreshed one after the other on request', () => {
    const chooser = spy((offers, deciders) => {
      const ages = [...offers.ages.subarray(0, 100)].sort((a, b) => a - b);
      for (let s = 1; s < 100; s++) {
        const step = (ages[s] as number) - (ages[s - 1] as number);
        if ((ages[99] as number) > 1.99) expect(step).toBeCloseTo(0.02, 9);
      }
      expect(deciders).toBe(90 * 2);
    });
    const options = { refresh: 'staggered', deciders: 'per-refresh', staleness: 2, arrivals: 900 } as const;
    simulateBoard({ ...BASE, ...options, chooser }, new Random(1));
  });

  test('give all choosers the same jobs, and the same answer twice', () => {
    expect(run('gibbs')).toEqual(run('gibbs'));
    const fresh = { staleness: 0.1 };
    const random = run('random', fresh).meanResponse;
    for (const { name } of CHOOSERS) {
      const { meanResponse } = run(name, fresh);
      // Least-loaded gives all of a tie to one server, so that it herds even here.
      if (name !== 'random' && name !== 'least-loaded') expect(meanResponse).toBeLessThan(0.5 * random);
    }
  });
});

const BASE_UNEQUAL = boardSpeeds('unequal');

describe('on stale boards', () => {
  test('least-loaded herds; anticipation, temperature and two choices do not', () => {
    const old = { staleness: 20 };
    expect(run('least-loaded', old).herding).toBeGreaterThan(10);
    for (const name of ['anticipated', 'gibbs', 'langevin', 'best-of-d']) {
      expect(run(name, old).herding).toBeLessThan(0.8);
      expect(run(name, old).meanResponse).toBeLessThan(run('random', old).meanResponse * 1.1);
    }
  });

  test('anticipation is no worse than two choices at any age', () => {
    for (const staleness of [0.1, 1, 5, 20]) {
      for (const refresh of ['together', 'staggered'] as const) {
        const options = { staleness, refresh };
        const ratio = run('anticipated', options).meanResponse / run('best-of-d', options).meanResponse;
        expect(ratio).toBeLessThan(1.02);
      }
    }
  });

  test('walkers move far less, and not for nothing', () => {
    const walkers = run('langevin');
    const draws = run('gibbs');
    expect(walkers.distance).toBeLessThan(0.2 * draws.distance);
    expect(walkers.meanResponse).toBeGreaterThan(draws.meanResponse);
  });
});
