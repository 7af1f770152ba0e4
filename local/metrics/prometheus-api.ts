import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloudError, toCloudError } from '#shared/errors.ts';
import { prepareQuery } from './evaluate-query.ts';
import { type PromQuery, parsePromQuery } from './parse-promql.ts';
import type { SampleHistory } from './sample-history.ts';

const maxBodyBytes = 512 * 1024;
/** Where Prometheus has its version. */
const application = "the gateway's own history";
/** As in Prometheus. */
const maxPoints = 11_000;

/**
 * Answers `/api/v1/query` and `/api/v1/query_range`, by GET or POST, from our own history, and says at
 * `/api/v1/status/buildinfo` that it is not Prometheus.
 *
 * @param refresh Notes the newest values, so that an answer holds what has just happened.
 * @returns `false` if the path is another one.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function createPrometheusApi(history: SampleHistory, refresh: () => void) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const [path = '', search = ''] = (request.url ?? '').split(/\?(.*)/s);
    if (path === '/api/v1/status/buildinfo') {
      send(response, 200, { status: 'success', data: { application, version: '' } });
      return true;
    }
    const route =
      path === '/api/v1/query' ? instant : path === '/api/v1/query_range' ? range : null;
    if (route === null) return false;
    if (request.method !== 'GET' && request.method !== 'POST') {
      response.writeHead(405, { allow: 'GET, POST' }).end();
      return true;
    }
    try {
      const form = new URLSearchParams(request.method === 'GET' ? search : await read(request));
      refresh();
      const data = route(history, parsePromQuery(form.get('query') ?? ''), form);
      send(response, 200, { status: 'success', data });
    } catch (thrown) {
      const { status, text } = toCloudError(thrown);
      send(response, status, { status: 'error', errorType: 'bad_data', error: text });
    }
    return true;
  };
}

function instant(history: SampleHistory, query: PromQuery, form: URLSearchParams) {
  const at = form.has('time') ? seconds(form, 'time') : Date.now() / 1000;
  const result = prepareQuery(
    history,
    query,
  )(at * 1000).map(({ labels, value }) => ({
    metric: labels,
    value: [at, text(value)],
  }));
  return { resultType: 'vector', result };
}

function range(history: SampleHistory, query: PromQuery, form: URLSearchParams) {
  const [start, end, step] = [seconds(form, 'start'), seconds(form, 'end'), seconds(form, 'step')];
  if (step <= 0 || end < start || (end - start) / step > maxPoints) {
    throw new CloudError('OFC_BAD_REQUEST', 'start, end and step give too many points, or none.');
  }
  const evaluate = prepareQuery(history, query);
  const series = new Map<object, { metric: object; values: [number, string][] }>();
  for (let at = start; at <= end; at += step) {
    for (const { labels, value } of evaluate(at * 1000)) {
      const found = series.get(labels) ?? { metric: labels, values: [] };
      series.set(labels, found);
      found.values.push([at, text(value)]);
    }
  }
  return { resultType: 'matrix', result: [...series.values()] };
}

function seconds(form: URLSearchParams, name: string): number {
  const given = form.get(name) ?? '';
  if (!/^\d{1,12}(?:\.\d{1,9})?$/.test(given)) {
    throw new CloudError('OFC_BAD_REQUEST', `The parameter "${name}" must be in seconds.`);
  }
  return Number(given);
}

function text(value: number): string {
  return Number.isNaN(value) ? 'NaN' : String(value);
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) throw new CloudError('OFC_TOO_LARGE', 'The query is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
