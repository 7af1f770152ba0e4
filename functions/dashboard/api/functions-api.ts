import { authAnnotation, whoMayCallFunction } from '#shared/auth/route-policy.ts';
import { CloudError, errorMessage } from '#shared/errors.ts';
import { mapLimited } from '#shared/map-limited.ts';
import { parseFunctionKey, parseOwner } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { ask } from '../ask.ts';
import { badgeBase } from '../badge.ts';
import { functionRows, ownerMetricsSchema, webUrl } from '../function-rows.ts';
import { functionDetailSchema } from '../function-traffic.ts';
import { relay } from '../relay.ts';
import { trialSchema, tryFunction } from '../try-function.ts';
import {
  type ApiParts,
  type ApiRoute,
  acting,
  type Parameter,
  reading,
  streaming,
} from './route.ts';
import {
  functionListSchema,
  functionOneSchema,
  trafficDetailSchema,
  triedSchema,
} from './schemas.ts';
import { functionParameter, listFunctions, ownerOf, ownerParameter, ownFunction } from './whose.ts';

/** The store has others to serve while a long list is asked for the first time. */
const readsAtOnce = 16;
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
      const rows = functionRows(owner, listed, await metrics, parts.urls);
      const functions = await mapLimited(rows, readsAtOnce, async (row) => {
        const deployment = await parts.readDeployment({ ...row, owner });
        return { ...row, deployedBy: deployment?.pusher ?? null };
      });
      return { functions, metricsProblem };
    },
  }),
  reading({
    name: 'function',
    summary: 'A function: what runs, how it is configured, what its image was made from.',
    query: [ownerParameter, functionParameter],
    answer: functionOneSchema,
    async act(parts, { query, visitor }) {
      const row = await ownFunction(parts, functionOf(query), visitor);
      const owner = parseOwner(row.owner);
      const deployment = await parts.readDeployment({ ...row, owner });
      const badgePath = owner.split('/').map(encodeURIComponent).join('/');
      return {
        ...row,
        deployedBy: deployment?.pusher ?? null,
        provenance: deployment ? await provenanceOf(parts, deployment, row.name) : null,
        badgeUrl: `${parts.site.systemOrigin}${badgeBase}${badgePath}/${row.name}.svg`,
      };
    },
  }),
  acting({
    name: 'try',
    summary: 'Sends a request to a function and gives its answer.',
    body: trialSchema,
    answer: triedSchema,
    async act(parts, { body, visitor, signal }) {
      const { service, url, owner, annotations } = await ownFunction(parts, body, visitor);
      // Its own protection lets in nobody but the owner; an organisation's are not told apart here.
      const protection = whoMayCallFunction(annotations[authAnnotation]);
      if (protection === 'owner' && visitor.login.toLowerCase() !== owner) {
        throw new CloudError('OFC_FORBIDDEN', 'Only its owner may call this function.');
      }
      return await tryFunction(parts, service, url, body, signal);
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

async function provenanceOf({ records }: ApiParts, deployment: Deployment, name: string) {
  const key = parseFunctionKey(name);
  const found = await records.loadFor(deployment, key);
  const build = found?.builds.get(key);
  const planned = found?.plan?.outcome === 'planned' ? found.plan.functions : [];
  const fn = planned.find((each) => each.key === key);
  if (build?.outcome !== 'built' || fn === undefined) return null;
  const { repo, id, sha, branch, pusher, repoUrl } = deployment;
  const { image, at, seconds, cached } = build;
  const { contextDigest, lang } = fn;
  return {
    ...{ repo, id, sha, branch, pusher, repoUrl: webUrl(repoUrl) },
    ...{ image, startedAt: at - seconds * 1000, builtAt: at, seconds, cached },
    ...{ contextDigest, lang },
  };
}

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
