/** Settings of the federation: periods, time-outs, and the bound of everything that could grow. */
import { TegError } from '../../model/errors.ts';
import { GANG_PARTS_MAX } from './federation-limits.ts';
import { checkGangTax, type GangTaxOptions } from './gang-tax-options.ts';

/** All times in seconds. All optional for a caller; see `FEDERATION_DEFAULTS`. */
export interface FederationOptions {
  /** Δ: how often zones and summary nodes publish. Worst age at a reader: levels × (Δ + delay), see `docs/federation.md`. */
  readonly publishSeconds: number;
  /** Age at which a child's or entry's data expires. At least 2 Δ. */
  readonly expireSeconds: number;
  /** How long an escrow holds capacity for an offer that is not confirmed. */
  readonly escrowSeconds: number;
  /** An unanswered proposal is repeated after this time. */
  readonly proposeSeconds: number;
  /** Repetitions before the host tries another zone. */
  readonly proposeRepeatsMax: number;
  /** An unanswered confirmation is repeated after this time, then after twice that, up to 16 ×; never given up. */
  readonly confirmSeconds: number;
  /** Period at which a zone repeats the report that a job ended, until it is acknowledged. */
  readonly noticeSeconds: number;
  /**
   * How long a standing request waits in a zone. A job for which no zone shows room leaves some, so that it gets the
   * next free place before smaller jobs have fragmented it.
   */
  readonly standingSeconds: number;
  /** Zones in which one job leaves standing requests at a time; 0: in none. */
  readonly standingZones: number;
  /** Jobs of each line of a host that leave standing requests: its first ones. */
  readonly standingJobsMax: number;
  /** Standing requests of one zone. */
  readonly standingMax: number;
  /** Children of a summary node, ≥ 2. */
  readonly fanOut: number;
  /** Hops of a proposal through summary nodes. */
  readonly hopsMax: number;
  /** Escrows of one zone. */
  readonly escrowsMax: number;
  /** Ends of jobs that a zone's hosts have not acknowledged; at the limit the zone makes no further offers. */
  readonly noticesMax: number;
  /** Jobs of one agent host: waiting, deciding or running. */
  readonly hostJobsMax: number;
  /** Proposals of one host under way. */
  readonly proposalsMax: number;
  /** Entries that a board may hold. */
  readonly boardEntriesMax: number;
  /**
   * Running one-pod jobs that a host considers moving at each board; 0: none is ever moved. Moves follow the damped step D2:
   * see `docs/choosers.md`.
   */
  readonly movesPerBoard: number;
  /**
   * Parts, each in escrow in a zone, that a gang may consist of; 1: a gang runs within one zone. At most
   * `GANG_PARTS_MAX`.
   */
  readonly gangPartsMax: number;
  /** How long a gang that may fit one zone waits before it collects parts; one that is too large does so at once. */
  readonly spanAfterSeconds: number;
  /** A gang that has collected nothing more for this long releases its parts and backs off. */
  readonly claimSeconds: number;
  /** Gangs of one host that collect parts at a time. */
  readonly claimsMax: number;
  /** Times that a gang's back-off doubles. */
  readonly claimRetriesMax: number;
  /** Tax on what gangs hold idle, and the champion; absent: back-offs alone. */
  readonly gangTax?: GangTaxOptions;
  /** η of D2: stable for data s refreshes old while η ≤ 1/(s + ½). */
  readonly moveGain: number;
  /** Dead band: the least saving of a move, milli-GPU. */
  readonly moveSavesMilliMin: number;
  /** Share of concurrent deciders that may lose their place: the temperature controller's budget. */
  readonly loserBudget: number;
}

/** The defaults. */
export const FEDERATION_DEFAULTS: FederationOptions = {
  publishSeconds: 1,
  expireSeconds: 10,
  escrowSeconds: 5,
  proposeSeconds: 0.5,
  proposeRepeatsMax: 3,
  confirmSeconds: 0.5,
  noticeSeconds: 1,
  standingSeconds: 10,
  standingZones: 2,
  standingJobsMax: 16,
  standingMax: 4096,
  fanOut: 32,
  hopsMax: 8,
  escrowsMax: 16_384,
  noticesMax: 65_536,
  hostJobsMax: 1 << 22,
  proposalsMax: 1024,
  boardEntriesMax: 4096,
  movesPerBoard: 0,
  gangPartsMax: 8,
  spanAfterSeconds: 60,
  claimSeconds: 10,
  claimsMax: 16,
  claimRetriesMax: 5,
  moveGain: 0.4,
  moveSavesMilliMin: 100,
  loserBudget: 0.05,
};

/**
 * Fills in the defaults and checks bounds.
 *
 * @throws TegError TEG_OPTION_INVALID.
 */
export function federationOptions(options: Partial<FederationOptions> = {}): FederationOptions {
  const all = { ...FEDERATION_DEFAULTS, ...options };
  const { gangTax, ...numbers } = all;
  if (gangTax !== undefined) checkGangTax(gangTax);
  for (const [name, value] of Object.entries(numbers)) {
    const least = leastOf(name);
    const isWhole = name === 'fanOut' || name === 'movesPerBoard' || name.endsWith('Max');
    if (value >= least && (!isWhole || Number.isSafeInteger(value))) continue;
    const expected = least === Number.MIN_VALUE ? 'a number above 0' : `at least ${least}`;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `${name} is ${value}; expected ${isWhole ? 'a whole number, ' : ''}${expected}: correct it`,
    );
  }
  if (all.loserBudget >= 1) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `loserBudget is ${all.loserBudget}; expected a share below 1: correct it`,
    );
  }
  if (all.gangPartsMax > GANG_PARTS_MAX) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `gangPartsMax is ${all.gangPartsMax}; expected at most ${GANG_PARTS_MAX}: lower it`,
    );
  }
  if (all.expireSeconds < 2 * all.publishSeconds) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `expireSeconds is ${all.expireSeconds}; expected at least twice publishSeconds (${all.publishSeconds}), or ` +
        'healthy zones would be taken for dead: raise it',
    );
  }
  return all;
}

/** The least value of an option. */
function leastOf(name: string): number {
  if (name === 'fanOut') return 2;
  if (name === 'movesPerBoard' || name === 'moveSavesMilliMin' || name === 'standingZones') return 0;
  return name.endsWith('Max') ? 1 : Number.MIN_VALUE;
}
