/** The scheduler's state as the economy reads it. */
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { TenantTable } from '../../../model/tenants.ts';
import type { EconomyPorts, PlacedPod } from '../economy/economy-ports.ts';
import type { NodeAccounts } from './node-accounts.ts';
import type { NodeSlots } from './node-slots.ts';
import type { PodRecord } from './pod-records.ts';
import type { PodShapeTable } from './shape-table.ts';

/** The tables that are read. */
interface EconomyTables {
  readonly timeSeconds: number;
  readonly tenants: TenantTable;
  readonly slots: NodeSlots;
  readonly accounts: NodeAccounts;
  readonly shapes: PodShapeTable;
  readonly pods: ReadonlyMap<string, PodRecord>;
}

/** Reads on access; keeps nothing. */
export class EconomyView implements EconomyPorts {
  private readonly tables: EconomyTables;

  constructor(tables: EconomyTables) {
    this.tables = tables;
  }

  get timeSeconds(): number {
    return this.tables.timeSeconds;
  }

  get tenants(): TenantTable {
    return this.tables.tenants;
  }

  get slotCount(): number {
    return this.tables.slots.count;
  }

  nodeAt(slot: number): NodeDescription | undefined {
    return this.tables.slots.descriptions[slot];
  }

  hasPods(slot: number): boolean {
    return (this.tables.slots.pods[slot]?.length ?? 0) > 0;
  }

  templateOf(kind: number): PodTemplate | undefined {
    return this.tables.shapes.shapes[kind]?.template;
  }

  couldFit(slot: number, kind: number): boolean {
    const shape = this.tables.shapes.shapes[kind];
    return shape !== undefined && this.tables.accounts.couldFit(slot, shape.request);
  }

  *placedPods(): Iterable<PlacedPod> {
    for (const pod of this.tables.pods.values()) {
      const { tenant, sequence, shape, node } = pod;
      if (node >= 0) yield { tenant, sequence, demand: shape.demand, slot: node, pod };
    }
  }
}
