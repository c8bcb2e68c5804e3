import { expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import type { PodRecord } from '../state/pod-records.ts';
import { OrderedEnds } from './ordered-ends.ts';

test('is the order of a stable sort', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const pods = Array.from({ length: random.nextInt(60) }, (_, sequence) => ({ sequence }) as PodRecord);
    // Within a millisecond, apart, far away, unknown.
    const scales = [1e-4, 1, 1e6, Number.POSITIVE_INFINITY];
    const ends = pods.map(() => (1 + random.nextInt(20)) * (scales[random.nextInt(4)] as number));
    const ordered = new OrderedEnds(pods, ({ sequence }) => ends[sequence] as number);
    const plain = pods
      .map((pod, i) => ({ pod, endSeconds: ends[i] as number }))
      .sort((x, y) => (x.endSeconds === y.endSeconds ? 0 : x.endSeconds - y.endSeconds));
    expect(pods.map((_, i) => ordered.at(i))).toEqual(plain);
    expect(ordered.at(pods.length)).toBeUndefined();
  }
});
