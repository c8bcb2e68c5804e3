/**
 * Writes jobs, nodes or usage samples as Parquet, one row group after the other, so that memory stays bounded.
 */
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { SCHEMA_VERSION, type TableLayout } from '../layout.ts';
import { COMPRESSORS } from './codecs.ts';

/** Rows of one row group. */
export const GROUP_ROWS = 65_536;

/** Takes the bytes of a file in order. */
export type ByteSink = (bytes: Uint8Array) => Promise<void>;

/** Writer of one file: `write` batches, then `finish` once. */
export class ParquetFileWriter<T> {
  private readonly layout: TableLayout<T>;
  private readonly sink: ByteSink;
  private readonly bytes = new ByteWriter();
  private readonly writer: ParquetWriter;
  private pending: T[] = [];

  /** @param sink Gets the bytes; awaited before more are made. */
  constructor(layout: TableLayout<T>, sink: ByteSink) {
    this.layout = layout;
    this.sink = sink;
    this.writer = new ParquetWriter({
      writer: this.bytes,
      schema: schemaFromColumnData({ columnData: toColumns(layout, []) }),
      kvMetadata: [
        { key: 'teg.kind', value: layout.kind },
        { key: 'teg.version', value: String(SCHEMA_VERSION) },
      ],
      codec: 'ZSTD',
      compressors: COMPRESSORS,
      createdBy: 'teg',
    });
  }

  /** Takes items; they are written when a row group is full. */
  async write(items: readonly T[]): Promise<void> {
    for (const item of items) {
      this.pending.push(item);
      if (this.pending.length === GROUP_ROWS) await this.writeGroup();
    }
  }

  /** Writes the remaining rows, and the footer. */
  async finish(): Promise<void> {
    if (this.pending.length > 0) await this.writeGroup();
    await this.writer.finish();
    await this.flush();
  }

  private async writeGroup(): Promise<void> {
    const columnData = toColumns(this.layout, this.pending);
    await this.writer.write({ columnData, rowGroupSize: this.pending.length });
    this.pending = [];
    await this.flush();
  }

  /** Hands out the bytes so far; the writer keeps counting offsets from the start of the file. */
  private async flush(): Promise<void> {
    await this.sink(new Uint8Array(this.bytes.buffer.slice(0, this.bytes.index)));
    this.bytes.index = 0;
  }
}

function toColumns<T>(layout: TableLayout<T>, items: readonly T[]): ColumnSource[] {
  return layout.columns.map(({ name, type, nullable, get }) => ({
    name,
    data: items.map(get),
    // JSON is marked as plain text, so that one bad value is one bad row when it is read.
    type: type === 'JSON' || type === 'NAMES' ? 'STRING' : type,
    nullable,
    offsetIndex: false,
  }));
}
