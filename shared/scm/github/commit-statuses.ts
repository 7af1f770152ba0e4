import type { ObjectStore } from '../../object-store/object-store.ts';
import type { Reporter } from '../reporter.ts';
import { createStatusReporter } from '../status-reporter.ts';
import type { GithubApp } from './app-client.ts';
import { repoPath } from './repo-path.ts';

/**
 * Reports as commit statuses, for where checks are not wanted. GitHub shows the newest of a context.
 *
 * @see https://docs.github.com/en/rest/commits/statuses
 */
export function createCommitStatuses({
  app,
  store,
}: {
  readonly app: GithubApp;
  readonly store: ObjectStore;
}): Reporter {
  return createStatusReporter(store, async (deployment, status) => {
    const { installationId, repoId, sha } = deployment;
    if (installationId === undefined) return false;
    await app.act({ installationId, repoId }, { statuses: 'write' }, (octokit) =>
      octokit.rest.repos.createCommitStatus({ ...repoPath(deployment), sha, ...status }),
    );
    return true;
  });
}
