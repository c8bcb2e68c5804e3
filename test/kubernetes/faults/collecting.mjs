/**
 * Preloaded into a process (`--import`): with each SIGUSR2 it collects its garbage and says so in its log, so that what
 * is measured afterwards is what it holds.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

process.on('SIGUSR2', () => {
  collect();
  process.stdout.write('{"level":30,"msg":"garbage is collected"}\n');
});
