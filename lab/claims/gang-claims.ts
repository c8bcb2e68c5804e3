/**
 * T-23 and T-24: gangs that hold slots while they collect get out of a deadlock by a tax with a champion, and a healthy
 * cluster hardly pays it.
 *
 * @source theory §4.5, §10.
 */
import type { Random } from '../../src/kernel/random.ts';
import { drainSecondsRamp } from '../../src/market/tax/drain-time.ts';
import { landauCoefficient, landauTax, taxRampRate } from '../../src/market/tax/landau.ts';
import { landauWhileOn } from '../../src/market/tax/tax-governor.ts';
import { atLeast, atMost, type Claim, type Measurement } from './claim.ts';
import type { TaxPolicy } from './gang-policies.ts';
import {
  DEADLOCK_SETTINGS,
  type DeadlockSetting,
  deadlockRuns,
  GANG_BALANCE,
  GANG_DEAD_BAND,
  GANG_GOVERNOR,
  GANG_LANDAU,
  GANG_MINT,
  GANG_POLICIES,
  type GangPolicyName,
  healthyWorld,
  RUN_TICKS_MAX,
  STUCK_TICKS,
  taxed,
  ZONE_AGES,
  ZONE_SETTINGS,
} from './gang-scenarios.ts';
import { type GangWorldOutcome, runGangs } from './gang-world.ts';

/** Seeds of a setting, in a quick run and in full. */
const SEEDS = [20, 200] as const;
/** Seeds of policies that never come to an end, and of the table. */
const SEEDS_FEW = [4, 20] as const;
/** ψ that the bound counts with until the first start: with every slot held and a champion of half of them. */
const PSI_STUCK = 0.5;
/** How much longer than with wound-wait all gangs may take. */
const RATIO_MAX = 1.3;
/** Oldest view of a zone, ticks. */
const ZONE_AGE_MAX: number = Math.max(...ZONE_AGES);

/** @returns Bound of the first start: max(R, T_drain) + δ, ticks. @param age Oldest view, ticks. */
function firstStartBound(age: number): number {
  const on = landauWhileOn(GANG_GOVERNOR);
  const healthy = GANG_LANDAU.seed / (GANG_LANDAU.slope * GANG_DEAD_BAND.onPsi);
  const ramp = {
    start: landauTax(on, healthy),
    rate: taxRampRate(on, PSI_STUCK),
    limit: landauTax(on, Math.sqrt(-landauCoefficient(on, PSI_STUCK) / on.quartic)),
  };
  // Income for as long as the drain takes without one, twice: it is small against the balance.
  const income = 2 * GANG_MINT * drainSecondsRamp(GANG_BALANCE, 1, ramp);
  const drain = drainSecondsRamp(GANG_BALANCE + income, 1, ramp);
  // Until the tax sees it, a tick to give back and one to start.
  const delta = STUCK_TICKS + 1 + age + 2;
  return Math.max(RUN_TICKS_MAX, drain) + delta;
}

