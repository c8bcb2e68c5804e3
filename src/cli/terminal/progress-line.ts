/**
 * One line on standard error with the progress of a run: bar, done of total, rate, time left.
 *
 * Invariants: nothing is written unless the stream is a terminal; at most ten writes a second; the line is wiped by
 * `finish`, so that later output stands alone.
 */
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { wantsColor } from './color.ts';
import { formatCount, formatDuration, formatRate } from './formatting.ts';

/** The part of a terminal stream that the line needs. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Options of a `ProgressLine`. */
export interface ProgressOptions {
  /** Total work, in `unit`; absent or 0: unknown, no bar and no time left. */
  readonly total?: number;
  /** Plural noun of the counted unit, for the rate; default ''. */
  readonly unit?: string;
  /** Default: standard error. */
  readonly stream?: ProgressStream;
  /** Milliseconds of a clock that never goes back; default performance.now. */
  readonly nowMs?: () => number;
}

const WRITE_INTERVAL_MS = 100;
const BAR_WIDTH = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A progress line. Call `update` as often as convenient; it is cheap when nothing is due or the stream is not a
 * terminal.
 */
export class ProgressLine {
  private readonly stream: ProgressStream;
  private readonly nowMs: () => number;
  private readonly unit: string;
  private readonly visible: boolean;
  private readonly color: boolean;
  private readonly startedMs: number;
  private label: string;
  private total: number;
  private writtenMs = Number.NEGATIVE_INFINITY;
  private onScreen = false;

  /** @param label The running work, for example `simulating`. */
  constructor(label: string, options: ProgressOptions = {}) {
    this.label = label;
    this.total = options.total ?? 0;
    this.unit = options.unit ?? '';
    this.stream = options.stream ?? process.stderr;
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.visible = this.stream.isTTY === true && process.env.TERM !== 'dumb';
    this.color = this.visible && wantsColor(this.stream);
    this.startedMs = this.nowMs();
  }

  /**
   * Reports the work done; writes if a tenth of a second has passed since the last write.
   *
   * @param done In `unit`, from 0 to the total.
   * @param note A few words after the figures, for example the policy at work.
   * @param total Replaces the total where it became known later.
   */
  update(done: number, note = '', total?: number): void {
    if (total !== undefined) this.total = total;
    if (!this.visible) return;
    const now = this.nowMs();
    if (now - this.writtenMs < WRITE_INTERVAL_MS) return;
    this.writtenMs = now;
    this.onScreen = true;
    this.stream.write(`\r\u001b[2K${this.compose(done, note, (now - this.startedMs) / 1000)}`);
  }

  /** Changes the label; shown with the next update. */
  setLabel(label: string): void {
    this.label = label;
    this.writtenMs = Number.NEGATIVE_INFINITY;
  }

  /** Wipes the line so that something else can be printed; the next update draws it again. */
  clear(): void {
    if (this.onScreen) this.stream.write('\r\u001b[2K');
    this.onScreen = false;
    this.writtenMs = Number.NEGATIVE_INFINITY;
  }

  /** Wipes the line for good and, on a terminal only, leaves `summary` in its place if one is given. */
  finish(summary?: string): void {
    this.clear();
    if (this.visible && summary !== undefined) this.stream.write(`${summary}\n`);
  }

  /**
   * Without the last column of the terminal: writing there would wrap, and the wipe would miss a line. Some
   * pseudo-terminals report 0 columns.
   */
  private compose(done: number, note: string, elapsedSeconds: number): string {
    const widthMax = Math.max(10, (this.stream.columns || 80) - 1);
    const known = this.total > 0;
    const share = known ? Math.min(1, Math.max(0, done / this.total)) : 0;
    const rate = elapsedSeconds > 0 ? done / elapsedSeconds : 0;
    const parts = [this.label];
    const bar = known ? this.paint(progressBar(share)) : '';
    if (known) parts.push(`${Math.floor(share * 100)} %`, `${formatCount(done)}/${formatCount(this.total)}`);
    else parts.push(formatCount(done));
    if (rate > 0) parts.push(formatRate(rate, this.unit));
    if (known && share > 0 && elapsedSeconds >= 1) {
      parts.push(`${formatDuration(Math.round((elapsedSeconds * (1 - share)) / share))} left`);
    }
    if (note !== '') parts.push(note);
    return this.fit(bar, parts, widthMax);
  }

  /** Drops the bar, then parts from the end, until the line fits. */
  private fit(bar: string, parts: string[], widthMax: number): string {
    const withBar = [parts[0], bar, ...parts.slice(1)].filter((part) => part !== '').join('  ');
    if (stringWidth(withBar) <= widthMax) return withBar;
    const kept = [...parts];
    while (kept.length > 1 && stringWidth(kept.join('  ')) > widthMax) kept.pop();
    return cutToWidth(kept.join('  '), widthMax);
  }

  private paint(bar: string): string {
    return this.color ? styleText('cyan', bar, { validateStream: false }) : bar;
  }
}

/** @returns As many whole characters of a text, as people count them, as fit into `widthMax` columns. */
function cutToWidth(text: string, widthMax: number): string {
  let kept = '';
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)) {
    if (stringWidth(kept + segment) > widthMax) break;
    kept += segment;
  }
  return kept;
}

/** @param share In [0, 1]. @returns A bar of fixed width, exact to an eighth of a character. */
export function progressBar(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  return `▕${filled.padEnd(BAR_WIDTH)}▏`;
}
