/**
 * Arrivals and tenants of a generated workload: a Poisson process whose rate is modulated by the time of day and by
 * every tenant being on or off.
 */
import { drawExponential, type RandomSource, WeightedChoice } from './distributions.ts';
import { requireInteger, requireNumber } from './generate-nodes.ts';

/** The rhythm of arrivals. */
export interface ArrivalRhythm {
  /** Integer ≥ 1. Tenant i (from 0) has the weight (i + 1)^−tenantSkew. */
  readonly tenants: number;
  /** ≥ 0; 0: all alike. */
  readonly tenantSkew: number;
  /** Mean length of a burst of a tenant (exponential). */
  readonly onSecondsMean: number;
  /** Mean pause between two bursts (exponential). */
  readonly offSecondsMean: number;
  /** Rate within a burst over the tenant's mean rate; in [1, 1 + offSecondsMean / onSecondsMean]. 1: no bursts. */
  readonly burstFactor: number;
  /** The rate varies as 1 + diurnal · sin(2π t / day), t = 0 being 6 hours before the peak; in [0, 1]. */
  readonly diurnal: number;
  readonly daySeconds: number;
}

/** Fifty tenants of which the first has 22 % of the jobs; bursts of 2 h on average, at three times the rate. */
export const DEFAULT_RHYTHM: ArrivalRhythm = {
  tenants: 50,
  tenantSkew: 1,
  onSecondsMean: 7_200,
  offSecondsMean: 21_600,
  burstFactor: 3,
  diurnal: 0.5,
  daySeconds: 86_400,
};

/** One arrival. */
export interface Arrival {
  /** Rounded to milliseconds; never earlier than the one before. */
  readonly seconds: number;
  readonly tenant: number;
}

/**
 * A Markov-modulated Poisson process, drawn exactly by thinning: candidates come at the highest possible rate and are
 * accepted with the rate of their tenant at their time over that.
 */
export class ArrivalProcess {
  private readonly rhythm: ArrivalRhythm;
  private readonly tenantChoice: WeightedChoice;
  private readonly candidateRate: number;
  /** Rate between bursts over the mean rate. */
  private readonly offFactor: number;
  /** @shape [tenants] true within a burst, and the end of the present state. */
  private readonly isOn: Uint8Array;
  private readonly untilSeconds: Float64Array;
  private now = 0;

  /** @param rate Mean arrivals a second. @throws TegError TEG_OPTION_INVALID. */
  constructor(rate: number, rhythm: ArrivalRhythm, random: RandomSource) {
    checkRhythm(rhythm);
    this.rhythm = rhythm;
    const weights = Array.from({ length: rhythm.tenants }, (_, i) => (i + 1) ** -rhythm.tenantSkew);
    this.tenantChoice = new WeightedChoice(weights);
    this.candidateRate = rate * rhythm.burstFactor * (1 + rhythm.diurnal);
    const onShare = rhythm.onSecondsMean / (rhythm.onSecondsMean + rhythm.offSecondsMean);
    this.offFactor = Math.max(0, (1 - onShare * rhythm.burstFactor) / (1 - onShare));
    this.isOn = new Uint8Array(rhythm.tenants);
    this.untilSeconds = new Float64Array(rhythm.tenants);
    for (let i = 0; i < rhythm.tenants; i++) {
      this.isOn[i] = random.nextFloat() < onShare ? 1 : 0;
      this.untilSeconds[i] = this.stateSeconds(i, random);
    }
  }

  /** @returns The next arrival. A few draws. */
  next(random: RandomSource): Arrival {
    const { burstFactor, diurnal, daySeconds } = this.rhythm;
    for (;;) {
      this.now += drawExponential(random) / this.candidateRate;
      const tenant = this.tenantChoice.draw(random);
      this.advance(tenant, random);
      const burst = (this.isOn[tenant] === 1 ? burstFactor : this.offFactor) / burstFactor;
      const daily = (1 + diurnal * Math.sin((2 * Math.PI * this.now) / daySeconds)) / (1 + diurnal);
      if (random.nextFloat() < burst * daily) {
        return { seconds: Math.round(this.now * 1_000) / 1_000, tenant };
      }
    }
  }

  private advance(tenant: number, random: RandomSource): void {
    while ((this.untilSeconds[tenant] as number) <= this.now) {
      this.isOn[tenant] = 1 - (this.isOn[tenant] as number);
      this.untilSeconds[tenant] = (this.untilSeconds[tenant] as number) + this.stateSeconds(tenant, random);
    }
  }

  private stateSeconds(tenant: number, random: RandomSource): number {
    const mean = this.isOn[tenant] === 1 ? this.rhythm.onSecondsMean : this.rhythm.offSecondsMean;
    return mean * Math.max(drawExponential(random), 1e-6);
  }
}

function checkRhythm(rhythm: ArrivalRhythm): void {
  requireInteger('rhythm.tenants', rhythm.tenants, 1, 1_000_000);
  requireNumber('rhythm.tenantSkew', rhythm.tenantSkew, 0, 10);
  requireNumber('rhythm.onSecondsMean', rhythm.onSecondsMean, 1, 1e9);
  requireNumber('rhythm.offSecondsMean', rhythm.offSecondsMean, 1, 1e9);
  requireNumber(
    'rhythm.burstFactor',
    rhythm.burstFactor,
    1,
    1 + rhythm.offSecondsMean / rhythm.onSecondsMean,
  );
  requireNumber('rhythm.diurnal', rhythm.diurnal, 0, 1);
  requireNumber('rhythm.daySeconds', rhythm.daySeconds, 1, 1e9);
}
