import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { Fifo } from './fifo.ts';

test('agrees with an array, whatever goes in and out', () => {
  checkProperty(
    fc.property(fc.array(fc.constantFrom(1, 2, 500, -1, -300, 0), { maxLength: 60 }), (steps) => {
      const fifo = new Fifo<number>();
      let list: number[] = [];
      let next = 0;
      for (const step of steps) {
        for (let i = 0; i < step; i++) {
          fifo.push(next);
          list.push(next++);
        }
        for (let i = 0; i > step; i--) expect(fifo.shift()).toBe(list.shift());
        if (step === 0) {
          expect(fifo.drain()).toEqual(list);
          list = [];
        }
        expect(fifo.size).toBe(list.length);
      }
    }),
  );
});

test('a long queue that never runs empty stays in order', () => {
  const fifo = new Fifo<number>();
  for (let i = 0; i < 5000; i++) fifo.push(i);
  for (let i = 0; i < 20_000; i++) {
    fifo.push(5000 + i);
    expect(fifo.shift()).toBe(i);
  }
  expect(fifo.size).toBe(5000);
});
