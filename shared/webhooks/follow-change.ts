import { putJson } from '../object-store/json.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Messages } from '../pipeline/messages.ts';
import type { OwnerClaims } from '../scm/owner-claims.ts';
import type { NotedEvent, RemovedRepos, RenamedOwner } from '../scm/scm-event.ts';
import { type ScmId, scmKind } from '../scm/scm-id.ts';
import type { ScmWebhooks } from '../scm/scm-webhooks.ts';
import type { Answer } from './answer.ts';

interface Following {
  readonly messages: Pick<Messages, 'collectGarbage' | 'audit'>;
  readonly store: ObjectStore;
  readonly owners: OwnerClaims;
}

interface Named {
  readonly scm: ScmId;
  /** The event's name. */
  readonly name: string;
}

/**
 * Removes what repos that are gone have here, whether or not their owner still is a customer. Another
 * SCM's account of an owner's name has nothing here.
 *
 * @throws CloudError of the gateway and the store; the delivery can be sent again.
 */
export async function removeRepos(
  deps: Following,
  named: Named,
  { owner, repos, repoId, text }: RemovedRepos,
): Promise<Answer> {
  const { scm } = named;
  const claim = await deps.owners.of(owner);
  if (claim !== undefined && claim.scm !== scm) {
    return { status: 202, body: `Ignored: The owner name "${owner}" is one of ${claim.scm} here.` };
  }
  const from = { scm, ...(repoId === undefined ? {} : { repoId }) };
  for (const repo of repos) {
    await deps.messages.collectGarbage({ owner, repo, functions: [], from });
  }
  if (repos.includes('*')) await deps.owners.release(owner, scm);
  return noteEvent(deps, named, { kind: 'noted', owner, text });
}

/**
 * Removes the functions of an owner who has another name now, if the SCM says so; the next push brings
 * them under the new name.
 *
 * @throws CloudError of the SCM, the gateway and the store.
 */
export async function followRename(
  deps: Following,
  sender: ScmWebhooks,
  name: string,
  { owner }: RenamedOwner,
): Promise<Answer> {
  const { scm } = sender;
  const claim = await deps.owners.of(owner);
  const now = claim?.scm === scm ? await sender.ownerName?.(claim.id) : undefined;
  if (now === undefined || now === owner) {
    return { status: 202, body: `Ignored: Nothing is known here of a rename of "${owner}".` };
  }
  const text = `${owner} is ${now} now`;
  return removeRepos(deps, { scm, name }, { kind: 'removed', owner, repos: ['*'], text });
}

/** Puts an event on record; nothing is built before somebody pushes. */
export async function noteEvent(
  { messages, store }: Following,
  { scm, name }: Named,
  { owner, repo, text, record }: NotedEvent,
): Promise<Answer> {
  if (record !== undefined) await putJson(store, record.key, record.value);
  await messages.audit({
    source: `${scmKind(scm)}-event`,
    message: text.slice(0, 2000),
    owner,
    ...(repo === undefined ? {} : { repo }),
  });
  return { status: 202, body: `Message received with event: ${name}` };
}
