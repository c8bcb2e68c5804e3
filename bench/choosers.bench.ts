/**
 * What choosing a zone costs, by chooser and number of entries on the board. Prints JSON: nanoseconds of CPU time a
 * choice, best of several rounds, on boards like those of a cluster: unlike prices, slopes and slots, 200 deciders.
 */
import { makeOffers, newStream, type ZoneOffers } from '../src/governor/choosers/chooser.ts';
import { CHOOSERS } from '../src/governor/choosers/registry.ts';
import { Random } from '../src/kernel/random.ts';

const ENTRIES = [4, 16, 64, 1024];
const ROUNDS = 6;
/** Entries looked at in a round. */
const WORK = 2_000_000;
const STREAMS = 64;
const DECIDERS = 200;

function board(count: number, random: Random): ZoneOffers {
  const offers = makeOffers(count);
  offers.count = count;
  for (let i = 0; i < count; i++) {
    offers.entries[i] = i;
    offers.prices[i] = 200 * random.nextExponential();
    offers.slopes[i] = 0.1 + random.nextExponential();
    offers.near[i] = 1 + random.nextInt(50);
    offers.slots[i] = (offers.near[i] as number) + random.nextInt(2000);
    offers.positions[i] = i;
    offers.ages[i] = random.nextFloat();
  }
  return offers;
}

/** Keeps what is computed from being optimised away. */
let sink = 0;
const results = ENTRIES.flatMap((entries) => {
  const offers = board(entries, new Random(entries));
  return CHOOSERS.map(({ name, create }) => {
    const chooser = create();
    const random = new Random(1);
    const streams = Array.from({ length: STREAMS }, (_, s) => newStream((s * entries) / STREAMS));
    const choices = Math.ceil(WORK / Math.max(entries, 32));
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      const start = process.cpuUsage();
      for (let k = 0; k < choices; k++) {
        sink += chooser.choose(offers, DECIDERS, streams[k % STREAMS] as (typeof streams)[0], random);
      }
      const used = process.cpuUsage(start);
      least = Math.min(least, ((used.user + used.system) * 1000) / choices);
    }
    return { chooser: name, entries, nanosAChoice: Math.round(least) };
  });
});
process.stdout.write(`${JSON.stringify({ results, sink: sink === 0 }, undefined, 2)}\n`);
