import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatPercent,
  formatRate,
  formatSigned,
} from './formatting.ts';

describe('formatFixed', () => {
  test.each([
    [0, 2, '0.00'],
    [1234.5, 2, '1,234.50'],
    [-1234567, 0, '-1,234,567'],
    [999.999, 2, '1,000.00'],
    [-0.001, 2, '0.00'],
    [123456.125, 3, '123,456.125'],
    [Number.NaN, 2, '–'],
    [Number.POSITIVE_INFINITY, 1, '∞'],
    [Number.NEGATIVE_INFINITY, 1, '-∞'],
  ])('%d with %d digits is %s', (value, digits, text) => {
    expect(formatFixed(value, digits)).toBe(text);
  });
});

test('counts are grouped by thousands', () => {
  expect([1, 12, 123, 1234, 12345, 1e9].map(formatCount)).toEqual([
    '1',
    '12',
    '123',
    '1,234',
    '12,345',
    '1,000,000,000',
  ]);
});

test('a share is a percentage', () => {
  expect(formatPercent(0.98345)).toBe('98.3 %');
  expect(formatPercent(1, 0)).toBe('100 %');
  expect(formatPercent(Number.NaN)).toBe('–');
});

test('a difference shows its sign unless it prints as zero', () => {
  expect([1.25, -1.25, 0, 0.001, -0.001].map((v) => formatSigned(v, 2))).toEqual([
    '+1.25',
    '-1.25',
    '0.00',
    '0.00',
    '0.00',
  ]);
});

test.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1024, '1.00 KiB'],
  [1536, '1.50 KiB'],
  [2 ** 20 - 1, '1.00 MiB'],
  [50 * 2 ** 20, '50.0 MiB'],
  [4 * 2 ** 30, '4.00 GiB'],
  [2 ** 62, '4,096 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 s'],
  [42e-9, '42 ns'],
  [999.9e-9, '1.0 µs'],
  [4.23e-6, '4.2 µs'],
  [123e-6, '123 µs'],
  [0.0125, '12.5 ms'],
  [0.9999, '1.0 s'],
  [7.44, '7.4 s'],
  [59.96, '1 m 00 s'],
  [125, '2 m 05 s'],
  [3599.6, '1 h 00 m'],
  [11_220, '3 h 07 m'],
  [86_399, '1 d 00 h'],
  [12 * 86_400 + 4 * 3600, '12 d 04 h'],
  [-90, '-1 m 30 s'],
  [Number.POSITIVE_INFINITY, '∞'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0, '0 jobs/s'],
  [9.5, '9.5 jobs/s'],
  [950, '950 jobs/s'],
  [12_345, '12.3 k jobs/s'],
  [1.2e6, '1.20 M jobs/s'],
  [3.5e9, '3.50 G jobs/s'],
])('%d a second is %s', (rate, text) => {
  expect(formatRate(rate, 'jobs')).toBe(text);
});

test('a rate without a unit', () => {
  expect(formatRate(12, '')).toBe('12/s');
  expect(formatRate(2500, '')).toBe('2.50 k/s');
});
