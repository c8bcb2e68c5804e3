/**
 * What an agent host is made of.
 */
import type { OfferReader } from '../../../field/hologram/offer-reader.ts';
import type { Random } from '../../../kernel/random.ts';
import type { DemandTable } from '../../../model/demand.ts';
import type { Chooser } from '../../choosers/chooser.ts';
import type { FederationOptions } from '../federation-options.ts';

/** What an agent host is made of. */
export interface AgentHostParts {
  readonly id: number;
  /** Where it stands on the locality axis. */
  readonly home: number;
  /** Zone governor that it reports its waiting jobs to; −1: none. */
  readonly homeZone: number;
  readonly demands: DemandTable;
  readonly reader: OfferReader;
  readonly chooser: Chooser;
  readonly random: Random;
  readonly options: FederationOptions;
  readonly incarnation: number;
  readonly firstReportSeconds: number;
}
