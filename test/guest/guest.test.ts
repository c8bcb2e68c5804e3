import { expect, test } from 'vitest';
import { resultOf, runGuest } from './harness/guest.ts';
import { describeWithGuest } from './harness/guest-parts.ts';

describeWithGuest('a guest', [], () => {
  test('boots, runs a program with pure cgroup v2, and ends', async () => {
    const run = await runGuest({ program: 'test/guest/programs/hello.ts', timeoutSeconds: 90 });
    expect(resultOf<string>(run, 'kernel')).toMatch(/^Linux version 6\./);
    expect(resultOf<string[]>(run, 'controllers')).toEqual(expect.arrayContaining(['memory', 'cpu', 'pids']));
    expect(run.exitCode).toBe(0);
  });

  test('is killed when it does not end in time', async () => {
    const run = await runGuest({ program: 'test/guest/programs/hello.ts', timeoutSeconds: 1 });
    expect(run.exitCode).toBeUndefined();
    expect(() => resultOf(run, 'kernel')).toThrow('reported no');
  });
});