/** T-23. */
export const GANG_DEADLOCK: Claim = {
  test: 'T-23',
  title: 'Deadlocks of gangs dissolve',
  claim:
    'Gangs that hold slots while they collect the rest all finish under a Landau tax with a champion: the first starts within max(R, T_drain) + δ, and the last ends within 1.3 × the time of wound-wait. The tax without a champion does not do it where every gang needs all slots.',
  conditions:
    '32 slots, 8 gangs of 10–32 slots, 8 gangs of 32, or 32 gangs of 10–32; all come at once, runs of 10–30 ticks, random grants; balance 300, Γ by the delay margin for views 10 ticks old. Also in four zones of 8 slots whose views are 0, 2, 5 and 10 ticks old.',
  notClaimed:
    'Not that the tax alone resolves anything, nor that it beats wound-wait, which is simpler and the fallback. Nothing about gangs that are atomic, which cannot get stuck.',
  quick: false,
  measure(random: Random, isFull = false): Measurement {
    const [seeds, seedsFew] = isFull ? [SEEDS[1], SEEDS_FEW[1]] : [SEEDS[0], SEEDS_FEW[0]];
    const one = DEADLOCK_SETTINGS.map((setting) => againstWoundWait(setting, 0, seeds, random));
    const zones = ZONE_SETTINGS.map((setting) => againstWoundWait(setting, ZONE_AGE_MAX, seeds, random));
    const [mixed, equal] = DEADLOCK_SETTINGS as [DeadlockSetting, DeadlockSetting];
    const doneOf = (setting: DeadlockSetting, name: GangPolicyName): number =>
      doneShare(deadlockRuns(setting, GANG_POLICIES[name], seedsFew, random), setting);
    const least = (rows: readonly Contest[]): number => Math.min(...rows.map(({ done }) => done));
    return {
      checks: [
        atLeast(`share of gangs that finish, ${seeds} seeds of each of three settings`, least(one), 1),
        atMost(
          'latest first start / max(R, T_drain) + δ',
          Math.max(...one.map((row) => row.firstByBound)),
          1,
        ),
        atMost(
          'last end, mean / mean of wound-wait, largest of the settings',
          Math.max(...one.map((row) => row.ratio)),
          1.3,
        ),
        atMost(
          `share of seeds with a last end of more than ${RATIO_MAX} × wound-wait’s, largest of the settings`,
          Math.max(...one.map((row) => row.ratioOver)),
          0.05,
        ),
        atLeast('in four zones: share of gangs that finish', least(zones), 1),
        atMost(
          'in four zones: latest first start / its bound',
          Math.max(...zones.map((row) => row.firstByBound)),
          1,
        ),
        atMost('in four zones: last end / wound-wait', Math.max(...zones.map((row) => row.ratio)), RATIO_MAX),
        atLeast(
          'ψ seen 20 ticks late: share of gangs that finish',
          doneOf(mixed, 'Landau, champion, 20 ticks late'),
          1,
        ),
        atLeast(
          'a tax of 0 and the fallback: share of gangs that finish',
          doneOf(equal, 'no tax, champion, fallback'),
          1,
        ),
      ],
      controls: [
        atLeast(
          'Landau tax without a champion, every gang needs all slots',
          doneOf(equal, 'Landau, no champion'),
          1,
        ),
        atLeast('constant tax without a champion, every gang needs all slots', doneOf(equal, 'tax 1'), 1),
        atLeast('hold and wait', doneOf(mixed, 'hold and wait'), 1),
        atLeast(
          'fixed timeout and backoff, every gang needs all slots',
          doneOf(equal, 'timeout 30, backoff 10'),
          1,
        ),
      ],
      notes: [
        `Bound of the first start: ${firstStartBound(0).toFixed(0)} ticks; in four zones ${firstStartBound(ZONE_AGE_MAX).toFixed(0)}. Γ = ${GANG_LANDAU.gamma.toPrecision(3)}.`,
        ...[...one, ...zones].map(contestNote),
        'The design has the same order and nearly the same figures (last end 140 with wound-wait, 162 with Landau and champion, in the mix), but all gangs of a mix finish there without a champion. Here a gang that is broke comes back in the next tick: whether gangs get on without a champion depends on how they back off, with it they do either way.',
        ...policyTable(seedsFew, random),
      ],
    };
  },
};

/** Landau tax with a champion against wound-wait in the same worlds. */
interface Contest {
  readonly setting: DeadlockSetting;
  readonly done: number;
  /** Latest first start by its bound. */
  readonly firstByBound: number;
  /** Mean last end by that of wound-wait; the same of the worst seed; share of seeds above RATIO_MAX. */
  readonly ratio: number;
  readonly ratioWorst: number;
  readonly ratioOver: number;
}

function againstWoundWait(setting: DeadlockSetting, age: number, seeds: number, random: Random): Contest {
  const landau = deadlockRuns(setting, GANG_POLICIES['Landau, champion'], seeds, random);
  const wound = deadlockRuns(setting, GANG_POLICIES['wound-wait'], seeds, random);
  const ratios = landau.map((run, seed) => run.lastFinish / (wound[seed] as GangWorldOutcome).lastFinish);
  return {
    setting,
    done: doneShare(landau, setting),
    firstByBound: Math.max(...landau.map((run) => run.firstStart)) / firstStartBound(age),
    ratio: mean(landau.map((run) => run.lastFinish)) / mean(wound.map((run) => run.lastFinish)),
    ratioWorst: Math.max(...ratios),
    ratioOver: ratios.filter((ratio) => ratio > RATIO_MAX).length / ratios.length,
  };
}

function contestNote({ setting, ratio, ratioWorst, ratioOver, firstByBound }: Contest): string {
  const over = `more than ${RATIO_MAX} × in ${(100 * ratioOver).toFixed(1)} % of seeds`;
  return `${setting.name}: last end ${ratio.toFixed(2)} × wound-wait in the mean, ${ratioWorst.toFixed(2)} × in the worst seed, ${over}; latest first start ${(100 * firstByBound).toFixed(0)} % of its bound.`;
}

