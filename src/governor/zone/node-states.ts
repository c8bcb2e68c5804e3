/** Guards' reports of a zone's nodes, in columns. Nothing is allocated before the first report. */
import { grown } from '../../kernel/grown.ts';
import { type NodeState, PLAIN_STATE, pressureBits, pressuresOf } from '../../model/node-state.ts';

/** Power headroom that is not known. */
const UNKNOWN = -1;

/** States by node. Written by its zone only. 9 bytes a node, none before the first report. */
export class NodeStates {
  /** @shape [nodes] bits of `pressureBits`. */
  private pressures: Uint8Array = new Uint8Array(0);
  /** @shape [nodes] watts, −1 where unknown. */
  private headrooms: Float64Array = new Float64Array(0);

  /** Replaces the report of a node. Amortised O(1). */
  set(node: number, { pressure, powerHeadroomWatts = UNKNOWN }: NodeState): void {
    if (node >= this.pressures.length) this.grow(node + 1);
    this.pressures[node] = pressureBits(pressure);
    this.headrooms[node] = powerHeadroomWatts;
  }

  /** @returns The last report; `PLAIN_STATE` without one. */
  of(node: number): NodeState {
    if (node >= this.pressures.length) return PLAIN_STATE;
    const pressure = pressuresOf(this.pressures[node] as number);
    const powerHeadroomWatts = this.headrooms[node] as number;
    if (powerHeadroomWatts === UNKNOWN) return pressure.length === 0 ? PLAIN_STATE : { pressure };
    return { pressure, powerHeadroomWatts };
  }

  private grow(count: number): void {
    const n = Math.max(64, count, 2 * this.pressures.length);
    this.pressures = grown(this.pressures, n);
    this.headrooms = grown(this.headrooms, n, UNKNOWN);
  }
}
