/**
 * The effects of one step, as a reusable structure of arrays.
 *
 * Invariants: the contents are valid until the zone's next step; `length` entries, in the order in which they
 * have to be carried out. The zone keeps starts below a configured length; effects that follow from the event
 * itself (releases of a lost node's jobs) are bounded by the pods on that node.
 */
import { grown } from '../../kernel/grown.ts';
import type { EffectKindCode, ReasonCode } from './zone-events.ts';

/** Entries that a new buffer has room for. */
const CAPACITY_FIRST = 256;

/** Effects in columns; see `EffectKind` for what each kind fills. Written by its zone only. */
export class EffectBuffer {
  /** Entries that are valid. */
  length = 0;
  /** @shape [capacity] `EffectKind`. */
  kinds: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** @shape [capacity] `Reason`. */
  reasons: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** @shape [capacity] job ids, −1 if none. */
  jobs: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] 0-based number of the pod in its job, −1 if none. */
  members: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] node indexes, −1 if none. */
  nodes: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] GPU numbers of the node as bits. */
  gpuMasks: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] pods of the job that this effect is about. */
  counts: Int32Array = new Int32Array(CAPACITY_FIRST);
  private readonly lengthMax: number;

  /** @param lengthMax Entries at which a zone postpones further starts; required reports exceed it. */
  constructor(lengthMax: number) {
    this.lengthMax = lengthMax;
  }

  /** Entries that starts may still take in this step; can be negative. */
  get room(): number {
    return this.lengthMax - this.length;
  }

  /** Clears the last step's effects. */
  clear(): void {
    this.length = 0;
  }

  /** Appends a pod's binding. */
  pushPod(kind: EffectKindCode, job: number, member: number, node: number, gpuMask: number): void {
    const at = this.grow();
    this.kinds[at] = kind;
    this.reasons[at] = 0;
    this.jobs[at] = job;
    this.members[at] = member;
    this.nodes[at] = node;
    this.gpuMasks[at] = gpuMask;
    this.counts[at] = 0;
  }

  /** Appends an effect on a whole job. */
  pushJob(kind: EffectKindCode, job: number, count: number, reason: ReasonCode): void {
    const at = this.grow();
    this.kinds[at] = kind;
    this.reasons[at] = reason;
    this.jobs[at] = job;
    this.members[at] = -1;
    this.nodes[at] = -1;
    this.gpuMasks[at] = 0;
    this.counts[at] = count;
  }

  /**
   * A hash of these effects on top of `previous`: folding it over the steps of two runs shows whether they did the
   * same. O(length); nothing is hashed unless this is called.
   *
   * @param previous The result for the step before; 0 at the start.
   * @returns        A 32-bit unsigned integer.
   */
  hash(previous = 0): number {
    let h = mix(previous, this.length);
    for (let i = 0; i < this.length; i++) {
      h = mix(h, ((this.kinds[i] as number) << 8) | (this.reasons[i] as number));
      h = mix(h, this.jobs[i] as number);
      h = mix(h, this.members[i] as number);
      h = mix(h, this.nodes[i] as number);
      h = mix(h, this.gpuMasks[i] as number);
      h = mix(h, this.counts[i] as number);
    }
    return h >>> 0;
  }

  private grow(): number {
    const at = this.length++;
    if (at === this.kinds.length) {
      const capacity = at * 2;
      this.kinds = grown(this.kinds, capacity);
      this.reasons = grown(this.reasons, capacity);
      this.jobs = grown(this.jobs, capacity);
      this.members = grown(this.members, capacity);
      this.nodes = grown(this.nodes, capacity);
      this.gpuMasks = grown(this.gpuMasks, capacity);
      this.counts = grown(this.counts, capacity);
    }
    return at;
  }
}

/** One round of MurmurHash3 (32 bits) over a word. */
function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const x = h ^ k;
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}
