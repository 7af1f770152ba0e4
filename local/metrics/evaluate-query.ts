import type { Labels } from '#shared/metrics/metrics-registry.ts';
import type { PromQuery, SumQuery } from './parse-promql.ts';
import { increaseOf, type SampleHistory } from './sample-history.ts';

/** One value of an answer. */
export interface Evaluated {
  readonly labels: Labels;
  readonly value: number;
}

/**
 * Finds the series of a query, once, and gives what answers it for a time in Unix milliseconds: a range asks
 * that for many times, about thousands of series. The labels of one result are the same object each time.
 */
export function prepareQuery(
  history: SampleHistory,
  query: PromQuery,
): (at: number) => Evaluated[] {
  const sum = query.kind === 'sum' ? query : query.of;
  const groups = groupSeries(history, sum).map(({ labels, series }) => ({
    labels,
    sumAt: (at: number) =>
      series.reduce((total, each) => total + increaseOf(each, at - sum.rangeMs, at), 0),
  }));
  if (query.kind === 'sum') {
    return (at) => groups.map(({ labels, sumAt }) => ({ labels, value: sumAt(at) }));
  }
  const histograms = groupBy(groups, ({ labels: { le: _, ...rest } }) => rest);
  return (at) =>
    histograms.map(({ labels, members }) => {
      const buckets = members.map(({ labels: { le }, sumAt }) => ({
        bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
        count: sumAt(at),
      }));
      return { labels, value: quantileOf(query.quantile, buckets) };
    });
}

function groupSeries(history: SampleHistory, { by, selector }: SumQuery) {
  const selected = [...history.series(selector.metric)].filter(({ labels }) =>
    selector.matches(labels),
  );
  return groupBy(selected, ({ labels }) =>
    Object.fromEntries(
      by.flatMap((name) => {
        const value = labels[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  ).map(({ labels, members }) => ({ labels, series: members }));
}

/** What has the same labels, in the order in which they first come. */
function groupBy<T>(all: readonly T[], labelsOf: (one: T) => Labels) {
  const groups = new Map<string, { labels: Labels; members: T[] }>();
  for (const one of all) {
    const labels = labelsOf(one);
    const key = JSON.stringify(labels);
    const group = groups.get(key) ?? { labels, members: [] };
    groups.set(key, group);
    group.members.push(one);
  }
  return [...groups.values()];
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
