/**
 * Readings of `/sys/class/hwmon`: temperatures in thousandths of a degree, powers and caps in microwatts.
 *
 * @source Linux, Documentation/hwmon/sysfs-interface.rst.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  readInteger,
  readSmallFile,
  SensorCollector,
  type SensorQuantity,
  type SensorSet,
} from './sensor-reading.ts';

/** Files of a channel: what they are, and what their integer is divided by. */
const CHANNEL_FILES: readonly (readonly [pattern: RegExp, quantity: SensorQuantity, divisor: number])[] = [
  [/^(temp\d+)_input$/, 'celsius', 1000],
  [/^(temp\d+)_crit$/, 'celsius-limit', 1000],
  [/^(power\d+)_average$/, 'watts', 1e6],
  [/^(power\d+)_input$/, 'watts', 1e6],
  [/^(power\d+)_cap$/, 'cap', 1e6],
  [/^(power\d+)_cap_min$/, 'cap-min', 1e6],
  [/^(power\d+)_cap_max$/, 'cap-max', 1e6],
];

/** Reads all devices below a folder. @param root `/sys/class/hwmon`. */
export function readHwmon(root: string): SensorSet {
  const found = new SensorCollector('hwmon');
  let devices: string[];
  try {
    devices = readdirSync(root).sort();
  } catch {
    found.miss(root, 'the kernel offers no such folder');
    return found;
  }
  if (devices.length === 0) found.miss(root, 'no device is registered');
  for (const device of devices) readDevice(join(root, device), device, found);
  return found;
}

function readDevice(folder: string, device: string, found: SensorCollector): void {
  const name = readSmallFile(join(folder, 'name'));
  const label = 'text' in name && name.text !== '' ? `${device}:${name.text}` : device;
  let files: string[];
  try {
    files = readdirSync(folder).sort();
  } catch {
    found.miss(label, 'its folder cannot be read');
    return;
  }
  const powered = new Set(
    files.filter((file) => /^power\d+_average$/.test(file)).map((file) => file.split('_')[0]),
  );
  let channels = 0;
  for (const file of files) {
    for (const [pattern, quantity, divisor] of CHANNEL_FILES) {
      const channel = pattern.exec(file)?.[1];
      if (channel === undefined) continue;
      // One power of a channel: the mean is what a limit is about.
      if (file.endsWith('_input') && powered.has(channel)) continue;
      channels++;
      readChannel(folder, file, `${label}:${channelLabel(folder, channel)}`, quantity, divisor, found);
    }
  }
  if (channels === 0) found.miss(label, 'it has neither temperatures nor powers');
}

function readChannel(
  folder: string,
  file: string,
  name: string,
  quantity: SensorQuantity,
  divisor: number,
  found: SensorCollector,
): void {
  const read = readInteger(join(folder, file));
  if ('reason' in read) found.miss(`${name}:${file}`, read.reason);
  else found.add(name, quantity, read.value / divisor);
}

function channelLabel(folder: string, channel: string): string {
  const label = readSmallFile(join(folder, `${channel}_label`));
  return 'text' in label && label.text !== '' ? label.text : channel;
}
