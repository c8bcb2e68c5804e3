/** Planted bugs, to see that they are found: the proof that the checks can fail. */

import type { ArbiterOrder } from '../../../governor/arbiter.ts';
import type { ChooserEntry } from '../../../governor/choosers/chooser.ts';
import { CHOOSERS } from '../../../governor/choosers/registry.ts';
import { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import type { BoardEntry, Message, Outbox } from '../../../governor/federation/messages.ts';
import { MessageKind } from '../../../governor/federation/messages.ts';
import { SummaryNode } from '../../../governor/federation/summary-node.ts';
import { makeTopology, type TopologyNode } from '../../../governor/federation/topology.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { HoldState } from '../../../governor/federation/zone/zone-ledger.ts';
import type { PinnedPolicy } from '../../../governor/policy/pinned-policy.ts';
import type { TegPolicy } from '../../../governor/policy/teg-policy.ts';
import type { Zone } from '../../../governor/zone/zone.ts';
import { ZoneArbiter } from '../../../governor/zone/zone-arbiter.ts';
import { TegError } from '../../../model/errors.ts';
import { ProcessFactory } from '../federation-world.ts';
import { EarlyZoneGovernor, GANG_PLANTS, isGangPlant, plantedGangHost } from './planted-gang-bugs.ts';
import {
  isReservationPlant,
  isTaxPlant,
  LEDGER_PLANTS,
  plantedReservationZone,
  plantedTaxHost,
  RESERVATION_PLANTS,
  TAX_PLANTS,
} from './planted-tax-bugs.ts';
import type { Scenario } from './scenario.ts';
import type { ScenarioSpace } from './scenario-space.ts';

/** Bugs that can be planted. */
export const PLANTS = {
  'unchecked-arbiter': 'A zone offers whether or not it has room.',
  'double-summary': 'A summary node counts a summary that is delivered twice, twice.',
  'forgotten-escrow': 'A zone governor that comes back from its log has lost its holds for offers.',
  'unrepeated-confirm': 'A host says once that it wants an offer, and never again.',
  'early-part': 'A zone starts a part of a gang when its escrow is renewed, before the gang is whole.',
  ...GANG_PLANTS,
  ...TAX_PLANTS,
  ...RESERVATION_PLANTS,
  ...LEDGER_PLANTS,
  'early-host': 'A host without its log comes back at once, before the offers of its former self have ended.',
} as const;

/** A bug's name. */
export type Plant = keyof typeof PLANTS;

/** @throws TegError TEG_OPTION_INVALID unless it names a bug. */
export function plantByName(name: string): Plant {
  if (Object.hasOwn(PLANTS, name)) return name as Plant;
  const known = Object.keys(PLANTS).join(', ');
  throw new TegError('TEG_OPTION_INVALID', `got the bug '${name}', expected one of ${known}`);
}

/** Makes processes, some of them with a bug. */
export class PlantedFactory extends ProcessFactory {
  /** Assigned right after construction; absent: no bug. */
  plant: Plant | undefined;

  protected override makeArbiter(zone: Zone, pinned: PinnedPolicy, policy: TegPolicy): ZoneArbiter {
    if (this.plant !== 'unchecked-arbiter') return super.makeArbiter(zone, pinned, policy);
    return new UncheckedArbiter(zone, pinned, policy);
  }

  override agentHost(host: number, incarnation: number, timeSeconds: number): AgentHost {
    if (isGangPlant(this.plant))
      return plantedGangHost(this.hostParts(host, incarnation, timeSeconds), this.plant);
    if (isTaxPlant(this.plant))
      return plantedTaxHost(this.hostParts(host, incarnation, timeSeconds), this.plant);
    if (this.plant !== 'unrepeated-confirm') return super.agentHost(host, incarnation, timeSeconds);
    return new UnrepeatingHost(this.hostParts(host, incarnation, timeSeconds));
  }

  override zoneGovernor(zone: number, incarnation: number, timeSeconds: number): ZoneGovernor {
    if (isReservationPlant(this.plant))
      return plantedReservationZone(this.zoneParts(zone, incarnation, timeSeconds), this.plant);
    if (this.plant !== 'early-part') return super.zoneGovernor(zone, incarnation, timeSeconds);
    return new EarlyZoneGovernor(this.zoneParts(zone, incarnation, timeSeconds));
  }

  override summaryNode(node: TopologyNode, incarnation: number, timeSeconds: number): SummaryNode {
    if (this.plant !== 'double-summary') return super.summaryNode(node, incarnation, timeSeconds);
    return new DoubleCountingNode(this.summaryParts(node, incarnation, timeSeconds));
  }
}

/** @returns The factory of a scenario's processes. @param plant A bug; absent: none. */
export function makeFactory(
  scenario: Scenario,
  space: ScenarioSpace,
  plant: Plant | undefined,
): PlantedFactory {
  const { zones, hosts, options, nodes, seed } = scenario;
  const { demands, prices } = space;
  const topology = makeTopology(zones, hosts, options.fanOut);
  const chooser = CHOOSERS[scenario.chooser % CHOOSERS.length] as ChooserEntry;
  const factory = new PlantedFactory({ nodes, demands, topology, options, chooser, seed }, prices);
  factory.plant = plant;
  return factory;
}

/** Removes its request for room. */
class UncheckedArbiter extends ZoneArbiter {
  protected override find(job: number, order: ArbiterOrder, timeSeconds: number): number {
    const placed = super.find(job, order, timeSeconds);
    return placed > 0 ? placed : order.podCount;
  }
}

/** Swallows the confirmations that a timer requests. */
class UnrepeatingHost extends AgentHost {
  override wake(timeSeconds: number, out: Outbox): void {
    super.wake(timeSeconds, out);
    const kept = out.messages.filter(({ kind }) => kind !== MessageKind.Confirm);
    out.messages.splice(0, out.messages.length, ...kept);
  }
}

/** Adds a redelivered summary to its state instead of replacing the last one. */
class DoubleCountingNode extends SummaryNode {
  private readonly redelivered: BoardEntry[] = [];

  override receive(message: Message, timeSeconds: number, out: Outbox): void {
    const known = this.known(timeSeconds).find((entry) => entry.id === message.from);
    if (message.kind === MessageKind.Summary && known?.version === message.version)
      this.redelivered.push(known);
    super.receive(message, timeSeconds, out);
  }

  override known(timeSeconds: number): BoardEntry[] {
    const now = super.known(timeSeconds);
    return [...now, ...this.redelivered.filter((entry) => now.includes(entry))];
  }
}

/** Releases everything that a zone holds for offers, as if its log had not recorded it. */
export function forgetEscrows(governor: ZoneGovernor, timeSeconds: number): void {
  const { ledger, arbiter } = governor;
  const held: number[] = [];
  ledger.forEach((local) => {
    if (ledger.states[local] === HoldState.Escrow) held.push(local);
  });
  for (const local of held) {
    arbiter.release(local, timeSeconds);
    ledger.drop(local);
  }
}
