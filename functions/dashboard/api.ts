import type { ServerResponse } from 'node:http';
import type * as v from 'valibot';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import { type Owner, parseFunctionKey, parseOwner, parseRepoName } from '#shared/names.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { newestDeployments } from '#shared/pipeline/deployment-list.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { DeploymentRecords } from '#shared/pipeline/states.ts';
import type { PublicUrls } from '#shared/public-urls.ts';
import type { Site } from '#shared/router/site.ts';
import type { DeploymentPage, FunctionList, FunctionRow, Me } from './api-types.ts';
import { ask } from './ask.ts';
import { deploymentDetail, deploymentRow } from './deployment-view.ts';
import { functionRows, listedFunctionsSchema, ownerMetricsSchema } from './function-rows.ts';
import { functionDetailSchema } from './function-traffic.ts';
import { type Relaying, relay } from './relay.ts';

/** What the API works with. */
export interface ApiParts extends Relaying {
  readonly gateway: Parameters<typeof ask>[0]['gateway'];
  readonly store: Pick<ObjectStore, 'folders'>;
  readonly records: Pick<Records, 'load'>;
  readonly urls: PublicUrls;
  readonly site: Site;
}

/** A question of the page. */
export interface ApiRequest {
  /** Below `/dashboard/api/`. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly visitor: Identity;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

const pageSize = 25;
const windows = ['60m', '24h', '168h'];

/**
 * Answers one question: a value goes out as JSON; `undefined` means that the answer was streamed.
 *
 * @throws CloudError whose status is the answer; what belongs to others is not found.
 */
export async function answerApi(parts: ApiParts, request: ApiRequest): Promise<object | undefined> {
  const { name, query, visitor, response, signal } = request;
  const stream = (receiver: string, given: Record<string, string>, accept: string) =>
    relay(parts, receiver, given, accept, response, signal).then(() => undefined);
  switch (name) {
    case 'me':
      return me(parts.site, visitor);
    case 'functions':
      return await functions(parts, query, visitor);
    case 'function-traffic': {
      const { service } = await ownFunction(parts, query, visitor);
      return await traffic(parts, service, windowOf(query));
    }
    case 'deployments':
      return await deployments(parts, query, visitor);
    case 'deployment':
      return deploymentDetail(await ownDeployment(parts, query, visitor), parts.urls);
    case 'build-log': {
      const { owner, repo, sha } = (await ownDeployment(parts, query, visitor)).deployment;
      const key = parseFunctionKey(query.get('function'));
      const follow: Record<string, string> = query.get('follow') === '1' ? { follow: '1' } : {};
      const log = { owner, repo, sha, function: key, ...follow };
      return await stream('pipeline-log', log, 'text/plain; charset=utf-8');
    }
    case 'function-log':
      return await stream(
        'function-logs',
        {
          function: (await ownFunction(parts, query, visitor)).service,
          ...only(query, ['since', 'tail', 'follow', 'filter', 'instance']),
        },
        'text/event-stream',
      );
    default:
      throw new CloudError('OFC_NOT_FOUND', 'There is no such question.');
  }
}

function me({ systemOrigin }: Site, { login, owners }: Identity): Me {
  return { login, owners: [...new Set([login.toLowerCase(), ...owners])], site: { systemOrigin } };
}

async function functions(
  parts: ApiParts,
  query: URLSearchParams,
  visitor: Identity,
): Promise<FunctionList> {
  const owner = ownerOf(query, visitor);
  const window = windowOf(query);
  let metricsProblem: string | null = null;
  const metrics = ask(
    parts,
    'system-metrics',
    { user: owner, metrics_window: window, detail: '1' },
    ownerMetricsSchema,
  ).catch((error: unknown) => {
    // The list is worth more than its numbers.
    metricsProblem = errorMessage(error);
    return undefined;
  });
  const listed = await listFunctions(parts, owner, visitor);
  const rows = functionRows(owner, listed, await metrics, parts.urls);
  return { functions: rows, metricsProblem };
}

/** The functions of an owner of the provider where the visitor signed in: others may share the name. */
async function listFunctions(parts: ApiParts, owner: Owner, { provider }: Identity) {
  const listed = await ask(parts, 'list-functions', { user: owner }, listedFunctionsSchema);
  return listed.filter(({ labels }) => (labels[cloudLabel.scm] ?? 'github') === provider);
}

function traffic(
  parts: ApiParts,
  service: string,
  window: string,
): Promise<v.InferOutput<typeof functionDetailSchema>> {
  const query = { function: service, metrics_window: window, detail: '1' };
  return ask(parts, 'system-metrics', query, functionDetailSchema);
}

async function deployments(
  { store, records }: ApiParts,
  query: URLSearchParams,
  visitor: Identity,
): Promise<DeploymentPage> {
  const repo = query.get('repo');
  const before = query.get('before');
  const refs = await newestDeployments(store, ownerOf(query, visitor), {
    ...(repo === null ? {} : { repo: parseRepoName(repo) }),
    ...(before === null ? {} : { before: parseDeploymentId(before) }),
    limit: pageSize,
  });
  const found = await Promise.all(refs.map((ref) => records.load(ref)));
  const rows = found
    .filter((each) => each !== undefined)
    .filter(({ deployment }) => deployment.scm === visitor.provider)
    .map(deploymentRow);
  return { deployments: rows, next: refs.length < pageSize ? null : (refs.at(-1)?.id ?? null) };
}

async function ownDeployment(
  { records }: ApiParts,
  query: URLSearchParams,
  visitor: Identity,
): Promise<DeploymentRecords> {
  const found = await records.load({
    owner: ownerOf(query, visitor),
    repo: parseRepoName(query.get('repo')),
    id: parseDeploymentId(query.get('id')),
  });
  if (found?.deployment.scm !== visitor.provider) {
    throw new CloudError('OFC_NOT_FOUND', 'There is no such deployment.');
  }
  return found;
}

/** The owner a question is about; one that the visitor may not see does not exist for them. */
function ownerOf(query: URLSearchParams, { login, owners }: Identity): Owner {
  const owner = parseOwner(query.get('owner'));
  if (![login, ...owners].some((name) => name.toLowerCase() === owner)) {
    throw new CloudError('OFC_NOT_FOUND', 'There is no such owner, or nothing of theirs for you.');
  }
  return owner;
}

/** A function, by `owner` and its key, which is theirs by the gateway's word. */
async function ownFunction(
  parts: ApiParts,
  query: URLSearchParams,
  visitor: Identity,
): Promise<FunctionRow> {
  const owner = ownerOf(query, visitor);
  const listed = await listFunctions(parts, owner, visitor);
  const rows = functionRows(owner, listed, undefined, parts.urls);
  const found = rows.find(({ name }) => name === query.get('function'));
  if (found === undefined) throw new CloudError('OFC_NOT_FOUND', 'There is no such function.');
  return found;
}

function windowOf(query: URLSearchParams): string {
  const window = query.get('window') ?? '60m';
  if (!windows.includes(window)) {
    throw new CloudError('OFC_BAD_REQUEST', `window must be one of ${windows.join(', ')}.`);
  }
  return window;
}

function only(query: URLSearchParams, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}
