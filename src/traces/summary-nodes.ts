/**
 * Summary of the nodes of a trace.
 */
import type { NodeSpec } from '../model/node.ts';
import type { TraceWarning } from './format.ts';
import { Tally } from './summary-parts.ts';

/** Nodes with the same hardware. */
export interface NodeKindRow {
  /** GPU model; '' if there are no GPUs. */
  readonly model: string;
  readonly gpus: number;
  readonly cores: number;
  readonly memoryGib: number;
  readonly nodes: number;
}

/** Summary of nodes. */
export interface NodesSummary {
  readonly nodes: number;
  readonly gpuNodes: number;
  readonly cores: number;
  readonly memoryGib: number;
  readonly gpus: number;
  readonly pods: number;
  /** GPUs by model. */
  readonly gpuModels: Readonly<Record<string, number>>;
  /** Total of each further resource. */
  readonly extended: Readonly<Record<string, number>>;
  /** Nodes that have each label. */
  readonly labels: Readonly<Record<string, number>>;
  /** Different kinds of hardware; the table lists the most frequent ones. */
  readonly kinds: number;
  readonly topKinds: readonly NodeKindRow[];
}

/** Kinds of hardware that are listed. */
const TOP_KINDS = 20;

/** Names that are listed. */
const TOP_NAMES = 50;

interface Kind {
  row: Omit<NodeKindRow, 'nodes'> | undefined;
  nodes: number;
}

/** Gathers the summary; `add` every node, then `result`. */
export class NodeSummarizer {
  count = 0;
  private readonly sums = { gpuNodes: 0, cores: 0, memoryGib: 0, gpus: 0, pods: 0 };
  private readonly models = new Tally<{ count: number }>(() => ({ count: 0 }));
  private readonly extended = new Tally<{ count: number }>(() => ({ count: 0 }));
  private readonly labels = new Tally<{ count: number }>(() => ({ count: 0 }));
  private readonly kinds = new Tally<Kind>(() => ({ row: undefined, nodes: 0 }));

  /** Takes a node. */
  add(node: NodeSpec): void {
    const cores = node.cpuMilli / 1_000;
    const memoryGib = node.memoryMib / 1_024;
    this.count++;
    this.sums.cores += cores;
    this.sums.memoryGib += memoryGib;
    this.sums.gpus += node.gpuCount;
    this.sums.pods += node.podsMax;
    if (node.gpuCount > 0) {
      this.sums.gpuNodes++;
      this.models.of(node.gpuModel).count += node.gpuCount;
    }
    for (const [name, amount] of Object.entries(node.extended ?? {})) this.extended.of(name).count += amount;
    for (const name of Object.keys(node.labels ?? {})) this.labels.of(name).count++;
    const kind = this.kinds.of(`${node.gpuModel} ${node.gpuCount} ${node.cpuMilli} ${node.memoryMib}`);
    kind.row ??= { model: node.gpuModel, gpus: node.gpuCount, cores, memoryGib };
    kind.nodes++;
  }

  /** @returns The summary of all nodes so far. */
  result(): NodesSummary {
    return {
      nodes: this.count,
      ...this.sums,
      gpuModels: named(this.models),
      extended: named(this.extended),
      labels: named(this.labels),
      kinds: this.kinds.size,
      topKinds: this.kinds
        .top(TOP_KINDS, (kind) => kind.nodes)
        .flatMap(({ sums }) => (sums.row === undefined ? [] : [{ ...sums.row, nodes: sums.nodes }])),
    };
  }

  /** @returns Remarks for the reader of the summary. */
  warnings(): TraceWarning[] {
    const unknown = this.models.top(Number.MAX_SAFE_INTEGER, (m) => m.count).find((m) => m.name === '');
    if (unknown === undefined) return [];
    return [{ message: 'GPUs of a model that is not named', count: unknown.sums.count }];
  }
}

function named(tally: Tally<{ count: number }>): Record<string, number> {
  const top = tally.top(TOP_NAMES, (sums) => sums.count);
  return Object.fromEntries(top.map(({ name, sums }) => [name, sums.count]));
}
