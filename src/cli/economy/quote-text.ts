/** Quotes as text, and the account of a tenant in a sentence. */
import { reasonSentence } from '../../governor/pods/reasons/reason-sentences.ts';
import type { MarketResult, MarketTenantResult } from '../../simulation/metrics/market-result.ts';
import type { WaitingJob } from '../../simulation/metrics/waiting-report.ts';
import { formatCounted, formatDuration, formatFixed, formatPercent } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import type { FlavorQuote, QuotedShape } from './quote.ts';

/** Whose turn it is, under the queue `teg`. */
const TURN_SENTENCES: Readonly<Record<MarketResult['order'], string>> = {
  Usage:
    'It is the turn of the tenant that had least for its share, whatever it can pay: “standing” of teg share.',
  Balance: 'It is the turn of the tenant with most tokens for its mint: “standing” of teg share.',
};

/** Statements of `teg ledger` say what accounts hold. */
const BALANCE_SENTENCE =
  'Balance: what its account in the ledger holds, less what is set aside for its jobs and the rent that it owes.';

/** What the standing of a tenant is. */
const STANDING_SENTENCES: Readonly<Record<MarketResult['order'], string>> = {
  Usage:
    'Standing: hours of its share that a tenant had less than the one that had most. Under the queue teg the largest goes first.',
  Balance: 'Standing: the balance in hours of mint. Under the queue teg the largest goes first.',
};

/** An answer of `teg quote`. */
export interface QuoteAnswer {
  readonly atSeconds: number;
  readonly rentPeriodSeconds: number;
  /** Whose turn it is goes by this. */
  readonly order: MarketResult['order'];
  /** True: nobody has to pay. */
  readonly isFree?: boolean | undefined;
  readonly shape: QuotedShape;
  readonly tenant?: string | undefined;
  readonly flavors: readonly FlavorQuote[];
  /** The waiting job that was asked for. */
  readonly job?: WaitingJob | undefined;
}

/** Prints an answer to standard output. */
export function printQuote(
  { atSeconds, rentPeriodSeconds, order, isFree, shape, flavors, job }: QuoteAnswer,
  tenant: MarketTenantResult | undefined,
): void {
  const { pods, each, runtimeSeconds } = shape;
  const of = [
    each.gpus === 1 ? '1 GPU' : `${each.gpus} GPUs`,
    ...(each.cpuCores > 0 ? [each.cpuCores === 1 ? '1 core' : `${each.cpuCores} cores`] : []),
    ...(each.memoryGib > 0 ? [`${formatFixed(each.memoryGib, 1)} GiB`] : []),
  ];
  const runs = runtimeSeconds === null ? 'run time unknown' : formatDuration(runtimeSeconds);
  console.log(`${formatCounted(pods, 'pod')} of ${of.join(', ')}, ${runs}; at ${instantText(atSeconds)}\n`);
  const right = (header: string) => ({ header, align: 'right' as const });
  printTable(
    [
      { header: 'flavour' },
      ...['in use', 'price', 'slope', 'quote', 'tokens an hour', 'whole run', 'pods with room'].map(right),
      ...['quota left, GPUs', 'can pay'].map(right),
    ],
    flavors.map((quote) => [
      quote.flavor,
      formatPercent(quote.load),
      formatFixed(quote.price, 4),
      formatFixed(quote.slope, 6),
      formatFixed(quote.quotedPrice, 4),
      formatFixed(quote.tokensPerHour, 2),
      quote.expectedTokens === null ? '–' : formatFixed(quote.expectedTokens, 2),
      quote.podsWithRoom === null ? '–' : `${quote.podsWithRoom} of ${pods}`,
      quote.availableGpus === null ? '–' : formatFixed(Math.max(0, quote.availableGpus), 1),
      payText(quote, tenant),
    ]),
  );
  console.log('');
  if (job !== undefined) console.log(`${job.id} waits: ${reasonSentence(job.code, job.data, atSeconds)}`);
  if (tenant !== undefined && isFree !== true) console.log(tenantSentence(tenant));
  if (isFree === true) {
    console.log(
      'Room is by whole idle GPUs. The Market asks for no tokens: prices are multiples of the base.',
    );
    return;
  }
  console.log(
    `Room is by whole idle GPUs. Rents are quoted again every ${formatDuration(rentPeriodSeconds)}. ${TURN_SENTENCES[order]}`,
  );
}

/** @returns `nlp has 12.5 tokens, mints 16.0 and spends 4.0 an hour; it can pay 24.5 more when rents are due next.` */
function tenantSentence(tenant: MarketTenantResult): string {
  const { name, balance, mintPerHour, spendPerHour, spendable } = tenant;
  const amount = (tokens: number): string => formatFixed(tokens, 1);
  return `${name} has ${amount(balance)} tokens, mints ${amount(mintPerHour)} and spends ${amount(spendPerHour)} an hour; it can pay ${amount(Math.max(0, spendable))} more when rents are due next.`;
}

/** Prints prices and accounts to standard output. */
export function printMarket({ flavors, tenants, order, isFree }: MarketResult): void {
  const right = (header: string) => ({ header, align: 'right' as const });
  console.log('');
  printTable(
    [{ header: 'flavour' }, ...['units', 'in use', 'price', 'slope'].map(right)],
    flavors.map(({ name, capacityUnits, usedUnits, price, slope }) => [
      name,
      formatFixed(capacityUnits, 1),
      formatPercent(capacityUnits === 0 ? 0 : usedUnits / capacityUnits),
      formatFixed(price, 4),
      formatFixed(slope, 6),
    ]),
  );
  if (isFree === true) {
    console.log('\nThe Market asks for no tokens: prices are multiples of the base.');
    return;
  }
  console.log('');
  printTable(
    [
      { header: 'tenant' },
      ...['balance', 'mints an hour', 'spends an hour', 'standing', 'rent so far'].map(right),
    ],
    tenants.map(({ name, balance, mintPerHour, spendPerHour, standingHours, charged }) => [
      name,
      formatFixed(balance, 1),
      formatFixed(mintPerHour, 2),
      formatFixed(spendPerHour, 2),
      standingHours === null ? '–' : `${formatFixed(standingHours, 1)} h`,
      formatFixed(charged, 1),
    ]),
  );
  console.log(`\n${BALANCE_SENTENCE}\n${STANDING_SENTENCES[order]}`);
}

function payText({ affordableInSeconds }: FlavorQuote, tenant: MarketTenantResult | undefined): string {
  if (tenant === undefined) return '–';
  if (affordableInSeconds === null) return tenant.mintPerHour === 0 ? 'no mint' : 'by saving';
  return affordableInSeconds === 0 ? 'now' : `in ${formatDuration(affordableInSeconds)}`;
}

/** Times of a cluster count from 1970. */
const DATES_FROM_SECONDS = 1e8;

/** @returns A time of a run as a duration, one of a cluster as a date. */
export function instantText(seconds: number): string {
  if (seconds < DATES_FROM_SECONDS) return formatDuration(seconds);
  return new Date(1000 * Math.floor(seconds)).toISOString().replace('.000', '');
}
