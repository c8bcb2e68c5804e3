/** `teg quote`: from its options to an answer. */
import { TegError } from '../../model/errors.ts';
import type { MarketResult, MarketTenantResult } from '../../simulation/metrics/market-result.ts';
import type { WaitingJob } from '../../simulation/metrics/waiting-report.ts';
import { marketTenant, quotesFor } from './quote.ts';
import type { QuoteAnswer } from './quote-text.ts';
import { marketOf } from './result-files.ts';
import { type SourceOptions, tenantsFrom } from './sources.ts';
import { waitingJob } from './waiting-text.ts';

/** The options as commander parses them; each takes the place of what a named job requests. */
export interface QuoteOptions extends SourceOptions {
  readonly pods?: number;
  readonly gpus?: number;
  readonly cores?: number;
  readonly gib?: number;
  readonly runtime?: number;
  readonly flavor?: string;
  readonly tenant?: string;
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
}

/**
 * Computes the answer; the source stays as it is.
 *
 * @param path Of a result; undefined: the options name the source.
 * @param id   Of a job that waits.
 * @throws TegError of the source and the options.
 */
export async function answerQuote(
  path: string | undefined,
  id: string | undefined,
  options: QuoteOptions,
): Promise<{ answer: QuoteAnswer; tenant: MarketTenantResult | undefined }> {
  const source = await tenantsFrom(options, path);
  const market = marketOf(source, path ?? options.snapshot ?? options.server ?? '');
  const job = id === undefined ? undefined : waitingJob(await source.waiting(), id);
  const shape = {
    pods: options.pods ?? job?.pods ?? 1,
    each: {
      gpus: options.gpus ?? job?.each.gpus ?? 1,
      cpuCores: options.cores ?? job?.each.cpuCores ?? 0,
      memoryGib: options.gib ?? job?.each.memoryGib ?? 0,
    },
    gpuModels: job?.gpuModels ?? [],
    runtimeSeconds: options.runtime ?? job?.requestedSeconds ?? null,
  };
  if (shape.each.gpus > 1 && !Number.isInteger(shape.each.gpus)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got --gpus ${shape.each.gpus}, expected a whole number or a part of one GPU: pods share at most one`,
    );
  }
  const tenant = tenantFor(market, job, options.tenant);
  return {
    answer: {
      ...{ atSeconds: market.atSeconds, rentPeriodSeconds: market.rentPeriodSeconds, order: market.order },
      ...(market.isFree === undefined ? {} : { isFree: market.isFree }),
      shape,
      ...(tenant === undefined ? {} : { tenant: tenant.name }),
      flavors: quotesFor(market, shape, tenant, options.flavor),
      ...(job === undefined ? {} : { job }),
    },
    tenant,
  };
}

function tenantFor(
  market: MarketResult,
  job: WaitingJob | undefined,
  name: string | undefined,
): MarketTenantResult | undefined {
  if (name !== undefined) return marketTenant(market, name, false);
  return job === undefined ? undefined : marketTenant(market, job.tenant, true);
}
