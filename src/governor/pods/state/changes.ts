/**
 * The changes since waiting pods were last checked: enough to find the pods that they may affect.
 *
 * A shape in here is kept from being dropped, so that its id stays valid until the changes are cleared.
 */
import type { Constraints } from '../constraints.ts';
import type { PodEvent } from '../pod-events.ts';
import type { PodShapeTable, Shape } from './shape-table.ts';

/** Changes. Single writer. Bounded by the existing nodes, shapes and claims. */
export class Changes {
  /** Slots that got room or a new description. */
  readonly slots = new Set<number>();
  /** Slots on which others took room that is kept for nominated pods. */
  readonly crowded = new Set<number>();
  /** Shapes of pods that came to nodes or left them. */
  readonly shapes = new Set<Shape>();
  /** `namespace/name` of reported claims. */
  readonly claims = new Set<string>();
  /** A node came, went or got a new description: topology domains may have changed. */
  nodes = false;
  /** Volumes, storage classes, or the reports of CSI drivers about nodes and themselves have changed. */
  volumes = false;
  /** Extended resources that a DeviceClass has begun or ceased to back. */
  readonly devices = new Set<string>();
  /** A change that may affect every pod. */
  everything = false;
  private readonly table: PodShapeTable;

  constructor(table: PodShapeTable) {
    this.table = table;
  }

  /** True if there is any. */
  get any(): boolean {
    return (
      this.everything ||
      this.nodes ||
      this.volumes ||
      this.slots.size > 0 ||
      this.crowded.size > 0 ||
      this.shapes.size > 0 ||
      this.claims.size > 0 ||
      this.devices.size > 0
    );
  }

  /** Pods of a shape came or went. */
  moved(shape: Shape): void {
    if (this.shapes.has(shape)) return;
    this.table.hold(shape);
    this.shapes.add(shape);
  }

  /** An event arrived that only the rules use. */
  told(event: PodEvent): void {
    if (event.kind === 'claim') this.claims.add(event.claim.key);
    else if (event.kind === 'claim-gone') this.claims.add(event.key);
    else if (event.kind === 'namespace' || event.kind === 'namespace-gone') this.everything = true;
    // An attached volume takes room; only its detachment frees some.
    else if (event.kind !== 'volume-attachment') this.volumes = true;
  }

  /**
   * True if pods of a shape may fit now without a change on a single node that they fit: other pods, claims, topology.
   *
   * @cost O(shapes that moved).
   */
  concern(shape: Shape, rules: Constraints): boolean {
    if (this.everything || this.concernsDevices(shape)) return true;
    const { namespace, claims, inlineVolumes } = shape.template;
    if (this.volumes && (claims.length > 0 || inlineVolumes !== undefined)) return true;
    if (claims.length > 0) {
      if (this.claims.size > 0 && claims.some((claim) => this.claims.has(`${namespace}/${claim}`)))
        return true;
    }
    if (this.nodes && rules.dependsOnPods(shape)) return true;
    for (const moved of this.shapes) if (rules.concerns(shape, moved)) return true;
    return false;
  }

  /**
   * True if the report to pods of a shape changes with a DeviceClass: for all of them, though none fits. O(such
   * changes).
   */
  concernsDevices(shape: Shape): boolean {
    for (const resource of this.devices) {
      if ((shape.template.requests.extended[resource] ?? 0) > 0) return true;
    }
    return false;
  }

  /** All pods were checked. */
  clear(): void {
    this.slots.clear();
    this.crowded.clear();
    this.claims.clear();
    this.devices.clear();
    this.nodes = false;
    this.volumes = false;
    this.everything = false;
    if (this.shapes.size === 0) return;
    const held = [...this.shapes];
    this.shapes.clear();
    for (const shape of held) this.table.release(shape);
  }
}
