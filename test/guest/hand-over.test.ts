/** A process that is frozen in one machine goes on in another: CRIU, two virtual machines one after the other. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resultOf, runGuest, VIRTIO_DISK } from './harness/guest.ts';
import { describeWithGuest } from './harness/guest-parts.ts';

/** What CRIU asks the kernel for. */
const CRIU_MODULES = [
  ...[
    'libcrc32c',
    'nfnetlink',
    'nf_tables',
    'x_tables',
    'ip_tables',
    'iptable_filter',
    'xt_mark',
    'tun',
    'veth',
  ],
  ...['unix_diag', 'inet_diag', 'tcp_diag', 'udp_diag', 'raw_diag', 'af_packet_diag', 'netlink_diag'],
];

interface Away {
  readonly stoodStill: boolean;
  readonly dumpMs: number;
  readonly lines: readonly string[];
}

interface In {
  readonly arrived: number;
  readonly restoreMs: number;
  readonly lines: readonly string[];
  readonly unmoved: readonly string[];
}

describeWithGuest('a hand-over', ['criu'], () => {
  test('a frozen process goes on in another machine, and writes what it would have written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'teg-hand-over-'));
    const disk = join(folder, 'disk');
    writeFileSync(disk, '');
    truncateSync(disk, 512 * 1024 * 1024);
    try {
      const options = {
        parts: ['criu'] as const,
        modules: [...VIRTIO_DISK, ...CRIU_MODULES],
        disks: [disk],
        timeoutSeconds: 150,
      };
      const first = await runGuest({ ...options, program: 'test/guest/programs/move-away.ts' });
      const away = resultOf<Away>(first, 'away');
      expect(away.stoodStill).toBe(true);
      expect(away.lines.length).toBeLessThan(100);
      const second = await runGuest({ ...options, program: 'test/guest/programs/move-in.ts' });
      const arrived = resultOf<In>(second, 'in');
      expect(arrived.arrived).toBe(away.lines.length);
      expect(arrived.lines.slice(0, away.lines.length)).toEqual(away.lines);
      expect(arrived.lines).toEqual(arrived.unmoved);
      expect(arrived.lines).toHaveLength(100);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 330_000);
});
