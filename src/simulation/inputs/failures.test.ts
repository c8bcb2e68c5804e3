import { describe, expect, test } from 'vitest';
import { NodeFailures } from './failures.ts';

const OPTIONS = { mtbfSeconds: 1000, mttrSeconds: 50 };

describe('NodeFailures', () => {
  test('the spans of a node do not depend on other nodes', () => {
    const alone = new NodeFailures(7, 10, OPTIONS);
    const crowd = new NodeFailures(7, 10, OPTIONS);
    const expected = [alone.nextUpSeconds(3), alone.nextDownSeconds(3), alone.nextUpSeconds(3)];
    for (let node = 9; node >= 0; node--) if (node !== 3) crowd.nextUpSeconds(node);
    expect([crowd.nextUpSeconds(3), crowd.nextDownSeconds(3), crowd.nextUpSeconds(3)]).toEqual(expected);
  });

  test('spans are exponential with the stated means', () => {
    const failures = new NodeFailures(1, 2000, OPTIONS);
    let up = 0;
    let down = 0;
    let beyond = 0;
    for (let node = 0; node < 2000; node++) {
      for (let k = 0; k < 10; k++) {
        const span = failures.nextUpSeconds(node);
        up += span;
        if (span > 1000) beyond++;
        down += failures.nextDownSeconds(node);
      }
    }
    expect(up / 20_000 / 1000).toBeCloseTo(1, 1);
    expect(down / 20_000 / 50).toBeCloseTo(1, 1);
    expect(beyond / 20_000).toBeCloseTo(Math.exp(-1), 1);
  });

  test('nodes and seeds differ', () => {
    const failures = new NodeFailures(1, 1000, OPTIONS);
    const spans = new Set(Array.from({ length: 1000 }, (_, node) => failures.nextUpSeconds(node)));
    expect(spans.size).toBe(1000);
    expect(new NodeFailures(2, 1, OPTIONS).nextUpSeconds(0)).not.toBe(
      new NodeFailures(1, 1, OPTIONS).nextUpSeconds(0),
    );
  });
});
