import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readHwmon } from './hwmon.ts';
import { parseNvidiaSmi, queryNvidiaSmi } from './nvidia-smi.ts';
import { powersBetween, readPowercap, socketsUpperWatts } from './powercap.ts';
import {
  differ,
  lowerBound,
  READINGS_MAX,
  SensorCollector,
  type SensorReading,
  type SensorSet,
  upperBound,
} from './sensor-reading.ts';

const top = mkdtempSync(join(tmpdir(), 'teg-sensors-'));
afterAll(() => rmSync(top, { recursive: true }));
let trees = 0;

/** Writes files of a tree. @returns Its root. */
function treeOf(files: Readonly<Record<string, string>>): string {
  const root = join(top, String(trees++));
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const valuesOf = ({ readings }: SensorSet): unknown[] =>
  readings.map(({ name, quantity, value }) => [name, quantity, value]);
const reasonsOf = ({ absent }: SensorSet): string[] => absent.map(({ name, reason }) => `${name}: ${reason}`);

describe('hwmon', () => {
  test('temperatures, powers and caps with their labels', () => {
    const root = treeOf({
      'hwmon0/name': 'coretemp\n',
      'hwmon0/temp1_input': '41500\n',
      'hwmon0/temp1_label': 'Package id 0\n',
      'hwmon0/temp1_crit': '100000\n',
      'hwmon1/name': 'amdgpu\n',
      'hwmon1/power1_average': '187000000\n',
      'hwmon1/power1_input': '999000000\n',
      'hwmon1/power1_cap': '300000000\n',
      'hwmon1/power1_cap_min': '0\n',
      'hwmon1/power1_cap_max': '330000000\n',
    });
    const found = readHwmon(root);
    expect(valuesOf(found)).toEqual([
      ['hwmon0:coretemp:Package id 0', 'celsius-limit', 100],
      ['hwmon0:coretemp:Package id 0', 'celsius', 41.5],
      ['hwmon1:amdgpu:power1', 'watts', 187],
      ['hwmon1:amdgpu:power1', 'cap', 300],
      ['hwmon1:amdgpu:power1', 'cap-max', 330],
      ['hwmon1:amdgpu:power1', 'cap-min', 0],
    ]);
    expect(found.absent).toEqual([]);
  });

  test('absent folders, devices without channels and values that cannot be are reported, not guessed', () => {
    expect(reasonsOf(readHwmon(join(top, 'none')))).toEqual([
      expect.stringContaining('the kernel offers no such folder'),
    ]);
    expect(reasonsOf(readHwmon(treeOf({})))).toEqual([expect.stringContaining('no device is registered')]);
    const found = readHwmon(
      treeOf({
        'hwmon0/name': 'acpi_fan\n',
        'hwmon1/temp1_input': '-274000\n',
        'hwmon1/temp2_input': 'oops\n',
        'hwmon1/power1_input': '9223372036854775807\n',
      }),
    );
    expect(found.readings).toEqual([]);
    expect(reasonsOf(found)).toEqual([
      'hwmon0:acpi_fan: it has neither temperatures nor powers',
      expect.stringMatching(/hwmon1:power1: got 92233720368\d+.* believed from 0 to 100000/),
      expect.stringMatching(/hwmon1:temp1: got -274 for celsius/),
      "hwmon1:temp2:temp2_input: got 'oops', expected an integer",
    ]);
  });
});

const zone = (path: string, name: string, energy: number): Record<string, string> => ({
  [`${path}/name`]: `${name}\n`,
  [`${path}/energy_uj`]: `${energy}\n`,
  [`${path}/max_energy_range_uj`]: '262143328850\n',
  [`${path}/constraint_0_power_limit_uw`]: '205000000\n',
  [`${path}/constraint_0_max_power_uw`]: '0\n',
});

describe('powercap', () => {
  test('powers are differences of counters, over their wrap; subzones are not added', () => {
    const before = readPowercap(
      treeOf({
        ...zone('intel-rapl:0', 'package-0', 262_143_328_850 - 50e6),
        ...zone('intel-rapl:0:0', 'dram', 1e6),
        ...zone('intel-rapl:1', 'package-1', 0),
        'intel-rapl/enabled': '1\n',
      }),
    );
    const after = readPowercap(
      treeOf({
        ...zone('intel-rapl:0', 'package-0', 50e6),
        ...zone('intel-rapl:0:0', 'dram', 21e6),
        ...zone('intel-rapl:1', 'package-1', 80e6),
      }),
    );
    expect(valuesOf(before)).toContainEqual(['intel-rapl:0:package-0', 'cap', 205]);
    const powers = powersBetween(before.counters, after.counters, 1);
    expect(valuesOf(powers)).toEqual([
      ['intel-rapl:0:package-0', 'watts', expect.closeTo(100, 6)],
      ['intel-rapl:0:0:dram', 'watts', expect.closeTo(20, 6)],
      ['intel-rapl:1:package-1', 'watts', expect.closeTo(80, 6)],
    ]);
    // 100 + 80 W, at most 5 W below the truth each.
    expect(socketsUpperWatts(after.counters, powers.readings)).toBeCloseTo(190, 6);
    expect(socketsUpperWatts(after.counters, powers.readings.slice(1))).toBeNaN();
    expect(socketsUpperWatts([], [])).toBeNaN();
  });

  test('what cannot be read or compared is absent', () => {
    expect(reasonsOf(readPowercap(treeOf({ 'intel-rapl/enabled': '1' })))).toEqual([
      expect.stringContaining('no zone is registered'),
    ]);
    const files = zone('intel-rapl:0', 'package-0', 5);
    const { 'intel-rapl:0/energy_uj': _, ...rest } = files;
    expect(reasonsOf(readPowercap(treeOf(rest)))).toEqual([
      'intel-rapl:0:package-0: energy_uj: cannot be read (ENOENT)',
    ]);
    const { counters } = readPowercap(treeOf(files));
    expect(reasonsOf(powersBetween([], counters, 1))).toEqual([expect.stringContaining('first time')]);
    expect(reasonsOf(powersBetween(counters, counters, 0.01))).toEqual([
      expect.stringContaining('0.01 s apart'),
    ]);
    expect(reasonsOf(powersBetween(counters, counters, 61))).toEqual([expect.stringContaining('61 s apart')]);
    expect(reasonsOf(powersBetween(counters, counters, Number.NaN))).toHaveLength(1);
  });
});

const SMI = `
==============NVSMI LOG==============

Driver Version                            : 550.54.15
Attached GPUs                             : 2

GPU 00000000:1B:00.0
    Product Name                          : NVIDIA H100 80GB HBM3
    Temperature
        GPU Current Temp                  : 34 C
        GPU T.Limit Temp                  : 52 C
        GPU Shutdown T.Limit Temp         : -8 C
        Memory Current Temp               : 45 C
    GPU Power Readings
        Average Power Draw                : 118.46 W
        Instantaneous Power Draw          : 120.00 W
        Current Power Limit               : 700.00 W
        Requested Power Limit             : 700.00 W
        Min Power Limit                   : 200.00 W
        Max Power Limit                   : 700.00 W
    Module Power Readings
        Power Draw                        : 999.00 W
        Current Power Limit               : N/A

GPU 00000000:3D:00.0
    Product Name                          : Tesla V100-SXM2-16GB
    Temperature
        GPU Current Temp                  : 60 C
        GPU Shutdown Temp                 : 90 C
        GPU Slowdown Temp                 : 87 C
    Power Readings
        Power Draw                        : N/A
        Power Limit                       : 300.00 W
        Min Power Limit                   : 150.00 W
        Max Power Limit                   : 300.00 W
`;

describe('nvidia-smi -q', () => {
  test('power and caps of the GPU, not of its module; limits from margins and from degrees', () => {
    const found = parseNvidiaSmi(SMI);
    expect(valuesOf(found)).toEqual([
      ['GPU 00000000:1B:00.0', 'watts', 118.46],
      ['GPU 00000000:1B:00.0', 'cap', 700],
      ['GPU 00000000:1B:00.0', 'cap-min', 200],
      ['GPU 00000000:1B:00.0', 'cap-max', 700],
      ['GPU 00000000:1B:00.0', 'celsius', 34],
      ['GPU 00000000:1B:00.0 memory', 'celsius', 45],
      ['GPU 00000000:1B:00.0', 'celsius-limit', 86],
      ['GPU 00000000:3D:00.0', 'cap', 300],
      ['GPU 00000000:3D:00.0', 'cap-min', 150],
      ['GPU 00000000:3D:00.0', 'cap-max', 300],
      ['GPU 00000000:3D:00.0', 'celsius', 60],
      ['GPU 00000000:3D:00.0', 'celsius-limit', 87],
    ]);
    expect(reasonsOf(found)).toEqual(["GPU 00000000:3D:00.0: watts: got 'N/A'"]);
  });

  test('the command is run; its absence and its failure are reported', () => {
    const root = treeOf({
      smi: `#!/bin/sh\ncat <<'END'${SMI}END\n`,
      broken: '#!/bin/sh\necho no devices; exit 9\n',
    });
    for (const name of ['smi', 'broken']) chmodSync(join(root, name), 0o755);
    expect(valuesOf(queryNvidiaSmi(join(root, 'smi')))).toHaveLength(12);
    expect(reasonsOf(queryNvidiaSmi(join(root, 'broken')))).toEqual([
      expect.stringContaining('ended with 9: no devices'),
    ]);
    expect(reasonsOf(queryNvidiaSmi(join(root, 'none')))).toEqual([expect.stringContaining('not installed')]);
    expect(reasonsOf(parseNvidiaSmi('No devices were found\n'))).toEqual([
      'nvidia-smi -q: its text names no GPU',
    ]);
  });
});

describe('errors', () => {
  const watts = (value: number): SensorReading => {
    const found = new SensorCollector('hwmon');
    found.add('x', 'watts', value);
    return found.readings[0] as SensorReading;
  };

  test('nothing rests on a difference below the errors', () => {
    expect([lowerBound(watts(200)), upperBound(watts(200))]).toEqual([190, 210]);
    expect([lowerBound(watts(3)), upperBound(watts(3))]).toEqual([0, 8]);
    expect(differ(watts(200), watts(218))).toBe(false);
    expect(differ(watts(200), watts(225))).toBe(true);
  });

  test('readings are bounded', () => {
    const found = new SensorCollector('hwmon');
    for (let i = 0; i <= READINGS_MAX; i++) found.add(String(i), 'celsius', 1);
    expect(found.readings).toHaveLength(READINGS_MAX);
    expect(found.absent).toHaveLength(1);
  });
});
