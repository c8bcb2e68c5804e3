import { describe, expect, test } from 'vitest';
import { KeyTable } from './key-table.ts';
import { Random } from './random.ts';

describe('KeyTable', () => {
  test('agrees with a Map on a million look-ups, through growth', () => {
    const random = new Random(1);
    const table = new KeyTable(4);
    const map = new Map<string, number>();
    let differences = 0;
    for (let i = 0; i < 300_000; i++) {
      const [a, b, c] = [
        random.nextInt(50) - 25,
        random.nextInt(60) | (random.nextInt(2) << 31),
        random.nextInt(20),
      ];
      const key = `${a},${b},${c}`;
      const known = map.get(key) ?? -1;
      if (table.get(a, b, c) !== known) differences++;
      if (known < 0) {
        table.add(a, b, c, map.size);
        map.set(key, map.size);
      }
    }
    expect(differences).toBe(0);
    expect(table.size).toBe(map.size);
  });

  test('agrees with a Map while keys come and go', () => {
    const random = new Random(2);
    // Full to a half: many keys lie behind others.
    const table = new KeyTable(64);
    const map = new Map<string, number>();
    let removed = 0;
    for (let i = 0; i < 100_000; i++) {
      const [a, b, c] = [random.nextInt(5), random.nextInt(5), random.nextInt(5)];
      const key = `${a},${b},${c}`;
      if (map.has(key)) {
        table.remove(a, b, c);
        map.delete(key);
        removed++;
      } else if (map.size < 60) {
        table.add(a, b, c, i);
        map.set(key, i);
      } else table.remove(a, b, c);
      if (table.get(a, b, c) !== (map.get(key) ?? -1)) throw new Error(`step ${i}: ${key} differs`);
      if (i % 100 > 0) continue;
      for (const [each, value] of map) {
        const [x, y, z] = each.split(',').map(Number) as [number, number, number];
        expect(table.get(x, y, z)).toBe(value);
      }
    }
    expect(table.size).toBe(map.size);
    expect(removed).toBeGreaterThan(10_000);
  });

  test('forgets everything on clear', () => {
    const table = new KeyTable();
    table.add(1, 2, 3, 4);
    expect(table.get(1, 2, 3)).toBe(4);
    table.clear();
    expect(table.get(1, 2, 3)).toBe(-1);
    expect(table.size).toBe(0);
  });

  test('gives keys new values and forgets those that get none', () => {
    const table = new KeyTable(4);
    for (let i = 0; i < 1000; i++) table.add(i, i & 7, -i, i);
    table.mapValues((value) => (value % 3 === 0 ? value / 3 : -1));
    expect(table.size).toBe(334);
    for (let i = 0; i < 1000; i++) expect(table.get(i, i & 7, -i)).toBe(i % 3 === 0 ? i / 3 : -1);
    table.add(1, 1, -1, 7);
    expect(table.get(1, 1, -1)).toBe(7);
  });
});
