/** The jobs that wait in a running scheduler, in the form of a simulation's result: the page of `teg why`, `teg queue` and `teg prio`. */
import { claimantKey, claimantName } from '../../governor/pods/champion/claimants.ts';
import type { PodSchedulerView } from '../../governor/pods/pod-view.ts';
import { WAITING_LISTED_MAX, type WaitingReport } from '../metrics/waiting-report.ts';

const MILLI = 1000;
const MIB_PER_GIB = 1024;

/** Names of figures that are times. */
const TIME_NAME = /(At|By)Seconds$/;

/**
 * @param nowSeconds Default: time of the last step.
 * @returns All that wait, and the first `WAITING_LISTED_MAX` of them in their turn. JSON. O(pods log pods).
 */
export function waitingPage(view: PodSchedulerView, nowSeconds: number = view.timeSeconds): WaitingReport {
  const atSeconds = Math.max(nowSeconds, view.timeSeconds);
  const startsBy = new Map<string, number>();
  view.forEachChampion((key, startsBySeconds) => {
    startsBy.set(key, startsBySeconds);
  });
  const { count, listed } = view.waitingInTurn(WAITING_LISTED_MAX);
  return {
    count,
    atSeconds,
    byTenant: false,
    jobs: listed.map(({ claimant, first, tenant, needPods, reason }, position) => {
      const { demand } = first.shape;
      const startsBySeconds = startsBy.get(claimantKey(claimant));
      return {
        id: claimantName(claimant),
        tenant,
        position,
        waitedSeconds: Math.max(0, atSeconds - first.seenSeconds),
        priority: claimant.priority,
        pods: needPods,
        each: {
          gpus: demand.gpuTotalMilli / MILLI,
          cpuCores: demand.cpuMilli / MILLI,
          memoryGib: demand.memoryMib / MIB_PER_GIB,
        },
        gpuModels: [],
        requestedSeconds: Number.isFinite(first.expectedSeconds) ? first.expectedSeconds : null,
        code: reason.code,
        data: { ...reason.data },
        ...(startsBySeconds === undefined ? {} : { startsBySeconds }),
      };
    }),
  };
}

/** @returns The same with times from an origin on, such as the start of a run. */
export function timedFrom(report: WaitingReport, originSeconds: number): WaitingReport {
  return {
    ...report,
    atSeconds: report.atSeconds - originSeconds,
    jobs: report.jobs.map(({ startsBySeconds, data, ...job }) => ({
      ...job,
      data: Object.fromEntries(
        Object.entries(data).map(([name, value]) => [
          name,
          TIME_NAME.test(name) && typeof value === 'number' ? value - originSeconds : value,
        ]),
      ),
      ...(startsBySeconds === undefined ? {} : { startsBySeconds: startsBySeconds - originSeconds }),
    })),
  };
}
