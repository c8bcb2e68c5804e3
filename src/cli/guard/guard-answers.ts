/** `teg guard status`, `events` and `undo`: ask the running guard, or do without it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, controlPath } from '../../drivers/guard/control-socket.ts';
import type { GuardEvent } from '../../drivers/guard/guard-events.ts';
import { journalPath } from '../../drivers/guard/guard-process.ts';
import type { GuardStatus } from '../../drivers/guard/guard-status.ts';
import { selectBackend } from '../../drivers/guard/select-backend.ts';
import { undoJournal } from '../../drivers/guard/undo-journal.ts';
import { TegError } from '../../model/errors.ts';
import { interruptionIsSuccess, interruptSignal } from '../terminal/interrupt.ts';
import { printJson } from '../terminal/json-output.ts';
import { eventText, statusText } from './guard-text.ts';

const REFRESH_MS = 500;

/** Prints the status; at a terminal again and again until it is interrupted. */
export async function showStatus(stateFolder: string, isJson: boolean): Promise<void> {
  const read = async (): Promise<GuardStatus> =>
    (await ask(controlPath(stateFolder), { op: 'status' })) as GuardStatus;
  if (isJson) return printJson(await read());
  const { stdout } = process;
  if (!stdout.isTTY) return void stdout.write(`${statusText(await read())}\n`);
  interruptionIsSuccess();
  const signal = interruptSignal();
  while (!signal.aborted) {
    const text = statusText(await read(), stdout.columns);
    // To the upper left corner; the rest of each line, and what is below, is cleared.
    stdout.write(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[K\n\u001b[J`);
    await sleep(REFRESH_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Prints the events that the guard has kept. */
export async function showEvents(stateFolder: string, isJson: boolean): Promise<void> {
  const answer = (await ask(controlPath(stateFolder), { op: 'events' })) as { events: GuardEvent[] };
  if (isJson) printJson(answer.events);
  else for (const event of answer.events) process.stdout.write(`${eventText(event)}\n`);
}

/** Restores everything: by the guard if it runs, else by its journal. */
export async function undoAll(stateFolder: string, isJson: boolean): Promise<void> {
  try {
    await ask(controlPath(stateFolder), { op: 'undo' });
    if (isJson) printJson({ by: 'guard', groups: [] });
    else process.stdout.write('the guard thaws all groups, and leaves them alone for a minute\n');
  } catch (error) {
    if (!(error instanceof TegError) || error.code !== 'TEG_GUARD_NOT_RUNNING') throw error;
    const groups = undoJournal(journalPath(stateFolder), selectBackend());
    if (isJson) return printJson({ by: 'journal', groups });
    const lines = groups.map(
      ({ group, thawed, fault }) => `${group}: ${fault ?? (thawed ? 'thawed' : 'limits restored')}`,
    );
    process.stdout.write(`${lines.length === 0 ? 'nothing to restore' : lines.join('\n')}\n`);
  }
}
