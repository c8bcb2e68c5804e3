/** Every placement policy under the same laws. */
import { describe, expect, test } from 'vitest';
import { POLICIES } from '../../src/simulation/inputs/policies.ts';
import { checkedAnswers } from './policy.laws.ts';

describe.each(POLICIES)('$name', ({ create }) => {
  test.each([1, 2, 3])('takes room that there is, finds it, and answers the same again (seed %i)', (seed) => {
    const answers = checkedAnswers(create, seed);
    expect(answers).toContain(-1);
    expect(checkedAnswers(create, seed)).toEqual(answers);
  });
});
