/** The machine, program and time of a benchmark: without them a figure in microseconds means nothing. */
import { cpus, loadavg, totalmem } from 'node:os';

/** Facts that accompany every set of results. */
export interface MachineFacts {
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly platform: string;
  /** Processes ready to run, mean of the minute before; 1 a core is a full machine. */
  readonly loadAverage: number;
  /** ISO 8601, when the benchmark began. */
  readonly date: string;
}

/** @param now Start of the benchmark. */
export function machineFacts(now: Date): MachineFacts {
  const processors = cpus();
  return {
    cpuModel: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadAverage: Math.round(100 * (loadavg()[0] ?? 0)) / 100,
    date: now.toISOString(),
  };
}
