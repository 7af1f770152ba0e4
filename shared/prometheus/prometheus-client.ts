import axios from 'axios';
import * as v from 'valibot';
import { CloudError, errorMessage } from '../errors.ts';

/** The labels of one series. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** One value at the time that was asked about. */
export interface InstantValue {
  readonly labels: SeriesLabels;
  readonly value: number;
}

/** Values over time; `points` are Unix seconds and values, oldest first. */
export interface RangeValues {
  readonly labels: SeriesLabels;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** Prometheus' HTTP API, as far as the platform uses it. */
export interface PrometheusClient {
  /** `GET /api/v1/query`: the value now. */
  query(promql: string): Promise<InstantValue[]>;
  /** `GET /api/v1/query_range`; times are Unix seconds. */
  queryRange(
    promql: string,
    range: { readonly start: number; readonly end: number; readonly step: number },
  ): Promise<RangeValues[]>;
  /** Who answers, for people: `Prometheus 2.42.0`, or what answers in its place. */
  source(): Promise<string>;
}

const maxAnswerBytes = 16 * 1024 * 1024;

/** A time and a value as Prometheus writes it: `NaN` and `+Inf` are among them. */
type Sample = readonly [seconds: number, value: string];

/** By hand: an answer for many functions holds tens of thousands of them. */
function isSample(given: unknown): given is Sample {
  return (
    Array.isArray(given) &&
    given.length === 2 &&
    typeof given[0] === 'number' &&
    typeof given[1] === 'string'
  );
}

const sampleSchema = v.custom<Sample>(isSample);
const samplesSchema = v.custom<readonly Sample[]>(
  (given) => Array.isArray(given) && given.every(isSample),
);
const numberOf = (text: string): number => Number(text.replace('Inf', 'Infinity'));
const labelsSchema = v.record(v.string(), v.string());
const answerOf = <Result extends v.GenericSchema>(type: string, result: Result) =>
  v.object({
    status: v.literal('success'),
    data: v.object({ resultType: v.literal(type), result: v.array(result) }),
  });
const vectorSchema = answerOf('vector', v.object({ metric: labelsSchema, value: sampleSchema }));
const buildSchema = v.object({
  status: v.literal('success'),
  data: v.object({ version: v.string(), application: v.optional(v.string(), 'Prometheus') }),
});
const matrixSchema = answerOf('matrix', v.object({ metric: labelsSchema, values: samplesSchema }));

/**
 * A {@link PrometheusClient} for `url`, which has no trailing slash. Errors: `OFC_UPSTREAM`
 * (unreachable, refused, or an answer that cannot be read).
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function createPrometheusClient(url: string, timeoutMs = 10_000): PrometheusClient {
  const ask = async <Schema extends v.GenericSchema>(
    path: string,
    form: Readonly<Record<string, string>> | undefined,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> => {
    try {
      const answer = await axios.request<string>({
        url: `${url}${path}`,
        // By POST: a query for many functions is longer than a URL may be.
        ...(form === undefined ? {} : { method: 'POST', data: new URLSearchParams(form) }),
        timeout: timeoutMs,
        maxRedirects: 0,
        maxContentLength: maxAnswerBytes,
        proxy: false,
        responseType: 'text',
        transformResponse: (text: string) => text,
      });
      return v.parse(v.pipe(v.string(), v.parseJson(), schema), answer.data);
    } catch (error) {
      throw new CloudError('OFC_UPSTREAM', `Prometheus gave no answer (${errorMessage(error)}).`, {
        hint: 'Check prometheus_host and prometheus_port, and that Prometheus scrapes the gateway.',
      });
    }
  };
  return {
    async query(query) {
      const { data } = await ask('/api/v1/query', { query }, vectorSchema);
      return data.result.map(({ metric, value }) => ({
        labels: metric,
        value: numberOf(value[1]),
      }));
    },
    async source() {
      const { data } = await ask('/api/v1/status/buildinfo', undefined, buildSchema);
      return `${data.application} ${data.version}`.trim();
    },
    async queryRange(query, { start, end, step }) {
      const form = { query, start: String(start), end: String(end), step: String(step) };
      const { data } = await ask('/api/v1/query_range', form, matrixSchema);
      return data.result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([at, text]) => [at, numberOf(text)] as const),
      }));
    },
  };
}
