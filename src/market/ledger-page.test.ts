/** The worked example of docs/ledger.md, computed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MICROS_PER_HOUR, QUANTITY_PER_UNIT_HOUR, tokensText } from './amounts.ts';
import type { LedgerBatch } from './batch.ts';
import { escrow, mintAt, rent, rentTick } from './charges.ts';
import { at } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { statementOf } from './statement.ts';
import { CODE_NAMES, idText } from './transfer.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'ledger.md'), 'utf8');

test('the statement of the page is the one that the ledger gives', () => {
  const log: LedgerBatch[] = [];
  const ledger = new Ledger({ halfLifeMicros: 168 * MICROS_PER_HOUR, onBatch: (batch) => log.push(batch) });
  const tenant = ledger.open('nlp', 0);
  const use = (hours: number): { tenant: number; job: number; quantity: number; price: number } => {
    return { tenant, job: 7, quantity: 4 * hours * QUANTITY_PER_UNIT_HOUR, price: 1_250_000 };
  };
  ledger.apply([mintAt(at(1), tenant, 16_000_000)], 0);
  ledger.apply([escrow(at(2), use(1))], 10 * MICROS_PER_HOUR);
  ledger.apply(rentTick({ rent: at(3), escrow: at(4) }, at(2), use(0.5), use(1)), 10.5 * MICROS_PER_HOUR);
  ledger.apply([rent(at(5), at(4), use(0.5))], 11 * MICROS_PER_HOUR);
  const { lines, closing, closingReserved } = statementOf(log, { account: 'nlp' });
  const rows = lines.map(({ timeMicros, code, job, quantity, price, change, reservedChange, id }) => {
    const by = price > 0 ? `${quantity / QUANTITY_PER_UNIT_HOUR} × ${price / 1e6}` : '';
    const texts = [change, reservedChange].map((micros) => (micros === 0 ? '' : tokensText(micros)));
    const cells = [
      timeMicros / MICROS_PER_HOUR,
      CODE_NAMES[code],
      job < 0 ? '' : job,
      by,
      ...texts,
      idText(id),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const table = [
    '| hour | code | job | GPU-hours × price | balance | reserved | transfer |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    `| | closing | | | ${tokensText(closing)} | ${tokensText(closingReserved)} | |`,
  ].join('\n');
  expect(PAGE).toContain(table);
  expect(PAGE).toContain(`never has more than ${tokensText(ledger.ceilingOf(16_000_000))} tokens`);
});
