import { describe, expect, it } from 'vitest';
import { closestName } from './closest-name.ts';

const NAMES = ['fgd', 'best-fit', 'best-of-d', 'kube-scheduler', 'teg'];

describe('closestName', () => {
  it.each([
    ['fdg', 'fgd'],
    ['FGD', 'fgd'],
    ['bestfit', 'best-fit'],
    ['kubescheduler', 'kube-scheduler'],
    ['kube-shceduler', 'kube-scheduler'],
    ['te', 'teg'],
    ['best-fit', 'best-fit'],
  ])('takes %s for %s', (typed, meant) => {
    expect(closestName(typed, NAMES)).toBe(meant);
  });

  it('does not guess where nothing is near', () => {
    expect(closestName('yarn', NAMES)).toBeUndefined();
    expect(closestName('', NAMES)).toBeUndefined();
    expect(closestName('teg', [])).toBeUndefined();
  });
});
