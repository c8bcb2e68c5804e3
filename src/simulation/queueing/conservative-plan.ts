/** The room over time in which conservative backfilling reserves: two ways to count it, behind one interface. */
import type { ExpectedEnd } from '../../governor/queueing/future-room.ts';
import type { SchedulingPass, StartResultCode } from '../../governor/zone/queue-discipline.ts';
import type { BacklogJob } from './backlog.ts';

/** Room that is reserved for a job from a time on. */
export interface PlannedPlace {
  /** Infinity: it never fits. */
  readonly startSeconds: number;
  /** The estimate when it was made; it is not renewed. */
  readonly seconds: number;
  /** Node of each pod of its minimum; empty where slots alone count. */
  readonly nodes: readonly number[];
}

/** Who holds what until when. */
export interface ConservativePlan {
  /** Nodes joined, came up or went down. */
  nodesChanged(): void;
  /** Begins with nothing but what runs. @param running Not before now. */
  begin(pass: SchedulingPass, running: Iterable<ExpectedEnd>): void;
  /** @returns The earliest place. It is not taken. */
  earliest(entry: BacklogJob, seconds: number): PlannedPlace;
  /** Reserves a place; −1: gives it back. */
  take(entry: BacklogJob, place: PlannedPlace, sign: 1 | -1): void;
  /** Starts a job whose time has come, without what others have reserved. Its place was taken, and stays so if it starts. */
  start(pass: SchedulingPass, entry: BacklogJob, place: PlannedPlace): StartResultCode;
}
