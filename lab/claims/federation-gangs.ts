/**
 * Gangs that need several zones of a federation, all at once: the deadlock settings of T-23, with the processes of the
 * product (zone governors, agent hosts, summary nodes), messages in transit, and boards that are seconds old.
 *
 * The world is that of the fault finder without faults, so that its invariants are checked after every step.
 */

import {
  type FederationOptions,
  federationOptions,
} from '../../src/governor/federation/federation-options.ts';
import { type GangTaxOptions, gangTaxFor } from '../../src/governor/federation/gang-tax-options.ts';
import { ActionKind, type Message } from '../../src/governor/federation/messages.ts';
import { SharedPrices } from '../../src/governor/policy/shared-prices.ts';
import { EventQueue } from '../../src/kernel/event-queue.ts';
import { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { DemandTable } from '../../src/model/demand.ts';
import { WAKE } from '../../src/simulation/federation/vopr/process-input.ts';
import type { Scenario } from '../../src/simulation/federation/vopr/scenario.ts';
import type { ScenarioSpace } from '../../src/simulation/federation/vopr/scenario-space.ts';
import type { VoprProcess } from '../../src/simulation/federation/vopr/vopr-process.ts';
import { VoprWorld } from '../../src/simulation/federation/vopr/vopr-world.ts';

/** Zones, nodes of each, GPUs of each, and hosts. */
const ZONES = 4;
const ZONE_NODES = 2;
const NODE_GPUS = 4;
const HOSTS = 4;
/** Transit of a message, seconds. */
const TRANSIT = [0.01, 0.1] as const;
const FLAVOR = { cpuMilli: 32_000, memoryMib: 131_072, gpuCount: NODE_GPUS, gpuModel: 'A100', podsMax: 110 };
const POD = { cpuMilli: 1000, memoryMib: 1024, gpuCount: 1, gpuMilli: 1000, gpuModels: [] };
/** Δ, seconds; a board is at most 2 (Δ + δ) old. */
const PUBLISH_SECONDS = 1;
const AGE_SECONDS = 2 * (PUBLISH_SECONDS + TRANSIT[1]);
const CLAIM_SECONDS = 10;
const STREAM_TRANSIT = 82;
const STREAM_GANGS = 83;

/** All GPUs. */
export const FEDERATION_SLOTS: number = ZONES * ZONE_NODES * NODE_GPUS;

/** How gangs get out of a deadlock; `back-off`: by time-outs alone, as without `gangTax`. */
export type FederationRemedy = GangTaxOptions['remedy'] | 'back-off';

/** A setting. */
export interface FederationSetting {
  readonly gangs: number;
  /** `mixed`: 10 to 32 slots; `all`: each needs all 32; `small`: 2 to 9, more than a zone has left at times. */
  readonly needs: 'mixed' | 'all' | 'small';
  /** Mean time between arrivals; 0: all at once. */
  readonly gapSeconds: number;
  readonly secondsMax: number;
  /** Gangs that gave back what they held come back within two seconds, instead of after a random time that doubles. */
  readonly isHasty?: boolean;
}

/** What came of it. */
export interface GangRunOutcome {
  /** Gangs that finished. */
  readonly finished: number;
  /** When the last did, seconds; `secondsMax` unless all have. */
  readonly lastSeconds: number;
  /** Tokens of tax, and slot-seconds of gangs that ran. */
  readonly tax: number;
  readonly usedSlotSeconds: number;
}

let madeSpace: ScenarioSpace | undefined;

/** One kind of node and of pod, with prices that are made once. */
function space(): ScenarioSpace {
  if (madeSpace !== undefined) return madeSpace;
  const demands = new DemandTable();
  const demand = demands.intern(POD);
  const cluster = new ClusterState(demands, { labelKeys: demands.labelKeys() });
  for (let i = 0; i < 2; i++) cluster.addNode({ ...FLAVOR, name: `flavor-${i}` });
  const prices = new SharedPrices(cluster, { demands: [demand], weights: [1] });
  madeSpace = { name: 'gangs', flavors: [FLAVOR], demands, prices };
  return madeSpace;
}

/** @returns The options of a federation with a remedy. */
function optionsOf(remedy: FederationRemedy, isHasty: boolean): FederationOptions {
  const gangTax = gangTaxFor(AGE_SECONDS, CLAIM_SECONDS);
  return federationOptions({
    publishSeconds: PUBLISH_SECONDS,
    spanAfterSeconds: 1,
    ...(isHasty ? { claimSeconds: 1, claimRetriesMax: 1 } : { claimSeconds: CLAIM_SECONDS }),
    fanOut: ZONES,
    ...(remedy === 'back-off' ? {} : { gangTax: { ...gangTax, remedy } }),
  });
}

/** What happens next. */
type Pending =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'wake'; readonly process: VoprProcess }
  | { readonly kind: 'exit'; readonly zone: number; readonly offer: number }
  | { readonly kind: 'submit'; readonly job: number; readonly pods: number; readonly runSeconds: number };

