/**
 * Readings of `/sys/class/powercap` (RAPL): energy counters that wrap, and power limits in microwatts.
 *
 * A zone's subzones are part of it: their powers must not be added to it.
 *
 * @source Linux, Documentation/power/powercap/powercap.rst.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  readInteger,
  readSmallFile,
  SensorCollector,
  type SensorReading,
  type SensorSet,
} from './sensor-reading.ts';

/** A zone's counter at an instant. */
export interface EnergyCounter {
  /** Path of the zone, as `intel-rapl:0` or `intel-rapl:0:1`. */
  readonly zone: string;
  /** Its name, as `package-0`. */
  readonly name: string;
  /** The zone that it is part of; absent: of none. */
  readonly within?: string | undefined;
  readonly microjoules: number;
  /** The counter starts over after that value. */
  readonly range: number;
}

/** What powercap gives: readings of caps, counters for powers. */
export interface PowercapReadings extends SensorSet {
  readonly counters: readonly EnergyCounter[];
}

const MICRO = 1e-6;

/** Reads all zones below a folder. @param root `/sys/class/powercap`. */
export function readPowercap(root: string): PowercapReadings {
  const found = new SensorCollector('powercap');
  const counters: EnergyCounter[] = [];
  let zones: string[] = [];
  try {
    zones = readdirSync(root)
      .filter((zone) => /^[\w-]+(:\d+)+$/.test(zone))
      .sort();
    if (zones.length === 0) found.miss(root, 'no zone is registered: no RAPL, or a virtual machine');
  } catch {
    found.miss(root, 'the kernel offers no such folder');
  }
  for (const zone of zones) readZone(root, zone, found, counters);
  return { readings: found.readings, absent: found.absent, counters };
}

function readZone(root: string, zone: string, found: SensorCollector, counters: EnergyCounter[]): void {
  const folder = join(root, zone);
  const label = readSmallFile(join(folder, 'name'));
  const name = 'text' in label ? label.text : zone;
  const full = `${zone}:${name}`;
  const energy = readInteger(join(folder, 'energy_uj'));
  const range = readInteger(join(folder, 'max_energy_range_uj'));
  if ('reason' in energy) found.miss(full, `energy_uj: ${energy.reason}`);
  else if ('reason' in range) found.miss(full, `max_energy_range_uj: ${range.reason}`);
  else {
    const parent = zone.split(':').slice(0, -1);
    const within = parent.length > 1 ? parent.join(':') : undefined;
    counters.push({ zone, name, within, microjoules: energy.value, range: range.value });
  }
  const cap = readInteger(join(folder, 'constraint_0_power_limit_uw'));
  if ('value' in cap) found.add(full, 'cap', cap.value * MICRO);
  const most = readInteger(join(folder, 'constraint_0_max_power_uw'));
  if ('value' in most && most.value > 0) found.add(full, 'cap-max', most.value * MICRO);
}

/** Shortest and longest time between two readings of a counter, s: shorter is noise, longer may have wrapped twice. */
export const COUNTER_SECONDS = { least: 0.05, most: 60 } as const;

/**
 * Mean powers between two readings.
 *
 * @param seconds Time between them.
 * @returns       A reading for each zone that both have; absent: the others, and powers that are not believed.
 */
export function powersBetween(
  before: readonly EnergyCounter[],
  after: readonly EnergyCounter[],
  seconds: number,
): SensorSet {
  const found = new SensorCollector('powercap');
  const old = new Map(before.map((counter) => [counter.zone, counter]));
  for (const { zone, name, microjoules, range } of after) {
    const full = `${zone}:${name}`;
    const first = old.get(zone);
    if (first === undefined) found.miss(full, 'read for the first time: no difference yet');
    else if (!(seconds >= COUNTER_SECONDS.least && seconds <= COUNTER_SECONDS.most)) {
      found.miss(
        full,
        `readings are ${seconds} s apart, expected ${COUNTER_SECONDS.least} to ${COUNTER_SECONDS.most} s`,
      );
    } else {
      const gone = microjoules - first.microjoules;
      found.add(full, 'watts', ((gone >= 0 ? gone : gone + range) * MICRO) / seconds);
    }
  }
  return found;
}

/** Sum of the zones that are part of none: what the sockets draw. @returns W at the upper error bound; NaN if there are none. */
export function socketsUpperWatts(
  counters: readonly EnergyCounter[],
  powers: readonly SensorReading[],
): number {
  const whole = new Set(
    counters
      .filter(({ within, name }) => within === undefined && name !== 'psys')
      .map(({ zone, name }) => `${zone}:${name}`),
  );
  const parts = powers.filter(({ name, quantity }) => quantity === 'watts' && whole.has(name));
  if (parts.length === 0 || parts.length < whole.size) return Number.NaN;
  return parts.reduce((sum, { value, error }) => sum + value + error, 0);
}
