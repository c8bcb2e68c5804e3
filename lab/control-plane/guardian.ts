/**
 * A process that outlives us for a moment: when we end without having stopped our processes, even by SIGKILL, it ends
 * them and removes the temporary folder.
 *
 * It is a shell that waits at the end of a pipe: none of our code has to run for the pipe to close.
 */
import { spawn } from 'node:child_process';

/** Each line lists all process ids that live now; the last one read counts when the pipe closes. */
const SCRIPT = `pids=
while read -r line; do pids=$line; done
[ "$pids" = done ] && exit 0
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
[ -n "$1" ] && { sleep 1; rm -rf -- "$1"; }
exit 0`;

/** The guardian of a control plane. */
export interface Guardian {
  /** Sets the processes that have to end with us. */
  protect(pids: readonly number[]): void;
  /** Ends the guardian without any further action. */
  dismiss(): Promise<void>;
}

/** @param temporaryFolder Removed if we end unexpectedly; undefined: none. */
export function startGuardian(temporaryFolder: string | undefined): Guardian {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'guardian', temporaryFolder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => resolve()).once('error', () => resolve()),
  );
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  return {
    protect: (pids) => child.stdin.write(`${pids.join(' ')}\n`),
    dismiss: () => {
      child.ref();
      child.stdin.end('done\n');
      return ended;
    },
  };
}
