import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { TegError } from '../../model/errors.ts';
import {
  parseByteCount,
  parseClusterSourceOption,
  parseDurationSeconds,
  parseFraction,
  parseJobSourceOption,
  parseList,
  parseNonNegativeInt,
  parseNonNegativeNumber,
  parsePositiveInt,
  parsePositiveIntList,
  parsePositiveNumber,
  parseSeed,
  parseSeeds,
  parseSourceFile,
  parseWorkloadMix,
  SEEDS_MAX,
} from './option-values.ts';

/** Every reader, for laws that hold for all. */
const READERS = {
  parseByteCount,
  parseDurationSeconds,
  parseFraction,
  parseList,
  parseNonNegativeInt,
  parseNonNegativeNumber,
  parsePositiveInt,
  parsePositiveIntList,
  parsePositiveNumber,
  parseSeeds,
  parseSourceFile,
  parseWorkloadMix,
};

test.each(Object.entries(READERS))('%s answers or refuses any text with got and expected', (_name, read) => {
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'0123456789.,-+eE_%smhdwkKMGiB ') }),
    fc.double().map(String),
  );
  checkProperty(
    fc.property(texts, (text) => {
      try {
        read(text);
      } catch (error) {
        expect(error).toBeInstanceOf(TegError);
        expect((error as TegError).code).toBe('TEG_OPTION_INVALID');
        expect((error as TegError).message).toMatch(/^got '.*', expected ./s);
      }
    }),
    { numRuns: 500 },
  );
});

describe('numbers', () => {
  test('whole numbers may be written with underscores or an exponent', () => {
    expect(['7', '1e6', '1_000_000', ' 12 '].map(parsePositiveInt)).toEqual([7, 1e6, 1e6, 12]);
  });

  test.each(['0', '-1', '1.5', '', 'ten', '0x10', '1e400', '9007199254740993', '1__0', 'Infinity', '12 13'])(
    "'%s' is not a positive whole number",
    (text) => {
      expect(() => parsePositiveInt(text)).toThrow('expected a whole number of at least 1');
    },
  );

  test('zero is allowed where the name says so', () => {
    expect(parseNonNegativeInt('0')).toBe(0);
    expect(parseNonNegativeNumber('0')).toBe(0);
    expect(() => parsePositiveNumber('0')).toThrow('above 0');
  });

  test('shares and percentages', () => {
    expect(['0', '1', '0.25', '25%', '100%', '.5'].map(parseFraction)).toEqual([0, 1, 0.25, 0.25, 1, 0.5]);
    for (const text of ['1.1', '101%', '-0.1', '%', '']) expect(() => parseFraction(text)).toThrow(TegError);
  });

  test('durations', () => {
    const texts = ['90', '90s', '15m', '2h', '7d', '1w', '250ms', '1.5 h'];
    expect(texts.map(parseDurationSeconds)).toEqual([90, 90, 900, 7200, 604_800, 604_800, 0.25, 5400]);
    for (const text of ['', 's', '-5s', '1y', '1h30m'])
      expect(() => parseDurationSeconds(text)).toThrow(TegError);
  });

  test('sizes', () => {
    expect(['4096', '512MiB', '4GiB', '2GB', '1 kb'].map(parseByteCount)).toEqual([
      4096,
      512 * 2 ** 20,
      4 * 2 ** 30,
      2e9,
      1000,
    ]);
    for (const text of ['', 'GiB', '-1', '4 gibs']) expect(() => parseByteCount(text)).toThrow(TegError);
  });
});

describe('lists', () => {
  test('names keep their order', () => {
    expect(parseList('teg, fgd,best-fit')).toEqual(['teg', 'fgd', 'best-fit']);
  });

  test.each(['', 'a,', ',a', 'a,,b', 'a,b,a'])("'%s' is not a list of different names", (text) => {
    expect(() => parseList(text)).toThrow(TegError);
  });

  test('whole numbers', () => {
    expect(parsePositiveIntList('1000,1e4,100_000')).toEqual([1000, 10_000, 100_000]);
    for (const text of ['1000,1e3', '0', '1,x']) expect(() => parsePositiveIntList(text)).toThrow(TegError);
  });
});

describe('parseClusterSourceOption, parseJobSourceOption', () => {
  test('a number is how many to generate, anything else stays as it is', () => {
    expect(parseClusterSourceOption('100')).toBe('generated:openb:100');
    expect(parseClusterSourceOption('1e3')).toBe('generated:openb:1000');
    expect(parseJobSourceOption('50')).toBe('generated:50');
    for (const text of ['nodes.csv', 'generated:homogeneous:5', '-']) {
      expect(parseClusterSourceOption(text)).toBe(text);
      expect(parseJobSourceOption(text)).toBe(text);
    }
  });

  test.each(['0', '1.5', '1e12'])('%s is refused', (text) => {
    expect(() => parseClusterSourceOption(text)).toThrow(`got '${text}'`);
    expect(() => parseJobSourceOption(text)).toThrow(`got '${text}'`);
  });
});

describe('parseSourceFile', () => {
  test.each(['nodes.csv', './300', 'a-1e6.csv', '-', '..', 'e'])('%s is a file', (text) => {
    expect(parseSourceFile(text)).toBe(text);
  });

  test.each(['300', '1e6', '1_000', 'generated:openb:300'])('%s asks to make something up', (text) => {
    expect(() => parseSourceFile(text)).toThrow(
      `got '${text}', expected a file: nothing is generated here, \`teg trace generate\` makes files`,
    );
  });
});

describe('parseSeeds', () => {
  test('takes numbers and ranges with both ends', () => {
    expect(parseSeeds('42')).toEqual([42]);
    expect(parseSeeds('42-45, 60')).toEqual([42, 43, 44, 45, 60]);
    expect(parseSeeds('4294967295')).toEqual([4_294_967_295]);
  });

  test.each(['', '5-4', '-1', '1-', 'a', '1.5', '4294967296', '1,1', '1-3,2'])("refuses '%s'", (text) => {
    expect(() => parseSeeds(text)).toThrow(TegError);
  });

  test('is bounded, also before it fills the memory', () => {
    expect(parseSeeds(`1-${SEEDS_MAX}`)).toHaveLength(SEEDS_MAX);
    expect(() => parseSeeds(`0-${SEEDS_MAX}`)).toThrow('at most');
    expect(() => parseSeeds('0-4294967295')).toThrow('at most');
  });
});

test('a seed is a whole number of 32 bits', () => {
  expect([parseSeed('0'), parseSeed('4294967295')]).toEqual([0, 4_294_967_295]);
  for (const text of ['-1', '4294967296', '1.5']) expect(() => parseSeed(text)).toThrow(`got '${text}'`);
});
