/** The content that a zone governor publishes: its classes, and their sums and maxima. */
import type { ClassTable } from '../../../field/class-table.ts';
import type { FlavorRent } from '../../../field/flavor-rent.ts';
import type { HeldPart } from '../../../field/hologram/held-part.ts';
import {
  exactSums,
  Hologram,
  type HologramMaxima,
  type HologramSums,
} from '../../../field/hologram/hologram.ts';
import { takeHologram } from '../../../field/hologram/hologram-source.ts';
import type { ClusterState } from '../../../model/cluster-state.ts';
import type { TegPolicy } from '../../policy/teg-policy.ts';
import type { Zone } from '../../zone/zone.ts';
import type { FederationOptions } from '../federation-options.ts';
import type { HostReportMessage } from '../messages.ts';
import { RateMeter } from './rate-meter.ts';
import type { ZoneLedger } from './zone-ledger.ts';

/** Refresh periods over which the rate of proposals is averaged. */
const RATE_PERIODS = 4;

/** The last report of a host's waiting jobs, and when it arrived. */
interface LastReport {
  readonly at: number;
  readonly report: HostReportMessage;
}

/** The nodes of a summary, as its field sees them. */
export interface SummarySource {
  /** Grows with every change of nodes or pods: if it is unchanged, nothing is counted again. */
  readonly changes: number;
  readonly cluster: ClusterState;
  readonly classes: ClassTable;
  readonly rent: FlavorRent;
}

/** @returns The inputs of a zone's summary. @param policy The source of the zone's choices. */
export function shownBy(zone: Zone, { classes, rent }: TegPolicy): SummarySource {
  return {
    get changes() {
      return zone.steps;
    },
    cluster: zone.cluster,
    classes,
    rent,
  };
}

/** The summary of one zone. */
export class ZoneSummary {
  /** Proposals a second. */
  readonly proposals: RateMeter;
  private readonly source: SummarySource;
  private readonly ledger: ZoneLedger;
  private readonly expireSeconds: number;
  private readonly heldAt: (timeSeconds: number) => HeldPart;
  private published: Hologram | undefined;
  /** `source.changes` at that time. */
  private publishedChanges = -1;
  /** The last report of each host. */
  private readonly reports = new Map<number, LastReport>();

  /** @param heldAt What gangs across zones hold idle. */
  constructor(
    source: SummarySource,
    ledger: ZoneLedger,
    options: FederationOptions,
    heldAt: (timeSeconds: number) => HeldPart,
  ) {
    this.source = source;
    this.ledger = ledger;
    this.heldAt = heldAt;
    this.expireSeconds = options.expireSeconds;
    this.proposals = new RateMeter(RATE_PERIODS * options.publishSeconds);
  }

  /** A host of the zone reports its waiting jobs. */
  hear(report: HostReportMessage, timeSeconds: number): void {
    this.reports.set(report.from, { at: timeSeconds, report });
  }

  /** @returns The zone's present state. Without a change since the last call, the classes are not counted again. */
  hologramNow(timeSeconds: number): Hologram {
    const { source } = this;
    const sums = this.sums(timeSeconds);
    const maxima = this.maxima(timeSeconds);
    const held = this.heldAt(timeSeconds);
    const last = this.published;
    if (last === undefined || source.changes !== this.publishedChanges) {
      const taken = takeHologram(source.classes, source.rent, sums, maxima, timeSeconds);
      this.published = new Hologram({ ...taken, held });
      this.publishedChanges = source.changes;
      return this.published;
    }
    const again = new Hologram({
      ...last,
      takenAt: timeSeconds,
      newestAt: timeSeconds,
      sums: exactSums(sums),
      maxima,
      held,
    });
    again.memo = last.memo;
    this.published = again;
    return again;
  }

  private sums(timeSeconds: number): HologramSums {
    const { cluster } = this.source;
    let nodesUp = 0;
    let freeCpuMilli = 0;
    let freeGpuMilli = 0;
    for (let node = 0; node < cluster.nodeCount; node++) {
      if (cluster.up[node] === 0) continue;
      nodesUp++;
      freeCpuMilli += cluster.freeCpuMilli[node] as number;
      freeGpuMilli += cluster.freeGpuMilli[node] as number;
    }
    const reports = this.freshReports(timeSeconds);
    return {
      zones: 1,
      nodes: cluster.nodeCount,
      nodesUp,
      pods: this.ledger.runningPods,
      capacityCpuMilli: cluster.capacity.cpuMilli,
      freeCpuMilli,
      capacityGpuMilli: cluster.capacity.gpuMilli,
      freeGpuMilli,
      heldGpuMilli: this.ledger.escrowGpuMilli,
      waitingJobs: reports.reduce((sum, report) => sum + report.waitingJobs, 0),
      waitingGpuMilli: reports.reduce((sum, report) => sum + report.waitingGpuMilli, 0),
      arrivalsPerSecond: this.proposals.perSecond(timeSeconds),
    };
  }

  private maxima(timeSeconds: number): HologramMaxima {
    const { cluster } = this.source;
    let freeGpuMilli = 0;
    let wholeGpus = 0;
    for (let node = 0; node < cluster.nodeCount; node++) {
      if (cluster.up[node] === 0) continue;
      freeGpuMilli += cluster.freeGpuMilli[node] as number;
    }
    const { classes } = this.source;
    for (let i = 0; i < classes.occupiedCount; i++) {
      const id = classes.occupied[i] as number;
      wholeGpus += (classes.whole[id] as number) * (classes.nodeCounts[id] as number);
    }
    const capacity = cluster.capacity.gpuMilli;
    return {
      oldestWaitSeconds: Math.max(0, ...this.freshReports(timeSeconds).map((report) => report.oldestSeconds)),
      zoneFreeGpuMilli: freeGpuMilli,
      zoneWholeGpus: wholeGpus,
      heldShare: capacity > 0 ? this.ledger.escrowGpuMilli / capacity : 0,
    };
  }

  /** Reports that have not expired; the others are dropped. */
  private freshReports(timeSeconds: number): HostReportMessage[] {
    for (const [host, { at }] of this.reports) {
      if (timeSeconds - at > this.expireSeconds) this.reports.delete(host);
    }
    return Array.from(this.reports.values(), ({ report }) => report);
  }
}
