import { type Owner, parseRepoName, type RepoName } from '../names.ts';
import { keyPart, textOfPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type DeploymentRef, parseDeploymentId } from './deployment.ts';

/** Which deployments of an owner are wanted. */
export interface DeploymentQuery {
  readonly repo?: RepoName;
  /** Only deployments that are older than the one of this id. */
  readonly before?: string;
  readonly limit: number;
}

/** An id with its order turned round, and back. */
function turned(id: string): string {
  return id.replace(/[0-9a-z]/g, (digit) => (35 - Number.parseInt(digit, 36)).toString(36));
}

/**
 * The key under which a deployment stands in its owner's list: stores list in the order of keys, and
 * the newest are wanted first. A store of files has a folder for the pushes of 17 hours.
 */
export function newestKey({ owner, repo, id }: DeploymentRef): string {
  return `${beforeKey(owner, id)}.${keyPart(repo)}`;
}

/** What the key of a deployment begins with, and no other's. */
function beforeKey(owner: Owner, id: string): string {
  return `${listOf(owner)}${turned(id).replace(/^..../, '$&/')}`;
}

function listOf(owner: Owner): string {
  return `newest/${keyPart(owner)}/`;
}

/**
 * The newest deployments of an owner, newest first: one request, however many there are. Those of one
 * repo are found among the names of all of that repo.
 *
 * @throws CloudError `OFC_UPSTREAM`
 */
export async function newestDeployments(
  store: Pick<ObjectStore, 'folders' | 'list'>,
  owner: Owner,
  { repo, before, limit }: DeploymentQuery,
): Promise<DeploymentRef[]> {
  if (repo !== undefined) {
    const ids = await store.folders(`deployments/${keyPart(owner)}/${keyPart(repo)}/`);
    const older = before === undefined ? ids : ids.filter((id) => id < before);
    const newest = older.slice(-limit).reverse();
    return newest.map((id) => ({ owner, repo, id: parseDeploymentId(id) }));
  }
  const prefix = listOf(owner);
  const after = before === undefined ? {} : { after: `${beforeKey(owner, before)}~` };
  const keys = await store.list(prefix, { limit, ...after });
  return keys.map((key) => {
    const [id = '', part = ''] = key
      .slice(prefix.length)
      .replace('/', '')
      .split(/\.(.*)/s);
    return { owner, repo: parseRepoName(textOfPart(part)), id: parseDeploymentId(turned(id)) };
  });
}

/** The names of an owner's repos that were ever deployed. */
export async function deployedRepos(
  store: Pick<ObjectStore, 'folders'>,
  owner: Owner,
): Promise<RepoName[]> {
  return (await store.folders(`deployments/${keyPart(owner)}/`)).map((part) =>
    parseRepoName(textOfPart(part)),
  );
}
