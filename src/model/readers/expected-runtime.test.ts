import { describe, expect, test } from 'vitest';
import { EXPECTED_RUNTIME_ANNOTATION, expectedRuntimeOf, KUEUE_RUNTIME_LABEL } from './expected-runtime.ts';

function of(annotation?: string, deadline?: unknown, label?: string): number | undefined {
  return expectedRuntimeOf(
    {
      ...(annotation === undefined ? {} : { annotations: { [EXPECTED_RUNTIME_ANNOTATION]: annotation } }),
      ...(label === undefined ? {} : { labels: { [KUEUE_RUNTIME_LABEL]: label } }),
    },
    deadline === undefined ? {} : { activeDeadlineSeconds: deadline },
  );
}

describe('the expected run time of a pod', () => {
  test('is its own estimate, then its deadline, then the label of Kueue', () => {
    expect(of('2h30m', 600, '300')).toBe(9000);
    expect(of('90', 600, '300')).toBe(90);
    expect(of(undefined, 600, '300')).toBe(600);
    expect(of(undefined, undefined, '300')).toBe(300);
    expect(of()).toBeUndefined();
  });

  test('what cannot be read counts as absent', () => {
    for (const annotation of ['', 'soon', '-5', '0', '0s', '1e9', '10000000000', '1.5']) {
      expect(of(annotation, 600), annotation).toBe(600);
    }
    for (const deadline of [0, -1, '600', 2e9, Number.NaN, null]) {
      expect(of(undefined, deadline, '300'), `${deadline}`).toBe(300);
    }
  });
});
