/** The dependencies of an agent host. */
import type { OfferReader } from '../../../field/hologram/offer-reader.ts';
import type { Random } from '../../../kernel/random.ts';
import type { DemandTable } from '../../../model/demand.ts';
import type { Chooser } from '../../choosers/chooser.ts';
import type { FederationOptions } from '../federation-options.ts';

/** The dependencies of an agent host. */
export interface AgentHostParts {
  readonly id: number;
  /** Its position on the locality axis. */
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
