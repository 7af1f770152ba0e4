import type { ObjectStore } from '../object-store/object-store.ts';
import type { Deployment } from '../pipeline/deployment.ts';
import { checkDigest } from './check-digest.ts';
import { createCheckRunRecords } from './check-run-records.ts';
import type { Check } from './check-state.ts';
import type { Reporter } from './reporter.ts';
import { shortened } from './shortened.ts';

/** A commit status, as GitHub and Gitea have it. */
export interface CommitStatus {
  readonly context: string;
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  readonly description: string;
  readonly target_url: string;
}

/** GitHub's limit for the description of a status. */
const maxDescription = 140;

/**
 * Reports as commit statuses: the newest of a context is shown.
 *
 * @param write Writes one; false if there is nowhere to.
 */
export function createStatusReporter(
  store: ObjectStore,
  write: (deployment: Deployment, status: CommitStatus) => Promise<boolean>,
): Reporter {
  return {
    async report(deployment, check, _log, again) {
      const runs = createCheckRunRecords(store, deployment);
      const reported = checkDigest(check);
      if ((await runs.get(check.context))?.reported === reported && !again) return false;
      const status = {
        context: check.name,
        state: stateOf(check),
        description: shortened(check.description, maxDescription),
        target_url: check.detailsUrl,
      };
      if (!(await write(deployment, status))) return false;
      await runs.put(check.context, { reported });
      return true;
    },
  };
}

/** A status knows less than a check: what was left out on purpose counts as a success. */
function stateOf({ conclusion }: Check): CommitStatus['state'] {
  if (conclusion === undefined) return 'pending';
  if (conclusion === 'cancelled') return 'error';
  return conclusion === 'failure' ? 'failure' : 'success';
}
