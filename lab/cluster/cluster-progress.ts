/**
 * Progress of `teg cluster` on standard error while it gets ready: a moving line on a terminal, one line a step
 * elsewhere.
 */

import { formatDuration } from '../../src/cli/terminal/formatting.ts';
import { ProgressLine } from '../../src/cli/terminal/progress-line.ts';
import type { BuildProgress } from '../control-plane/build.ts';

/** See the module. */
export class ClusterProgress {
  private line: ProgressLine | undefined;
  private step = '';
  private startedMs = 0;

  /** Go builds something. */
  building({ binary, steps, note }: BuildProgress): void {
    this.begin(`building ${binary}`, 'once a machine, some minutes');
    this.line?.update(steps, note);
  }

  /** A step begins; the one before is done. @param hint Printed where there is no terminal to move a line on. */
  begin(step: string, hint = ''): void {
    if (step === this.step) return;
    this.end();
    this.step = step;
    this.startedMs = performance.now();
    this.line = new ProgressLine(step, { unit: step.startsWith('building') ? 'packages' : '' });
    if (!process.stderr.isTTY) process.stderr.write(`${step} …${hint === '' ? '' : ` (${hint})`}\n`);
  }

  /** Progress of the step. */
  update(done: number, total: number): void {
    this.line?.update(done, '', total);
  }

  /** The last step is done. */
  end(): void {
    const seconds = (performance.now() - this.startedMs) / 1000;
    this.line?.finish(`✓ ${this.step} (${formatDuration(seconds)})`);
    this.line = undefined;
    this.step = '';
  }

  /** The step failed. */
  abandon(): void {
    this.line?.finish();
    this.line = undefined;
  }
}
