import type { Messages } from '../pipeline/messages.ts';
import type { NotedEvent, RemovedRepos } from '../scm/scm-event.ts';
import { type ScmId, scmKind } from '../scm/scm-id.ts';
import type { Answer } from './answer.ts';

interface Following {
  readonly messages: Pick<Messages, 'collectGarbage' | 'audit'>;
}

interface Named {
  readonly scm: ScmId;
  /** The event's name. */
  readonly name: string;
}

/**
 * Removes the functions of repos that are gone, whether or not their owner still is a customer.
 *
 * @throws CloudError of the gateway; the delivery can be sent again.
 */
export async function removeRepos(
  { messages }: Following,
  named: Named,
  { owner, repos, text }: RemovedRepos,
): Promise<Answer> {
  for (const repo of repos) await messages.collectGarbage({ owner, repo, functions: [] });
  return noteEvent({ messages }, named, { kind: 'noted', owner, text });
}

/** Puts an event on record; nothing is built before somebody pushes. */
export async function noteEvent(
  { messages }: Following,
  { scm, name }: Named,
  { owner, repo, text }: NotedEvent,
): Promise<Answer> {
  await messages.audit({
    source: `${scmKind(scm)}-event`,
    message: text.slice(0, 2000),
    owner,
    ...(repo === undefined ? {} : { repo }),
  });
  return { status: 202, body: `Message received with event: ${name}` };
}
