import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import {
  labelValue,
  type Owner,
  parseFunctionKey,
  type RepoName,
  serviceName,
} from '#shared/names.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { belongsTo, cloudLabel } from '#shared/pipeline/labels.ts';
import type { GarbageMessage, Messages } from '#shared/pipeline/messages.ts';
import { isNewestHead, type Records } from '#shared/pipeline/records.ts';
import { secretRecordPrefix } from '#shared/sealed-secrets/sealed-files.ts';

/**
 * The functions that a message asks to remove, of all that the gateway has: the owner's own, of that
 * repo and branch, not newer than the deployment that asks.
 *
 * @param isNewest Whether the deployment that asks is the branch's newest, whatever the ids say:
 * webhooks can overtake each other.
 */
export function orphans(
  functions: readonly FunctionStatus[],
  { owner, repo, functions: kept, only, from, of }: GarbageMessage,
  isNewest: boolean,
): FunctionStatus[] {
  const keep = new Set<string>(kept.map((key) => serviceName(owner, parseFunctionKey(key))));
  const named =
    only && new Set<string>(only.map((key) => serviceName(owner, parseFunctionKey(key))));
  return functions.filter((fn) => {
    if (named !== undefined && !named.has(fn.name)) return false;
    const labels = fn.labels ?? {};
    if (!belongsTo(fn, owner) || keep.has(fn.name)) return false;
    if (from !== undefined && (labels[cloudLabel.scm] ?? 'github') !== from.scm) return false;
    // A repo that was renamed has its id still.
    const isOfRepo =
      from?.repoId !== undefined && labels[cloudLabel.repoId] !== undefined
        ? labels[cloudLabel.repoId] === String(from.repoId)
        : labels[cloudLabel.repo] === labelValue(repo);
    if (repo !== '*' && !isOfRepo) return false;
    if (of === undefined) return true;
    const sameBranch = labels[cloudLabel.branch] === labelValue(of.branch);
    return sameBranch && (isNewest || (labels[cloudLabel.deployment] ?? '') <= of.id);
  });
}

/** Removes {@link orphans} from the gateway; gives their names. */
export async function collect(
  gateway: Pick<GatewayClient, 'list' | 'get' | 'remove'>,
  records: Pick<Records, 'newestHead'>,
  message: GarbageMessage,
): Promise<string[]> {
  const { owner, repo, of } = message;
  const isNewest = async () =>
    of !== undefined && repo !== '*' && isNewestHead(records, { owner, repo, ...of });
  const removed: string[] = [];
  for (const { name } of orphans(await gateway.list(), message, await isNewest())) {
    // A newer push can have deployed it again since the list was made.
    const now = await gateway.get(name);
    if (now === undefined || orphans([now], message, await isNewest()).length === 0) continue;
    await gateway.remove(name);
    removed.push(name);
  }
  return removed;
}

/** Has the secrets removed that go with it; most owners have none. */
export async function collectSecrets(
  {
    store,
    messages,
  }: { store: Pick<ObjectStore, 'list'>; messages: Pick<Messages, 'pruneSecrets'> },
  message: GarbageMessage,
): Promise<void> {
  const sealed = await store.list(secretRecordPrefix(message.owner), { limit: 1 });
  if (sealed.length > 0) await messages.pruneSecrets(message);
}

/**
 * Forgets all but the newest deployments of a repo that were live, and all but the newest that were not,
 * with their contexts; never one at work. Pushes that fail or are skipped take no roll-back away.
 *
 * @param keep How many of each stay.
 */
export async function prune(
  records: Records,
  owner: Owner,
  repo: RepoName,
  keep: number,
): Promise<number> {
  const all = await records.deploymentsOf(owner, repo);
  let forgotten = 0;
  if (all.length <= keep) return 0;
  const seen = { live: 0, other: 0 };
  for (const ref of all.reverse()) {
    const closed = (await records.load(ref))?.closed;
    const kind = closed?.state === 'live' ? 'live' : 'other';
    seen[kind] += 1;
    if (seen[kind] <= keep) continue;
    if (closed === undefined || (await records.isOpen(ref))) continue;
    await records.forget(ref);
    forgotten += 1;
  }
  return forgotten;
}
