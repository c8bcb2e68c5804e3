/**
 * Power of known hardware: GPUs by model, and the CPUs that machines with such GPUs have.
 *
 * @source Lettich et al. 2024, Power- and Fragmentation-aware Online Scheduling for GPU Datacenters, arXiv 2412.17484, and the
 *         tables of its program: data sheets for full load, published measurements for idle GPUs, guesses for idle CPUs, and
 *         25 and 250 W for the unnamed models G1, G2 and G3 of the openb trace.
 */

/** Power of a machine's parts. */
export interface HardwarePower {
  /** Watts of one GPU that nothing runs on, and of one that something runs on: any share counts as full. */
  readonly gpuIdleWatts: number;
  readonly gpuFullWatts: number;
  /** Watts of one socket without and with a pod. */
  readonly socketIdleWatts: number;
  readonly socketFullWatts: number;
  /** Thousandths of a core (hardware thread) of a socket. */
  readonly socketMilli: number;
}

type Cpu = readonly [idle: number, full: number, threads: number];

const XEON_2682: Cpu = [15, 120, 32];
const XEON_6326: Cpu = [20, 185, 32];
const XEON_8163: Cpu = [20, 165, 48];
const XEON_8269: Cpu = [20, 205, 52];
const XEON_8369: Cpu = [20, 270, 64];

function machine(gpuIdleWatts: number, gpuFullWatts: number, [idle, full, threads]: Cpu): HardwarePower {
  return {
    gpuIdleWatts,
    gpuFullWatts,
    socketIdleWatts: idle,
    socketFullWatts: full,
    socketMilli: 1000 * threads,
  };
}

const KNOWN = new Map<string, HardwarePower>([
  ['', machine(0, 0, XEON_8269)],
  ['T4', machine(10, 70, XEON_8163)],
  ['A10', machine(30, 150, XEON_8369)],
  ['P100', machine(25, 250, XEON_2682)],
  ['V100M16', machine(30, 300, XEON_6326)],
  ['V100M32', machine(30, 300, XEON_6326)],
  ['A100', machine(50, 400, XEON_8369)],
  ['G1', machine(25, 250, XEON_2682)],
  ['G2', machine(25, 250, XEON_2682)],
  ['G3', machine(25, 250, XEON_2682)],
]);

/** @returns Power of a machine with GPUs of a model ('': without GPUs); undefined if the model is unknown. */
export function hardwarePower(gpuModel: string): HardwarePower | undefined {
  return KNOWN.get(gpuModel);
}
