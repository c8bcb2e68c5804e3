/** Known names, as 53-bit hashes outside the heap: a file may have millions of them. */

/** Names beyond this number are not kept. */
const NAMES_MAX = 2 ** 22;

/** A set of names; of two that differ, one in 10^15 pairs is taken for the same. */
export class KnownNames {
  /** Open addressing; 0: free. */
  private slots = new Float64Array(1_024);
  private count = 0;

  /** @returns True if the name is new; always once the set is full. Amortised O(length). */
  add(name: string): boolean {
    const hash = hashOf(name);
    const at = this.find(hash);
    if (this.slots[at] === hash) return false;
    if (this.count >= NAMES_MAX) return true;
    this.slots[at] = hash;
    if (++this.count * 2 > this.slots.length) this.grow();
    return true;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Float64Array(old.length * 2);
    for (const hash of old) if (hash !== 0) this.slots[this.find(hash)] = hash;
  }

  private find(hash: number): number {
    const { slots } = this;
    let at = hash % slots.length;
    while (slots[at] !== 0 && slots[at] !== hash) at = (at + 1) % slots.length;
    return at;
  }
}

/** Two FNV-1a hashes side by side, 32 and 21 bits; never 0. */
function hashOf(name: string): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + i), 0x85ebca6b);
    b ^= b >>> 13;
  }
  return (b >>> 11) * 2 ** 32 + (a >>> 0) || 1;
}
