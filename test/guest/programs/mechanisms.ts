/** What the kernel does with each mechanism of the guard, by files alone: throttle, freeze, reclaim, shrink, thaw. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlGroup, enableControllers, Holder, MIB } from './control-group.ts';
import { part, until } from './report.ts';

enableControllers();
await part('throttle', throttle);
await part('freeze', freeze);
await part('reclaim', reclaim);
await part('shrink', () => shrink(100, shrinkFrozen));
await part('shrink-unchecked', () => shrink(25, shrinkUnchecked));
await part('shrink-under-usage', shrinkUnderUsage);

/** A program that fills 128 MiB as fast as it can meets memory.high at 96. */
async function throttle(): Promise<unknown> {
  const group = new ControlGroup('/throttle');
  group.write('memory.swap.max', 0);
  group.write('memory.high', 96 * MIB);
  const holder = new Holder(group);
  holder.hold(128);
  await until(() => group.field('memory.events', 'high') > 0, 20_000, 'at memory.high');
  await sleep(1000);
  const pastHighMib = group.current() - 96;
  const hasEnded = holder.hasSettled;
  group.write('memory.high', 'max');
  const started = performance.now();
  await holder.settled();
  const resumedMs = performance.now() - started;
  const kills = group.kills();
  await group.remove();
  return { pastHighMib, hasEnded, resumedMs, kills };
}

/** A program that grows is frozen, stays as it is, and goes on. */
async function freeze(): Promise<unknown> {
  const group = new ControlGroup('/freeze');
  let exitCode: number | null | undefined;
  group.spawn('dd', ['if=/dev/zero', 'of=/dev/null', `bs=${512 * MIB}`, 'count=1']).on('exit', (code) => {
    exitCode = code;
  });
  await until(() => group.current() > 32, 20_000, 'growth');
  const frozenMs = await group.freeze();
  const before = group.current();
  await sleep(1000);
  const grownMib = group.current() - before;
  const hasEnded = exitCode !== undefined;
  group.thaw();
  const endedMs = await until(() => exitCode !== undefined, 30_000, 'end after the thaw');
  await group.remove();
  return { frozenMs, before, grownMib, hasEnded, endedMs, exitCode };
}

/** Memory of a frozen group goes to swap without running it. */
async function reclaim(): Promise<unknown> {
  const group = new ControlGroup('/reclaim');
  const holder = new Holder(group);
  holder.hold(64);
  await holder.settled();
  await group.freeze();
  const before = group.current();
  const started = performance.now();
  let refused = '';
  try {
    group.write('memory.reclaim', 48 * MIB);
  } catch (error) {
    refused = String(error);
  }
  const reclaimMs = performance.now() - started;
  const reclaimedMib = before - group.current();
  const isFrozen = group.isFrozen();
  group.thaw();
  holder.hold(65);
  await holder.settled();
  const kills = group.kills();
  await group.remove();
  return { before, reclaimedMib, reclaimMs, refused, isFrozen, kills };
}

type Shrink = (group: ControlGroup, targetMib: number) => Promise<void>;

/** The guard's order: freeze, read, set no less than what is used, thaw. */
async function shrinkFrozen(group: ControlGroup, targetMib: number): Promise<void> {
  await group.freeze();
  const limit = Math.max(targetMib, Math.ceil(group.current()) + 8);
  group.write('memory.max', limit * MIB);
  group.write('memory.high', (limit - 8) * MIB);
  group.thaw();
}

/** What a kubelet does: a reading, and a limit that fits it, which is written when the reading is old. */
async function shrinkUnchecked(group: ControlGroup, targetMib: number): Promise<void> {
  const limit = Math.max(targetMib, Math.ceil(group.current()) + 8);
  await sleep(50);
  group.write('memory.max', limit * MIB);
  group.write('memory.high', (limit - 8) * MIB);
}

/** A holder moves between 24 and 88 MiB while its limit is lowered, and raised again as soon as it is held back. */
async function shrink(cycles: number, lower: Shrink): Promise<unknown> {
  const group = new ControlGroup('/shrink');
  group.write('memory.swap.max', 0);
  const holder = new Holder(group);
  holder.hold(24);
  await holder.settled();
  const base = group.current() - 24;
  let done = 0;
  let shrunk = 0;
  for (; done < cycles && !holder.isGone; done++) {
    holder.hold(done % 2 === 0 ? 88 : 24);
    await sleep((done * 7) % 60);
    if (holder.isGone) break;
    const target = Math.ceil(base + 40);
    await lower(group, target);
    if (Number(group.read('memory.max')) <= (target + 1) * MIB) shrunk++;
    // Held back at memory.high until it is granted more: the wall lies 8 MiB above.
    await sleep(20);
    group.write('memory.max', 'max');
    group.write('memory.high', 'max');
    await until(() => holder.hasSettled || holder.isGone, 30_000, 'the holder has its memory');
  }
  const kills = group.kills();
  await group.remove();
  return { cycles: done, shrunk, kills };
}

/** The control: a limit below what a frozen group uses. */
async function shrinkUnderUsage(): Promise<unknown> {
  const group = new ControlGroup('/under');
  group.write('memory.swap.max', 0);
  const holder = new Holder(group);
  holder.hold(64);
  await holder.settled();
  await group.freeze();
  group.write('memory.max', 40 * MIB);
  await until(() => group.kills() > 0, 10_000, 'the kill').catch(() => undefined);
  const kills = group.kills();
  await group.remove();
  return { kills };
}
