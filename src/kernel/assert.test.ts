import { expect, test } from 'vitest';
import { TegError } from '../model/errors.ts';
import { AssertionFailure, assert } from './assert.ts';

test('a broken promise is a bug with its own name, and no expected failure', () => {
  expect(() => assert(true, 'never thrown')).not.toThrow();
  const broken = (): void => assert(1 + 1 === 3, 'sums add up');
  expect(broken).toThrow(AssertionFailure);
  expect(broken).toThrow('assertion failed: sums add up');
  expect(broken).not.toThrow(TegError);
});
