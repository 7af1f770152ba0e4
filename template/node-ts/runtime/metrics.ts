/** Upper bounds in seconds: the Prometheus client's default, which the watchdog uses. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  readonly labels: string;
  readonly buckets: number[];
  count: number;
  sum: number;
}

/** Counts requests under the watchdog's metric names. */
export interface Metrics {
  observe(method: string, status: number, seconds: number): void;
  /** @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
  render(inflight: number): string;
}

/** Metrics that start at zero. */
export function createMetrics(): Metrics {
  const all = new Map<string, Series>();
  return {
    observe(method, status, seconds) {
      const key = method + status;
      let series = all.get(key);
      if (series === undefined) {
        series = createSeries(method, status);
        all.set(key, series);
      }
      series.count++;
      series.sum += seconds;
      const bucket = bounds.findIndex((bound) => seconds <= bound);
      if (bucket !== -1) series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
    },
    render: (inflight) =>
      [
        '# HELP http_requests_total total HTTP requests processed',
        '# TYPE http_requests_total counter',
        ...[...all.values()].map(({ labels, count }) => `http_requests_total{${labels}} ${count}`),
        '# HELP http_request_duration_seconds Seconds spent serving HTTP requests.',
        '# TYPE http_request_duration_seconds histogram',
        ...[...all.values()].flatMap(renderHistogram),
        '# HELP http_requests_in_flight total HTTP requests in-flight',
        '# TYPE http_requests_in_flight gauge',
        `http_requests_in_flight ${inflight}`,
        '',
      ].join('\n'),
  };
}

const createSeries = (method: string, status: number): Series => ({
  labels: `code="${status}",method="${method.toLowerCase()}"`,
  buckets: bounds.map(() => 0),
  count: 0,
  sum: 0,
});

function renderHistogram({ labels, buckets, count, sum }: Series): string[] {
  const name = 'http_request_duration_seconds';
  let below = 0;
  return [
    ...buckets.map((own, at) => {
      below += own;
      return `${name}_bucket{${labels},le="${bounds[at]}"} ${below}`;
    }),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sum}`,
    `${name}_count{${labels}} ${count}`,
  ];
}
