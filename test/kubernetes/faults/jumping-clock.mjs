/**
 * Preloaded into a process (`--import`): with each SIGUSR2 its wall clock jumps, as after a bad time server. The
 * monotonic clock goes on, as a machine's does.
 */
const HOUR = 3_600_000;
const JUMPS = [HOUR, -2 * HOUR, 24 * HOUR, -365 * 24 * HOUR, 400 * 24 * HOUR];
const RealDate = Date;
let offset = 0;
let jump = 0;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});

function now() {
  return RealDate.now() + offset;
}

process.on('SIGUSR2', () => {
  offset += JUMPS[jump++ % JUMPS.length] ?? 0;
  process.stderr.write(`clock jumps to ${new Date().toISOString()}\n`);
});
