/**
 * The process that restores what a guard has changed once that guard is dead. It reads heartbeats from its standard input: the end of the
 * pipe means that the guard is gone, silence that it hangs. Nothing else runs here, so that little can go wrong.
 *
 *     node watchdog-main.ts JOURNAL GUARD-PID
 */
import { existsSync, readFileSync } from 'node:fs';
import { journalWriter } from '../../guard/node/journal-records.ts';
import { selectBackend } from './select-backend.ts';
import { undoJournal } from './undo-journal.ts';
import { SILENCE_MS, WATCHDOG_END } from './watchdog-protocol.ts';

const [journal = '', pid = ''] = process.argv.slice(2);
const guard = Number(pid);
const backend = selectBackend();
let isDismissed = false;
let silence: NodeJS.Timeout | undefined;

/** A guard that hangs is ended: two that act on the same groups would be worse than none. */
function listen(): void {
  clearTimeout(silence);
  silence = setTimeout(() => {
    // Twice: what arrived while this process itself stood still is read first.
    silence = setTimeout(() => {
      if (process.ppid === guard) process.kill(guard, 'SIGKILL');
    }, SILENCE_MS / 4);
  }, SILENCE_MS);
}

function restore(): void {
  clearTimeout(silence);
  // After a restart of the guard the journal is another one's; without the state folder there is nothing to go by.
  if (isDismissed || !existsSync(journal) || journalWriter(readFileSync(journal, 'utf8')) !== guard) return;
  const groups = undoJournal(journal, backend);
  process.stderr.write(`${JSON.stringify({ event: 'restored by the watchdog', guard, groups })}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdin.on('data', (chunk: Buffer) => {
  isDismissed ||= chunk.includes(WATCHDOG_END);
  listen();
});
process.stdin.on('end', restore);
process.stdin.on('error', restore);
listen();
process.stdout.write('ready\n');
