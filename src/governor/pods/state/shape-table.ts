/**
 * Shapes: the distinct pod templates of a cluster, interned to small integers, with the data that decisions need.
 *
 * Pods of one shape are interchangeable for placement. A shape without pods is dropped, and its id reused, so that a
 * cluster whose templates change for months does not grow.
 */
import { assert } from '../../../kernel/assert.ts';
import type { Demand, DemandTable } from '../../../model/demand.ts';
import type { PodTemplate, Toleration } from '../../../model/kubernetes/pod.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../../model/node.ts';
import { GPU_MODEL_LABELS, GPU_RESOURCES } from '../../../model/readers/gpus.ts';
import { isHealthTaint } from '../../../model/readers/taints.ts';
import { BYTES_PER_MIB } from '../../../model/units.ts';
import type { PodShape } from '../constraints.ts';
import type { NodeAccounts, Request } from './node-accounts.ts';

/** The record of a shape that all nodes refused. */
export interface ShapeRefusal {
  /** The state's versions at that time; −1: unknown. See `SchedulerState.isRefused`. */
  version: number;
  anyVersion: number;
  /** Highest priority of a pod that was refused. */
  priority: number;
  /** Highest priority for which no victims were found. */
  vainPriority: number;
  /** The message about that, in kube-scheduler's words. */
  vainText: string;
  /** The message about the nodes. */
  text: string;
  plugins: readonly string[];
}

/** A shape with its request and its demand on the field. */
export interface Shape extends PodShape {
  readonly request: Request;
  /** Changes when the table of demands is rebuilt. */
  demand: Demand;
  /** Known pods of it, ours or others', and further users. */
  pods: number;
  readonly refused: ShapeRefusal;
  /** The template as a text. */
  readonly key: string;
  /** Unlike the id never given to another shape: for what is remembered of shapes that may be gone. */
  readonly serial: number;
}

/** Label of the field's flavours that stands for taints and cordons: most pods go to nodes without it. */
export const RESTRICTED_LABEL = 'teg.dev/restricted';

/** Largest demand on the field; no known node has more. */
const AMOUNT_MAX = 2 ** 31 - 1;

/** Interns templates. Single writer. */
export class PodShapeTable {
  /** By id; undefined where an id is free. */
  readonly shapes: (Shape | undefined)[] = [];
  private readonly accounts: NodeAccounts;
  demands: DemandTable;
  private readonly byTemplate = new WeakMap<PodTemplate, Shape>();
  private readonly byKey = new Map<string, Shape>();
  private readonly freeIds: number[] = [];
  private readonly forgotten: (id: number) => void;
  private made = 0;

  /** @param forgotten Called for each id that is free again. */
  constructor(accounts: NodeAccounts, demands: DemandTable, forgotten: (id: number) => void) {
    this.accounts = accounts;
    this.demands = demands;
    this.forgotten = forgotten;
  }

  /** @returns The shape of a template, counted for one more pod. O(1) where the very object is known, else O(its size). */
  acquire(template: PodTemplate): Shape {
    const known = this.byTemplate.get(template);
    const shape = known !== undefined && this.shapes[known.id] === known ? known : this.intern(template);
    shape.pods++;
    return shape;
  }

  /** Keeps a known shape, as one more pod of it would. */
  hold(shape: Shape): void {
    assert(this.shapes[shape.id] === shape, 'a shape is held that is not known any more');
    shape.pods++;
  }

  /** One pod of the shape is gone. */
  release(shape: Shape): void {
    // Released too often, its id and its columns would belong to another one.
    assert(this.shapes[shape.id] === shape, 'a shape is released more often than acquired');
    shape.pods--;
    if (shape.pods > 0) return;
    this.shapes[shape.id] = undefined;
    this.byKey.delete(shape.key);
    this.accounts.releaseRequest(shape.request);
    this.freeIds.push(shape.id);
    this.forgotten(shape.id);
  }

  /** Shapes known. */
  get size(): number {
    return this.byKey.size;
  }

  /** Gives all shapes their demands in another table: the old one has many unused ones. O(shapes). */
  useDemands(demands: DemandTable): void {
    this.demands = demands;
    for (const shape of this.byKey.values()) shape.demand = this.demandOf(shape.template);
  }

  /** Visits all shapes. */
  each(visit: (shape: Shape) => void): void {
    for (const shape of this.byKey.values()) visit(shape);
  }

  private intern(template: PodTemplate): Shape {
    const key = keyOf(template);
    let shape = this.byKey.get(key);
    if (shape === undefined) {
      const id = this.freeIds.pop() ?? this.shapes.length;
      shape = {
        id,
        template,
        request: this.accounts.requestOf(template.requests),
        demand: this.demandOf(template),
        pods: 0,
        refused: {
          version: -1,
          anyVersion: -1,
          priority: 0,
          vainPriority: 0,
          vainText: '',
          text: '',
          plugins: [],
        },
        key,
        serial: this.made++,
      };
      this.shapes[id] = shape;
      this.byKey.set(key, shape);
    }
    this.byTemplate.set(template, shape);
    return shape;
  }

  /** The demand on the field: rounded down where the accounts are exact, so that the field misses no node. */
  private demandOf(template: PodTemplate): Demand {
    const { requests } = template;
    const gpus = GPU_RESOURCES.reduce((sum, name) => sum + (requests.extended[name] ?? 0), 0);
    const gpuCount = Math.min(gpus, GPUS_PER_NODE_MAX);
    const tolerant = template.tolerations.some((t) => !isCustomary(t));
    return this.demands.intern({
      cpuMilli: Math.min(requests.cpuMilli, AMOUNT_MAX),
      memoryMib: Math.min(Math.floor(requests.memoryBytes / BYTES_PER_MIB), AMOUNT_MAX),
      gpuCount,
      gpuMilli: gpuCount > 0 ? GPU_MILLI : 0,
      gpuModels: gpuCount > 0 ? modelsOf(template) : [],
      affinity: tolerant ? [] : [{ key: RESTRICTED_LABEL, operator: 'DoesNotExist', values: [] }],
    });
  }
}

/** True if admission gives the toleration to every pod: it opens no restricted node. */
function isCustomary(toleration: Toleration): boolean {
  const { key, effect } = toleration;
  return effect === 'NoExecute' && isHealthTaint(key);
}

/** GPU models that a template names in a node selector or in its only required term; empty: any. */
function modelsOf(template: PodTemplate): readonly string[] {
  for (const label of GPU_MODEL_LABELS) {
    const value = template.nodeSelector[label];
    if (value !== undefined) return [value];
  }
  const terms = template.requiredNodeTerms;
  if (terms?.length !== 1) return [];
  const naming = terms[0]?.expressions.find((e) => e.operator === 'In' && GPU_MODEL_LABELS.includes(e.key));
  return naming?.values ?? [];
}

function keyOf(template: PodTemplate): string {
  return JSON.stringify(template, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
