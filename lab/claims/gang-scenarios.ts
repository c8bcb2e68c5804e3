/**
 * The settings of T-23 and T-24: random worlds of gangs, and the policies that are compared in them.
 *
 * @source theory §4.5 (C = 32 slots, 8 or 32 gangs, all start at once, random grants).
 */
import type { Random } from '../../src/kernel/random.ts';
import { gammaForAge, type HeldIdlePlant } from '../../src/market/tax/delay-margin.ts';
import { type DeadBand, deadBandOf, type LandauParameters } from '../../src/market/tax/landau.ts';
import { landauWhileOn, type TaxGovernorOptions } from '../../src/market/tax/tax-governor.ts';
import {
  holdAndWait,
  jitteredBackoff,
  TaxPolicy,
  type TaxPolicyOptions,
  timeoutPolicy,
  woundWait,
} from './gang-policies.ts';
import {
  type GangPolicy,
  type GangSpec,
  type GangWorldOutcome,
  type GangWorldSpec,
  runGangs,
} from './gang-world.ts';

/** Slots of a deadlock setting, C. */
export const GANG_SLOTS = 32;
/** Longest run, R, and shortest, ticks. */
export const RUN_TICKS_MAX = 30;
const RUN_TICKS_MIN = 10;
/** Smallest gang of a mix. */
const NEED_MIN = 10;
/** A run is given up here: some 20 times what all gangs need one after the other. */
const TICKS_MAX = 4000;
/** B̄, tokens, and a gang's income a tick: a tenth of the rent of its slots is far more. */
export const GANG_BALANCE = 300;
/** Tokens a tick. */
export const GANG_MINT = 0.1;
/** t_stuck, ticks. */
export const STUCK_TICKS = 2;
/** Ages of the four zones' views, ticks. */
export const ZONE_AGES: readonly number[] = [0, 2, 5, 10];
/** Oldest view in a setting with one zone, ticks; Γ is chosen for the zones' worst age. */
const GAMMA_AGE = Math.max(...ZONE_AGES);

/** A setting in which gangs get stuck. */
export interface DeadlockSetting {
  readonly name: string;
  readonly gangs: number;
  readonly needs: 'mixed' | 'all';
  readonly zones: number;
}

/** Those of T-23. */
export const DEADLOCK_SETTINGS: readonly DeadlockSetting[] = [
  { name: 'mixed', gangs: 8, needs: 'mixed', zones: 1 },
  { name: 'all-equal', gangs: 8, needs: 'all', zones: 1 },
  { name: 'K = 32', gangs: 32, needs: 'mixed', zones: 1 },
];

/** The same over four zones. */
export const ZONE_SETTINGS: readonly DeadlockSetting[] = DEADLOCK_SETTINGS.map((setting) => ({
  ...setting,
  name: `${setting.name}, 4 zones`,
  zones: 4,
}));

/** @returns A world of a setting. @param random Needs and run times. */
export function deadlockWorld({ gangs, needs, zones }: DeadlockSetting, random: Random): GangWorldSpec {
  const zoneSlots = new Array<number>(zones).fill(GANG_SLOTS / zones);
  const specs = Array.from({ length: gangs }, (): GangSpec => {
    const total = needs === 'all' ? GANG_SLOTS : NEED_MIN + random.nextInt(GANG_SLOTS - NEED_MIN + 1);
    const runTicks = RUN_TICKS_MIN + random.nextInt(RUN_TICKS_MAX - RUN_TICKS_MIN + 1);
    return { submitTick: 0, needs: splitNeed(total, zoneSlots, random), runTicks };
  });
  return { zoneSlots, gangs: specs, ticksMax: TICKS_MAX };
}

/** @returns A need slot by slot in zones that have some left. */
function splitNeed(total: number, zoneSlots: readonly number[], random: Random): number[] {
  const needs = zoneSlots.map(() => 0);
  const open = zoneSlots.map((_, zone) => zone);
  for (let slot = 0; slot < total; slot++) {
    const place = random.nextInt(open.length);
    const zone = open[place] as number;
    needs[zone] = (needs[zone] as number) + 1;
    if (needs[zone] === zoneSlots[zone]) open.splice(place, 1);
  }
  return needs;
}

const BASE = { slope: 2, psiCritical: 0.2, quartic: 1, seed: 0.01, taxScale: 10 } as const;
/** On at ψ = 0.2, off at 0.075. */
export const GANG_DEAD_BAND: DeadBand = deadBandOf({ ...BASE, gamma: 1 }, 1, 1);
/** T_max, ticks. */
const FALLBACK_TICKS = 500;

/**
 * How fast holdings come and go in the settings: gangs come back from a backoff within about 10 ticks, runs end within
 * 30, and a gang of 1 … 16 slots pays its balance at a rate of κ_τ h/B̄ for m = 1.
 */
