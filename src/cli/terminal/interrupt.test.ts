import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SAME_PRESS_MS } from './interrupt.ts';

/** A run that ends 50 ms (or never) after it was interrupted, as `main.ts` would end it. */
function script(endsByItself: boolean): string {
  return `
    import { interruptedExitCode, interruptSignal } from ${JSON.stringify(new URL('./interrupt.ts', import.meta.url).href)};
    const signal = interruptSignal();
    const timer = setInterval(() => {}, 1000);
    signal.addEventListener('abort', () => {
      console.log(signal.reason.code, signal === interruptSignal());
      if (${endsByItself}) setTimeout(() => { clearInterval(timer); process.exitCode = interruptedExitCode(); }, 50);
    });
    console.log(signal.aborted, interruptedExitCode());
  `;
}

async function start(endsByItself: boolean): Promise<{ child: ChildProcess; output: () => string }> {
  const args = ['--input-type=module', '-e', script(endsByItself)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  await once(child.stdout, 'data');
  return { child, output: () => output };
}

test('the first Ctrl-C asks the run to end, and the exit code is 130', async () => {
  const { child, output } = await start(true);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([130, null]);
  expect(output()).toBe('false undefined\nTEG_INTERRUPTED true\n');
});

test.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s does the same, with the exit code %d', async (signal, code) => {
  const { child } = await start(true);
  child.kill(signal);
  expect(await once(child, 'close')).toEqual([code, null]);
});

test('the second Ctrl-C ends it at once; one that the terminal and a parent both sent counts once', async () => {
  const { child, output } = await start(false);
  const closed = once(child, 'close');
  child.kill('SIGINT');
  while (!output().includes('TEG_INTERRUPTED')) await sleep(5);
  child.kill('SIGINT');
  await sleep(SAME_PRESS_MS + 100);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await closed).toEqual([130, null]);
});
