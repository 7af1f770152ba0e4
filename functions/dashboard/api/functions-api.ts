import { CloudError, errorMessage } from '#shared/errors.ts';
import { ask } from '../ask.ts';
import { functionRows, ownerMetricsSchema } from '../function-rows.ts';
import { functionDetailSchema } from '../function-traffic.ts';
import { relay } from '../relay.ts';
import { type ApiRoute, type Parameter, reading, streaming } from './route.ts';
import { functionListSchema, trafficDetailSchema } from './schemas.ts';
import { functionParameter, listFunctions, ownerOf, ownerParameter, ownFunction } from './whose.ts';

const windows = ['60m', '24h', '168h'];
const windowParameter: Parameter = {
  name: 'window',
  meaning: 'Over which time numbers are.',
  values: windows,
};

const logParameters: readonly Parameter[] = [
  { name: 'since', meaning: 'A time (RFC 3339), or a duration before now such as 30m.' },
  { name: 'until', meaning: 'As `since`; later lines are left out.' },
  { name: 'tail', meaning: 'At most so many of the newest lines.' },
  { name: 'follow', meaning: '1: the answer goes on as the log grows.', values: ['1'] },
  { name: 'filter', meaning: 'Only lines that contain this text, in any case.' },
  { name: 'instance', meaning: 'Only lines of this replica.' },
];

/** Functions, their numbers and their logs. */
export const functionRoutes: readonly ApiRoute[] = [
  reading({
    name: 'functions',
    summary: 'All functions of an owner, with their traffic.',
    query: [ownerParameter, windowParameter],
    answer: functionListSchema,
    async act(parts, { query, visitor }) {
      const owner = ownerOf(query.get('owner'), visitor);
      const asked = { user: owner, metrics_window: windowOf(query), detail: '1' };
      let metricsProblem: string | null = null;
      const metrics = ask(parts, 'system-metrics', asked, ownerMetricsSchema).catch(
        (error: unknown) => {
          // The list is worth more than its numbers.
          metricsProblem = errorMessage(error);
          return undefined;
        },
      );
      const listed = await listFunctions(parts, owner, visitor);
      const functions = functionRows(owner, listed, await metrics, parts.urls);
      return { functions, metricsProblem };
    },
  }),
  reading({
    name: 'function-traffic',
    summary: 'Requests, errors and latencies of a function over time.',
    query: [ownerParameter, functionParameter, windowParameter],
    answer: trafficDetailSchema,
    async act(parts, { query, visitor }) {
      const { service } = await ownFunction(parts, functionOf(query), visitor);
      const asked = { function: service, metrics_window: windowOf(query), detail: '1' };
      return await ask(parts, 'system-metrics', asked, functionDetailSchema);
    },
  }),
  streaming({
    name: 'function-log',
    summary: 'The log of a function: server-sent events with a JSON line each.',
    query: [ownerParameter, functionParameter, ...logParameters],
    answer: 'text/event-stream',
    async act(parts, { query, visitor, response, signal }) {
      const { service } = await ownFunction(parts, functionOf(query), visitor);
      const given = logParameters.flatMap(({ name }) => {
        const value = query.get(name);
        return value === null ? [] : [[name, value]];
      });
      const asked = { function: service, ...Object.fromEntries(given) };
      await relay(parts, 'function-logs', asked, 'text/event-stream', response, signal);
    },
  }),
];

function functionOf(query: URLSearchParams) {
  return { owner: query.get('owner'), function: query.get('function') };
}

function windowOf(query: URLSearchParams): string {
  const window = query.get('window') ?? '60m';
  if (!windows.includes(window)) {
    throw new CloudError('OFC_BAD_REQUEST', `window must be one of ${windows.join(', ')}.`);
  }
  return window;
}
