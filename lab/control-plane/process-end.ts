/** The cleanup when our own process is asked to end. */

/** A process that runs beside us. */
interface Stoppable {
  stop(): Promise<void>;
  /** At the very end, where waiting is impossible. */
  killNow(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const running = new Set<Stoppable>();

/**
 * Stops it on SIGINT, SIGTERM and SIGHUP, and kills it if we end without. Another listener of the signal decides when
 * our process ends; without one, the signal takes effect after everything is stopped.
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
    // Our listener is removed by now, so the signal has its default effect.
    if (alone) process.kill(process.pid, signal);
  });
}

function onExit(): void {
  for (const each of running) each.killNow();
}
