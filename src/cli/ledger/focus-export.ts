/**
 * `teg ledger export --format focus-1.2`: rents as a table of the FinOps Open Cost and Usage Specification, a row for each job,
 * price and rent. https://focus.finops.org/focus-specification/v1-2/
 *
 * Tokens are the currency of prices. There is no money: the billing currency is XXX, ISO 4217's code for none, at one token each.
 * `EffectiveCost` is what was paid, and adds up to the ledger's rents; `ContractedCost` is what was quoted, so that the
 * difference was not paid (or is a rounding below a micro-token); `ListCost` is the same usage at the base price.
 */
import { once } from 'node:events';
import { MICROS_PER_TOKEN, QUANTITY_PER_UNIT_HOUR } from '../../market/amounts.ts';
import { type LedgerBatch, readBatch } from '../../market/batch.ts';
import { type JobCharge, JobCharges } from '../../market/job-charges.ts';
import { BURN, Code, idText } from '../../market/transfer.ts';
import { csvHeader, toCsvLine } from '../../traces/formats/normal-csv.ts';
import type { Cell, TableLayout } from '../../traces/layout.ts';
import { createTableWriter } from '../../traces/write.ts';
import { prepareOutput } from '../files/output-file.ts';

const MICROS_PER_MS = 1_000;
const MS_PER_SECOND = 1_000;
/** Rows that are written at a time. */
const ROWS_PER_WRITE = 1_024;

