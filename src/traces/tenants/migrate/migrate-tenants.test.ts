/** Migrations against hierarchies whose tenants are computed from the hierarchy itself, not from the converter. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import type { TenantSpec } from '../../../market/tenants/spec.ts';
import { parseTenants } from '../read-tenants.ts';
import { migrateTenants } from './migrate-tenants.ts';
import { printMigration } from './migration.ts';
import type { LostField } from './source-objects.ts';
import type { MigrationSource } from './sources.ts';

/** A node of a generated hierarchy: what it has itself, in GPUs; parents come first. */
interface DrawnNode {
  readonly parent: number;
  readonly own: number;
  /** Above the quotas of it and all below; undefined: no limit. */
  readonly spare: number | undefined;
  /** Of what it and its children could lend, the part that is kept. */
  readonly kept: number | undefined;
  readonly weight: number;
}

const HIERARCHY: fc.Arbitrary<DrawnNode[]> = fc
  .array(
    fc.record({
      parent: fc.nat(1000),
      own: fc.integer({ min: 0, max: 20 }),
      spare: fc.option(fc.nat(30), { nil: undefined }),
      kept: fc.option(fc.nat(10), { nil: undefined }),
      weight: fc.integer({ min: 0, max: 9 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((nodes) =>
    // Node 0 is a root; every third of the others, too.
    nodes.map((node, i) => ({ ...node, parent: i === 0 || node.parent % 3 === 0 ? -1 : node.parent % i })),
  );

/** What the tenants below a node have, itself included; a walk for each question. */
function totalOf(nodes: readonly DrawnNode[], at: number): number {
  const children = nodes.flatMap(({ parent }, i) => (parent === at ? [totalOf(nodes, i)] : []));
  return children.reduce((sum, total) => sum + total, nodes[at]?.own ?? 0);
}

const nameOf = (i: number): string => (i < 0 ? '' : `q${i}`);
const gpus = (amount: number): object => ({ 'nvidia.com/gpu': String(amount) });

function readBack(
  source: MigrationSource,
  text: string,
): { tenants: Map<string, TenantSpec>; lost: readonly LostField[] } {
  const migration = migrateTenants(source, [{ origin: 'in.yaml', text }]);
  const { tenants } = parseTenants(printMigration(migration, 'in.yaml').yaml, 'printed');
  return { tenants: new Map(tenants.map((spec) => [spec.name, spec])), lost: migration.lost };
}

const gpuMilli = (amounts: TenantSpec['quota']): number | undefined =>
  Object.values(amounts).find((byResource) => byResource.gpuMilli !== undefined)?.gpuMilli;

/** Compares parents, weights, quotas and limits; those of parents without a quota of their own are absent. */
function expectTree(nodes: readonly DrawnNode[], tenants: ReadonlyMap<string, TenantSpec>): void {
  expect(tenants.size).toBe(nodes.length);
  for (const [i, node] of nodes.entries()) {
    const spec = tenants.get(nameOf(i)) as TenantSpec;
    expect(spec.parent).toBe(nameOf(node.parent));
    expect(gpuMilli(spec.quota) ?? 0).toBe(1000 * node.own);
    const most = node.spare === undefined ? undefined : 1000 * (totalOf(nodes, i) + node.spare);
    expect(gpuMilli(spec.limit)).toBe(most);
  }
}

const limitOf = (nodes: readonly DrawnNode[], i: number): number | undefined => {
  const spare = nodes[i]?.spare;
  return spare === undefined ? undefined : totalOf(nodes, i) + spare;
};

describe('50 generated hierarchies', () => {
  test('of Volcano', () => {
    checkProperty(
      fc.property(HIERARCHY, (nodes) => {
        const items = nodes.map(({ parent, weight }, i) => {
          const most = limitOf(nodes, i);
          return {
            kind: 'Queue',
            metadata: { name: nameOf(i) },
            spec: {
              ...{ parent: parent < 0 ? 'root' : nameOf(parent), weight, deserved: gpus(totalOf(nodes, i)) },
              ...(most === undefined ? {} : { capability: gpus(most) }),
            },
          };
        });
        const { tenants, lost } = readBack('volcano', JSON.stringify({ items: items.reverse() }));
        expectTree(nodes, tenants);
        expect(nodes.map((_, i) => tenants.get(nameOf(i))?.weight)).toEqual(
          nodes.map(({ weight }) => weight),
        );
        expect(lost).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('of KAI', () => {
    checkProperty(
      fc.property(HIERARCHY, (nodes) => {
        const items = nodes.map(({ parent, weight }, i) => ({
          kind: 'Queue',
          metadata: { name: nameOf(i) },
          spec: {
            ...(parent < 0 ? {} : { parentQueue: nameOf(parent) }),
            resources: {
              gpu: { quota: totalOf(nodes, i), limit: limitOf(nodes, i) || -1, overQuotaWeight: weight },
              cpu: { quota: 1000 * totalOf(nodes, i), limit: -1, overQuotaWeight: weight },
              memory: { quota: 0, limit: -1, overQuotaWeight: weight },
            },
          },
        }));
        const { tenants, lost } = readBack('kai', JSON.stringify(items));
        // A limit of 0 cannot be written there: it stands for the quota.
        const written = nodes.map((node, i) =>
          limitOf(nodes, i) === 0 ? { ...node, spare: undefined } : node,
        );
        expectTree(written, tenants);
        for (const [i, { own, weight }] of nodes.entries()) {
          expect(tenants.get(nameOf(i))?.quota['any']?.cpuMilli ?? 0).toBe(1000 * own);
          expect(tenants.get(nameOf(i))?.weight).toBe(weight);
        }
        expect(lost).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('of YuniKorn', () => {
    checkProperty(
      fc.property(HIERARCHY, (nodes) => {
        const queuesBelow = (at: number): object[] =>
          nodes.flatMap(({ parent }, i) => {
            if (parent !== at) return [];
            const most = limitOf(nodes, i);
            const max = most === undefined ? {} : { max: gpus(most) };
            const resources = { guaranteed: gpus(totalOf(nodes, i)), ...max };
            return [{ name: nameOf(i), resources, queues: queuesBelow(i) }];
          });
        const pathOf = (i: number): string => {
          const parent = nodes[i]?.parent ?? -1;
          return parent < 0 ? nameOf(i) : `${pathOf(parent)}.${nameOf(i)}`;
        };
        const root = { name: 'root', queues: queuesBelow(-1) };
        const { tenants, lost } = readBack(
          'yunikorn',
          JSON.stringify({ partitions: [{ name: 'default', queues: [root] }] }),
        );
        expect(tenants.size).toBe(nodes.length);
        for (const [i, node] of nodes.entries()) {
          const spec = tenants.get(pathOf(i)) as TenantSpec;
          expect(spec.parent).toBe(node.parent < 0 ? '' : pathOf(node.parent));
          expect(gpuMilli(spec.quota) ?? 0).toBe(1000 * node.own);
          const most = limitOf(nodes, i);
          expect(gpuMilli(spec.limit)).toBe(most === undefined ? undefined : 1000 * most);
        }
        expect(lost).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('of Slurm', () => {
    checkProperty(
      fc.property(HIERARCHY, (nodes) => {
        const lines = nodes.flatMap(({ parent, weight }, i) => {
          const most = limitOf(nodes, i);
          const tres = most === undefined ? '' : `:GrpTRES=cpu=${most},gres/gpu=${most},mem=${most}G`;
          const account = `Account - '${nameOf(i)}':Fairshare=${weight}${tres}:GrpTRESMins=gres/gpu=${60 * i}`;
          return [`Parent - '${parent < 0 ? 'root' : nameOf(parent)}'`, account];
        });
        const { tenants } = readBack('slurm', lines.join('\n'));
        expect(tenants.size).toBe(nodes.length);
        for (const [i, { parent, weight }] of nodes.entries()) {
          const spec = tenants.get(nameOf(i)) as TenantSpec;
          const most = limitOf(nodes, i);
          expect(spec.parent).toBe(nameOf(parent));
          expect(spec.weight).toBe(weight);
          expect(spec.quota).toEqual({});
          expect(spec.budget).toEqual({ tokens: i, periodSeconds: 720 * 3600, onEmpty: 'Wait' });
          const limit =
            most === undefined
              ? {}
              : { any: { cpuMilli: 1000 * most, gpuMilli: 1000 * most, memoryMib: 1024 * most } };
          expect(spec.limit).toEqual(limit);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('of Kueue', () => {
    checkProperty(
      fc.property(HIERARCHY, (nodes) => {
        const isCohort = (i: number): boolean => nodes.some(({ parent }) => parent === i);
        const items: object[] = [
          { kind: 'ResourceFlavor', metadata: { name: 'h100' }, spec: { nodeLabels: { gpu: 'h100' } } },
        ];
        for (const [i, { parent, own, spare, kept, weight }] of nodes.entries()) {
          const limits = {
            ...(spare === undefined || parent < 0 ? {} : { borrowingLimit: String(spare) }),
            ...(kept === undefined || parent < 0 ? {} : { lendingLimit: String(kept) }),
          };
          const resources = [{ name: 'nvidia.com/gpu', nominalQuota: String(own), ...limits }];
          const resourceGroups = [
            { coveredResources: ['nvidia.com/gpu'], flavors: [{ name: 'h100', resources }] },
          ];
          const above = parent < 0 ? {} : { [isCohort(i) ? 'parentName' : 'cohortName']: nameOf(parent) };
          const kind = isCohort(i) ? 'Cohort' : 'ClusterQueue';
          items.push({
            kind,
            metadata: { name: nameOf(i) },
            spec: { ...above, resourceGroups, fairSharing: { weight: String(weight) } },
          });
        }
        const { tenants, lost } = readBack('kueue', JSON.stringify({ items }));
        // What the parent of a node sees of it, by a walk; roots lend nothing.
        const lendable = (i: number): number =>
          nodes.reduce((sum, { parent }, j) => (parent === i ? sum + lentBy(j) : sum), nodes[i]?.own ?? 0);
        const lentBy = (i: number): number =>
          (nodes[i]?.parent ?? -1) < 0
            ? 0
            : Math.min(lendable(i), nodes[i]?.kept ?? Number.POSITIVE_INFINITY);
        expectTree(
          nodes.map((node) => (node.parent < 0 ? { ...node, spare: 0 } : node)),
          tenants,
        );
        for (const [i, { weight }] of nodes.entries()) {
          const spec = tenants.get(nameOf(i)) as TenantSpec;
          expect(spec.weight).toBe(weight);
          expect(gpuMilli(spec.lend) ?? 1000 * lendable(i)).toBe(1000 * lentBy(i));
        }
        expect(lost).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('bad input', () => {
  const volcano = (spec: object, kind = 'Queue'): string =>
    JSON.stringify({ kind, metadata: { name: 'a' }, spec });
  test.each<[string, MigrationSource, string, RegExp]>([
    ['an unknown kind', 'volcano', volcano({}, 'Job'), /object 1: kind: got "Job", expected one of Queue/],
    [
      'a parent that is missing',
      'volcano',
      volcano({ parent: 'b' }),
      /Queue 'a': spec.parent: got "b", expected the name of a queue/,
    ],
    ['a circle', 'volcano', volcano({ parent: 'a' }), /spec.parent: got "a", expected a tree/],
    [
      'no quantity',
      'volcano',
      volcano({ deserved: { cpu: '4x' } }),
      /Queue 'a': spec.deserved.cpu: got "4x", expected a quantity/,
    ],
    ['text that is not YAML', 'volcano', '{', /in: got .*expected YAML/s],
    ['a parent of a later line', 'slurm', "Parent - 'x'", /in: line 1: Parent: got "x"/],
    ['another line', 'slurm', 'hello', /in: line 1: got "hello"/],
    [
      'a limit that is not a number',
      'slurm',
      "Parent - 'root'\nAccount - 'a':GrpTRES=cpu=x",
      /line 2: GrpTRES.cpu: got "x"/,
    ],
    ['two partitions', 'yunikorn', '{partitions: [{}, {}]}', /partitions: got 2/],
    [
      'a number below −1',
      'kai',
      volcano({ resources: { gpu: { quota: -2 } } }),
      /spec.resources.gpu.quota: got -2/,
    ],
    [
      'a flavour that is missing',
      'kueue',
      volcano({ resourceGroups: [{ flavors: [{ name: 'f' }] }] }, 'ClusterQueue'),
      /flavors\[0\].name: got "f"/,
    ],
  ])('%s', (_, source, text, message) => {
    expect(() => migrateTenants(source, [{ origin: 'in', text }])).toThrow(message);
  });
});

describe('what is lost', () => {
  test('has the path and the value of each field that nobody reads', () => {
    const spec = {
      weight: 2,
      priority: 7,
      affinity: { nodeGroupAffinity: {} },
      deserved: { cpu: '1', 'rdma/hca': '2' },
    };
    const { lost } = readBack('volcano', JSON.stringify({ kind: 'Queue', metadata: { name: 'a' }, spec }));
    expect(lost.map(({ path }) => path).sort()).toEqual([
      'spec.affinity',
      'spec.deserved.rdma/hca',
      'spec.priority',
    ]);
    expect(lost.every(({ at, why }) => at === "in.yaml: Queue 'a'" && why !== '')).toBe(true);
  });

  test('an unlimited quota of KAI is the cluster, if its nodes are given', () => {
    const queue = {
      kind: 'Queue',
      metadata: { name: 'a' },
      spec: { resources: { gpu: { quota: -1, limit: -1 } } },
    };
    const node = {
      kind: 'Node',
      metadata: { name: 'n' },
      status: { allocatable: { 'nvidia.com/gpu': '8' } },
    };
    expect(readBack('kai', JSON.stringify([queue, node])).tenants.get('a')?.quota).toEqual({
      any: { gpuMilli: 8000 },
    });
    const { tenants, lost } = readBack('kai', JSON.stringify([queue]));
    expect(tenants.get('a')?.quota).toEqual({});
    expect(lost.map(({ path }) => path)).toEqual(['spec.resources.gpu.quota']);
  });

  test('a guarantee of Volcano is not lent', () => {
    const spec = { deserved: gpus(8), guarantee: { resource: gpus(3) } };
    const { tenants } = readBack('volcano', JSON.stringify({ kind: 'Queue', metadata: { name: 'a' }, spec }));
    expect(tenants.get('a')?.lend).toEqual({ any: { gpuMilli: 5000 } });
  });
});
