/**
 * A file of tenants: one Market and Tenants, as YAML documents, a list, or a Kubernetes `List`; JSON is YAML.
 *
 * Everything is checked here, the tree included, so that a mistake is reported with its path before anything starts.
 */
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { type MarketSpec, type TenantSpec, tenantSpec } from '../../market/tenants/spec.ts';
import { TenantTree } from '../../market/tenants/tenant-tree.ts';
import { TegError } from '../../model/errors.ts';
import { readFault } from '../../model/file-faults.ts';
import { problemsOf } from '../../model/readers/config-errors.ts';
import { TenantTable } from '../../model/tenants.ts';
import { MARKET_OBJECT, TENANT_OBJECT } from './tenant-schema.ts';

/** Longest file that is read, in characters: some 100,000 tenants. */
const FILE_CHARS_MAX = 1 << 26;

/** What a file of tenants says. */
export interface TenantsFile {
  readonly market: MarketSpec;
  readonly tenants: readonly TenantSpec[];
}

/**
 * Reads a file of tenants.
 *
 * @throws TegError TEG_INPUT_NOT_FOUND; TEG_CONFIG_INVALID as `parseTenants`.
 */
export async function readTenants(path: string): Promise<TenantsFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `${path}: ${readFault(cause)}, expected a file of tenants, such as examples/tenants.yaml`,
      { cause },
    );
  }
  return parseTenants(text, path);
}

/**
 * Checks the text of a file of tenants.
 *
 * @param origin For messages: the file's name.
 * @throws TegError TEG_CONFIG_INVALID: the path of each wrong field, the value received and what was expected; or what is wrong
 *   with the tree (`TenantTree`).
 */
export function parseTenants(text: string, origin: string): TenantsFile {
  if (text.length > FILE_CHARS_MAX) {
    throw invalid(origin, [`got ${text.length} characters, expected at most ${FILE_CHARS_MAX}`]);
  }
  const markets: MarketSpec[] = [];
  const tenants: TenantSpec[] = [];
  const problems: string[] = [];
  for (const [at, object] of objectsOf(text, origin).entries()) {
    const kind = fieldOf(object, 'kind');
    if (kind === 'Market')
      read(MARKET_OBJECT, object, at, problems, (spec) => markets.push(marketOfObject(spec)));
    else if (kind === 'Tenant')
      read(TENANT_OBJECT, object, at, problems, (spec) => tenants.push(tenantOfObject(spec)));
    else
      problems.push(
        `object ${at + 1}: got the kind ${JSON.stringify(kind) ?? 'nothing'}, expected Market or Tenant`,
      );
  }
  if (problems.length > 0) throw invalid(origin, problems);
  const [market] = markets;
  if (market === undefined || markets.length > 1) {
    throw invalid(origin, [
      `got ${markets.length} objects of kind Market, expected one: it names the flavours and the half-life`,
    ]);
  }
  checkTree(market, tenants, origin);
  return { market, tenants };
}

function checkTree(market: MarketSpec, tenants: readonly TenantSpec[], origin: string): void {
  try {
    new TenantTree(market, tenants, new TenantTable());
  } catch (error) {
    if (!(error instanceof TegError)) throw error;
    throw new TegError(error.code, `${origin}: ${error.message}`, { cause: error });
  }
}

/** The objects of all documents, lists taken apart. */
function objectsOf(text: string, origin: string): unknown[] {
  const documents = parseAllDocuments(text, { uniqueKeys: true, prettyErrors: true });
  const objects: unknown[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error !== undefined) throw invalid(origin, [`got text that is not YAML: ${error.message.trimEnd()}`]);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      throw invalid(origin, [`got text that is not YAML: ${String(cause)}`]);
    }
    const items = Array.isArray(value) ? value : fieldOf(value, 'items');
    if (Array.isArray(items)) objects.push(...items);
    else if (value !== null && value !== undefined) objects.push(value);
  }
  return objects;
}

function fieldOf(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

function read<Schema extends z.ZodObject>(
  schema: Schema,
  object: unknown,
  at: number,
  problems: string[],
  take: (value: z.output<Schema>) => void,
): void {
  const result = schema.safeParse(object);
  if (result.success) {
    take(result.data);
    return;
  }
  const name = fieldOf(fieldOf(object, 'metadata'), 'name');
  const which = `${fieldOf(object, 'kind')} ${typeof name === 'string' ? `'${name}'` : at + 1}`;
  problems.push(...problemsOf(result.error, object, schema).map((problem) => `${which}: ${problem}`));
}

/** @returns The market of an object that the schema has read. */
export function marketOfObject({ spec }: z.output<typeof MARKET_OBJECT>): MarketSpec {
  const { halfLife, memory, flavors, ...same } = spec;
  return {
    ...same,
    halfLifeSeconds: halfLife,
    memorySeconds: memory,
    flavors: flavors.map(({ nodeSelector, ...flavor }) => ({ ...flavor, nodeLabels: nodeSelector })),
  };
}

/** @returns The tenant of an object that the schema has read, without its namespaces. */
export function tenantOfObject({ metadata, spec }: z.output<typeof TENANT_OBJECT>): TenantSpec {
  const { parent, weight, quota, limit, lend, state, hold, budget, defaultRuntime } = spec;
  const { minRuntime, ...preemption } = spec.preemption;
  return tenantSpec(metadata.name, {
    ...{ parent, weight, quota, limit, lend, state, defaultRuntimeSeconds: defaultRuntime },
    preemption: { ...preemption, minRuntimeSeconds: minRuntime },
    ...(hold === undefined
      ? {}
      : { hold: { fromSeconds: hold.from, drainPods: hold.drainPods, intervalSeconds: hold.interval } }),
    ...(budget === undefined
      ? {}
      : { budget: { tokens: budget.tokens, periodSeconds: budget.period, onEmpty: budget.onEmpty } }),
  });
}

function invalid(origin: string, problems: readonly string[]): TegError {
  const lines = problems.length === 1 ? ` ${problems[0]}` : `\n  ${problems.slice(0, 10).join('\n  ')}`;
  return new TegError('TEG_CONFIG_INVALID', `${origin}:${lines}`);
}
