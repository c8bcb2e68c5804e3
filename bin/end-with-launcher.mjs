/**
 * Preloaded in a program that was handed over to: where its launcher is gone without a word (kill -9), the program ends as by SIGTERM,
 * and ten seconds later in any case. Otherwise nobody who ended the launcher would know that the program still runs.
 *
 * The launcher holds the other end of a pipe, which the system closes when the launcher ends, however it ends.
 */
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/** Time to end cleanly, milliseconds. */
const GRACE_MS = 10_000;

/** `PID:DESCRIPTOR`: what inherits the variable further down has another parent, and takes no descriptor for the pipe. */
const [pid, descriptor] = (process.env.TEG_LAUNCHER ?? '').split(':').map(Number);

if (isMainThread && pid === process.ppid && descriptor !== undefined && descriptor > 2) {
  delete process.env.TEG_LAUNCHER;
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  pipe.on('error', () => {});
  pipe.on('close', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  pipe.resume();
  pipe.unref();
}
