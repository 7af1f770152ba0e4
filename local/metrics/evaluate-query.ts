import type { Labels } from '#shared/metrics/metrics-registry.ts';
import type { PromQuery, SumQuery } from './parse-promql.ts';
import { increaseOf, type SampleHistory } from './sample-history.ts';

/** One value of an answer. */
export interface Evaluated {
  readonly labels: Labels;
  readonly value: number;
}

/** The value of a query at a time in Unix milliseconds. */
export function evaluateQuery(history: SampleHistory, query: PromQuery, at: number): Evaluated[] {
  if (query.kind === 'sum') return evaluateSum(history, query, at);
  const { of, quantile } = query;
  const groups = new Map<string, { labels: Labels; buckets: Bucket[] }>();
  for (const { labels, value } of evaluateSum(history, of, at)) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { labels: rest, buckets: [] };
    groups.set(key, group);
    group.buckets.push({
      bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
      count: value,
    });
  }
  return Array.from(groups.values(), ({ labels, buckets }) => ({
    labels,
    value: quantileOf(quantile, buckets),
  }));
}

function evaluateSum(history: SampleHistory, query: SumQuery, at: number): Evaluated[] {
  const sums = new Map<string, { labels: Labels; value: number }>();
  for (const series of history.series(query.selector.metric)) {
    if (!query.selector.matches(series.labels)) continue;
    const labels = Object.fromEntries(
      query.by.flatMap((name) => {
        const value = series.labels[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const key = JSON.stringify(labels);
    const sum = sums.get(key) ?? { labels, value: 0 };
    sums.set(key, sum);
    sum.value += increaseOf(series, at - query.rangeMs, at);
  }
  return [...sums.values()];
}

interface Bucket {
  readonly bound: number;
  /** Observations up to `bound`. */
  readonly count: number;
}

/**
 * Interpolated within the bucket that holds it, as Prometheus does.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
 */
function quantileOf(quantile: number, unsorted: readonly Bucket[]): number {
  const buckets = [...unsorted].sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return Number.NaN;
  const rank = quantile * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const found = buckets[index];
  const before = buckets[index - 1];
  if (found === undefined || found.bound === Number.POSITIVE_INFINITY) {
    return before?.bound ?? Number.NaN;
  }
  const from = before?.bound ?? 0;
  const within = found.count - (before?.count ?? 0);
  return from + (found.bound - from) * ((rank - (before?.count ?? 0)) / within);
}
