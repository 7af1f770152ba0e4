import { LRUCache } from 'lru-cache';
import { parseRepoName } from '#shared/names.ts';
import { getJson } from '#shared/object-store/json.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import {
  type Deployment,
  deploymentSchema,
  parseDeploymentId,
} from '#shared/pipeline/deployment.ts';
import { deploymentPrefix } from '#shared/pipeline/records.ts';
import type { FunctionRow } from './api/schemas.ts';

/** Finds the deployment that put a function in place. */
export type ReadDeployment = (
  fn: Pick<FunctionRow, 'repo' | 'deployment'> & { readonly owner: Deployment['owner'] },
) => Promise<Deployment | undefined>;

/**
 * Makes a {@link ReadDeployment}. What was pushed never changes, so it is read once, however many ask.
 *
 * It gives `undefined` if its record is gone, or the label with the repo's name had to be shortened.
 */
export function createDeploymentReader(store: Pick<ObjectStore, 'get'>): ReadDeployment {
  const known = new LRUCache<string, Deployment>({
    max: 2000,
    fetchMethod: (key) => getJson(store, key, deploymentSchema),
  });
  return async ({ owner, repo, deployment }) => {
    const key = keyOf(owner, repo, deployment);
    return key === undefined ? undefined : await known.fetch(key);
  };
}

function keyOf(owner: Deployment['owner'], repo: string, id: string | null): string | undefined {
  try {
    const ref = { owner, repo: parseRepoName(repo), id: parseDeploymentId(id) };
    return `${deploymentPrefix(ref)}deployment.json`;
  } catch {
    return undefined;
  }
}
