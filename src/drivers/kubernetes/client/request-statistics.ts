/** Statistics of requests, in plain fields: counted on every request, read when metrics are scraped. */

/** Upper bounds of the duration buckets, seconds, inclusive; those of client-go's rest_client_request_duration_seconds. */
export const DURATION_BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60,
];

/** Durations of the requests of one method. */
export interface DurationHistogram {
  /** Requests per bucket (not cumulative); one more than there are bounds, the last for everything above. */
  readonly counts: Float64Array;
  sumSeconds: number;
  count: number;
}

/** Number of requests of a kind. */
export interface RequestCount {
  readonly method: string;
  /** `pods`, `pods/binding`, `events`, …; `none` for paths that do not name a resource. */
  readonly resource: string;
  /** Status as text, or `unknown` and `not-sent` as the errors are called. */
  readonly code: string;
  count: number;
}

/** Counters of one client. The number of rows is bounded by the methods, resources and codes that occur. */
export class RequestStatistics {
  private readonly rows: RequestCount[] = [];
  /** The same by resource, method and code, so that a look-up makes no text. */
  private readonly byLabels = new Map<string, Map<string, Map<string, RequestCount>>>();
  private readonly histograms = new Map<string, DurationHistogram>();

  /** Counts a request that ended. O(1). */
  record(method: string, path: string, code: string, seconds: number): void {
    this.rowOf(method, resourceOfPath(path), code).count++;
    addDuration(this.durationsOf(method), seconds);
  }

  /** @returns The counts, one row per method, resource and code that occurred; live objects, not to be changed. */
  counts(): Iterable<Readonly<RequestCount>> {
    return this.rows;
  }

  /** @returns Durations by method; live objects, not to be changed. */
  durations(): ReadonlyMap<string, DurationHistogram> {
    return this.histograms;
  }

  private rowOf(method: string, resource: string, code: string): RequestCount {
    const byCode = innerMap(innerMap(this.byLabels, resource), method);
    const known = byCode.get(code);
    if (known !== undefined) return known;
    const row: RequestCount = { method, resource, code, count: 0 };
    byCode.set(code, row);
    this.rows.push(row);
    return row;
  }

  private durationsOf(method: string): DurationHistogram {
    let histogram = this.histograms.get(method);
    if (histogram === undefined) {
      const counts = new Float64Array(DURATION_BOUNDS_SECONDS.length + 1);
      histogram = { counts, sumSeconds: 0, count: 0 };
      this.histograms.set(method, histogram);
    }
    return histogram;
  }
}

/** @returns The map under a key, made if it is not there. */
function innerMap<Value>(map: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<string, Value>();
  map.set(key, made);
  return made;
}

/** Adds one observation. */
function addDuration(histogram: DurationHistogram, seconds: number): void {
  let bucket = 0;
  while (bucket < DURATION_BOUNDS_SECONDS.length && seconds > (DURATION_BOUNDS_SECONDS[bucket] as number)) {
    bucket++;
  }
  histogram.counts[bucket] = (histogram.counts[bucket] as number) + 1;
  histogram.sumSeconds += seconds;
  histogram.count++;
}

/**
 * @returns `resource` or `resource/subresource` of an API path; `none` for others. Called for every request, so it
 *   makes no array of the segments.
 */
export function resourceOfPath(path: string): string {
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  const isApi = path.startsWith('/api/');
  if (!isApi && !path.startsWith('/apis/')) return 'none';
  let begin = skip(path, 0, isApi ? 3 : 4, end);
  // …/namespaces/NAME/pods is about pods; …/namespaces/NAME about the namespace.
  if (path.startsWith('namespaces/', begin)) {
    const inside = skip(path, begin, 2, end);
    if (inside <= end) begin = inside;
  }
  if (begin >= end) return 'none';
  const resource = segmentAt(path, begin, end);
  const sub = skip(path, begin, 2, end);
  return sub >= end ? resource : `${resource}/${segmentAt(path, sub, end)}`;
}

/** @returns Where the segment begins that is `segments` further; beyond `end` if there are fewer. */
function skip(path: string, from: number, segments: number, end: number): number {
  let at = from;
  for (let i = 0; i < segments; i++) {
    const slash = path.indexOf('/', at);
    if (slash < 0 || slash >= end) return end + 1;
    at = slash + 1;
  }
  return at;
}

function segmentAt(path: string, begin: number, end: number): string {
  const slash = path.indexOf('/', begin);
  return path.slice(begin, slash < 0 || slash > end ? end : slash);
}
