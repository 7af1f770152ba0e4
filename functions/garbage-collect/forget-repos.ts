import { repoLogsPrefix } from '#shared/build-log/log-keys.ts';
import type { RepoName } from '#shared/names.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { type Deployment, type DeploymentRef, refOf } from '#shared/pipeline/deployment.ts';
import { deployedRepos } from '#shared/pipeline/deployment-list.ts';
import type { GarbageMessage, Messages } from '#shared/pipeline/messages.ts';
import type { Records } from '#shared/pipeline/records.ts';

interface Forgetting {
  readonly records: Records;
  readonly store: Pick<ObjectStore, 'list' | 'delete' | 'folders'>;
  readonly messages: Pick<Messages, 'advance'>;
}

/** Deletions that run together. */
const together = 20;

/**
 * Ends what is at work for a repo that has gone, or for all of an owner who has: nothing of it may be
 * rolled out after its functions were removed.
 *
 * @throws CloudError of the store and the queue.
 */
export async function cancelOpen(
  { records, messages }: Forgetting,
  message: GarbageMessage,
  now: number,
): Promise<void> {
  for (const ref of await records.open()) {
    const isNamed = message.repo === '*' || ref.repo === message.repo;
    if (ref.owner !== message.owner || !isNamed) continue;
    const found = await records.load(ref);
    if (found === undefined || found.closed !== undefined || !isOf(found.deployment, message)) {
      continue;
    }
    const text = 'The repo was taken away from this platform.';
    await records.close(ref, { state: 'cancelled', text, at: now });
    await messages.advance(refOf(ref));
  }
}

/**
 * Deletes build logs and records of deployments of a repo that has gone, or of all repos of an owner
 * who has. Those of another repo that has taken its name stay, and with them the logs; so does what
 * still has to be told about its end.
 *
 * @returns how many deployments were forgotten.
 * @throws CloudError of the store; a second call goes on.
 */
export async function forgetRepos(deps: Forgetting, message: GarbageMessage): Promise<number> {
  const { owner, repo } = message;
  const repos = repo === '*' ? await deployedRepos(deps.store, owner) : [repo];
  let forgotten = 0;
  for (const name of repos) forgotten += await forgetRepo(deps, message, name);
  return forgotten;
}

async function forgetRepo(
  { records, store }: Forgetting,
  message: GarbageMessage,
  repo: RepoName,
): Promise<number> {
  const { owner } = message;
  const gone: DeploymentRef[] = [];
  let others = 0;
  for (const ref of await records.deploymentsOf(owner, repo)) {
    const found = await records.load(ref);
    if (found !== undefined && !isOf(found.deployment, message)) others += 1;
    else if ((await records.isClosed(ref)) && !(await records.isOpen(ref))) gone.push(ref);
  }
  if (others === 0) {
    const logs = await store.list(repoLogsPrefix(owner, repo));
    for (let at = 0; at < logs.length; at += together) {
      await Promise.all(logs.slice(at, at + together).map((key) => store.delete(key)));
    }
  }
  for (const ref of gone) await records.forget(ref);
  return gone.length;
}

function isOf({ scm, repoId }: Deployment, { from }: GarbageMessage): boolean {
  if (from === undefined) return true;
  return scm === from.scm && (from.repoId === undefined || repoId === from.repoId);
}
