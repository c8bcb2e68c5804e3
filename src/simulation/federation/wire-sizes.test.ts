import { expect, test } from 'vitest';
import { NO_HELD_PART } from '../../field/hologram/held-part.ts';
import { randomZone, sumsOf } from '../../field/hologram/hologram.fixtures.ts';
import { emptyMaxima, exactSums, Hologram, mergeHolograms } from '../../field/hologram/hologram.ts';
import { takeHologram } from '../../field/hologram/hologram-source.ts';
import { encodeHologram } from '../../field/hologram/wire.ts';
import { Random } from '../../kernel/random.ts';
import { WireSizes } from './wire-sizes.ts';

const BID = { rankSeconds: 1.5, gang: 300, demandId: 2, pods: 4 };

/** Holograms of a zone that publishes the same classes with other sums, and models, again and again. */
function holograms(random: Random): Hologram[] {
  const zone = randomZone(12, random);
  const first = takeHologram(zone.classes, zone.rent, sumsOf(zone, random), emptyMaxima(), 1);
  const again = Array.from({ length: 20 }, (_, i) => {
    const scale = 2 ** random.nextInt(40);
    const sums = exactSums({
      ...first.sums,
      waitingGpuMilli: random.nextInt(100) * scale,
      arrivalsPerSecond: random.nextFloat() * 2 ** random.nextInt(12),
    });
    const maxima = {
      ...emptyMaxima(),
      zoneFreeGpuMilli: random.nextInt(1000) * scale,
      heldShare: random.nextFloat(),
    };
    const demandMilli = i % 5 === 0 ? first.demandMilli + 128 ** random.nextInt(5) : first.demandMilli;
    const held =
      i % 3 === 0
        ? NO_HELD_PART
        : { gpuMilli: 128 ** random.nextInt(6), cpuMilli: 0, champion: i % 3 === 1 ? undefined : BID };
    return new Hologram({ ...first, takenAt: i + 2, newestAt: i + 2, sums, maxima, demandMilli, held });
  });
  return [first, ...again, mergeHolograms([first, ...again]), mergeHolograms([])];
}

test('sizes are those of the written bytes, for any order of queries', () => {
  for (let seed = 0; seed < 10; seed++) {
    const all = holograms(new Random(seed));
    const expected = all.map((hologram) => encodeHologram(hologram).length);
    const forwards = new WireSizes();
    expect(all.map((hologram) => forwards.bytesOf(hologram))).toEqual(expected);
    expect(all.map((hologram) => forwards.bytesOf(hologram))).toEqual(expected);
    const backwards = new WireSizes();
    expect([...all].reverse().map((hologram) => backwards.bytesOf(hologram))).toEqual(
      [...expected].reverse(),
    );
  }
});
