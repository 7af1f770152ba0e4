import { CloudError } from '../../errors.ts';
import { type Owner, parseOwner, parseRepoName, type RepoName } from '../../names.ts';

/** Where a project lives here. */
export interface ProjectNames {
  readonly owner: Owner;
  readonly repo: RepoName;
  /** The namespace as GitLab spells it. */
  readonly login: string;
}

/**
 * Owner and repo of a project: the owner is the whole path of its namespace, so that `group/sub` and
 * `group-sub` are two owners, and the repo the last segment. GitLab's paths are unique whatever their
 * case, so no two projects share both. Display names never count.
 *
 * @throws CloudError `OFC_NAME_INVALID`, or `OFC_BAD_REQUEST` without a namespace.
 */
export function parseProjectPath(pathWithNamespace: string): ProjectNames {
  const slash = pathWithNamespace.lastIndexOf('/');
  if (slash <= 0) {
    const shown = JSON.stringify(pathWithNamespace.slice(0, 100));
    throw new CloudError('OFC_BAD_REQUEST', `${shown} is not the path of a project.`);
  }
  const login = pathWithNamespace.slice(0, slash);
  return {
    owner: parseOwner(login),
    repo: parseRepoName(pathWithNamespace.slice(slash + 1)),
    login,
  };
}
