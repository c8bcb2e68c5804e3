/** The result of a replay as text. */
import type { PodReplayResult, ReplayDifference } from '../../drivers/kubernetes/replay-log.ts';
import { formatCount, formatDuration, formatFixed } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import { printExplanation } from './explanation-text.ts';

/** Effects of a step that are shown; the JSON has all. */
const EFFECTS_SHOWN = 20;

/** Prints it to standard output. */
export function printReplay(result: PodReplayResult): void {
  const { steps, compared, decisions, binds, unschedulable, evictions, gangsReleased } = result;
  const span = formatDuration(result.toSeconds - result.fromSeconds);
  print(`${formatCount(steps)} steps over ${span}: ${formatCount(decisions)} decisions`);
  const parts = [`${formatCount(binds)} binds`, `${formatCount(unschedulable)} reported unschedulable`];
  if (evictions > 0) parts.push(`${formatCount(evictions)} evictions`);
  if (gangsReleased > 0) parts.push(`${formatCount(gangsReleased)} gangs released`);
  print(parts.join(', '));
  if (result.end === 'cut off') print('the log is cut off: its writer did not end in order');
  else if (result.end !== 'complete') print(`recording ended early: ${result.end}`);
  if (result.pod !== null) printPod(result);
  print('');
  if (result.difference !== null) printDifference(result.difference);
  else if (result.failure !== '')
    print(`the core FAILED at the last step, as it did when it was recorded:\n${result.failure}`);
  else if (compared === steps) print('identical');
  else
    print(
      `identical in ${formatCount(compared)} steps; the log has no digest of the other ${formatCount(steps - compared)}`,
    );
}

function printDifference(difference: ReplayDifference): void {
  const { step, line, event, recorded, replayed, failure } = difference;
  print(`DIFFERENT at step ${step} (line ${line}), event ${JSON.stringify(event)}`);
  print(recorded === null ? 'recorded: only a digest' : `recorded: ${formatCount(recorded.length)} effects`);
  printEffects(recorded ?? []);
  if (failure !== '') {
    print(`replayed: the core FAILED: ${failure}`);
    return;
  }
  print(`replayed: ${formatCount(replayed?.length ?? 0)} effects`);
  printEffects(replayed ?? []);
}

function printEffects(effects: readonly unknown[]): void {
  for (const effect of effects.slice(0, EFFECTS_SHOWN)) print(`  ${JSON.stringify(effect)}`);
  if (effects.length > EFFECTS_SHOWN)
    print(`  … and ${effects.length - EFFECTS_SHOWN} more (--json has them)`);
}

function printPod({ pod, fromSeconds, toSeconds }: PodReplayResult): void {
  if (pod === null) return;
  print('');
  printTable(
    [
      { header: 'step', align: 'right' },
      { header: 'after', align: 'right' },
      { header: pod.pod, shrink: false },
      { header: '' },
    ],
    pod.history.map(({ step, timeSeconds, what, detail }) => [
      String(step),
      `${formatFixed(timeSeconds - fromSeconds, 3)} s`,
      what,
      detail,
    ]),
  );
  if (pod.omitted > 0) print(`… and ${formatCount(pod.omitted)} more`);
  if (pod.explanation === null) return;
  print('\nas of the last step:');
  printExplanation(pod.explanation, toSeconds);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
