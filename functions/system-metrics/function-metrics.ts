import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import type {
  PrometheusClient,
  RangeValues,
  SeriesLabels,
} from '#shared/prometheus/prometheus-client.ts';
import { type Matcher, promDuration, selector } from '#shared/prometheus/promql.ts';

/** Invocations that ended, as the original counts them: 200 to 399 are success. */
export interface Totals {
  readonly success: number;
  readonly failure: number;
}

/** One value for each step of the window, oldest first; `null` where there is none. */
export interface MetricsSeries {
  /** Unix seconds of each step's end. */
  readonly times: readonly number[];
  readonly success: readonly number[];
  readonly failure: readonly number[];
}

/** Seconds within which that share of the invocations ended; `null` without any. */
export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** What the details of one function show. */
export interface FunctionDetail extends Totals {
  /** Who gave the numbers; empty if that is not known. */
  readonly source: string;
  readonly windowSeconds: number;
  readonly stepSeconds: number;
  readonly latency: Latency;
  readonly series: MetricsSeries & {
    readonly [Quantile in keyof Latency]: readonly (number | null)[];
  };
}

const invocations = 'gateway_function_invocation_total';
const durations = 'gateway_functions_seconds_bucket';
/** Enough for a chart, few enough for one answer; a list shows small ones, of many functions. */
const steps = 60;
const stepsInList = 30;
const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/** The names under which the gateway counts a function: with its namespace, or bare. */
export function metricNames(fn: Pick<FunctionStatus, 'name' | 'namespace'>): string[] {
  return [`${fn.name}.${fn.namespace ?? 'openfaas-fn'}`, fn.name];
}

/** How often functions were invoked in the last `windowMs`, by deployed name. */
export async function functionTotals(
  prometheus: PrometheusClient,
  functions: readonly FunctionStatus[],
  windowMs: number,
): Promise<Map<string, Totals>> {
  const totals = new Map(functions.map(({ name }) => [name, { success: 0, failure: 0 }]));
  if (functions.length === 0) return totals;
  const counted = await prometheus.query(
    `sum by (function_name, code) (${increase(invocations, functions, windowMs)})`,
  );
  for (const { labels, value } of counted) {
    const [name = ''] = (labels['function_name'] ?? '').split('.');
    const sum = totals.get(name);
    if (sum !== undefined && Number.isFinite(value)) sum[outcome(labels)] += Math.round(value);
  }
  return totals;
}

/** Invocations of each function over the window, by deployed name: for a small chart in a list. */
export function listSeries(
  prometheus: PrometheusClient,
  functions: readonly FunctionStatus[],
  windowMs: number,
  now: number,
): Promise<Map<string, MetricsSeries>> {
  return functionSeries(prometheus, functions, rangeOf(windowMs, now, stepsInList));
}

async function functionSeries(
  prometheus: PrometheusClient,
  functions: readonly FunctionStatus[],
  range: Range,
): Promise<Map<string, MetricsSeries>> {
  if (functions.length === 0) return new Map();
  const found = await prometheus.queryRange(
    `sum by (function_name, code) (${increase(invocations, functions, range.step * 1000)})`,
    range,
  );
  const byFunction = new Map<string, RangeValues[]>();
  for (const each of found) {
    const [name = ''] = (each.labels['function_name'] ?? '').split('.');
    byFunction.set(name, [...(byFunction.get(name) ?? []), each]);
  }
  return new Map(functions.map(({ name }) => [name, seriesOf(byFunction.get(name) ?? [], range)]));
}

/** Everything about one function over the window. */
export async function functionDetail(
  prometheus: PrometheusClient,
  fn: FunctionStatus,
  windowMs: number,
  now: number,
): Promise<FunctionDetail> {
  const range = rangeOf(windowMs, now, steps);
  const stepMs = range.step * 1000;
  const quantile = (q: number, ms: number) =>
    `histogram_quantile(${q}, sum by (le) (${increase(durations, [fn], ms)}))`;
  const names = Object.keys(quantiles) as (keyof Latency)[];
  const [source, totals, series, latencies, latencySeries] = await Promise.all([
    prometheus.source().catch(() => ''),
    functionTotals(prometheus, [fn], windowMs),
    functionSeries(prometheus, [fn], range),
    Promise.all(names.map((name) => prometheus.query(quantile(quantiles[name], windowMs)))),
    Promise.all(
      names.map((name) => prometheus.queryRange(quantile(quantiles[name], stepMs), range)),
    ),
  ]);
  const whole = latencies.map((values) => finite(values[0]?.value));
  const over = latencySeries.map((values) => aligned(values[0]?.points ?? [], range));
  return {
    ...(totals.get(fn.name) ?? { success: 0, failure: 0 }),
    source,
    windowSeconds: Math.round(windowMs / 1000),
    stepSeconds: range.step,
    latency: byName(whole, null),
    series: { ...(series.get(fn.name) ?? seriesOf([], range)), ...byName(over, []) },
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Steps end at multiples of their length, so that a chart does not flicker when asked for again. */
function rangeOf(windowMs: number, now: number, count: number): Range {
  const step = Math.max(15, Math.ceil(windowMs / 1000 / count));
  const end = Math.ceil(now / 1000 / step) * step;
  return { start: end - step * (Math.ceil(windowMs / 1000 / step) - 1), end, step };
}

function timesOf({ start, end, step }: Range): number[] {
  return Array.from({ length: (end - start) / step + 1 }, (_, index) => start + index * step);
}

function seriesOf(found: readonly RangeValues[], range: Range): MetricsSeries {
  const times = timesOf(range);
  const sums = { success: times.map(() => 0), failure: times.map(() => 0) };
  for (const { labels, points } of found) {
    const sum = sums[outcome(labels)];
    aligned(points, range).forEach((value, index) => {
      sum[index] = (sum[index] ?? 0) + Math.round(value ?? 0);
    });
  }
  return { times, ...sums };
}

function aligned(points: readonly (readonly [number, number])[], range: Range): (number | null)[] {
  const at = new Map(points.map(([seconds, value]) => [Math.round(seconds), value]));
  return timesOf(range).map((time) => finite(at.get(time)));
}

function increase(
  metric: string,
  functions: readonly Pick<FunctionStatus, 'name' | 'namespace'>[],
  ms: number,
): string {
  const matcher: Matcher = ['function_name', 'in', functions.flatMap(metricNames)];
  return `increase(${selector(metric, [matcher])}[${promDuration(ms)}])`;
}

function outcome(labels: SeriesLabels): keyof Totals {
  return /^[23]\d\d$/.test(labels['code'] ?? '') ? 'success' : 'failure';
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function byName<T>([p50, p95, p99]: readonly T[], none: T): { p50: T; p95: T; p99: T } {
  return { p50: p50 ?? none, p95: p95 ?? none, p99: p99 ?? none };
}
