/** A real kubelet in a virtual machine with `teg guard` in charge: what becomes of frozen containers. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type GuestRun, resultOf, runGuest } from './harness/guest.ts';
import { describeWithGuest, GUARD_PACKAGES } from './harness/guest-parts.ts';

async function kubeletGuest(part: 'probes' | 'deletion'): Promise<GuestRun> {
  const run = await runGuest({
    program: `test/guest/programs/kubelet.ts ${part}`,
    parts: ['containerd', 'runc', 'kubelet'],
    packages: GUARD_PACKAGES,
    memoryMib: 2560,
    prepare:
      'ip addr add 10.0.2.15/24 dev lo; mount --make-rshared /; echo guest > /proc/sys/kernel/hostname',
    timeoutSeconds: 570,
  });
  if (run.exitCode !== 0) console.log(run.lines.slice(-80).join('\n'));
  console.log(JSON.stringify([...run.results]));
  return run;
}

describeWithGuest('the guard beside a kubelet', ['containerd', 'runc', 'kubelet'], () => {
  let run: GuestRun;
  const part = (name: string) => resultOf<Record<string, number>>(run, name);

  describe('frozen containers', () => {
    beforeAll(async () => {
      run = await kubeletGuest('probes');
    }, 600_000);

    test('all containers of pods that opted in are guarded, and no other group', () => {
      expect(part('groups')).toMatchObject({ groups: 6, missing: [], others: [] });
    });

    test('50 freezes of web servers, by request: each ends before a probe would have been one too many', () => {
      expect(part('probes')).toMatchObject({ freezes: 50, restarts: 0 });
      // (5 − 1) · 2 s − 1 s, and what a virtual machine without acceleration needs to notice.
      expect(part('probes').frozenMsMax).toBeLessThan(10_000);
    });

    test('containerd restarts beside a frozen container without restarting it', () => {
      expect(part('restart')).toMatchObject({ isFrozen: true, isSame: true, isRunning: true, restarts: 0 });
    });

    test('a web server that is frozen behind the back of the guard is restarted by its probe', () => {
      expect(part('control').restarts).toBeGreaterThan(0);
    });
  });

  describe('deletion', () => {
    beforeAll(async () => {
      run = await kubeletGuest('deletion');
    }, 600_000);

    test('a pod that is deleted while it is frozen is thawed, and its handlers of SIGTERM run', () => {
      const deletion = part('deletion') as { heldMs: number; thawedMs: number };
      expect(deletion).toMatchObject({ handlers: 20, endedHeld: 20, endedFree: 3 });
      // From the removal of the pod's file, which the kubelet has to see and the guard to ask for.
      expect(deletion.thawedMs).toBeLessThan(1000);
      // Its grace period is 8 s: no container had to be killed.
      expect(deletion.heldMs).toBeLessThan(20_000);
    });
  });
});
