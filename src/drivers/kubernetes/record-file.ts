/**
 * Records the inputs of the pod scheduler to a file that `teg replay` reads.
 *
 * Recording never disturbs scheduling: after `openRecordFile` nothing throws and nothing waits. A disk that is full,
 * broken or too slow, an event that is too long, or a file at its size limit ends the recording with one warning. A log
 * with a hole could not be replayed, so nothing is left out before that.
 */
import { constants, createWriteStream, type WriteStream } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { createGzip, type Gzip, constants as zlib } from 'node:zlib';
import { PodLogWriter, type PodLogWriterOptions } from '../../governor/pods/log/pod-log.ts';
import type { PodEffect, PodEvent, PodSchedulerOptions } from '../../governor/pods/pod-events.ts';
import { TegError } from '../../model/errors.ts';

/** How to record. */
export interface RecordFileOptions extends PodLogWriterOptions {
  /** Bytes of the file after which recording ends; the line that reaches it is still written. Default 4 GiB. */
  readonly bytesMax?: number;
  /** Bytes that may wait for the disk; default 64 MiB. */
  readonly backlogBytesMax?: number;
  /** Most milliseconds that written data stays in memory; default 1,000. */
  readonly flushMs?: number;
  /** Called once, if recording ends before `close`. */
  readonly onWarning: (message: string) => void;
}

/** State of the recording, for metrics. */
export interface RecordFacts {
  readonly recording: boolean;
  readonly steps: number;
  /** Bytes on their way to the file or in it, before packing. */
  readonly bytes: number;
  /** Why it ended early; '' if it did not. */
  readonly stopped: string;
}

const BYTES_MAX = 4 * 1024 ** 3;
const BACKLOG_BYTES_MAX = 64 * 1024 ** 2;
const FLUSH_MS = 1_000;

/** Characters that are gathered before they are handed on. */
const CHUNK_CHARS = 65_536;

/**
 * Opens the file. An existing file is kept as `PATH.1` (the log of a scheduler that was killed is worth most).
 *
 * @param path      Packed with gzip if it ends in `.gz`.
 * @param scheduler Options of the pod scheduler, for the head of the log.
 * @throws TegError TEG_OUTPUT_FAILED if the file cannot be opened.
 */
export async function openRecordFile(
  path: string,
  scheduler: PodSchedulerOptions,
  options: RecordFileOptions,
): Promise<RecordFile> {
  let handle: FileHandle;
  try {
    await keepPrevious(path);
    handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TegError(
      'TEG_OUTPUT_FAILED',
      `${path}: got ${reason} on opening it for the event log, expected a file that can be written; name another (--record)`,
      { cause },
    );
  }
  return new RecordFile(path, handle, scheduler, options);
}

/** Devices and pipes are left alone. */
async function keepPrevious(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() && found.size > 0) await rename(path, `${path}.1`);
}

/** A recording. Made by `openRecordFile`. */
export class RecordFile {
  private readonly path: string;
  private readonly writer: PodLogWriter;
  private readonly file: WriteStream;
  private readonly gzip: Gzip | undefined;
  private readonly bytesMax: number;
  private readonly backlogBytesMax: number;
  private readonly onWarning: (message: string) => void;
  private readonly timer: NodeJS.Timeout;
  private readonly ended: Promise<void>;
  private pending = '';
  private bytes = 0;
  private stopped = '';
  /** True if the packer may hold data back. */
  private isPacking = false;
  private isOpen = true;

  /** See `openRecordFile`. */
  constructor(path: string, handle: FileHandle, scheduler: PodSchedulerOptions, options: RecordFileOptions) {
    this.path = path;
    this.writer = new PodLogWriter(scheduler, options);
    this.bytesMax = options.bytesMax ?? BYTES_MAX;
    this.backlogBytesMax = options.backlogBytesMax ?? BACKLOG_BYTES_MAX;
    this.onWarning = options.onWarning;
    this.file = createWriteStream(path, { fd: handle });
    this.gzip = path.endsWith('.gz') ? createGzip({ level: 1 }) : undefined;
    this.gzip?.pipe(this.file);
    this.file.on('error', (error) => this.fail(error));
    this.gzip?.on('error', (error) => this.fail(error));
    this.ended = new Promise((resolve) => {
      this.file.once('close', () => resolve());
    });
    this.timer = setInterval(() => this.flush(true), options.flushMs ?? FLUSH_MS);
    this.timer.unref();
    this.take(this.writer.head());
  }

  /** How it goes. */
  get facts(): RecordFacts {
    const { bytes, stopped, isOpen } = this;
    return { recording: isOpen, steps: this.writer.steps, bytes, stopped };
  }

  /** Takes a step that was carried out; see `PodLogWriter.step`. Never throws. */
  step(event: PodEvent, timeSeconds: number, effects: readonly PodEffect[] | undefined): void {
    if (!this.isOpen) return;
    try {
      this.take(this.writer.step(event, timeSeconds, effects));
    } catch (error) {
      this.stop(error instanceof Error ? error.message : String(error));
      return;
    }
    const { gzip, file } = this;
    const backlog = (gzip?.writableLength ?? 0) + file.writableLength;
    const size = gzip === undefined ? this.bytes : file.bytesWritten + backlog + this.pending.length;
    if (size >= this.bytesMax) this.stop(`the limit of ${this.bytesMax} bytes is reached`);
    else if (backlog > this.backlogBytesMax) {
      this.fail(
        new Error(`more than ${this.backlogBytesMax} bytes wait to be written, the disk is too slow`),
      );
    }
  }

  /** Ends the log and waits until it is on its way to the disk. Never rejects; harmless if called again. */
  async close(): Promise<void> {
    this.end('complete');
    await this.ended;
  }

  private take(text: string): void {
    this.pending += text;
    this.bytes += Buffer.byteLength(text);
    if (this.pending.length >= CHUNK_CHARS) this.flush(false);
  }

  /** @param through Also flush the packer: a reader of the current file then gets everything. */
  private flush(through: boolean): void {
    if (!this.isOpen) return;
    if (this.pending !== '') {
      (this.gzip ?? this.file).write(this.pending);
      this.pending = '';
      this.isPacking = this.gzip !== undefined;
    }
    if (!through || !this.isPacking) return;
    this.gzip?.flush(zlib.Z_SYNC_FLUSH);
    this.isPacking = false;
  }

  private end(reason: string): void {
    if (!this.isOpen) return;
    this.take(this.writer.end(reason));
    this.flush(false);
    this.isOpen = false;
    clearInterval(this.timer);
    (this.gzip ?? this.file).end();
  }

  /** Ends the log in order. */
  private stop(reason: string): void {
    this.warn(reason);
    this.end(reason);
  }

  /** Abandons the file. */
  private fail(error: Error): void {
    if (this.stopped === '') this.warn(error.message);
    this.isOpen = false;
    this.pending = '';
    clearInterval(this.timer);
    this.gzip?.destroy();
    this.file.destroy();
  }

  private warn(reason: string): void {
    this.stopped = reason;
    this.onWarning(
      `recording to ${this.path} ended after ${this.writer.steps} steps: ${reason}; scheduling continues without it`,
    );
  }
}
