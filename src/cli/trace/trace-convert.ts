/**
 * `teg trace convert`: any trace to the normal form.
 */
import { describes, type TraceKind, type TraceWarning } from '../../traces/format.ts';
import { fileInput } from '../../traces/source.ts';
import { createTraceWriter } from '../../traces/write.ts';
import { prepareOutput } from '../files/output-file.ts';
import { formatCount } from '../terminal/formatting.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { printJson } from '../terminal/json-output.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import type { TraceConvertOptions } from './trace-options.ts';
import { openTraceUntil, readingOptions, warningLine } from './trace-reading.ts';

const KINDS: readonly TraceKind[] = ['jobs', 'nodes', 'usage'];

/**
 * Reads `from` and writes `to`, a batch at a time.
 *
 * @throws TegError as the reader of the format and the writer; then `to` is as it was.
 */
export async function convertTrace(from: string, to: string, options: TraceConvertOptions): Promise<void> {
  await prepareOutput(to, [from]);
  const warnings: TraceWarning[] = [];
  const signal = interruptSignal();
  const trace = await openTraceUntil(
    signal,
    fileInput(from),
    readingOptions(options, warnings),
    options.kind,
  );
  const kind = options.kind ?? KINDS.find((candidate) => describes(trace.format, candidate)) ?? 'jobs';
  const writer = await createTraceWriter(kind, to).catch(async (error: unknown) => {
    await trace.close();
    throw error;
  });
  const progress = new ProgressLine('converting', { unit: kind });
  let count = 0;
  let others = 0;
  let tainted = 0;
  try {
    for await (const batch of trace.batches) {
      signal.throwIfAborted();
      if (batch.kind !== kind) {
        others += batch.items.length;
        continue;
      }
      await writer.write(batch.items as never);
      if (batch.kind === 'nodes') tainted += batch.items.filter(({ taints }) => taints !== undefined).length;
      count += batch.items.length;
      progress.update(count);
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    progress.finish();
  }
  if (others > 0)
    warnings.push({ message: `items other than ${kind} are left out (see --kind)`, count: others });
  if (tainted > 0)
    warnings.push({ message: 'the normal form has no taints: nodes written without theirs', count: tainted });
  report(to, kind, count, trace.context.badCount, warnings, options.json === true);
}

function report(
  file: string,
  kind: TraceKind,
  count: number,
  badRows: number,
  warnings: readonly TraceWarning[],
  isJson: boolean,
): void {
  if (isJson) {
    printJson({ file, kind, count, badRows, warnings });
    return;
  }
  for (const warning of warnings) process.stderr.write(`warning: ${warningLine(warning)}\n`);
  process.stdout.write(`${file}: ${formatCount(count)} ${kind}\n`);
}
