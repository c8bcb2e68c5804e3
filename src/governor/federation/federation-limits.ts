/**
 * Numbers that processes of a federation pack into one double, and the bounds that keep them exact.
 */
import { assert } from '../../kernel/assert.ts';

/** Versions, offers or attempts of one incarnation of a process. */
export const NUMBERS_PER_INCARNATION: number = 2 ** 32;

/** Most incarnations of a process: with its numbers each is packed into 53 bits. */
export const INCARNATIONS_MAX: number = 2 ** 21;

/** Numbers of jobs are integers below it: larger ones are those of gangs' parts. */
export const JOB_NUMBERS: number = 2 ** 44;

/** Most parts of a gang: with the number of its job each is packed into 53 bits. */
export const GANG_PARTS_MAX: number = 2 ** 9 - 1;

/**
 * @param job  A gang's number, in [0, JOB_NUMBERS).
 * @param part In [1, GANG_PARTS_MAX].
 * @returns    The number by which zones know a part of the gang: to them it is a job of its own.
 */
export function partNumber(job: number, part: number): number {
  assert(job < JOB_NUMBERS, 'the number of a gang is too large to pack');
  assert(part >= 1 && part <= GANG_PARTS_MAX, 'a gang has more parts than can be packed');
  return part * JOB_NUMBERS + job;
}

/** @returns True if a number is that of a gang's part. */
export function isPart(job: number): boolean {
  return job >= JOB_NUMBERS;
}

/** @returns The gang of a part; a job that is not one is its own. */
export function gangOf(part: number): number {
  return part % JOB_NUMBERS;
}

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

/**
 * @returns Demand and sizes of a line of waiting jobs in one number: 19 + 17 + 17 bits. @param demandId Below 2^19, which its
 * table holds.
 */
export function packLine(demandId: number, podCount: number, gangMin: number): number {
  assert(podCount >= 1 && podCount <= PODS_PACKED_MAX, 'a job has more pods than can be packed');
  assert(gangMin >= 0 && gangMin <= PODS_PACKED_MAX, 'a job starts with more pods than can be packed');
  return (demandId * (PODS_PACKED_MAX + 1) + podCount) * (PODS_PACKED_MAX + 1) + gangMin;
}
