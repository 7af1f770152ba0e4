import * as v from 'valibot';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { JsonApi } from '../json-api.ts';
import type { Reporter } from '../reporter.ts';
import { createStatusReporter } from '../status-reporter.ts';

/**
 * Reports as commit statuses.
 *
 * @see https://docs.gitea.com/api/#tag/repository/operation/repoCreateStatus
 */
export function createGiteaStatuses({
  api,
  store,
}: {
  readonly api: JsonApi;
  readonly store: ObjectStore;
}): Reporter {
  return createStatusReporter(store, async ({ fullName, sha }, status) => {
    const repo = fullName.split('/').map(encodeURIComponent).join('/');
    const path = `/repos/${repo}/statuses/${sha}`;
    await api.call({ method: 'POST', path, body: status }, v.unknown());
    return true;
  });
}
