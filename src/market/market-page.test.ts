/** The worked example of docs/market.md, computed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MICROS_PER_HOUR } from './amounts.ts';
import { affordableAfter, decayed } from './prices/half-life.ts';
import { TokenMarket } from './token-market/token-market.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'market.md'), 'utf8');
const GPU = 1_000;
const HALF_LIFE = 168 * MICROS_PER_HOUR;
const HOURS = 12;
const WORDS_MAX = 700;

function marketOfPage(): TokenMarket {
  return new TokenMarket({
    flavors: [{ name: 'h100', capacityMilli: 64 * GPU }],
    tenants: [
      { name: 'nlp', quotaMilli: 32 * GPU, weight: 1 },
      { name: 'vision', quotaMilli: 16 * GPU, weight: 3 },
    ],
    halfLifeMicros: HALF_LIFE,
  });
}

const tokens = (micros: number, digits = 4): string =>
  (micros / 1e6).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

test('what the teams earn and hold at most', () => {
  const market = marketOfPage();
  const rows = ['nlp', 'vision'].map(
    (name, tenant) =>
      `| ${name} | ${tokens(market.mints[tenant] as number, 0)} tokens | ${tokens(market.book.ceilings[tenant] as number, 2)} tokens |`,
  );
  expect(PAGE).toContain(rows.join('\n'));
});

test('prices by load', () => {
  const rows = [0, 32, 48, 64].map((gpus) => {
    const market = marketOfPage();
    if (gpus > 0) market.started(0, 0, gpus * GPU, 0);
    return `| ${gpus} of 64 | ${tokens(market.priceOf(0).value)} |`;
  });
  expect(PAGE).toContain(rows.join('\n'));
  const market = marketOfPage();
  market.started(0, 0, 57_600, 0);
  const { value } = market.priceOf(0);
  expect(PAGE).toContain(`At 90 % load the price is ${tokens(value)}`);
  const earned = (market.mints[0] as number) + (market.mints[1] as number);
  // The base is rounded to a micro-token.
  expect((57.6 * value) / earned).toBeCloseTo(1, 5);
});

test('what the job of vision costs, and how its rent is forgotten', () => {
  const market = marketOfPage();
  market.started(0, 0, 32 * GPU, 0);
  const { value, slope } = market.priceOf(0);
  const hour = market.costOf(0, 24 * GPU);
  const cells = [
    ['price now, and for each GPU more', `${tokens(value)} + ${tokens(slope * GPU)}`],
    ['quoted to 24 GPUs', tokens(market.quotedPrice(0, 24 * GPU))],
    ['rent an hour', `${tokens(hour)} tokens`],
    [`for ${HOURS} hours, if the load stays`, `${tokens(HOURS * hour)} tokens`],
  ];
  expect(PAGE).toContain(cells.map((row) => `| ${row.join(' | ')} |`).join('\n'));
  const ceiling = market.book.ceilings[1] as number;
  const wait = affordableAfter(0, hour, ceiling, HALF_LIFE) / (MICROS_PER_HOUR / 60);
  expect(PAGE).toContain(`can pay the first hour after | ${wait.toFixed(2)} minutes |`);
  const later = [1, 2].map((weeks) => tokens(decayed(HOURS * hour, weeks * HALF_LIFE, HALF_LIFE), 0));
  expect(PAGE).toContain(`a week later ${later[0]} count against \`vision\`, after two weeks ${later[1]}.`);
});

test('it is one page', () => {
  expect(PAGE.split(/\s+/).length).toBeLessThanOrEqual(WORDS_MAX);
});
