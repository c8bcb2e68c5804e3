/** The order of calls that the rules assert: `preFilter`, then `check`, of one shape. */
import { expect, test } from 'vitest';
import { AssertionFailure } from '../../../kernel/assert.ts';
import { Refusal } from '../constraints.ts';
import { Cluster } from './cluster.fixtures.ts';
import { emptyTemplate } from './constraints.fixtures.ts';

test('a node is checked for a shape that was begun, not refused, and is still known', () => {
  const cluster = new Cluster().node('a');
  const { rules } = cluster;
  const check = (): unknown => rules.check(cluster.slot('a'));
  expect(check).toThrow(AssertionFailure);
  const plain = cluster.shape(emptyTemplate({}));
  expect(rules.preFilter(plain)).toBeUndefined();
  expect(check()).toBe(Refusal.None);
  // Its claim does not exist: no node is to be checked, though the shape before would be taken.
  expect(rules.preFilter(cluster.shape(emptyTemplate({ claims: ['missing'] })))).toBeDefined();
  expect(check).toThrow(AssertionFailure);
  rules.preFilter(plain);
  expect(check()).toBe(Refusal.None);
  rules.forgetShape(plain.id);
  expect(check).toThrow(AssertionFailure);
});
