/**
 * Pairing heaps of waiting jobs, whose links are fields of the job table.
 *
 * Order: `queue-order.ts`. Ranks are unique, so the order is total and the first job does not depend on the heap's
 * form. Any job can be removed.
 *
 * Invariants: a root's previous is −1, a first child's its parent, any other child's its left sibling; no job goes
 * before its parent.
 *
 * @source Fredman, Sedgewick, Sleator & Tarjan 1986, The pairing heap: a new form of self-adjusting heap, Algorithmica
 *   1; two-pass variant.
 */
import { goesBefore } from '../queue-order.ts';
import type { ZoneJobTable } from './zone-jobs.ts';

/** @returns True if waiting job `a` goes before waiting job `b`. */
export function jobGoesBefore(jobs: ZoneJobTable, a: number, b: number): boolean {
  return goesBefore(jobs.priorityOf(a), jobs.rankOf(a), jobs.priorityOf(b), jobs.rankOf(b));
}

/** Adds a job to the heap of `root` (−1: empty). O(1). @returns The new root. */
export function heapPush(jobs: ZoneJobTable, root: number, job: number): number {
  jobs.setFirst(job, -1);
  jobs.setNext(job, -1);
  jobs.setPrevious(job, -1);
  return root < 0 ? job : link(jobs, root, job);
}

/** Removes any job from the heap of `root`. Amortised O(log n). @returns The new root, −1 if none is left. */
export function heapRemove(jobs: ZoneJobTable, root: number, job: number): number {
  if (job === root) return mergeChildren(jobs, job);
  const before = jobs.previousOf(job);
  const after = jobs.nextOf(job);
  if (jobs.firstOf(before) === job) jobs.setFirst(before, after);
  else jobs.setNext(before, after);
  if (after >= 0) jobs.setPrevious(after, before);
  const rest = mergeChildren(jobs, job);
  return rest < 0 ? root : link(jobs, root, rest);
}

/** Joins two roots. @returns The one that goes first; the other is its first child. */
function link(jobs: ZoneJobTable, a: number, b: number): number {
  const winner = jobGoesBefore(jobs, a, b) ? a : b;
  const loser = winner === a ? b : a;
  const child = jobs.firstOf(winner);
  jobs.setNext(loser, child);
  if (child >= 0) jobs.setPrevious(child, loser);
  jobs.setPrevious(loser, winner);
  jobs.setFirst(winner, loser);
  jobs.setNext(winner, -1);
  jobs.setPrevious(winner, -1);
  return winner;
}

/** Makes one heap of a job's children: in pairs from the left, then from the right. @returns Its root or −1. */
function mergeChildren(jobs: ZoneJobTable, job: number): number {
  let pending = -1;
  let child = jobs.firstOf(job);
  while (child >= 0) {
    const second = jobs.nextOf(child);
    const rest = second >= 0 ? jobs.nextOf(second) : -1;
    const pair = second >= 0 ? link(jobs, child, second) : child;
    jobs.setNext(pair, pending);
    pending = pair;
    child = rest;
  }
  if (pending < 0) return -1;
  let root = pending;
  pending = jobs.nextOf(root);
  jobs.setNext(root, -1);
  jobs.setPrevious(root, -1);
  while (pending >= 0) {
    const next = jobs.nextOf(pending);
    root = link(jobs, root, pending);
    pending = next;
  }
  return root;
}
