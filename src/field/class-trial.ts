/**
 * What a trial did to the class table, noted so that it can be undone: moves of nodes in their order, and classes made.
 *
 * A row of a move: the node, the class that it left (−1: none), the node before it there (−1: it was the first), and where
 * that class stood among the occupied ones. A row of a class: the three parts of its key.
 */

/** Integers of a move and of a class made. */
const MOVE_INTS = 4;
const MADE_INTS = 3;

/** Notes of one trial, used again by the next. Written by the class table only. */
export class ClassTrial {
  /** Classes there were before. */
  countBefore = 0;
  /** Moves noted. */
  moves = 0;
  /** @shape [moves × MOVE_INTS] */
  private readonly moved4: number[] = [];
  /** @shape [classes made × MADE_INTS] */
  private readonly made3: number[] = [];

  /** Forgets the last trial. @param count Classes there are. */
  begin(count: number): void {
    this.countBefore = count;
    this.moves = 0;
    this.moved4.length = 0;
    this.made3.length = 0;
  }

  /** A node is about to leave its class. */
  moved(node: number, from: number, previous: number, place: number): void {
    this.moved4.push(node, from, previous, place);
    this.moves++;
  }

  /** A class was made. */
  made(hostKey: number, gpuKey: number, extendedId: number): void {
    this.made3.push(hostKey, gpuKey, extendedId);
  }

  /** Visits the keys of the classes made. */
  forEachMade(visit: (hostKey: number, gpuKey: number, extendedId: number) => void): void {
    for (let i = 0; i < this.made3.length; i += MADE_INTS) {
      visit(this.made3[i] as number, this.made3[i + 1] as number, this.made3[i + 2] as number);
    }
  }

  /** @returns The node of a move. */
  nodeOf(move: number): number {
    return this.moved4[MOVE_INTS * move] as number;
  }

  /** @returns The class that it left; −1: it was in none. */
  fromOf(move: number): number {
    return this.moved4[MOVE_INTS * move + 1] as number;
  }

  /** @returns The node before it in that class; −1: it was the first. */
  previousOf(move: number): number {
    return this.moved4[MOVE_INTS * move + 2] as number;
  }

  /** @returns Where that class stood among the occupied ones. */
  placeOf(move: number): number {
    return this.moved4[MOVE_INTS * move + 3] as number;
  }
}
