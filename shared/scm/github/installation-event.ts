import * as v from 'valibot';
import { parseOwner, parseRepoName } from '../../names.ts';
import { parseBody } from '../../webhooks/parse-body.ts';
import type { IgnoredEvent, NotedEvent, RemovedRepos } from '../scm-event.ts';

const repos = v.optional(v.array(v.object({ name: v.string(), full_name: v.string() })), []);

/** `installation` and `installation_repositories` have the same parts that we use. */
const installationEventSchema = v.object({
  action: v.string(),
  installation: v.object({ account: v.object({ login: v.string() }) }),
  repositories: repos,
  repositories_added: repos,
  repositories_removed: repos,
});

/**
 * Reads the body of an `installation` or `installation_repositories` event.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
 */
export function parseInstallationEvent(
  event: string,
  body: string,
): RemovedRepos | NotedEvent | IgnoredEvent {
  const content = parseBody(event, installationEventSchema, body);
  const { action, installation } = content;
  const { login } = installation.account;
  const owner = parseOwner(login);
  switch (action) {
    case 'created':
    case 'added': {
      const added = [...content.repositories_added, ...content.repositories];
      const names = added.map((repo) => repo.full_name).join(', ');
      return { kind: 'noted', owner, text: `${login} added repositories: ${names}` };
    }
    case 'removed': {
      const removed = content.repositories_removed.map(({ name }) => parseRepoName(name));
      return { kind: 'removed', owner, repos: removed, text: `Removed: ${removed.join(', ')}` };
    }
    case 'deleted':
      return { kind: 'removed', owner, repos: ['*'], text: 'The app was uninstalled' };
    default:
      return {
        kind: 'ignored',
        why: `Nothing is to be done for ${event} "${action.slice(0, 50)}".`,
      };
  }
}
