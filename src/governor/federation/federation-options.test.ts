import { describe, expect, test } from 'vitest';
import { TegError } from '../../model/errors.ts';
import { FEDERATION_DEFAULTS, type FederationOptions, federationOptions } from './federation-options.ts';
import { gangTaxFor } from './gang-tax-options.ts';

function refusal(options: Partial<FederationOptions>): TegError {
  try {
    federationOptions(options);
  } catch (error) {
    if (error instanceof TegError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(options)}`);
}

describe('options of a federation', () => {
  test('defaults are used for missing options, and are allowed', () => {
    expect(federationOptions()).toEqual(FEDERATION_DEFAULTS);
    expect(federationOptions({ publishSeconds: 2, fanOut: 4 })).toEqual({
      ...FEDERATION_DEFAULTS,
      publishSeconds: 2,
      fanOut: 4,
    });
  });

  test('an escrow by default outlives the confirmation and some repetitions of it', () => {
    const { escrowSeconds, confirmSeconds, proposeSeconds } = FEDERATION_DEFAULTS;
    expect(escrowSeconds).toBeGreaterThan(proposeSeconds + 4 * confirmSeconds);
  });

  /** Zero switches these off. */
  const MAY_BE_ZERO: readonly (keyof FederationOptions)[] = [
    'movesPerBoard',
    'moveSavesMilliMin',
    'standingZones',
  ];
  const names = Object.keys(FEDERATION_DEFAULTS) as (keyof FederationOptions)[];

  test.each(names)(
    '%s: values below the bound, and values that are not numbers, are refused by name',
    (name) => {
      const isOff = MAY_BE_ZERO.includes(name);
      if (isOff) expect(federationOptions({ [name]: 0 })[name]).toBe(0);
      for (const value of [...(isOff ? [] : [0]), -1, Number.NaN, undefined as never]) {
        const error = refusal({ [name]: value });
        expect(error.code).toBe('TEG_OPTION_INVALID');
        expect(error.message).toContain(`${name} is ${value}; expected`);
      }
    },
  );

  test('the fan-out is a whole number of at least 2', () => {
    expect(federationOptions({ fanOut: 2 }).fanOut).toBe(2);
    expect(refusal({ fanOut: 1 }).message).toContain('fanOut is 1; expected a whole number, at least 2');
    expect(refusal({ fanOut: 2.5 }).message).toContain('fanOut is 2.5; expected');
  });

  test('bounds of tables are finite and whole', () => {
    expect(refusal({ boardEntriesMax: Number.POSITIVE_INFINITY }).message).toContain('boardEntriesMax');
    expect(refusal({ escrowsMax: 1.5 }).message).toContain('escrowsMax');
  });

  test('a loser budget is a share below 1', () => {
    expect(federationOptions({ loserBudget: 0.99 }).loserBudget).toBe(0.99);
    expect(refusal({ loserBudget: 1 }).message).toContain('loserBudget is 1; expected');
  });

  test('data expires after two periods at the earliest', () => {
    expect(federationOptions({ publishSeconds: 4, expireSeconds: 8 }).expireSeconds).toBe(8);
    const error = refusal({ publishSeconds: 5.1, expireSeconds: 10 });
    expect(error.message).toContain('expireSeconds is 10');
    expect(error.message).toContain('5.1');
  });

  test('a tax on what gangs hold idle is off unless it is set, and then whole', () => {
    expect(federationOptions().gangTax).toBeUndefined();
    const gangTax = gangTaxFor(2, 10);
    expect(federationOptions({ gangTax }).gangTax).toEqual(gangTax);
    for (const name of ['stuckSeconds', 'balance', 'championSeconds', 'mintPerSecond'] as const) {
      for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const error = refusal({ gangTax: { ...gangTax, [name]: value } });
        expect(error.code).toBe('TEG_OPTION_INVALID');
        expect(error.message).toContain(`gangTax.${name} is ${value}; expected`);
      }
    }
  });
});
