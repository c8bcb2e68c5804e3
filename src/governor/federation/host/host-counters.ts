/** Counters of an agent host: the probes of a placement, its distance from the last one, failures. */

import type { HostJobs } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';

/** Placements with this many probes or more share the last bin. */
const PROBE_BINS = 256;

/** Counters of one host, or of several added up. */
export class HostCounters {
  /** Proposals sent, repetitions not counted. */
  proposals = 0;
  /** Proposals refused, by zones or by summary nodes. */
  refusals = 0;
  /** Proposals without an answer. */
  unanswered = 0;
  /** Offers that were declined because the host had gone on. */
  declined = 0;
  /** Escrows that had ended when they were confirmed. */
  gone = 0;
  /** Jobs that started. */
  placements = 0;
  /** Of these, those with a predecessor of their shape at this host, and in another zone; and the distance in zones. */
  successors = 0;
  moved = 0;
  distanceSum = 0;
  /** Jobs by number of probes that their placement took. @shape [PROBE_BINS] */
  readonly probes: Float64Array = new Float64Array(PROBE_BINS);
  /** Age of the data used for the choice, summed over proposals, in whole microseconds; and at worst, seconds. */
  ageMicros = 0;
  ageMax = 0;
  /** Jobs moved between zones while they ran. */
  migrations = 0;

  /** Counts a placement. @param probes Proposals it took, ≥ 1. @param distance In zones; −1: the first of its shape. */
  place(probes: number, distance: number): void {
    this.placements++;
    const bin = Math.min(PROBE_BINS - 1, probes);
    this.probes[bin] = (this.probes[bin] as number) + 1;
    if (distance < 0) return;
    this.successors++;
    this.distanceSum += distance;
    if (distance > 0) this.moved++;
  }

  /** Counts the placement of a job in a zone, and remembers the zone in its line. */
  countPlacement(jobs: HostJobs, slot: number, zone: number): void {
    const line = jobs.lines[slot] as JobLine;
    if (jobs.moves[slot] === 1) this.migrations++;
    else {
      const distance = line.lastZone < 0 ? -1 : Math.abs(zone - line.lastZone);
      this.place(Math.max(1, jobs.probes[slot] as number), distance);
    }
    line.lastZone = zone;
    jobs.moves[slot] = 0;
    jobs.probes[slot] = 0;
  }

  /** Adds another host's counts. */
  add(other: HostCounters): void {
    this.proposals += other.proposals;
    this.refusals += other.refusals;
    this.unanswered += other.unanswered;
    this.declined += other.declined;
    this.gone += other.gone;
    this.placements += other.placements;
    this.successors += other.successors;
    this.moved += other.moved;
    this.distanceSum += other.distanceSum;
    this.migrations += other.migrations;
    this.ageMicros += other.ageMicros;
    this.ageMax = Math.max(this.ageMax, other.ageMax);
    for (let i = 0; i < PROBE_BINS; i++)
      this.probes[i] = (this.probes[i] as number) + (other.probes[i] as number);
  }

  /** Mean probes of a placement; NaN without one. */
  get probesMean(): number {
    let sum = 0;
    for (let i = 0; i < PROBE_BINS; i++) sum += i * (this.probes[i] as number);
    return sum / this.placements;
  }

  /** @returns The q-quantile of the probes of a placement. */
  probesQuantile(q: number): number {
    let left = q * this.placements;
    for (let i = 0; i < PROBE_BINS; i++) {
      left -= this.probes[i] as number;
      if (left <= 0) return i;
    }
    return PROBE_BINS - 1;
  }
}
