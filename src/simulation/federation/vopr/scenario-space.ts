/**
 * The kinds of nodes and jobs that scenarios are drawn from, with prices made once for all seeds.
 *
 * Why: prices cost some tenths of a second of CPU, a whole seed a few milliseconds. Seeds that draw from one space
 * have the same flavours and the same usual workload, so the same prices are right for all of them.
 */
import type { TypicalWorkload } from '../../../field/typical-workload.ts';
import { SharedPrices } from '../../../governor/policy/shared-prices.ts';
import { ClusterState } from '../../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../../model/demand.ts';
import type { PodSpec } from '../../../model/job.ts';
import type { NodeSpec } from '../../../model/node.ts';

/** A kind of node: a spec without its name. */
export type FlavorSpec = Omit<NodeSpec, 'name'>;

/** The space that seeds draw from. */
export interface ScenarioSpace {
  readonly name: string;
  readonly flavors: readonly FlavorSpec[];
  readonly demands: DemandTable;
  readonly prices: SharedPrices;
}

/** A space before its prices are made. */
interface SpaceSpec {
  readonly name: string;
  readonly flavors: readonly FlavorSpec[];
  readonly pods: readonly PodSpec[];
}

const GIB = 1024;

function flavor(cores: number, memoryGib: number, gpuCount = 0, gpuModel = '', podsMax = 110): FlavorSpec {
  return { cpuMilli: 1000 * cores, memoryMib: GIB * memoryGib, gpuCount, gpuModel, podsMax };
}

function pod(cpuMilli: number, memoryGib: number, gpus = 0, gpuModels: readonly string[] = []): PodSpec {
  // A share of a GPU is written as a fraction.
  const gpuCount = Math.ceil(gpus);
  const gpuMilli = gpuCount === 0 ? 0 : gpus < 1 ? Math.round(1000 * gpus) : 1000;
  return { cpuMilli, memoryMib: GIB * memoryGib, gpuCount, gpuMilli, gpuModels };
}

const SPECS: readonly SpaceSpec[] = [
  {
    name: 'mixed',
    flavors: [
      flavor(8, 32),
      flavor(4, 8, 0, '', 3),
      flavor(16, 64, 1, 'T4'),
      flavor(32, 256, 4, 'V100'),
      flavor(96, 768, 8, 'A100'),
      flavor(8, 32, 2, 'T4', 4),
    ],
    pods: [
      pod(1000, 2),
      pod(4000, 16),
      // Not on the lattice of holograms: room for it may be hidden.
      pod(3300, 7),
      pod(1000, 4, 0.25),
      pod(2000, 8, 0.5),
      pod(1000, 4, 0.7),
      pod(500, 1, 0.33),
      pod(4000, 16, 1),
      pod(8000, 32, 2),
      pod(32_000, 256, 4, ['A100', 'V100']),
      pod(64_000, 512, 8),
      pod(4000, 16, 1, ['A100']),
      pod(1000, 8, 0.5, ['T4', 'V100']),
      { ...pod(500, 1), podsPerNodeMax: 1, spreadGroup: 'web' },
    ],
  },
  {
    name: 'cpu',
    flavors: [flavor(4, 8), flavor(8, 32), flavor(32, 64), flavor(2, 4, 0, '', 2)],
    pods: [
      pod(250, 0.5),
      pod(1000, 2),
      pod(1000, 8),
      pod(2000, 4),
      pod(7000, 4),
      pod(8000, 8),
      pod(16_000, 32),
    ],
  },
  {
    name: 'gpu',
    flavors: [
      { ...flavor(96, 768, 8, 'H100'), extended: { rdma: 4 } },
      { ...flavor(64, 512, 4, 'A10'), labels: { zone: 'a' } },
      { ...flavor(64, 512, 4, 'A10'), labels: { zone: 'b' } },
    ],
    pods: [
      pod(8000, 64, 1),
      pod(4000, 32, 0.5),
      pod(2000, 16, 0.2),
      pod(16_000, 128, 2),
      { ...pod(48_000, 256, 4, ['H100']), extended: { rdma: 2 } },
      { ...pod(64_000, 512, 8), extended: { rdma: 4 } },
      { ...pod(4000, 32, 1), affinity: [{ key: 'zone', operator: 'In', values: ['b'] }] },
      pod(4000, 8),
    ],
  },
];

/** Number of spaces. */
export const SCENARIO_SPACES: number = SPECS.length;

/** Makes spaces when they are first needed, and keeps them. One a thread. */
export class ScenarioSpaces {
  private readonly made: (ScenarioSpace | undefined)[] = [];

  /** @param index In [0, SCENARIO_SPACES). @cost Some tenths of a second of CPU at the first call for it. */
  at(index: number): ScenarioSpace {
    const known = this.made[index];
    if (known !== undefined) return known;
    const made = makeSpace(SPECS[index] as SpaceSpec);
    this.made[index] = made;
    return made;
  }
}

function makeSpace({ name, flavors, pods }: SpaceSpec): ScenarioSpace {
  const demands = new DemandTable();
  const interned = pods.map((spec) => demands.intern(spec));
  const cluster = new ClusterState(demands, { labelKeys: demands.labelKeys() });
  for (const [i, spec] of flavors.entries()) cluster.addNode({ ...spec, name: `flavor-${i}` });
  return { name, flavors, demands, prices: new SharedPrices(cluster, usual(interned)) };
}

/** Small pods come more often. */
function usual(demands: readonly Demand[]): TypicalWorkload {
  const raw = demands.map((demand) => 1 / (1 + demand.gpuTotalMilli / 500));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return { demands, weights: raw.map((weight) => weight / total) };
}