/** @returns A line for each policy: gangs done, median of the last end, idle slot-ticks. */
function policyTable(seeds: number, random: Random): string[] {
  return (Object.keys(GANG_POLICIES) as GangPolicyName[]).map((name) => {
    const cells = DEADLOCK_SETTINGS.map((setting) => {
      const runs = deadlockRuns(setting, GANG_POLICIES[name], seeds, random);
      const done = mean(runs.map((run) => run.done));
      const last = median(runs.map((run) => run.lastFinish));
      const idle = median(runs.map((run) => run.heldIdle));
      const end = Number.isFinite(last) ? `last end ${last}` : 'no end';
      return `${setting.name} ${done.toFixed(1)} of ${setting.gangs} done, ${end}, ${idle} slot-ticks held idle`;
    });
    return `${name}: ${cells.join('; ')}.`;
  });
}

function doneShare(runs: readonly GangWorldOutcome[], setting: DeadlockSetting): number {
  return runs.reduce((sum, run) => sum + run.done, 0) / (runs.length * setting.gangs);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const LOADS = [0.2, 0.4, 0.6] as const;
const HEALTHY_SEEDS = 2;

/** T-24. */
export const HEALTHY_TAX: Claim = {
  test: 'T-24',
  title: 'A healthy cluster hardly pays the tax',
  claim:
    'While less than ψ_c/2 of the capacity is held idle, gangs that collect their slots zone by zone pay less than 1 % of their rent as tax.',
  conditions:
    'Four zones of 256 slots at load 0.2, 0.4 and 0.6; gangs of 2–16 slots that ask one zone every three ticks, and are stuck in between (t_stuck = 0); runs of 60 ticks on average; rent 1 a slot and tick.',
  notClaimed: 'Nothing about clusters whose gangs hold more than that: there the tax is meant to be felt.',
  quick: true,
  measure(random: Random): Measurement {
    const at = (load: number, options: Parameters<typeof taxed>[0]): HealthyRun[] =>
      Array.from({ length: HEALTHY_SEEDS }, (_, seed) =>
        healthyRun(load, options, random.fork(100 * load + seed)),
      );
    const loads = LOADS.map((load) => at(load, {}));
    const healthy = loads.flat();
    const flat = LOADS.flatMap((load) => at(load, { tax: 1 }));
    const crowded = at(1.5, {});
    const least = (runs: readonly HealthyRun[], key: keyof HealthyRun): number =>
      Math.min(...runs.map((run) => run[key]));
    const most = (runs: readonly HealthyRun[], key: keyof HealthyRun): number =>
      Math.max(...runs.map((run) => run[key]));
    return {
      checks: [
        atMost('tax / rent, largest of the runs', most(healthy, 'taxByRent'), 0.01),
        atMost(
          'largest ψ of any run at any time (ψ_c/2 = 0.1)',
          most(healthy, 'psiMax'),
          GANG_DEAD_BAND.onPsi / 2,
        ),
        atLeast('mean ψ, smallest of the runs: something is held idle', least(healthy, 'psi'), 0.005),
        atLeast('gangs that finish, smallest share', least(healthy, 'done'), 1),
      ],
      controls: [
        atMost('tax / rent under a constant tax of 1, smallest of the runs', least(flat, 'taxByRent'), 0.01),
        atMost('tax / rent at load 1.5, smallest of the runs', least(crowded, 'taxByRent'), 0.01),
      ],
      notes: LOADS.map((load, i) => {
        const runs = loads[i] as HealthyRun[];
        return `Load ${load}: mean ψ ${mean(runs.map(({ psi }) => psi)).toFixed(4)}, tax ${(100 * mean(runs.map(({ taxByRent }) => taxByRent))).toFixed(3)} % of the rent.`;
      }),
    };
  },
};

/** Figures of a run at moderate load. */
interface HealthyRun {
  readonly taxByRent: number;
  /** Mean and largest ψ. */
  readonly psi: number;
  readonly psiMax: number;
  /** Share of gangs that finished. */
  readonly done: number;
}

function healthyRun(load: number, options: Parameters<typeof taxed>[0], random: Random): HealthyRun {
  const world = healthyWorld(load, random.fork(0));
  const policy = taxed({ stuckTicks: 0, ...options })(random.fork(1), world) as TaxPolicy;
  const run = runGangs(world, policy, random.fork(2));
  return {
    taxByRent: run.taxPaid / run.rent,
    psi: policy.psiSum / run.ticks,
    psiMax: policy.psiMax,
    done: run.done / world.gangs.length,
  };
}
