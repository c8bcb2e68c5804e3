import { describe, expect, test } from 'vitest';
import { stream } from '../../../test/support/random-cluster.ts';
import { TegError } from '../../model/errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { ClassCollector } from './class-collector.ts';
import { hologramOf, randomZone } from './hologram.fixtures.ts';
import { emptyMaxima, emptySums, exactSums, Hologram, mergeHolograms } from './hologram.ts';
import { hologramExtended, hologramFlavor, NO_EXTENDED } from './hologram-classes.ts';
import { HOLOGRAM_LIMITS, SUM_MAX } from './hologram-limits.ts';
import { decodeHologram, encodeHologram, HOLOGRAM_HELD_VERSION } from './wire.ts';

/** The example of `docs/hologram.md`. */
function example(): Hologram {
  const collector = new ClassCollector();
  const flavor = collector.flavorId(hologramFlavor('A', [['zone', 'east']]));
  const nic = collector.extendedId(hologramExtended([['nic', 4]]));
  const none = collector.extendedId(NO_EXTENDED);
  collector.add(flavor, none, 0, 2, 500, 1024, 4000, 100, 3);
  collector.add(flavor, none, 0, 2, 500, 1024, 8000, 110, 1);
  collector.add(flavor, nic, 1, 8, 0, 4096, 8000, 110, 200);
  const sums = { ...emptySums(), zones: 1, nodes: 204, capacityGpuMilli: 1_632_000, arrivalsPerSecond: 0.5 };
  return new Hologram({
    takenAt: 1,
    newestAt: 2,
    sums: exactSums(sums),
    maxima: { ...emptyMaxima(), zoneWholeGpus: 1608, heldShare: 0.25 },
    demandMilli: 3000,
    models: [{ gpuModel: 'A', freeMilli: 1_610_000, capacityMilli: 1_632_000, boundMilli: 300 }],
    classes: collector.finish(),
  });
}

/** Its bytes, part by part. */
const EXAMPLE = [
  '5445474801', // TEGH, version 1
  '000000000000f03f', // taken at 1
  '0000000000000040', // newest at 2
  '01cc01000000', // 1 zone, 204 nodes, none up, no pods, no CPU
  '0080ce630000', // no free CPU, 1,632,000 milli-GPU, none free, none held
  '0000808020', // no waiting pods; 0.5 arrivals a second are 524,288 units
  '0000000000000000', // nobody waited
  '00c80c', // zone with most free GPU, most whole GPUs: 0, 1608
  '000000000000d03f', // held share 0.25
  '0401410465617374036e6963047a6f6e65', // texts: A, east, nic, zone
  'b817', // 3,000 milli-GPU of demand
  '010090a26280ce63ac02', // model A: 1,610,000 free of 1,632,000, 300 bound
  '0100010301', // one kind of node: A with zone = east
  '0201020400', // two sets of further resources: 4 nic; none
  '02a01f9f1f', // amounts of CPU: 4000, 8000
  '028008ff17', // of memory: 1024, 4096
  '0200f303', // partial GPUs: 0, 500
  '03', // classes
  '0000', // group 0 (nic), one class
  'bb02c7016d', // key 315: fresh, 8 whole, partial 0, 4096 MiB, 8000; 200 nodes; 110 pods
  '0001', // group 1 (none), two classes
  '140263', // key 20: 2 whole, partial 500, 1024 MiB, 4000; 3 nodes; 100 pods
  '00006d', // key 21: the same with 8000; 1 node; 110 pods
].join('');

function refused(bytes: Uint8Array): string {
  try {
    decodeHologram(bytes);
  } catch (error) {
    if (error instanceof TegError && error.code === 'TEG_HOLOGRAM_INVALID') return error.message;
    throw error;
  }
  throw new Error('accepted');
}

describe('the wire format', () => {
  test('matches docs/hologram.md, byte by byte', () => {
    expect(Buffer.from(encodeHologram(example())).toString('hex')).toBe(EXAMPLE);
    expect(encodeHologram(decodeHologram(Buffer.from(EXAMPLE, 'hex')))).toEqual(encodeHologram(example()));
  });

  test('round-trips, and one hologram has one form', () => {
    const random = stream(7);
    for (let i = 0; i < 100; i++) {
      const hologram = hologramOf(randomZone(60, random), random);
      const bytes = encodeHologram(hologram);
      const decoded = decodeHologram(bytes);
      expect(decoded).toEqual(hologram);
      expect(encodeHologram(decoded)).toEqual(bytes);
    }
    const nothing = mergeHolograms([]);
    expect(decodeHologram(encodeHologram(nothing))).toEqual(nothing);
  });

  test('holds the largest and strangest of everything', () => {
    const collector = new ClassCollector();
    const names = ['', '\u0000', '"', '\u{1F680}', '__proto__', 'x'.repeat(HOLOGRAM_LIMITS.stringBytesMax)];
    for (const name of names) {
      const flavor = collector.flavorId(
        hologramFlavor(
          name,
          names.map((key) => [key, name]),
        ),
      );
      const extended = collector.extendedId(hologramExtended(names.map((key) => [key, 2 ** 48])));
      collector.add(flavor, extended, 0, 30, 999, 2 ** 31 - 1, 2 ** 31 - 1, 1_000_000, 2 ** 31 - 1);
      collector.add(flavor, extended, 1, 0, 0, 0, 0, 1, 1);
    }
    const hologram = new Hologram({
      takenAt: -Number.MAX_VALUE,
      newestAt: Number.MAX_VALUE,
      sums: exactSums({ ...emptySums(), pods: SUM_MAX, arrivalsPerSecond: 2 ** 32 }),
      maxima: { ...emptyMaxima(), oldestWaitSeconds: Number.MAX_VALUE, heldShare: 1 },
      demandMilli: SUM_MAX,
      models: [{ gpuModel: '', freeMilli: SUM_MAX, capacityMilli: SUM_MAX, boundMilli: SUM_MAX }],
      classes: collector.finish(),
    });
    expect(decodeHologram(encodeHologram(hologram))).toEqual(hologram);
  });

  test('reads from within a larger buffer, and keeps nothing of it', () => {
    const bytes = Buffer.concat([Buffer.from('junk'), Buffer.from(EXAMPLE, 'hex')]);
    const hologram = decodeHologram(bytes.subarray(4));
    bytes.fill(0);
    expect(hologram).toEqual(example());
  });
});

