/**
 * The waiting jobs of one agent host: one line for each shape (demand, pods, gang minimum), because jobs of a shape are
 * interchangeable: where the first does not fit, none does. Tenants share lines: a host does not know who is admitted.
 */

import { assert } from '../../../kernel/assert.ts';
import { DEMANDS_MAX } from '../../../model/limits.ts';
import { type ChoiceStream, newStream } from '../../choosers/chooser.ts';
import { packLine } from '../federation-limits.ts';

/** Interchangeable jobs. */
export interface JobLine {
  readonly demandId: number;
  readonly podCount: number;
  readonly gangMin: number;
  /** Slots of waiting jobs: higher priority first, then earlier rank. */
  readonly waiting: number[];
  readonly stream: ChoiceStream;
  /**
   * Jobs of this line that may be proposed at one board, ≥ 0. Doubles while proposals succeed, halves when they are
   * refused: when room is short, all waiting jobs would otherwise rush at every free place.
   */
  window: number;
  /** Proposals under way. */
  proposed: number;
  /** Zone that the last job of the line went to; −1: none yet. */
  lastZone: number;
}

/** The lines of a host. */
export class HostLines {
  readonly lines: JobLine[] = [];
  private readonly home: number;
  private readonly byKey = new Map<number, JobLine>();

  /** @param home Position of the host on the locality axis. */
  constructor(home: number) {
    this.home = home;
  }

  /** @returns The line of a shape, new or known. */
  lineOf(demandId: number, podCount: number, gangMin: number): JobLine {
    assert(demandId < DEMANDS_MAX, 'host lines: the id of a demand is too large to pack');
    const key = packLine(demandId, podCount, gangMin);
    let line = this.byKey.get(key);
    if (line === undefined) {
      line = {
        demandId,
        podCount,
        gangMin,
        waiting: [],
        stream: newStream(this.home),
        window: WINDOW_FIRST,
        proposed: 0,
        lastZone: -1,
      };
      this.byKey.set(key, line);
      this.lines.push(line);
    }
    return line;
  }
}

/** Initial window of a new line. */
const WINDOW_FIRST = 8;
/** Bounds of the window. Below 1 it is the probability of one proposal at a board. */
const WINDOW_MIN = 1 / 16;
const WINDOW_MAX = 1024;

/** A proposal of the line succeeded. */
export function widenWindow(line: JobLine): void {
  line.window = Math.min(WINDOW_MAX, line.window < 1 ? 2 * line.window : line.window + 1);
}

/** A proposal of the line was refused. */
export function narrowWindow(line: JobLine): void {
  line.window = Math.max(WINDOW_MIN, line.window / 2);
}

/** Enters a slot into its line, before those that `isBefore` says it precedes. O(log n) comparisons. */
export function enterLine(line: JobLine, slot: number, isBefore: (a: number, b: number) => boolean): void {
  const { waiting } = line;
  let low = 0;
  let high = waiting.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(slot, waiting[middle] as number)) high = middle;
    else low = middle + 1;
  }
  if (low === waiting.length) waiting.push(slot);
  else waiting.splice(low, 0, slot);
}

/** Takes a slot out of its line. O(waiting jobs of the line). */
export function leaveLine({ waiting }: JobLine, slot: number): void {
  const at = waiting.indexOf(slot);
  assert(at >= 0, 'a job leaves a line that it is not in');
  waiting.splice(at, 1);
}
