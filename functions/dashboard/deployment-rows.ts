import { LRUCache } from 'lru-cache';
import type { DeploymentRef } from '#shared/pipeline/deployment.ts';
import { deploymentPrefix, type Records } from '#shared/pipeline/records.ts';
import type { DeploymentRow } from './api/schemas.ts';
import { deploymentRow } from './deployment-view.ts';

/** A deployment as a list shows it, and the SCM that it was pushed to; `undefined` if it is gone. */
export type ReadRow = (
  ref: DeploymentRef,
) => Promise<{ readonly row: DeploymentRow; readonly scm: string } | undefined>;

/** What was removed and came back under the same id may be shown as it was for so long. */
const keptMs = 60_000;

/** Makes a {@link ReadRow}. What a list shows of a closed deployment stays as it is, so it is read once. */
export function createRowReader(records: Pick<Records, 'load'>): ReadRow {
  const closed = new LRUCache<string, NonNullable<Awaited<ReturnType<ReadRow>>>>({
    max: 2000,
    ttl: keptMs,
  });
  return async (ref) => {
    const key = deploymentPrefix(ref);
    const known = closed.get(key);
    if (known !== undefined) return known;
    const found = await records.load(ref);
    if (found === undefined) return undefined;
    const listed = { row: deploymentRow(found), scm: found.deployment.scm };
    if (found.closed !== undefined) closed.set(key, listed);
    return listed;
  };
}
