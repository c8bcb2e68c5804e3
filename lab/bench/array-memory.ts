/** Memory held by the arrays of a program: the size of its array buffers after garbage collection. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** @returns Bytes of all array buffers of this thread that are in use. Collects garbage: some 10 ms or more. */
export function arrayBytesInUse(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  return process.memoryUsage().arrayBuffers;
}
