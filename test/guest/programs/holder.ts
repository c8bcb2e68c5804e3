/** Holds as many MiB as each line of its input says, in pages that it has written to; answers `ok` when it has them. */
import { createInterface } from 'node:readline';

const BLOCK = 1024 * 1024;
const blocks: ArrayBuffer[] = [];

createInterface(process.stdin).on('line', (line) => {
  const wanted = Number(line);
  while (blocks.length < wanted) {
    // Of its own mapping: freed at once when it is dropped and collected.
    const block = new ArrayBuffer(BLOCK);
    new Uint8Array(block).fill(blocks.length & 0xff);
    blocks.push(block);
  }
  blocks.length = Math.min(blocks.length, wanted);
  globalThis.gc?.();
  process.stdout.write('ok\n');
});
