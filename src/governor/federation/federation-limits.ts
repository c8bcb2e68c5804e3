/**
 * Numbers that processes of a federation pack into one double, and the bounds that keep them exact.
 */
import { assert } from '../../kernel/assert.ts';

/** Versions, offers or attempts of one incarnation of a process. */
export const NUMBERS_PER_INCARNATION: number = 2 ** 32;

/** Most incarnations of a process: with its numbers each is packed into 53 bits. */
export const INCARNATIONS_MAX: number = 2 ** 21;

/** Most pods of a job on a host: with a demand and the pods that it starts with they are packed into 53 bits. */
export const PODS_PACKED_MAX: number = 2 ** 17 - 1;

/**
 * @param made Numbers given before in this incarnation, in [0, NUMBERS_PER_INCARNATION).
 * @returns    A number that no earlier incarnation gave, and greater than all of theirs.
 */
export function numberOfIncarnation(incarnation: number, made: number): number {
  assert(
    Number.isInteger(incarnation) && incarnation >= 0 && incarnation < INCARNATIONS_MAX,
    'more incarnations of a process than can be packed',
  );
  assert(made >= 0 && made < NUMBERS_PER_INCARNATION, 'an incarnation gave more numbers than can be packed');
  return incarnation * NUMBERS_PER_INCARNATION + made;
}

/** @returns Demand and sizes of a line of waiting jobs in one number: 19 + 17 + 17 bits. @param demandId Below 2^19, which its table holds. */
export function packLine(demandId: number, podCount: number, gangMin: number): number {
  assert(podCount >= 1 && podCount <= PODS_PACKED_MAX, 'a job has more pods than can be packed');
  assert(gangMin >= 0 && gangMin <= PODS_PACKED_MAX, 'a job starts with more pods than can be packed');
  return (demandId * (PODS_PACKED_MAX + 1) + podCount) * (PODS_PACKED_MAX + 1) + gangMin;
}
