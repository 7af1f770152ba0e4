import * as v from 'valibot';

const counts = v.array(v.number());
const seconds = v.array(v.nullable(v.number()));
const second = v.nullable(v.number());

/** What system-metrics answers about one function. */
export const functionDetailSchema = v.object({
  success: v.number(),
  failure: v.number(),
  /** Who gave the numbers: Prometheus, or the gateway's own history. */
  source: v.optional(v.string(), ''),
  windowSeconds: v.number(),
  stepSeconds: v.number(),
  latency: v.object({ p50: second, p95: second, p99: second }),
  series: v.object({
    times: counts,
    success: counts,
    failure: counts,
    p50: seconds,
    p95: seconds,
    p99: seconds,
  }),
});

/** Numbers and series of one function: `GET /dashboard/api/function-traffic`. */
export type FunctionTraffic = v.InferOutput<typeof functionDetailSchema>;