const PLANTS: readonly HeldIdlePlant[] = [1, 4, 16].map((slots) => ({
  fill: 0.1,
  resolve: 1 / RUN_TICKS_MAX,
  taxedResolve: (BASE.taxScale * slots) / GANG_BALANCE,
}));

/** Γ by the delay margin, for the worst age. */
export const GANG_LANDAU: LandauParameters = {
  ...BASE,
  gamma: gammaForAge(
    landauWhileOn({ landau: { ...BASE, gamma: 1 }, deadBand: GANG_DEAD_BAND }),
    PLANTS,
    GAMMA_AGE,
  ),
};

/** The governor of the settings. */
export const GANG_GOVERNOR: TaxGovernorOptions = {
  landau: GANG_LANDAU,
  deadBand: GANG_DEAD_BAND,
  fallbackSeconds: FALLBACK_TICKS,
};

/** A policy by name. @param random Its own stream. */
export type PolicyMaker = (random: Random, world: GangWorldSpec) => GangPolicy;

/** @returns A maker of tax policies; views are as old as the zones' ages where there are several. */
export function taxed(options: Partial<TaxPolicyOptions>): PolicyMaker {
  return (random, { zoneSlots }) =>
    new TaxPolicy(
      {
        tax: GANG_GOVERNOR,
        champion: 'reserve',
        balance: GANG_BALANCE,
        mint: GANG_MINT,
        stuckTicks: STUCK_TICKS,
        backoffTicks: [1, 1],
        ages: zoneSlots.length > 1 ? ZONE_AGES : [0],
        ...options,
      },
      random,
    );
}

/** The policies that are compared. */
export const GANG_POLICIES = {
  'hold and wait': holdAndWait,
  'timeout 30, backoff 10': () => timeoutPolicy(30, () => 10),
  'timeout 30, random backoff': (random) => timeoutPolicy(30, jitteredBackoff(10, 320, random)),
  'wound-wait': woundWait,
  'tax 1': taxed({ tax: 1, champion: 'none' }),
  'tax 0.1, champion': taxed({ tax: 0.1 }),
  'tax 1, champion': taxed({ tax: 1 }),
  'Landau, no champion': taxed({ champion: 'none' }),
  'Landau, no champion, backoff drawn from 1–10': taxed({ champion: 'none', backoffTicks: [1, 10] }),
  'Landau, exempt only': taxed({ champion: 'exempt' }),
  'Landau, champion': taxed({}),
  'Landau, champion, 20 ticks late': taxed({ ages: [20, 20, 20, 20] }),
  'no tax, champion, fallback': taxed({
    tax: { ...GANG_GOVERNOR, landau: { ...GANG_LANDAU, taxScale: 0 } },
  }),
} as const satisfies Record<string, PolicyMaker>;

/** Names of `GANG_POLICIES`. */
export type GangPolicyName = keyof typeof GANG_POLICIES;

/** @returns The outcome of each seed; all policies see the same worlds. */
export function deadlockRuns(
  setting: DeadlockSetting,
  maker: PolicyMaker,
  seeds: number,
  random: Random,
): GangWorldOutcome[] {
  return Array.from({ length: seeds }, (_, seed) => {
    const own = random.fork(seed);
    const world = deadlockWorld(setting, own.fork(0));
    return runGangs(world, maker(own.fork(1), world), own.fork(2));
  });
}

/** Zones and slots of a healthy cluster. */
const HEALTHY_ZONES = 4;
const HEALTHY_ZONE_SLOTS = 256;
const HEALTHY_GANGS = 500;
const HEALTHY_RUN_TICKS = 60;

/**
 * @returns A cluster at moderate load whose gangs collect zone by zone, one zone a tick: what they hold meanwhile is held
 * idle for some ticks.
 * @param load Demand by capacity.
 */
export function healthyWorld(load: number, random: Random): GangWorldSpec {
  const zoneSlots = new Array<number>(HEALTHY_ZONES).fill(HEALTHY_ZONE_SLOTS);
  const capacity = HEALTHY_ZONES * HEALTHY_ZONE_SLOTS;
  // Needs of 2 … 16, 9 on average.
  const gap = (9 * HEALTHY_RUN_TICKS) / (load * capacity);
  let time = 0;
  const gangs = Array.from({ length: HEALTHY_GANGS }, (): GangSpec => {
    time += gap * random.nextExponential();
    const needs = splitNeed(2 + random.nextInt(15), zoneSlots, random);
    const runTicks = 1 + Math.round(HEALTHY_RUN_TICKS * random.nextExponential());
    return { submitTick: Math.floor(time), needs, runTicks };
  });
  return { zoneSlots, gangs, ticksMax: 20_000, askTicks: 3 };
}
