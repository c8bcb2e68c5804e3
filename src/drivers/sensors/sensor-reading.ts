/**
 * Readings of power and temperature, each with its error, and what is absent, with the reason.
 *
 * Meters are wrong more often than they are missing: counters that wrapped, petajoules, boards that report half of a module.
 * So a value outside what a device can be at is reported as absent, and nothing is decided on a difference below the errors.
 */
import { readFileSync } from 'node:fs';

/** Where a reading comes from. */
export type SensorSource = 'hwmon' | 'powercap' | 'nvidia-smi';
/** What it is of: power drawn, the cap in force and its range in W; temperature, and its limit, in °C; energy in J. */
export type SensorQuantity = 'watts' | 'cap' | 'cap-min' | 'cap-max' | 'celsius' | 'celsius-limit' | 'joules';

/** A value with its error. */
export interface SensorReading {
  readonly source: SensorSource;
  /** Device and channel, as the source names them. */
  readonly name: string;
  readonly quantity: SensorQuantity;
  readonly value: number;
  /** The truth lies within value ± error; in the unit of the value. */
  readonly error: number;
}

/** A sensor that gives nothing. */
export interface AbsentSensor {
  readonly source: SensorSource;
  readonly name: string;
  readonly reason: string;
}

/** All that one source gives. */
export interface SensorSet {
  readonly readings: readonly SensorReading[];
  readonly absent: readonly AbsentSensor[];
}

/** Most readings of a source: further ones are reported as absent. */
export const READINGS_MAX = 4096;
/** Most bytes of a file that are looked at. */
const FILE_BYTES = 4096;

/** Largest value of each quantity that is believed, and the smallest. */
const BELIEVED: Readonly<Record<SensorQuantity, readonly [least: number, most: number]>> = {
  watts: [0, 100_000],
  cap: [0, 100_000],
  'cap-min': [0, 100_000],
  'cap-max': [0, 100_000],
  celsius: [-50, 200],
  'celsius-limit': [-50, 200],
  joules: [0, 1e12],
};

/** Relative error of power meters and counters, and their least, W. Assumed where no data sheet says more. */
const POWER_ERROR = 0.05;
const POWER_ERROR_LEAST = 5;
/** K. */
const CELSIUS_ERROR = 1;

function errorOf(quantity: SensorQuantity, value: number): number {
  switch (quantity) {
    case 'celsius':
    case 'celsius-limit':
      return CELSIUS_ERROR;
    case 'watts':
      return Math.max(POWER_ERROR * value, POWER_ERROR_LEAST);
    case 'joules':
      return POWER_ERROR * value;
    // A cap that is read back is a number that was written, not a measurement.
    default:
      return 0;
  }
}

/** Collects the readings of a source. */
export class SensorCollector implements SensorSet {
  readonly readings: SensorReading[] = [];
  readonly absent: AbsentSensor[] = [];
  private readonly source: SensorSource;

  constructor(source: SensorSource) {
    this.source = source;
  }

  /** Adds a value, or says why it is not believed. */
  add(name: string, quantity: SensorQuantity, value: number): void {
    const [least, most] = BELIEVED[quantity];
    if (!(value >= least && value <= most)) {
      this.miss(name, `got ${value} for ${quantity}, which is believed from ${least} to ${most}`);
    } else if (this.readings.length >= READINGS_MAX) {
      this.miss(name, `more than ${READINGS_MAX} readings`);
    } else {
      this.readings.push({ source: this.source, name, quantity, value, error: errorOf(quantity, value) });
    }
  }

  /** Records that a sensor gives nothing. */
  miss(name: string, reason: string): void {
    if (this.absent.length < READINGS_MAX) this.absent.push({ source: this.source, name, reason });
  }
}

/** @returns The highest value that the truth may have. */
export function upperBound({ value, error }: SensorReading): number {
  return value + error;
}

/** @returns The lowest value that the truth may have; at least 0 for power and energy. */
export function lowerBound({ value, error, quantity }: SensorReading): number {
  const least = value - error;
  return quantity.startsWith('celsius') ? least : Math.max(0, least);
}

/** @returns True if two readings differ by more than their errors: only then may a decision rest on the difference. */
export function differ(one: SensorReading, other: SensorReading): boolean {
  return Math.abs(one.value - other.value) > one.error + other.error;
}

/** A small file's text without white space at its ends, or why it cannot be read. */
export function readSmallFile(path: string): { text: string } | { reason: string } {
  try {
    return { text: readFileSync(path, 'utf8').slice(0, FILE_BYTES).trim() };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    return { reason: code === 'EACCES' ? 'no right to read it (EACCES)' : `cannot be read (${code})` };
  }
}

/** An integer of a small file; NaN for other text. */
export function readInteger(path: string): { value: number } | { reason: string } {
  const read = readSmallFile(path);
  if ('reason' in read) return read;
  return /^-?\d+$/.test(read.text)
    ? { value: Number(read.text) }
    : { reason: `got '${read.text.slice(0, 40)}', expected an integer` };
}
