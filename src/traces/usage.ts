/** The usage of a pod, sampled over time: the third kind of trace beside jobs and nodes. */
import type { SpecProblem } from '../model/validate.ts';

/** One sample. */
export interface UsageSample {
  readonly pod: string;
  /** Seconds from the first sample of the trace; finite. */
  readonly seconds: number;
  /** Memory in use over the pod's limit, in [0, 1]. */
  readonly memoryShare: number;
}

/** @returns The first bound that a sample breaks, or undefined. */
export function findUsageProblem(sample: UsageSample): SpecProblem | undefined {
  const { pod, seconds, memoryShare } = sample;
  if (typeof pod !== 'string' || pod === '') return { field: 'pod', got: pod, expected: 'a text, not empty' };
  if (!Number.isFinite(seconds)) return { field: 'seconds', got: seconds, expected: 'a finite number' };
  if (memoryShare >= 0 && memoryShare <= 1) return undefined;
  return { field: 'memoryShare', got: memoryShare, expected: 'a number in [0, 1]' };
}
