/** The state of reading one file: its name, limits, bad rows so far, warnings. */
import { TegError, type TegErrorCode } from '../model/errors.ts';
import type { SpecProblem } from '../model/validate.ts';
import {
  DEFAULT_ASSUMPTIONS,
  DEFAULT_LIMITS,
  type KubernetesObject,
  type ReadLimits,
  type ReadOptions,
  type TraceDefaults,
} from './format.ts';

/** Rows a batch of jobs or nodes holds: large enough that the cost of an asynchronous step vanishes. */
export const BATCH_ROWS = 1_024;

/** Most different warnings that are kept; later ones are counted under one heading. */
const WARNINGS_MAX = 100;

/**
 * The part of a reading that readers of object parts use: a part that is read once for many objects collects its
 * warnings.
 */
export type PartContext = Pick<ReadContext, 'warn' | 'note' | 'ignoredResources' | 'heedsRules'>;

/** State of reading one file. Single use. */
export class ReadContext {
  readonly file: string;
  readonly limits: ReadLimits;
  readonly assume: TraceDefaults;
  /** True if nodes that take no pods are kept; see `ReadOptions`. */
  readonly keepsCordoned: boolean;
  /** See `ReadOptions`. */
  readonly ignoredResources: ReadonlySet<string>;
  /** See `ReadOptions`. */
  readonly heedsRules: boolean;
  /** See `ReadOptions`. */
  readonly onObject: ((object: KubernetesObject) => void) | undefined;
  /** The file's column names by the names of the format; see `ReadOptions`. */
  readonly map: Readonly<Record<string, string>>;
  /** The file's own comments, for example the header of an SWF file. */
  readonly notes = new Map<string, string>();
  /** Bad rows left out so far. */
  badCount = 0;
  private readonly options: ReadOptions;
  private readonly warnings = new Map<string, number>();

  constructor(file: string, options: ReadOptions) {
    this.file = file;
    this.options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.keepsCordoned = options.keepsCordoned ?? false;
    this.ignoredResources = new Set(options.ignoredResources);
    this.heedsRules = options.heedsRules ?? false;
    this.onObject = options.onObject;
    this.map = options.map ?? {};
    this.assume = { ...DEFAULT_ASSUMPTIONS, ...options.assume };
  }

  /**
   * Reports a bad row: it is left out while the tolerance is not used up.
   *
   * @param error The error of reading the row.
   * @throws the error itself if none is tolerated or if it is not about a row (a bug, a limit); TEG_TRACE_TOO_MANY_BAD
   *   if this one is one too many.
   */
  bad(error: unknown): void {
    if (!(error instanceof TegError) || !SKIPPABLE.has(error.code)) throw error;
    const tolerated = this.options.skipBad ?? 0;
    if (tolerated === 0) throw error;
    this.badCount++;
    if (this.badCount > tolerated) {
      throw new TegError(
        'TEG_TRACE_TOO_MANY_BAD',
        `${this.file}: got ${this.badCount} bad rows, expected at most ${tolerated} (--skip-bad); the last one: ${error.message}`,
        { cause: error },
      );
    }
    this.options.onBad?.(error);
  }

  /** Counts a warning; equal messages are reported once, with their count. */
  warn(message: string, count = 1): void {
    const known = this.warnings.get(message);
    if (known === undefined && this.warnings.size >= WARNINGS_MAX) {
      this.warnings.set(FURTHER, (this.warnings.get(FURTHER) ?? 0) + count);
      return;
    }
    this.warnings.set(message, (known ?? 0) + count);
  }

  /** Keeps a comment of the file; the first 64 are kept, each cut at 200 characters. */
  note(key: string, value: string): void {
    if (this.notes.size < 64) this.notes.set(key.slice(0, 60), value.slice(0, 200));
  }

  /** Returns all warnings. Called once, at the end of the file. */
  finish(): void {
    if (this.badCount > 0) this.warn('bad rows left out', this.badCount);
    for (const [message, count] of this.warnings) this.options.onWarning?.({ message, count });
    this.warnings.clear();
  }

  /** @returns An error about a line of the file: `FILE:LINE: column 'C': got …, expected …`. */
  error(code: TegErrorCode, line: number, column: string, got: string, expected: string): TegError {
    const where = column === '' ? '' : ` column '${column}':`;
    return new TegError(code, `${this.file}:${line}:${where} got ${got}, expected ${expected}; ${ADVICE}`);
  }

  /** @returns The error about an item of a line that breaks a bound of the model. */
  problemError(line: number, problem: SpecProblem): TegError {
    const { field, got, expected } = problem;
    return this.error('TEG_TRACE_BAD_VALUE', line, field, quoted(String(got)), expected);
  }
}

const ADVICE = 'correct it';
const FURTHER = 'further warnings of other kinds';

/** Errors that concern one row only, so that the next row can still be read. */
const SKIPPABLE: ReadonlySet<TegErrorCode> = new Set<TegErrorCode>([
  'TEG_TRACE_BAD_VALUE',
  'TEG_TRACE_BAD_ROW',
  'TEG_JOB_INVALID',
  'TEG_CLUSTER_INVALID',
]);

/** @returns A text quoted for messages: in quotation marks, control characters escaped, cut at 60. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(cut);
}
