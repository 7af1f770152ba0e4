import * as v from 'valibot';
import { parseOwner, parseRepoName } from '../../names.ts';
import { parseBody } from '../../webhooks/parse-body.ts';
import type { IgnoredEvent, NotedEvent, RemovedRepos } from '../scm-event.ts';

const login = v.object({ login: v.string() });

const repositoryEventSchema = v.object({
  action: v.string(),
  repository: v.object({ id: v.number(), name: v.string(), owner: login }),
  changes: v.optional(
    v.object({
      repository: v.optional(v.object({ name: v.object({ from: v.string() }) })),
      owner: v.optional(
        v.object({
          from: v.object({ user: v.optional(login), organization: v.optional(login) }),
        }),
      ),
    }),
  ),
});

/**
 * Reads the body of a `repository` event. Functions of a repo that was deleted or has another owner
 * now are removed; after a rename they stay, and the next push takes them over.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository
 */
export function parseRepositoryEvent(body: string): RemovedRepos | NotedEvent | IgnoredEvent {
  const { action, repository, changes } = parseBody('repository', repositoryEventSchema, body);
  const repo = parseRepoName(repository.name);
  const owner = parseOwner(repository.owner.login);
  const removed = (from: typeof owner, text: string): RemovedRepos => {
    return { kind: 'removed', owner: from, repos: [repo], repoId: repository.id, text };
  };
  if (action === 'deleted') return removed(owner, `The repo ${owner}/${repo} is gone`);
  const { user, organization } = changes?.owner?.from ?? {};
  const before = user ?? organization;
  if (action === 'transferred' && before !== undefined) {
    return removed(parseOwner(before.login), `The repo ${repo} is ${owner}/${repo} now`);
  }
  const renamed = changes?.repository;
  if (action === 'renamed' && renamed !== undefined) {
    return { kind: 'noted', owner, repo, text: `${renamed.name.from} is ${repo} now` };
  }
  return { kind: 'ignored', why: `Nothing is to be done for repository "${action.slice(0, 50)}".` };
}
