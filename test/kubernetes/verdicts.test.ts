/** The verdicts that are written down, put to the stock scheduler: it gives them, and says the same as TEG to the letter. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtBinary } from '../../lab/control-plane/go-modules.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { comparableTexts, differencesInEnforce, differencesOf } from './differential/compare.ts';
import { StockOracle } from './differential/stock-oracle.ts';
import { askTeg } from './differential/teg-answer.ts';
import { NAMESPACE } from './verdicts/builders.ts';
import { VERDICT_CASES } from './verdicts/cases.ts';
import { expectedText } from './verdicts/expected-text.ts';

describeWithControlPlane('verdicts', ['scheduler-oracle'], () => {
  let oracle: StockOracle;
  beforeAll(() => {
    oracle = new StockOracle(builtBinary('scheduler-oracle') as string);
  });
  afterAll(() => oracle.close());

  test.each(VERDICT_CASES.map((verdict) => [verdict.name, verdict] as const))('%s', async (_, verdict) => {
    const stock = await oracle.ask({
      seed: 0,
      themes: [],
      objects: [NAMESPACE, ...verdict.objects],
      probe: verdict.probe,
    });
    expect(stock.invalid).toBeUndefined();
    expect(stock.feasible.join(' ')).toBe(verdict.fits);
    const [text] = comparableTexts(stock.error ?? stock.message, '');
    expect(text.replace(/ preemption: .*$/, '')).toBe(expectedText(verdict));
    const { objects, probe } = stock;
    for (const mode of ['off', 'observe'] as const) {
      expect(differencesOf(stock, askTeg(objects, probe, undefined, mode)), mode).toEqual([]);
    }
    expect(differencesInEnforce(stock, askTeg(objects, probe, undefined, 'enforce'), probe)).toEqual([]);
  });
});
