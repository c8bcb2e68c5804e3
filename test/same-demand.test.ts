/**
 * One object, one answer: what the scheduler's reader makes of a pod or node is what a file of it gives the simulator.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { tenantKeyReader } from '../src/drivers/kubernetes/economy/economy-resources.ts';
import { podOf } from '../src/drivers/kubernetes/objects/pod.ts';
import { profilesOf } from '../src/drivers/kubernetes/objects/profiles.ts';
import { ObjectEvents } from '../src/drivers/kubernetes/snapshot/object-events.ts';
import { flavorMatches } from '../src/model/cluster-state.ts';
import type { PodDescription } from '../src/model/kubernetes/pod.ts';
import { meetsRequirement } from '../src/model/kubernetes/requirements.ts';
import { GPU_SLOTS_PER_NODE_MAX, GPUS_PER_NODE_MAX } from '../src/model/node.ts';
import { GPU_RESOURCES } from '../src/model/readers/gpus.ts';
import { FROM_FILE } from '../src/model/readers/leniency.ts';
import { nodeOf } from '../src/model/readers/read-node.ts';
import { BYTES_PER_MIB } from '../src/model/units.ts';
import { type ReadResult, readText } from '../src/traces/specs.fixtures.ts';
import { checkAsyncProperty } from './support/properties.ts';

/** Parsed JSON that a test looks into. */
// biome-ignore lint/suspicious/noExplicitAny: API objects of random form
type Loose = any;

const quantity = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '2',
    '0.5m',
    '500u',
    '1n',
    '100m',
    '0.1',
    '1.001',
    '1e3',
    '1E2',
    '16Gi',
    '1.5Mi',
    '3k',
    '+2',
    '.5',
  ),
  fc.constantFrom('-1', '', 'much', '1e', '0x10', '1 Gi', '1Ki5'),
);
const resource = fc.constantFrom(
  'cpu',
  'memory',
  'ephemeral-storage',
  'nvidia.com/gpu',
  'amd.com/gpu',
  'requests.nvidia.com/gpu',
  'foo',
  'hugepages-2Mi',
  'example.com/fpga',
  'attachable-volumes-aws-ebs',
);
const amounts = fc.dictionary(
  resource,
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('1', '0.5m', '2', '250m', '1Mi') },
    { weight: 1, arbitrary: quantity },
  ),
  {
    maxKeys: 4,
    noNullPrototype: true,
  },
);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const container = fc.record({
  name: fc.constant('c'),
  resources: fc.record({ requests: amounts, limits: optional(amounts) }),
  restartPolicy: fc.constantFrom(undefined, 'Always'),
});
const operator = fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt', 'Near');
const labelValue = fc.constantFrom(
  '1',
  '-3',
  '+5',
  '1.5',
  '0x10',
  '',
  '1e2',
  'big',
  '9223372036854775807',
  '9223372036854775808',
);
const requirement = fc.record({
  key: fc.constantFrom('a', 'b'),
  operator,
  values: fc.array(labelValue, { maxLength: 2 }),
});
const pod = fc.record({
  kind: fc.constant('Pod'),
  metadata: fc.record({
    name: fc.constant('p'),
    namespace: fc.constant('n'),
    uid: fc.constant('u'),
    labels: optional(
      fc.dictionary(fc.constantFrom('scheduling.x-k8s.io/pod-group', 'x'), fc.constantFrom('g', 'h'), {
        noNullPrototype: true,
      }),
    ),
  }),
  spec: fc.record({
    containers: fc.array(container, { maxLength: 3 }),
    initContainers: optional(fc.array(container, { maxLength: 3 })),
    overhead: optional(amounts),
    resources: optional(fc.record({ requests: optional(amounts), limits: optional(amounts) })),
    nodeName: fc.constantFrom(undefined, 'node-1'),
    priority: optional(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    schedulingGroup: optional(fc.constant({ podGroupName: 'own' })),
    tolerations: optional(
      fc.array(
        fc.record({
          key: fc.constantFrom(undefined, '', 'k'),
          operator: fc.constantFrom(undefined, 'Equal', 'Exists', 'Gt'),
          value: fc.constantFrom(undefined, 'v'),
          effect: fc.constantFrom(undefined, 'NoSchedule', 'PreferNoSchedule', 'NoExecute', 'Never'),
        }),
        { maxLength: 3 },
      ),
    ),
    affinity: optional(
      fc.array(requirement, { maxLength: 2 }).map((matchExpressions) => ({
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
        },
      })),
    ),
  }),
  status: fc.record({
    phase: fc.constantFrom('Pending', 'Running'),
    containerStatuses: optional(
      fc.array(fc.record({ name: fc.constant('c'), resources: fc.record({ requests: amounts }) }), {
        maxLength: 1,
      }),
    ),
  }),
});
/** Without limits: a server has made requests of them. */
const storedPod = pod.map((object) => {
  const plain: Loose = JSON.parse(JSON.stringify(object));
  for (const each of [...plain.spec.containers, ...(plain.spec.initContainers ?? [])])
    delete each.resources.limits;
  delete plain.spec.resources?.limits;
  return plain;
});
const node = fc.record({
  kind: fc.constant('Node'),
  metadata: fc.record({ name: fc.constant('n'), uid: fc.constant('u') }),
  spec: fc.record({
    taints: optional(
      fc.array(
        fc.record({
          key: fc.constantFrom('k', 'l'),
          value: fc.constantFrom(undefined, 'v'),
          effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute', 'Never'),
        }),
        { maxLength: 3 },
      ),
    ),
  }),
  status: fc.record({ allocatable: amounts.map((more) => ({ pods: '110', ...more })) }),
});

