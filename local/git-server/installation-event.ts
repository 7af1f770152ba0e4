import {
  type Addresses,
  accountJson,
  installationJson,
  type Json,
  nodeId,
} from './github-shapes.ts';
import type { Account, Repo } from './repo-store.ts';

/** What happened to the set of repos that the app sees. */
export type InstallationChange = 'created' | 'added' | 'removed';

/** Name of the event and its body. */
export interface InstallationEvent {
  readonly event: 'installation' | 'installation_repositories';
  readonly payload: Json;
}

/**
 * The `installation` event of a new owner, or the `installation_repositories` event of one repo.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
 */
export function installationEvent(
  change: InstallationChange,
  repo: Repo,
  owner: Account,
  appId: number,
  at: Addresses,
): InstallationEvent {
  const repositories = [
    {
      id: repo.id,
      node_id: nodeId('Repository', repo.id),
      name: repo.name,
      full_name: `${owner.login}/${repo.name}`,
      private: repo.private,
    },
  ];
  const common = {
    action: change,
    installation: installationJson(owner, appId, at),
    requester: null,
    sender: accountJson(owner, at),
  };
  if (change === 'created') return { event: 'installation', payload: { ...common, repositories } };
  return {
    event: 'installation_repositories',
    payload: {
      ...common,
      repository_selection: 'all',
      repositories_added: change === 'added' ? repositories : [],
      repositories_removed: change === 'removed' ? repositories : [],
    },
  };
}
