/**
 * Verdicts of kube-scheduler 1.36 that are written down, each with what it shows: TEG gives the same.
 * That stock gives them is tested in `test/kubernetes/verdicts.test.ts`.
 */
import { expect, test } from 'vitest';
import { Draw } from './kubernetes/differential/draw.ts';
import { askTeg } from './kubernetes/differential/teg-answer.ts';
import { NAMESPACE } from './kubernetes/verdicts/builders.ts';
import { VERDICT_CASES } from './kubernetes/verdicts/cases.ts';
import { expectedText } from './kubernetes/verdicts/expected-text.ts';

/** Orders in which the objects come. */
const ORDERS = 4;

test.each(VERDICT_CASES.map((verdict) => [verdict.name, verdict] as const))('%s', (_, verdict) => {
  const objects = [NAMESPACE, ...verdict.objects];
  for (let seed = 0; seed < ORDERS; seed++) {
    const teg = askTeg(objects, verdict.probe, seed === 0 ? undefined : new Draw(seed, 8));
    expect(teg.gated).toBe(false);
    expect(teg.feasible.join(' ')).toBe(verdict.fits);
    expect(verdict.fits.split(' ')).toContain(teg.chosen);
    expect(teg.message.replace(/ preemption: .*$/, '')).toBe(expectedText(verdict));
  }
});

test('names are distinct', () => {
  expect(new Set(VERDICT_CASES.map(({ name }) => name)).size).toBe(VERDICT_CASES.length);
});
