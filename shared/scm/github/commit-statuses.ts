import type { ObjectStore } from '../../object-store/object-store.ts';
import { checkDigest } from '../check-digest.ts';
import { createCheckRunRecords } from '../check-run-records.ts';
import type { Check } from '../check-state.ts';
import type { Reporter } from '../reporter.ts';
import type { GithubApp } from './app-client.ts';
import { repoPath } from './repo-path.ts';

/** GitHub's limit for the description of a status. */
const maxDescription = 140;

type State = 'pending' | 'success' | 'failure' | 'error';

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
  return {
    async report(deployment, check, _log, again) {
      const { installationId, repoId } = deployment;
      if (installationId === undefined) return false;
      const runs = createCheckRunRecords(store, deployment);
      const reported = checkDigest(check);
      if ((await runs.get(check.context))?.reported === reported && !again) return false;
      const { description } = check;
      await app.act({ installationId, repoId }, { statuses: 'write' }, (octokit) =>
        octokit.rest.repos.createCommitStatus({
          ...repoPath(deployment),
          sha: deployment.sha,
          context: check.name,
          state: stateOf(check),
          description:
            description.length > maxDescription
              ? `${description.slice(0, maxDescription - 1)}…`
              : description,
          target_url: check.detailsUrl,
        }),
      );
      await runs.put(check.context, { reported });
      return true;
    },
  };
}

/** A status knows less than a check: what was left out on purpose counts as a success. */
function stateOf({ conclusion }: Check): State {
  if (conclusion === undefined) return 'pending';
  if (conclusion === 'cancelled') return 'error';
  return conclusion === 'failure' ? 'failure' : 'success';
}
