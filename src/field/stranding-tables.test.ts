import { describe, expect, test } from 'vitest';
import { GeometricLattice } from './lattice.ts';
import { type FillShape, strandingTable } from './stranding-table.ts';
import { STRANDING_TABLES_MAX, StrandingTables } from './stranding-tables.ts';

const OPTIONS = { patience: 4, temperature: 800, hostOnlyWeight: 0.5 };
const lattice = new GeometricLattice(1000, 8000);
const shape = { hostMilli: 3000, gpuCount: 1, gpuMilli: 800, weight: 5 };
const host = { hostMilli: 2000, gpuCount: 0, gpuMilli: 0, weight: 1 };

/** A list of shapes that differs from those of other numbers. */
const numbered = (n: number): FillShape[] => [{ ...shape, weight: 1 + n }, host];

describe('StrandingTables', () => {
  test('give the table of the arguments, and the same one for equal numbers', () => {
    const tables = new StrandingTables();
    const table = tables.of(lattice, [shape, host], 2, OPTIONS);
    expect(table).toEqual(strandingTable(lattice, [shape, host], 2, OPTIONS));
    const again = tables.of(new GeometricLattice(1000, 8000), [{ ...shape }, { ...host }], 2, { ...OPTIONS });
    expect(again).toBe(table);
    expect(tables.built).toBe(1);
  });

  test.each<[string, Parameters<StrandingTables['of']>]>([
    ['unit', [new GeometricLattice(500, 4000), [shape, host], 2, OPTIONS]],
    ['last host point', [new GeometricLattice(1000, 9000), [shape, host], 2, OPTIONS]],
    ['GPUs of a node', [lattice, [shape, host], 1, OPTIONS]],
    ['patience', [lattice, [shape, host], 2, { ...OPTIONS, patience: 5 }]],
    ['temperature', [lattice, [shape, host], 2, { ...OPTIONS, temperature: 801 }]],
    ['weight of pods without GPU', [lattice, [shape, host], 2, { ...OPTIONS, hostOnlyWeight: 0.6 }]],
    ['host room of a shape', [lattice, [{ ...shape, hostMilli: 2000 }, host], 2, OPTIONS]],
    ['GPUs of a shape', [lattice, [{ ...shape, gpuCount: 2, gpuMilli: 1000 }, host], 2, OPTIONS]],
    ['part of a GPU', [lattice, [{ ...shape, gpuMilli: 700 }, host], 2, OPTIONS]],
    ['weight of a shape', [lattice, [{ ...shape, weight: 5.5 }, host], 2, OPTIONS]],
    ['number of shapes', [lattice, [shape], 2, OPTIONS]],
  ])('build another table for another %s', (_what, args) => {
    const tables = new StrandingTables();
    const table = tables.of(lattice, [shape, host], 2, OPTIONS);
    const other = tables.of(...args);
    expect(other).not.toEqual(table);
    expect(other).toEqual(strandingTable(...args));
    expect(tables.of(lattice, [shape, host], 2, OPTIONS)).toBe(table);
  });

  test('keep the last 12; the least recently used one is dropped and built again', () => {
    expect(STRANDING_TABLES_MAX).toBe(12);
    const tables = new StrandingTables();
    for (let n = 0; n < 12; n++) tables.of(lattice, numbered(n), 2, OPTIONS);
    const first = tables.of(lattice, numbered(0), 2, OPTIONS);
    expect(tables.built).toBe(12);
    tables.of(lattice, numbered(12), 2, OPTIONS);
    expect(tables.built).toBe(13);
    expect(tables.of(lattice, numbered(0), 2, OPTIONS)).toBe(first);
    expect(tables.built).toBe(13);
    tables.of(lattice, numbered(1), 2, OPTIONS);
    expect(tables.built).toBe(14);
  });
});
