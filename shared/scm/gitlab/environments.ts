import * as v from 'valibot';
import type { Deployment } from '../../pipeline/deployment.ts';
import type { Check } from '../check-state.ts';
import { type JsonApi, statusOf } from '../json-api.ts';

const idSchema = v.object({ id: v.number() });
const environmentsSchema = v.array(
  v.object({ id: v.number(), external_url: v.nullable(v.string()) }),
);

/**
 * Tells GitLab of a deployment of one function, when it is live or has failed: it is what a merge
 * request shows with a link. The environment has the function's name and URL.
 *
 * @returns GitLab's id of the deployment; `undefined` if there is nothing to tell (yet).
 * @throws CloudError of {@link JsonApi}
 * @see https://docs.gitlab.com/api/deployments/#create-a-deployment
 */
export async function deployedTo(
  api: JsonApi,
  deployment: Deployment,
  { context, name, conclusion, detailsUrl }: Check,
): Promise<number | undefined> {
  const isEnd = conclusion === 'success' || conclusion === 'failure';
  if (!context.startsWith('fn/') || !isEnd) return undefined;
  const project = `/projects/${deployment.repoId}`;
  // A failed check links to its log: the environment keeps the address that it had.
  if (conclusion === 'success') await haveEnvironment(api, project, name, detailsUrl);
  const body = {
    environment: name,
    sha: deployment.sha,
    ref: deployment.branch,
    tag: false,
    status: conclusion === 'success' ? 'success' : 'failed',
  };
  return (await api.call({ method: 'POST', path: `${project}/deployments`, body }, idSchema)).id;
}

/** Creates an environment, or has the one of that name point to `url`. */
async function haveEnvironment(
  api: JsonApi,
  project: string,
  name: string,
  url: string,
): Promise<void> {
  const path = `${project}/environments`;
  const find = async () => {
    const call = { path: `${path}?name=${encodeURIComponent(name)}` };
    return (await api.call(call, environmentsSchema))[0];
  };
  let found = await find();
  if (found === undefined) {
    try {
      await api.call({ method: 'POST', path, body: { name, external_url: url } }, v.unknown());
      return;
    } catch (error) {
      found = statusOf(error) === 400 ? await find() : undefined;
      if (found === undefined) throw error;
    }
  }
  if (found.external_url === url) return;
  const change = {
    method: 'PUT',
    path: `${path}/${found.id}`,
    body: { external_url: url },
  } as const;
  await api.call(change, v.unknown());
}
