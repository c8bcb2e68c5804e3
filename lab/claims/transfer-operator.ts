/**
 * The stationary law of a BAOAB chain in one dimension, without sampling noise: the density on a grid of positions and
 * momenta is pushed through the five sub-steps until it is stationary.
 *
 * Kicks and drifts shift the density along one axis; a shift is done by band-limited (trigonometric) interpolation,
 * exact to rounding for densities as smooth as these. Friction with noise is the Gaussian kernel in momentum.
 *
 * Why: biases of 10⁻⁴ would need 10⁹ sampled steps; this needs some seconds and gives six digits.
 */
import { type Dual, differentiate } from '../../src/physics/dual.ts';

/** The grid; densities must be negligible at its rim. */
interface Grid {
  readonly size: number;
  readonly positionMax: number;
  readonly momentumMax: number;
}

/** Settings of the chain. */
export interface ChainSettings {
  readonly step: number;
  readonly friction: number;
  readonly temperature: number;
}

const GRID: Grid = { size: 64, positionMax: 2.3, momentumMax: 5 };
/** The iteration ends when ⟨q²⟩ changes by less than this in a unit of time. */
const STANDSTILL = 1e-8;
const TIME_MAX = 100;

/**
 * @param field A(q), symmetric and confining, with unit scale (|q| ≤ 2.3 holds all but 10⁻¹⁰ of the mass).
 * @returns Stationary ⟨q²⟩ of BAOAB, mass 1, to about 10⁻⁷.
 */
export function stationarySquare(field: (q: Dual) => Dual, chain: ChainSettings): number {
  const { size, positionMax, momentumMax } = GRID;
  const { step, friction, temperature } = chain;
  const positions = axis(size, positionMax);
  const momenta = axis(size, momentumMax);
  const kick = shiftMatrices(
    positions.map((q) => (-step / 2) * differentiate(field, q).slope),
    size,
    2 * momentumMax,
  );
  const drift = shiftMatrices(
    momenta.map((p) => (step / 2) * p),
    size,
    2 * positionMax,
  );
  const noise = frictionKernel(momenta, Math.exp(-friction * step), temperature);
  // density[q][p], rows of momenta; the transposed copy has rows of positions.
  let density = startDensity((q) => differentiate(field, q).value, positions, momenta, temperature);
  let last = Number.NaN;
  const stepsPerUnit = Math.ceil(1 / step);
  for (let time = 0; time < TIME_MAX; time++) {
    for (let i = 0; i < stepsPerUnit; i++) {
      density = applyByRow(kick, density, size);
      density = transpose(applyByRow(drift, transpose(density, size), size), size);
      density = applySame(noise, density, size);
      density = transpose(applyByRow(drift, transpose(density, size), size), size);
      density = applyByRow(kick, density, size);
    }
    const square = meanSquare(density, positions, size);
    if (Math.abs(square - last) < STANDSTILL) return square;
    last = square;
  }
  return last;
}

function axis(size: number, max: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => -max + (2 * max * i) / size);
}

/**
 * One matrix per row: out(x_i) = in(x_i − shift), trigonometric interpolation on a period.
 *
 * @returns @shape [rows × size × size]
 */
function shiftMatrices(shifts: Float64Array, size: number, period: number): Float64Array {
  const out = new Float64Array(shifts.length * size * size);
  const spacing = period / size;
  shifts.forEach((shift, row) => {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        out[(row * size + i) * size + j] = dirichlet(
          (2 * Math.PI * ((i - j) * spacing - shift)) / period,
          size,
        );
      }
    }
  });
  return out;
}

/** Periodic sinc for an even number of points: sin(nx/2) / (n tan(x/2)). */
function dirichlet(x: number, n: number): number {
  const t = Math.tan(x / 2);
  return Math.abs(t) < 1e-14 ? Math.cos((n * x) / 2) * Math.cos(x / 2) : Math.sin((n * x) / 2) / (n * t);
}

/** Density of p' = keep·p + √(T(1 − keep²)) ξ. @shape [to × from] */
function frictionKernel(momenta: Float64Array, keep: number, temperature: number): Float64Array {
  const size = momenta.length;
  const spacing = (momenta[1] as number) - (momenta[0] as number);
  const variance = temperature * (1 - keep * keep);
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const away = (momenta[i] as number) - keep * (momenta[j] as number);
      out[i * size + j] =
        (spacing * Math.exp((-away * away) / (2 * variance))) / Math.sqrt(2 * Math.PI * variance);
    }
  }
  return out;
}

/** The law of continuous time, e^{−(A + p²/2)/T}: negligible at the rim, so that nothing is caught there. */
function startDensity(
  field: (q: number) => number,
  positions: Float64Array,
  momenta: Float64Array,
  temperature: number,
): Float64Array {
  const size = positions.length;
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const energy = field(positions[i] as number) + (momenta[j] as number) ** 2 / 2;
      out[i * size + j] = Math.exp(-energy / temperature);
    }
  }
  return out;
}

/** Row r of the density through matrix r. */
function applyByRow(matrices: Float64Array, density: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      const at = (row * size + i) * size;
      for (let j = 0; j < size; j++)
        sum += (matrices[at + j] as number) * (density[row * size + j] as number);
      out[row * size + i] = sum;
    }
  }
  return out;
}

/** Every row through the same matrix. */
function applySame(matrix: Float64Array, density: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < size; j++)
        sum += (matrix[i * size + j] as number) * (density[row * size + j] as number);
      out[row * size + i] = sum;
    }
  }
  return out;
}

function transpose(density: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) out[j * size + i] = density[i * size + j] as number;
  }
  return out;
}

function meanSquare(density: Float64Array, positions: Float64Array, size: number): number {
  let sum = 0;
  let mass = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const x = density[i * size + j] as number;
      mass += x;
      sum += x * (positions[i] as number) ** 2;
    }
  }
  return sum / mass;
}