/** A charge as the columns see it. */
interface FocusCharge {
  readonly tenant: string;
  readonly resource: string | null;
  readonly sku: string;
  /** Unit-hours, and tokens for one. */
  readonly quantity: number;
  readonly listPrice: number;
  readonly price: number;
  /** Tokens paid. */
  readonly paid: number;
  /** Milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly transfer: string;
}

type Row = TableLayout<FocusCharge>['columns'][number];

function dimension(name: string, get: (charge: FocusCharge) => string | null, nullable = false): Row {
  return { name, field: name, type: 'STRING', nullable, optional: false, get };
}

function metric(name: string, get: (charge: FocusCharge) => number): Row {
  return { name, field: name, type: 'DOUBLE', nullable: false, optional: false, get };
}

/**
 * The columns that the specification requires of a provider with sub-accounts, a price list, virtual currency and tags; then our
 * own.
 */
const LAYOUT: TableLayout<FocusCharge> = {
  kind: 'focus-1.2',
  columns: [
    metric('BilledCost', ({ paid }) => paid),
    dimension('BillingAccountId', () => 'teg'),
    dimension('BillingAccountName', () => 'TEG'),
    dimension('BillingCurrency', () => 'XXX'),
    dimension('BillingPeriodEnd', ({ fromMs }) => dateText(monthOf(fromMs, 1))),
    dimension('BillingPeriodStart', ({ fromMs }) => dateText(monthOf(fromMs, 0))),
    dimension('ChargeCategory', () => 'Usage'),
    dimension('ChargeClass', () => null, true),
    dimension('ChargeDescription', ({ resource, sku }) => `Rent of ${resource ?? 'jobs'} on ${sku}`),
    dimension('ChargeFrequency', () => 'Usage-Based'),
    dimension('ChargePeriodEnd', ({ toMs }) => dateText(MS_PER_SECOND * Math.ceil(toMs / MS_PER_SECOND))),
    dimension('ChargePeriodStart', ({ fromMs }) => dateText(fromMs)),
    metric('ConsumedQuantity', ({ quantity }) => quantity),
    dimension('ConsumedUnit', () => 'GPU-Hours'),
    metric('ContractedCost', ({ price, quantity }) => price * quantity),
    metric('ContractedUnitPrice', ({ price }) => price),
    metric('EffectiveCost', ({ paid }) => paid),
    dimension('InvoiceIssuerName', () => 'TEG'),
    metric('ListCost', ({ listPrice, quantity }) => listPrice * quantity),
    metric('ListUnitPrice', ({ listPrice }) => listPrice),
    dimension('PricingCategory', () => 'Dynamic'),
    dimension('PricingCurrency', () => 'tokens'),
    metric('PricingCurrencyContractedUnitPrice', ({ price }) => price),
    metric('PricingCurrencyEffectiveCost', ({ paid }) => paid),
    metric('PricingCurrencyListUnitPrice', ({ listPrice }) => listPrice),
    metric('PricingQuantity', ({ quantity }) => quantity),
    dimension('PricingUnit', () => 'GPU-Hours'),
    dimension('ProviderName', () => 'TEG'),
    dimension('PublisherName', () => 'TEG'),
    dimension('ResourceId', ({ resource }) => resource, true),
    dimension('ResourceName', ({ resource }) => resource, true),
    dimension('ResourceType', ({ resource }) => (resource === null ? null : 'Job'), true),
    dimension('ServiceCategory', () => 'Compute'),
    dimension('ServiceName', () => 'GPU cluster'),
    dimension('ServiceSubcategory', () => 'Containers'),
    dimension('SkuId', ({ sku }) => sku),
    dimension('SkuMeter', () => 'GPU time'),
    dimension('SkuPriceDetails', () => null, true),
    dimension('SkuPriceId', ({ sku }) => sku),
    dimension('SubAccountId', ({ tenant }) => tenant),
    dimension('SubAccountName', ({ tenant }) => tenant),
    dimension('Tags', ({ tenant }) => JSON.stringify({ 'teg.dev/tenant': tenant })),
    dimension('x_TransferId', ({ transfer }) => transfer),
  ],
};

/** Where the table goes and how times become dates. */
export interface FocusOptions {
  /** `.csv`, `.csv.gz` or `.parquet`; undefined: standard output, as CSV. */
  readonly output: string | undefined;
  /** Date of time 0 of the ledger's clock, milliseconds since 1970. */
  readonly startMs: number;
}

/** Writes the table. Memory: what runs at one time. @throws TegError of the store and of the output. */
export async function exportFocus(
  batches: Iterable<LedgerBatch>,
  input: string,
  { output, startMs }: FocusOptions,
): Promise<void> {
  if (output === undefined) {
    await print(`${csvHeader(LAYOUT)}\n`);
    for (const rows of inParts(focusCharges(batches, startMs)))
      await print(`${rows.map((row) => toCsvLine(LAYOUT, row)).join('\n')}\n`);
    return;
  }
  await prepareOutput(output, [input]);
  const writer = await createTableWriter(LAYOUT, output);
  try {
    for (const rows of inParts(focusCharges(batches, startMs))) await writer.write(rows);
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

function* inParts<Item>(items: Iterable<Item>): Generator<Item[]> {
  let part: Item[] = [];
  for (const item of items) {
    part.push(item);
    if (part.length < ROWS_PER_WRITE) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** @returns Every rent of a log, by job. */
function* focusCharges(batches: Iterable<LedgerBatch>, startMs: number): Generator<FocusCharge> {
  const charges = new JobCharges();
  for (const { number, bytes } of batches) {
    for (const charge of charges.read(readBatch(bytes, `batch ${number}`))) {
      const { movement, moved, quantity } = charge;
      const isRent = movement.record.code === Code.Rent && movement.credit === BURN;
      if (isRent && (moved > 0 || quantity > 0))
        yield focusCharge(charge, charges.log.names[movement.debit] as string, startMs);
    }
  }
}

function focusCharge(charge: JobCharge, tenant: string, startMs: number): FocusCharge {
  const { movement, moved, job, jobName, flavor, fromMicros, toMicros } = charge;
  const quantity = charge.quantity / QUANTITY_PER_UNIT_HOUR;
  const paid = moved / MICROS_PER_TOKEN;
  // Where the log does not say at which price: what it came to.
  const price = charge.price > 0 ? charge.price / MICROS_PER_TOKEN : quantity > 0 ? paid / quantity : 0;
  return {
    tenant,
    resource: jobName ?? (job < 0 ? null : String(job)),
    sku: flavor?.name ?? 'unknown',
    ...{ quantity, paid, price, listPrice: flavor === undefined ? price : flavor.base / MICROS_PER_TOKEN },
    fromMs: startMs + fromMicros / MICROS_PER_MS,
    toMs: startMs + toMicros / MICROS_PER_MS,
    transfer: idText(movement.record.id),
  };
}

/** @returns The first instant of the month, or of one later. */
function monthOf(ms: number, later: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later);
}

/** @returns A date in UTC to the second, rounded down, as the specification writes it. */
function dateText(ms: number): Cell & string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
