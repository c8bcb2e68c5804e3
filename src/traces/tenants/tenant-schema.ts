/** The objects of a tenants file, as people write them: Kubernetes quantities and durations. */
import { z } from 'zod';
import { HOLD_DEFAULTS, PREEMPTION_DEFAULTS } from '../../market/tenants/spec.ts';
import { durationSeconds } from '../../model/readers/durations.ts';
import { GPU_RESOURCES } from '../../model/readers/gpus.ts';
import { parseQuantity } from '../../model/readers/quantity.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';

/** Group and version of the objects, as of the configuration. */
export const TENANTS_API_VERSION = 'teg.dev/v1alpha1';

const duration = z.string().transform((text, context) => {
  const seconds = durationSeconds(text);
  if (!Number.isNaN(seconds)) return seconds;
  context.addIssue({ code: 'custom', message: 'a duration such as 168h, 10m or 1h30m' });
  return z.NEVER;
});

/** A number, also as text, as quantities are often written. */
const decimal = z.union([z.number(), z.string()], 'a number ≥ 0').transform((value, context) => {
  const number = typeof value === 'number' ? value : /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0) return number;
  context.addIssue({ code: 'custom', message: 'a number ≥ 0 such as 1 or "0.02"' });
  return z.NEVER;
});

const RESOURCES = `cpu, memory, ${GPU_RESOURCES.join(', ')}`;

/** True if quotas and prices know a resource. */
function isKnown(resource: string): boolean {
  return resource === 'cpu' || resource === 'memory' || GPU_RESOURCES.includes(resource);
}

/** Integers by resource: thousandths of a core, MiB, thousandths of a GPU; rounded down. */
const amounts = z
  .record(z.string(), z.union([z.string(), z.number()], 'a quantity such as 16, 500m or 64Gi'))
  .transform((written, context) => {
    const sums: { cpuMilli?: number; memoryMib?: number; gpuMilli?: number } = {};
    for (const [resource, quantity] of Object.entries(written)) {
      const refuse = (message: string): void =>
        context.addIssue({ code: 'custom', path: [resource], message });
      if (!isKnown(resource)) {
        refuse(`a quantity of one of ${RESOURCES}`);
        continue;
      }
      const isMemory = resource === 'memory';
      const units = parseQuantity(String(quantity), isMemory ? 'one' : 'milli', 'down');
      if (Number.isNaN(units)) refuse('a quantity ≥ 0 such as 16, 500m or 64Gi');
      else if (isMemory) sums.memoryMib = Math.floor(units / BYTES_PER_MIB);
      else if (resource === 'cpu') sums.cpuMilli = units;
      else sums.gpuMilli = (sums.gpuMilli ?? 0) + units;
    }
    return sums;
  });

const byFlavor = z.record(z.string(), amounts);

const unitsPerHour = z.record(z.string(), decimal).transform((written, context) => {
  const units = { core: 0, gib: 0, gpu: 0 };
  for (const [resource, value] of Object.entries(written)) {
    if (resource === 'cpu') units.core = value;
    else if (resource === 'memory') units.gib = value;
    else if (isKnown(resource)) units.gpu = value;
    else {
      context.addIssue({ code: 'custom', path: [resource], message: `a number for one of ${RESOURCES}` });
    }
  }
  return units;
});

const FLAVOR = z.strictObject({
  name: z.string().describe('what quotas call it'),
  gpuModels: z.array(z.string()).default([]).describe('models of the GPUs of its nodes; empty: any'),
  nodeSelector: z
    .record(z.string(), z.string())
    .default({})
    .describe('labels of its nodes; a node belongs to the first flavour that it matches'),
  unitsPerHour: unitsPerHour
    .default({ core: 0, gib: 0, gpu: 1 })
    .describe('what a core, a GiB and a GPU cost an hour, in tokens at price 1'),
});

const metadata = z.looseObject({ name: z.string() });
const status = z.unknown().optional();
const apiVersion = z.literal(TENANTS_API_VERSION);

const CHAMPION = z.strictObject({
  afterSeconds: z.number().min(0).default(60),
  reservationsMax: z.int().min(0).default(6),
  unknownRuntime: z.enum(['Predict', 'Tenant', 'Never']).default('Predict'),
});

/** A market. */
export const MARKET_OBJECT = z.strictObject({
  apiVersion,
  kind: z.literal('Market'),
  metadata,
  spec: z.strictObject({
    flavors: z.array(FLAVOR).default([]),
    halfLife: duration.describe('of balances and of decayed usage, above 0; required'),
    order: z
      .enum(['Usage', 'Balance'])
      .default('Usage')
      .describe('whose turn it is: of who had least for its share, or has most tokens for its mint'),
    memory: duration
      .prefault('720h')
      .describe('how much of its share a tenant may be behind, and catch up, by usage; above 0'),
    priceCap: z.number().default(20),
    champion: CHAMPION.prefault({}),
    priorityScope: z.enum(['Tenant', 'Cluster']).default('Tenant'),
    tokens: z
      .boolean()
      .optional()
      .describe(
        'on Kubernetes: what runs pays rent, and what no quota covers must be affordable; default false',
      ),
  }),
  status,
});

const PREEMPTION = z.strictObject({
  within: z.enum(['LowerPriority', 'Never']).default(PREEMPTION_DEFAULTS.within),
  reclaim: z.enum(['Any', 'LowerPriority', 'Never']).default(PREEMPTION_DEFAULTS.reclaim),
  reclaimable: z.boolean().default(PREEMPTION_DEFAULTS.reclaimable),
  minRuntime: duration.prefault('10m'),
  ratePerHour: z.number().default(PREEMPTION_DEFAULTS.ratePerHour),
  maxUnavailable: z.number().optional(),
});

const BUDGET = z.strictObject({
  tokens: z.number(),
  period: duration,
  onEmpty: z.enum(['Wait', 'IdleOnly']).default('Wait'),
});

const HOLD = z.strictObject({
  from: duration.prefault('0s'),
  drainPods: z.number().default(HOLD_DEFAULTS.drainPods),
  interval: duration.prefault('1m'),
});

/** A tenant. */
export const TENANT_OBJECT = z.strictObject({
  apiVersion,
  kind: z.literal('Tenant'),
  metadata,
  spec: z
    .strictObject({
      parent: z.string().default(''),
      weight: z.number().default(1),
      quota: byFlavor.default({}),
      limit: byFlavor.default({}),
      lend: byFlavor.default({}),
      preemption: PREEMPTION.prefault({}),
      budget: BUDGET.optional(),
      namespaces: z.unknown().optional().describe('for Kubernetes; jobs of a trace name their tenant'),
      defaultRuntime: duration.prefault('8h'),
      state: z.enum(['Open', 'Hold', 'HoldAndDrain']).default('Open'),
      hold: HOLD.optional(),
    })
    .prefault({}),
  status,
});
