/**
 * What has to be stopped when our own process is told to end.
 */

/** Something that runs beside us. */
interface Stoppable {
  stop(): Promise<void>;
  /** At the very end, where nothing can be waited for. */
  killNow(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const running = new Set<Stoppable>();

/**
 * Stops it on SIGINT, SIGTERM and SIGHUP, and kills it if we end without. Whoever else listens to the signal decides
 * when our process ends; if nobody does, the signal takes effect after all is stopped.
 *
 * @returns Call it when it was stopped otherwise.
 */
export function onProcessEnd(stoppable: Stoppable): () => void {
  if (running.size === 0) listen();
  running.add(stoppable);
  return () => {
    running.delete(stoppable);
    if (running.size === 0) unlisten();
  };
}

function listen(): void {
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', onExit);
}

function unlisten(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal);
  process.off('exit', onExit);
}

function onSignal(signal: NodeJS.Signals): void {
  const alone = process.listenerCount(signal) === 1;
  void Promise.allSettled([...running].map((each) => each.stop())).then(() => {
    // Our listener is gone by now, so that the signal does what it does by default.
    if (alone) process.kill(process.pid, signal);
  });
}

function onExit(): void {
  for (const each of running) each.killNow();
}