/** One federation with its gangs. Single use. */
class FederationGangs {
  private readonly setting: FederationSetting;
  private readonly world: VoprWorld;
  private readonly queue = new EventQueue();
  private readonly pending: Pending[] = [];
  private readonly transit: Random;
  private tax = 0;
  private finished = 0;
  private usedSlotSeconds = 0;
  private readonly works: number[] = [];

  constructor(setting: FederationSetting, options: FederationOptions, seed: number) {
    this.setting = setting;
    this.transit = new Random(seed, STREAM_TRANSIT);
    const nodes = Array.from({ length: ZONES * ZONE_NODES }, (_, i) => ({ ...FLAVOR, name: `node-${i}` }));
    const scenario = { seed, space: 0, nodes, zones: ZONES, hosts: HOSTS, options, chooser: 0 };
    const driver = {
      send: (message: Message, at: number) => {
        const [least, most] = TRANSIT;
        this.push(at + least + (most - least) * this.transit.nextFloat(), { kind: 'message', message });
      },
      wakeAt: (process: VoprProcess, at: number) => {
        if (process.wakeAt === at) return;
        process.wakeAt = at;
        if (at < Number.POSITIVE_INFINITY) this.push(at, { kind: 'wake', process });
      },
      exitAt: (zone: number, offer: number, at: number) => this.push(at, { kind: 'exit', zone, offer }),
    };
    this.world = new VoprWorld(scenario as unknown as Scenario, space(), driver, undefined, {
      stepped: (_process, _input, _at, out) => {
        for (const { kind, job, microTokens = 0 } of out.actions) {
          if (kind === ActionKind.Tax) this.tax += microTokens / 1e6;
          if (kind !== ActionKind.JobEnded) continue;
          this.finished++;
          this.usedSlotSeconds += this.works[job] as number;
        }
      },
    });
    this.arrive(new Random(seed, STREAM_GANGS));
  }

  run(): GangRunOutcome {
    const { gangs, secondsMax } = this.setting;
    let now = 0;
    while (this.finished < gangs && now < secondsMax) {
      const event = this.pending[this.queue.pop()] as Pending;
      now = this.queue.time;
      this.happen(event, now);
    }
    const { finished, tax, usedSlotSeconds } = this;
    return { finished, lastSeconds: finished < gangs ? secondsMax : now, tax, usedSlotSeconds };
  }

  private arrive(random: Random): void {
    const { gangs, needs, gapSeconds } = this.setting;
    let at = 3;
    for (let job = 0; job < gangs; job++) {
      at += gapSeconds * random.nextExponential();
      const least = needs === 'small' ? 2 : 10;
      const most = needs === 'small' ? 9 : FEDERATION_SLOTS;
      const pods = needs === 'all' ? FEDERATION_SLOTS : least + random.nextInt(most - least + 1);
      const runSeconds = 10 + random.nextInt(21);
      this.works.push(pods * runSeconds);
      this.push(at, { kind: 'submit', job, pods, runSeconds });
    }
  }

  private happen(event: Pending, now: number): void {
    const { world } = this;
    switch (event.kind) {
      case 'message':
        world.step(
          world.processes[event.message.to] as VoprProcess,
          { kind: 'receive', message: event.message },
          now,
        );
        break;
      case 'wake':
        if (event.process.wakeAt !== now) return;
        event.process.wakeAt = Number.POSITIVE_INFINITY;
        world.step(event.process, WAKE, now);
        break;
      case 'exit':
        world.exit(event.zone, event.offer, now);
        break;
      case 'submit': {
        const { job, pods, runSeconds } = event;
        const host = world.processes[ZONES + (job % HOSTS)] as VoprProcess;
        const gang = { job, demandId: 0, podCount: pods, gangMin: pods, priority: 0, tenant: job };
        world.submit(host, gang, runSeconds, now);
      }
    }
  }

  private push(at: number, event: Pending): void {
    this.queue.push(at, this.pending.length);
    this.pending.push(event);
  }
}

/** @returns The outcome of each seed: arrivals are the same for every remedy. @cost Some 100 ms a seed, with all checks. */
export function federationGangs(
  setting: FederationSetting,
  remedy: FederationRemedy,
  seeds: readonly number[],
): GangRunOutcome[] {
  const options = optionsOf(remedy, setting.isHasty === true);
  return seeds.map((seed) => new FederationGangs(setting, options, seed).run());
}
