import { expect, test } from 'vitest';
import { Notices } from './notices.ts';
import { Waits } from './write-clock.ts';
import { settle, VirtualClock } from './writes.fixtures.ts';

test('each waiter is woken by its own objects only, and leaves nothing behind', async () => {
  const notices = new Notices();
  const waits = new Waits(new VirtualClock());
  const woken: string[] = [];
  const waiters = ['a', 'b'].map((name) => {
    const waiter = notices.waiter();
    waiter.add(name);
    waiter.add(name);
    waiter.add('shared');
    void waiter.wait(waits, 60).then(() => woken.push(name));
    return waiter;
  });
  expect(notices.size).toBe(3);
  notices.notice('else');
  notices.notice('a');
  await settle();
  expect(woken).toEqual(['a']);
  waiters[0]?.close();
  expect(notices.size).toBe(2);
  notices.notice('shared');
  await settle();
  expect(woken).toEqual(['a', 'b']);
  waiters[1]?.close();
  expect(notices.size).toBe(0);
  expect(waits.count).toBe(0);
});
