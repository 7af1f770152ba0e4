import * as v from 'valibot';
import { type Owner, parseOwner, parseRepoName, type RepoName } from '../../names.ts';
import { parseBody } from './parse-body.ts';

const repos = v.optional(v.array(v.object({ name: v.string(), full_name: v.string() })), []);

/** `installation` and `installation_repositories` have the same parts that we use. */
const installationEventSchema = v.object({
  action: v.string(),
  installation: v.object({ account: v.object({ login: v.string() }) }),
  repositories: repos,
  repositories_added: repos,
  repositories_removed: repos,
});

/** What an installation event asks of us. */
export type InstallationChange =
  | { readonly kind: 'added'; readonly owner: Owner; readonly text: string }
  | {
      readonly kind: 'removed';
      readonly owner: Owner;
      /** The repos that we may not see any more; `*`: the app was uninstalled. */
      readonly repos: readonly (RepoName | '*')[];
    }
  | { readonly kind: 'ignored'; readonly why: string };

/**
 * Reads the body of an `installation` or `installation_repositories` event.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
 */
export function parseInstallationEvent(event: string, body: string): InstallationChange {
  const content = parseBody(event, installationEventSchema, body);
  const { action, installation } = content;
  const owner = parseOwner(installation.account.login);
  switch (action) {
    case 'created':
    case 'added': {
      const added = [...content.repositories_added, ...content.repositories];
      const names = added.map((repo) => repo.full_name).join(', ');
      return {
        kind: 'added',
        owner,
        text: `${installation.account.login} added repositories: ${names}`,
      };
    }
    case 'removed': {
      const removed = content.repositories_removed.map(({ name }) => parseRepoName(name));
      return { kind: 'removed', owner, repos: removed };
    }
    case 'deleted':
      return { kind: 'removed', owner, repos: ['*'] };
    default:
      return {
        kind: 'ignored',
        why: `Nothing is to be done for ${event} "${action.slice(0, 50)}".`,
      };
  }
}