/** What a reader made of an object, undefined where it refuses it. */
function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** As JSON and as YAML: both have to read alike. */
async function fromFile(object: unknown): Promise<ReadResult> {
  const plain = JSON.parse(JSON.stringify(object));
  const asJson = await readText(JSON.stringify(plain));
  const asYaml = await readText(stringify(plain, { defaultStringType: 'QUOTE_DOUBLE' }));
  expect(asYaml.jobs).toEqual(asJson.jobs);
  expect(asYaml.nodes).toEqual(asJson.nodes);
  return asJson;
}

/** The pod that `teg explain pod --snapshot` and what-if runs see. */
/** As the scheduler's watches read it. */
const asServed = (object: object) => podOf(object, profilesOf(['teg']), undefined, tenantKeyReader([]));

function podOfFile(object: Loose): PodDescription {
  const event = new ObjectEvents(profilesOf(['teg']), FROM_FILE).eventOf(object);
  if (event?.kind !== 'pod') throw new Error(`got ${event?.kind}, expected a pod`);
  return event.pod;
}

/** Whether the simulator has no such pod or node: beyond 2^31 thousandths of a core, or `gpusMax` GPUs of a make. */
function isBeyond(
  of: { cpuMilli: number; extended: Readonly<Record<string, number>> },
  gpusMax: number,
): boolean {
  return of.cpuMilli >= 2 ** 31 || Math.max(0, ...countsOfMakes(of)) > gpusMax;
}

/** How many GPUs of each make, without makes of which there are none. */
function countsOfMakes(of: { extended: Readonly<Record<string, number>> }): number[] {
  return GPU_RESOURCES.map((name) => of.extended[name] ?? 0).filter((count) => count > 0);
}

function splitGpus(extended: Readonly<Record<string, number>>): {
  gpus: number;
  others: Record<string, number>;
} {
  const others = { ...extended };
  let gpus = 0;
  for (const name of GPU_RESOURCES) {
    gpus += others[name] ?? 0;
    delete others[name];
  }
  return { gpus, others };
}

