/**
 * Pairing heaps of waiting jobs, one for each shape, whose links are columns of the job table.
 *
 * Order: higher priority first, then lower rank (earlier submission). Ranks are unique, so the order is total and
 * what is first does not depend on the heap's form. Why a heap and no list: a job that lost its node goes back to
 * its old place in O(1), also when a whole cluster is lost at once, and any job can be cancelled.
 *
 * Invariants: `prevs` of a root is −1, of a first child its parent, of any other child its left sibling; no job
 * comes before its parent.
 *
 * @source Fredman, Sedgewick, Sleator & Tarjan 1986, The pairing heap: a new form of self-adjusting heap,
 * Algorithmica 1; two-pass variant.
 */
import type { JobTable } from './zone-jobs.ts';

/** @returns Whether waiting job `a` goes before waiting job `b`. */
export function goesBefore(jobs: JobTable, a: number, b: number): boolean {
  const pa = jobs.priorities[a] as number;
  const pb = jobs.priorities[b] as number;
  return pa !== pb ? pa > pb : (jobs.ranks[a] as number) < (jobs.ranks[b] as number);
}

/** Adds a job to the heap of `root` (−1: empty). O(1). @returns The new root. */
export function heapPush(jobs: JobTable, root: number, job: number): number {
  jobs.firsts[job] = -1;
  jobs.nexts[job] = -1;
  jobs.prevs[job] = -1;
  return root < 0 ? job : link(jobs, root, job);
}

/** Removes any job from the heap of `root`. Amortised O(log n). @returns The new root, −1 if none is left. */
export function heapRemove(jobs: JobTable, root: number, job: number): number {
  const { firsts, nexts, prevs } = jobs;
  if (job === root) return mergeChildren(jobs, job);
  const before = prevs[job] as number;
  const after = nexts[job] as number;
  if (firsts[before] === job) firsts[before] = after;
  else nexts[before] = after;
  if (after >= 0) prevs[after] = before;
  const rest = mergeChildren(jobs, job);
  return rest < 0 ? root : link(jobs, root, rest);
}

/** Joins two roots. @returns The one that goes first; the other is its first child. */
function link(jobs: JobTable, a: number, b: number): number {
  const { firsts, nexts, prevs } = jobs;
  const winner = goesBefore(jobs, a, b) ? a : b;
  const loser = winner === a ? b : a;
  const child = firsts[winner] as number;
  nexts[loser] = child;
  if (child >= 0) prevs[child] = loser;
  prevs[loser] = winner;
  firsts[winner] = loser;
  nexts[winner] = -1;
  prevs[winner] = -1;
  return winner;
}

/** Makes one heap of a job's children: in pairs from the left, then from the right. @returns Its root or −1. */
function mergeChildren(jobs: JobTable, job: number): number {
  const { firsts, nexts, prevs } = jobs;
  let pending = -1;
  let child = firsts[job] as number;
  while (child >= 0) {
    const second = nexts[child] as number;
    const rest = second >= 0 ? (nexts[second] as number) : -1;
    const pair = second >= 0 ? link(jobs, child, second) : child;
    nexts[pair] = pending;
    pending = pair;
    child = rest;
  }
  if (pending < 0) return -1;
  let root = pending;
  pending = nexts[root] as number;
  nexts[root] = -1;
  prevs[root] = -1;
  while (pending >= 0) {
    const next = nexts[pending] as number;
    root = link(jobs, root, pending);
    pending = next;
  }
  return root;
}
