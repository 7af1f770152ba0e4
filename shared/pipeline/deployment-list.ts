import { type Owner, parseRepoName, type RepoName } from '../names.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type DeploymentRef, parseDeploymentId } from './deployment.ts';

/** Which deployments of an owner are wanted. */
export interface DeploymentQuery {
  readonly repo?: RepoName;
  /** Only deployments that are older than the one of this id. */
  readonly before?: string;
  readonly limit: number;
}

/**
 * The newest deployments of an owner, newest first. It lists names only, not what lies below them:
 * one request for each thousand deployments of a repo.
 *
 * @throws CloudError `OFC_UPSTREAM`
 */
export async function newestDeployments(
  store: Pick<ObjectStore, 'folders'>,
  owner: Owner,
  { repo, before, limit }: DeploymentQuery,
): Promise<DeploymentRef[]> {
  const base = `deployments/${keyPart(owner)}/`;
  const repos = repo === undefined ? await store.folders(base) : [keyPart(repo)];
  const found = await Promise.all(
    repos.map(async (part) => {
      const ids = await store.folders(`${base}${part}/`);
      const older = before === undefined ? ids : ids.filter((id) => id < before);
      return older.slice(-limit).map((id) => ({ owner, repo: repoOfPart(part), id }));
    }),
  );
  return found
    .flat()
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit)
    .map((ref) => ({ ...ref, id: parseDeploymentId(ref.id) }));
}

/** The names of an owner's repos that were ever deployed. */
export async function deployedRepos(
  store: Pick<ObjectStore, 'folders'>,
  owner: Owner,
): Promise<RepoName[]> {
  return (await store.folders(`deployments/${keyPart(owner)}/`)).map(repoOfPart);
}

/** Undoes `keyPart`: a repo's name has no other escapes than those of its dots. */
export function repoOfPart(part: string): RepoName {
  return parseRepoName(
    part.replace(/~([0-9A-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  );
}
