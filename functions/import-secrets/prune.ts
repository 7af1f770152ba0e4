import { shortSecretName } from '#shared/names.ts';
import type { GarbageMessage } from '#shared/pipeline/messages.ts';
import { isNewestHead, type Records } from '#shared/pipeline/records.ts';
import type { SecretPlaces } from './secret-places.ts';
import type { SecretRecord, SecretRecords } from './secret-records.ts';

interface Pruning {
  readonly records: Pick<Records, 'load' | 'newestHead'>;
  readonly secretRecords: SecretRecords;
  readonly places: SecretPlaces;
}

/**
 * Removes the secrets that a repo put in place and does not seal any more: after a deployment of its
 * branch, or all of a repo or an owner that has gone. What the operator made stays.
 *
 * @returns their names
 */
export async function pruneSecrets(deps: Pruning, message: GarbageMessage): Promise<string[]> {
  const { owner } = message;
  const keep = await keptBy(deps, message);
  if (keep === undefined) return [];
  const removed: string[] = [];
  for (const record of await deps.secretRecords.list(owner)) {
    const short = shortSecretName(owner, record.name);
    if (short === undefined || keep.has(short)) continue;
    if (!(await isPrunable(deps, record, message))) continue;
    await deps.places.remove(owner, record);
    await deps.secretRecords.delete(owner, record.name);
    removed.push(record.name);
  }
  return removed;
}

/** The names that a deployment seals; `undefined` if it is not known any more. */
async function keptBy(
  { records }: Pruning,
  { owner, repo, of }: GarbageMessage,
): Promise<ReadonlySet<string> | undefined> {
  if (of === undefined || repo === '*') return new Set();
  const found = await records.load({ owner, repo, id: of.id });
  // Whoever rolled back may go forward again: what newer pushes sealed must still be there.
  if (found?.deployment.origin?.kind === 'roll-back') return undefined;
  return found?.plan?.outcome === 'planned' ? new Set(found.plan.secrets ?? []) : undefined;
}

async function isPrunable(
  { records }: Pruning,
  record: SecretRecord,
  { owner, repo, from, of }: GarbageMessage,
): Promise<boolean> {
  if (repo === '*') return true;
  // A repo that was renamed has its id still, and another one can have taken its name.
  const isOfRepo =
    from?.repoId === undefined ? record.repo === repo : record.repoId === from.repoId;
  if (!isOfRepo) return false;
  if (of === undefined) return true;
  if (record.branch !== of.branch) return false;
  // A newer push can have sealed it since; it is for that one to say what stays.
  return record.deployment <= of.id || isNewestHead(records, { owner, repo, ...of });
}
