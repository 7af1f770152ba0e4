import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { CloudError } from '../../errors.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { Deployment } from '../../pipeline/deployment.ts';
import { createCheckRunRecords } from '../check-run-records.ts';
import type { Check } from '../check-state.ts';
import { type JsonApi, statusOf } from '../json-api.ts';
import type { Reporter } from '../reporter.ts';
import { shortened } from '../shortened.ts';
import { deployedTo } from './environments.ts';

/** GitLab's limit for the description of a status. */
const maxDescription = 255;

type State = 'pending' | 'running' | 'success' | 'failed' | 'canceled';

/**
 * Reports as commit statuses, one for each context, and a live function as a deployment of an
 * environment too, so that the merge request shows its URL. A status that is under way is told once:
 * GitLab takes no second "running", and shows no description then.
 *
 * @see https://docs.gitlab.com/api/commits/#set-the-pipeline-status-of-a-commit
 */
export function createGitlabStatuses({
  api,
  store,
}: {
  readonly api: JsonApi;
  readonly store: ObjectStore;
}): Reporter {
  return {
    async report(deployment, check, _log, again) {
      const status = statusFields(deployment, check);
      const runs = createCheckRunRecords(store, deployment);
      const reported = digest(status);
      const known = await runs.get(check.context);
      if (known?.reported === reported && !again) return false;
      await post(api, deployment, status);
      const id = known?.id ?? (await told(api, deployment, check));
      await runs.put(check.context, { reported, ...(id === undefined ? {} : { id }) });
      return true;
    },
  };
}

function statusFields({ branch }: Deployment, check: Check) {
  return {
    state: stateOf(check),
    context: check.name,
    ref: branch,
    target_url: check.detailsUrl,
    ...(check.conclusion === undefined
      ? {}
      : { description: shortened(check.description, maxDescription) }),
  };
}

/** A status knows less than a check: what was left out on purpose counts as a success. */
function stateOf({ status, conclusion }: Check): State {
  if (conclusion === undefined) return status === 'queued' ? 'pending' : 'running';
  if (conclusion === 'cancelled') return 'canceled';
  return conclusion === 'failure' ? 'failed' : 'success';
}

async function post(
  api: JsonApi,
  { repoId, sha }: Deployment,
  status: ReturnType<typeof statusFields>,
): Promise<void> {
  const path = `/projects/${repoId}/statuses/${sha}`;
  try {
    await api.call({ method: 'POST', path, body: status }, v.unknown());
  } catch (error) {
    // It says so already: an earlier call came as far as GitLab, or another one was faster.
    const same = error instanceof CloudError && /cannot transition status/i.test(error.message);
    if (!same || statusOf(error) !== 400) throw error;
  }
}

/** A project can have deployments switched off. */
async function told(
  api: JsonApi,
  deployment: Deployment,
  check: Check,
): Promise<number | undefined> {
  try {
    return await deployedTo(api, deployment, check);
  } catch (error) {
    const status = statusOf(error);
    if (status === 403 || status === 404) return undefined;
    throw error;
  }
}

function digest(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