describe('a pod', () => {
  test('asks for the same, tolerates the same and names the same group in a file as for the scheduler', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(pod, async (object) => {
        const plain = JSON.parse(JSON.stringify(object));
        const seen = orRefused(() => podOfFile(plain));
        const { jobs, warnings } = await fromFile(object);
        const job = jobs[0];
        if (
          seen === undefined ||
          isBeyond(seen.template.requests, GPUS_PER_NODE_MAX) ||
          countsOfMakes(seen.template.requests).length > 1
        ) {
          expect(job).toBeUndefined();
          expect(warnings.length).toBeGreaterThan(0);
          return;
        }
        const { requests, tolerations } = seen.template;
        const { gpus, others } = splitGpus(requests.extended);
        expect(job).toMatchObject({
          cpuMilli: requests.cpuMilli,
          memoryMib: Math.ceil(requests.memoryBytes / BYTES_PER_MIB),
          gpuCount: gpus,
          priority: seen.priority,
          tolerations: tolerations.filter(({ effect }) => effect !== 'PreferNoSchedule'),
        });
        expect(job?.extended ?? {}).toEqual(others);
        expect(job?.podGroup ?? '').toBe(seen.group.replace(/^\w+:/, ''));
      }),
      { numRuns: 300 },
    );
  });

  test('may be on the same nodes, whatever is compared with a number', async () => {
    const labels = fc.dictionary(fc.constantFrom('a', 'b'), labelValue, { noNullPrototype: true });
    await checkAsyncProperty(
      fc.asyncProperty(
        fc.array(requirement, { minLength: 1, maxLength: 2 }),
        labels,
        async (matchExpressions, own) => {
          const terms = { nodeSelectorTerms: [{ matchExpressions }] };
          const object = {
            kind: 'Pod',
            metadata: { name: 'p', namespace: 'n', uid: 'u' },
            spec: {
              containers: [],
              affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
            },
          };
          const [term] = podOf(object, profilesOf(['teg'])).template.requiredNodeTerms ?? [];
          const expected =
            term?.expressions.every((each) => meetsRequirement(each, (own as Loose)[each.key])) ?? false;
          const { jobs } = await fromFile(object);
          const constraint = { gpuModels: [], affinity: jobs[0]?.affinity ?? [] };
          expect(flavorMatches({ gpuModel: '', labels: own }, constraint)).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('without requests asks for its limits, as after the API server has stored it', async () => {
    const stored = { requests: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '2' } };
    const sent = { limits: { cpu: '3', memory: '1Gi', 'nvidia.com/gpu': '2' }, requests: { cpu: '1' } };
    const of = (resources: object): object => ({
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'n', uid: 'u' },
      spec: { containers: [{ name: 'c', resources }] },
    });
    const { jobs } = await fromFile(of(sent));
    expect(jobs).toEqual((await fromFile(of(stored))).jobs);
    expect(jobs[0]).toMatchObject({ cpuMilli: 1000, memoryMib: 1024, gpuCount: 2 });
    expect(podOfFile(of(sent)).template).toEqual(podOfFile(of(stored)).template);
    expect(podOfFile(of(stored))).toEqual(asServed(of(stored)));
  });

  test('that a server has stored is the same to the scheduler and in a file', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(storedPod, async (object) => {
        const plain = JSON.parse(JSON.stringify(object));
        expect(orRefused(() => podOfFile(plain))).toEqual(orRefused(() => asServed(plain)));
      }),
      { numRuns: 200 },
    );
  });
});

test('a node offers the same and has the same taints in a file as for the scheduler', async () => {
  await checkAsyncProperty(
    fc.asyncProperty(node, async (object) => {
      const plain = JSON.parse(JSON.stringify(object));
      const seen = orRefused(() => nodeOf(plain));
      const { nodes, warnings } = await fromFile(object);
      if (seen === undefined || isBeyond(seen, GPU_SLOTS_PER_NODE_MAX)) {
        expect(nodes).toEqual([]);
        expect(warnings.length).toBeGreaterThan(0);
        return;
      }
      const { others } = splitGpus(seen.extended);
      // A node of the simulator has GPUs of one make.
      const gpus = Math.max(0, ...countsOfMakes(seen));
      const cpuMilli = seen.cpuMilli;
      const memoryMib = Math.floor(seen.memoryBytes / BYTES_PER_MIB);
      expect(nodes[0]).toMatchObject({ cpuMilli, memoryMib, gpuCount: gpus, podsMax: seen.podsMax });
      expect(nodes[0]?.extended ?? {}).toEqual(others);
      expect(nodes[0]?.taints ?? []).toEqual(
        seen.taints.filter(({ effect }) => effect !== 'PreferNoSchedule'),
      );
    }),
    { numRuns: 200 },
  );
});
