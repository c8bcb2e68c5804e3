/**
 * T-36: gangs that collect escrows in several zones of a federation all start, and a healthy federation hardly pays.
 *
 * @source theory §4.5; the settings of T-23 with the product's processes.
 */
import type { Random } from '../../src/kernel/random.ts';
import { atLeast, atMost, type Claim, type Measurement } from './claim.ts';
import {
  FEDERATION_SLOTS,
  type FederationRemedy,
  type FederationSetting,
  federationGangs,
  type GangRunOutcome,
} from './federation-gangs.ts';

/** Seeds of a setting, in a quick run and in full; of the largest setting and the control a tenth. */
const SEEDS = [10, 200] as const;
const HEALTHY_SEEDS = 2;
const RATIO_MAX = 1.3;
/** Longest run of a gang, seconds, and how much longer than all runs one after the other a setting may take. */
const RUN_SECONDS_MAX = 30;

function setting(gangs: number, needs: FederationSetting['needs'], isHasty = false): FederationSetting {
  return { gangs, needs, gapSeconds: 0, secondsMax: 3 * gangs * RUN_SECONDS_MAX, isHasty };
}

const MIXED = setting(8, 'mixed');
const EQUAL = setting(8, 'all');
const MANY = setting(32, 'mixed');
/** Nobody's back-off breaks the symmetry for long. */
const HASTY = setting(32, 'all', true);

/** Gangs of 2 to 9 slots, 5.5 in the mean, that run for 20 s. */
function healthy(load: number): FederationSetting {
  const gapSeconds = (5.5 * 20) / (load * FEDERATION_SLOTS);
  return { gangs: 100, needs: 'small', gapSeconds, secondsMax: 10_000 };
}

/** T-36. */
export const FEDERATION_DEADLOCK: Claim = {
  test: 'T-36',
  title: 'Gangs across zones all start',
  claim:
    'Gangs that collect escrows in the zones of a federation all finish under the tax with a champion, at most 1.3 × as late as with wound-wait alone; a federation at moderate load pays less than 1 % of its rent as tax. The tax without a champion does not do it where every gang needs all slots.',
  conditions:
    'Zone governors, agent hosts and a summary node of the product, with their messages 10 to 100 ms in transit, boards every second, and the invariants of VOPR after every step; 4 zones of 8 GPUs, 4 hosts; T-23’s gangs: 8 of 10–32 slots, 8 of 32, or 32 of 10–32, all at once, runs of 10–30 s. Moderate load: 100 gangs of 2–9 slots that arrive at load 0.25 and 0.5; rent 1 a slot and second.',
  notClaimed:
    'Not that the tax beats wound-wait: both need the champion and its reservation, which do the work. Nothing about streams of single jobs beside the gangs.',
  quick: false,
  measure(random: Random, isFull = false): Measurement {
    const seeds = seedsOf(random, SEEDS[isFull ? 1 : 0]);
    const few = seeds.slice(0, SEEDS[isFull ? 1 : 0] / 10);
    const contests = [contest(MIXED, seeds), contest(EQUAL, seeds), contest(MANY, few), contest(HASTY, few)];
    const loads = [0.25, 0.5].map((load) => taxShare(healthy(load), seeds.slice(0, HEALTHY_SEEDS)));
    const alone = federationGangs(HASTY, 'tax-alone', few);
    return {
      checks: [
        atLeast(
          `share of gangs that finish, ${seeds.length} seeds of two settings, ${few.length} of two`,
          Math.min(...contests.map(({ done }) => done)),
          1,
        ),
        atMost(
          'last end, mean / mean of wound-wait alone, largest of the settings',
          Math.max(...contests.map(({ ratio }) => ratio)),
          RATIO_MAX,
        ),
        atMost('tax / rent at load 0.25 and 0.5, the larger', Math.max(...loads), 0.01),
      ],
      controls: [
        atLeast('tax without a champion, 32 gangs that each need all slots', doneShare(HASTY, alone), 1),
        atMost('tax / rent of the gangs that all come at once', taxShare(MIXED, few), 0.01),
      ],
      notes: contests.map(({ note }) => note),
    };
  },
};

function seedsOf(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.nextInt(2 ** 30));
}

/** A setting with the tax, with wound-wait alone, and with back-offs alone. */
function contest(
  spec: FederationSetting,
  seeds: readonly number[],
): { readonly done: number; readonly ratio: number; readonly note: string } {
  const last = (runs: readonly GangRunOutcome[]) => mean(runs.map(({ lastSeconds }) => lastSeconds));
  const run = (remedy: FederationRemedy) => federationGangs(spec, remedy, seeds);
  const [taxed, wound] = [run('tax'), run('wound-wait')];
  const free = federationGangs(spec, 'back-off', seeds.slice(0, 10));
  const ratio = last(taxed) / last(wound);
  const name = `${spec.gangs} gangs of ${spec.needs === 'all' ? '32' : '10–32'}${spec.isHasty === true ? ' that come back at once' : ''}`;
  const note = `${name}: last end after ${last(taxed).toFixed(0)} s with the tax, ${last(wound).toFixed(0)} s with wound-wait alone (${ratio.toFixed(2)} ×), ${last(free).toFixed(0)} s with back-offs alone (${Math.min(10, seeds.length)} seeds, ${(100 * doneShare(spec, free)).toFixed(0)} % of the gangs done); tax ${mean(taxed.map(({ tax }) => tax)).toFixed(0)} tokens.`;
  return { done: doneShare(spec, taxed), ratio, note };
}

/** Tax by rent. */
function taxShare(spec: FederationSetting, seeds: readonly number[]): number {
  const runs = federationGangs(spec, 'tax', seeds);
  const sum = (of: (run: GangRunOutcome) => number) => runs.reduce((all, run) => all + of(run), 0);
  return sum(({ tax }) => tax) / sum(({ usedSlotSeconds }) => usedSlotSeconds);
}

function doneShare({ gangs }: FederationSetting, runs: readonly GangRunOutcome[]): number {
  return runs.reduce((sum, { finished }) => sum + finished, 0) / (runs.length * gangs);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