describe('a reader refuses', () => {
  const bytes = Buffer.from(EXAMPLE, 'hex');

  test('another version, saying which it got and which it reads', () => {
    const other = Buffer.from(bytes);
    other[4] = HOLOGRAM_HELD_VERSION + 1;
    expect(refused(other)).toMatch(/^got a hologram of version 3; expected version 1 or 2: upgrade/);
  });

  test('every truncation, and anything after the end', () => {
    for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length));
    expect(refused(Buffer.concat([bytes, Buffer.from([0])]))).toMatch(/1 more bytes.*expected the end/);
  });

  test('too long input, before parsing it', () => {
    expect(refused(new Uint8Array(HOLOGRAM_LIMITS.bytesMax + 1))).toMatch(/1048577 bytes/);
  });

  test.each([
    ['another file', '54454748', '54454749', /byte 73 at byte 3/],
    [
      'an oldest part after the newest',
      '000000000000f03f',
      '0000000000000840',
      /oldest not after the newest/,
    ],
    ['a time that is not a number', '000000000000f03f', '000000000000f8ff', /NaN/],
    ['half a time of nothing', '000000000000f03f', '000000000000f07f', /oldest not after the newest/],
    ['a number with leading zeros', '01cc01000000', '8100cc010000', /leading zeros/],
    ['a share above 1', '000000000000d03f', '000000000000f83f', /a share in \[0, 1\]/],
    ['texts out of order', '0401410465617374', '0404656173740141', /text out of order/],
    ['a text that is not UTF-8', '0465617374', '0465ff7374', /not UTF-8/],
    ['more texts than bytes', '040141', '8040c1', /texts/],
    ['a text that nothing refers to', '0100010301', '0100010001', /nothing refers to/],
    ['a number of no text', '0100010301', '0104010301', /the number of a text of at most 3/],
    ['further resources out of order', '0201020400', '0200010204', /out of order/],
    ['an amount of 0', '0201020400', '0201020000', /amount of 0/],
    ['an amount that no class uses', '02a01f9f1f', '03a01f9f1f00', /no class uses|of a dictionary/],
    ['a partial GPU that is whole', '0200f303', '0200e707', /partial GPUs/],
    ['fewer classes than the groups have', '030000', '020000', /classes of a group/],
    ['more classes than the groups have', '030000', '040000', /the end|group/],
    ['a class beyond the last', 'bb02c7016d', 'bb7fc7016d', /class/],
  ])('%s', (_, from, to, message) => {
    expect(EXAMPLE.split(from).length).toBeGreaterThan(1);
    const damaged = Buffer.from(EXAMPLE.replace(from, to), 'hex');
    expect(refused(damaged)).toMatch(message);
  });

  test('a number that promises more than the bytes could hold', () => {
    const writer = new ByteWriter();
    for (const byte of bytes.subarray(0, 5)) writer.byte(byte);
    writer.double(0);
    writer.double(0);
    for (let i = 0; i < 12; i++) writer.count(0);
    writer.double(0);
    writer.count(0);
    writer.count(0);
    writer.double(0);
    writer.count(8192);
    expect(refused(writer.finish())).toMatch(/8192 texts in 0 bytes/);
  });
});

describe('a writer refuses', () => {
  test.each([
    ['texts that are too long', { labels: [['x'.repeat(1025), 'y']] as [string, string][], extended: [] }],
    [
      'too many labels',
      { labels: Array.from({ length: 65 }, (_, i): [string, string] => [`${i}`, '']), extended: [] },
    ],
    [
      'too many further resources',
      { labels: [], extended: Array.from({ length: 65 }, (_, i): [string, number] => [`${i}`, 1]) },
    ],
  ])('%s', (_, { labels, extended }) => {
    const collector = new ClassCollector();
    const flavor = collector.flavorId(hologramFlavor('A', labels));
    collector.add(flavor, collector.extendedId(hologramExtended(extended)), 0, 0, 0, 0, 0, 1, 1);
    const { classes, ...parts } = mergeHolograms([]);
    expect(classes.count).toBe(0);
    expect(() => encodeHologram(new Hologram({ ...parts, classes: collector.finish() }))).toThrow(
      expect.objectContaining({ code: 'TEG_LIMIT_REACHED' }),
    );
  });
});
