import { describe, expect, test } from 'vitest';
import { parseColumnMap } from './column-map.ts';

describe('--map', () => {
  test('adds one column after the other; blanks around names and further signs = do not matter', () => {
    const first = parseColumnMap(' submit_s = submit time');
    expect(first).toEqual({ submit_s: 'submit time' });
    expect(parseColumnMap('id=a=b', first)).toEqual({ submit_s: 'submit time', id: 'a=b' });
    expect(first).toEqual({ submit_s: 'submit time' });
  });

  test.each(['', 'submit_s', '=x', 'submit_s=', ' =x', 'submit_s= '])('%j is refused', (text) => {
    expect(() => parseColumnMap(text)).toThrow(`got '${text}', expected COLUMN=NAME`);
  });

  test.each(['submit_s=other', 'duration_s=start'])(
    '%s after submit_s=start is refused: each column once',
    (text) => {
      expect(() => parseColumnMap(text, { submit_s: 'start' })).toThrow('expected each column once');
    },
  );

  test('a hundred columns are taken, and no more', () => {
    let map = {};
    for (let i = 0; i < 100; i++) map = parseColumnMap(`c${i}=t${i}`, map);
    expect(Object.keys(map)).toHaveLength(100);
    expect(() => parseColumnMap('more=x', map)).toThrow('at most 100');
  });
});
