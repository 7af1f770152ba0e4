import type { Account, Repo } from './repo-store.ts';

/** What the app may do, as GitHub names it. */
export const appPermissions = {
  checks: 'write',
  contents: 'read',
  deployments: 'write',
  metadata: 'read',
  statuses: 'write',
} as const;

/** A JSON object as sent. */
export type Json = Record<string, unknown>;

/** Addresses of this server. */
export interface Addresses {
  readonly html: string;
  readonly api: string;
}

/** Addresses below the public one. */
export function addressesOf(publicUrl: string): Addresses {
  return { html: publicUrl, api: `${publicUrl}/api/v3` };
}

/** GitHub's opaque ids, in their older form. */
export function nodeId(kind: string, id: number): string {
  return Buffer.from(`0${kind.length}:${kind}${id}`).toString('base64');
}

/** A user or organisation. */
export function accountJson(account: Account, at: Addresses): Json {
  const { id, login, type } = account;
  return {
    login,
    id,
    node_id: nodeId(type, id),
    avatar_url: '',
    gravatar_id: '',
    url: `${at.api}/users/${login}`,
    html_url: `${at.html}/${login}`,
    repos_url: `${at.api}/users/${login}/repos`,
    organizations_url: `${at.api}/users/${login}/orgs`,
    type,
    user_view_type: 'public',
    site_admin: false,
  };
}

/** The e-mail address of an account, in the form that GitHub gives to people who hide theirs. */
export function emailOf(account: Account): string {
  return `${account.id}+${account.login}@users.noreply.localhost`;
}

/** A repo, as in answers of the API and, with {@link pushRepositoryJson}, in push events. */
export function repositoryJson(repo: Repo, owner: Account, at: Addresses): Json {
  const full = `${owner.login}/${repo.name}`;
  const html = `${at.html}/${full}`;
  const api = `${at.api}/repos/${full}`;
  return {
    id: repo.id,
    node_id: nodeId('Repository', repo.id),
    name: repo.name,
    full_name: full,
    private: repo.private,
    owner: accountJson(owner, at),
    html_url: html,
    description: null,
    fork: false,
    url: api,
    branches_url: `${api}/branches{/branch}`,
    contents_url: `${api}/contents/{+path}`,
    commits_url: `${api}/commits{/sha}`,
    statuses_url: `${api}/statuses/{sha}`,
    deployments_url: `${api}/deployments`,
    hooks_url: `${api}/hooks`,
    created_at: repo.createdAt,
    updated_at: repo.pushedAt,
    pushed_at: repo.pushedAt,
    git_url: `${html}.git`,
    ssh_url: `${html}.git`,
    clone_url: `${html}.git`,
    homepage: null,
    size: 0,
    language: null,
    archived: false,
    disabled: false,
    topics: [],
    visibility: repo.private ? 'private' : 'public',
    default_branch: repo.defaultBranch,
  };
}

/** A repo as in push events: times in seconds, the owner with name and e-mail, the web address as `url`. */
export function pushRepositoryJson(repo: Repo, owner: Account, at: Addresses): Json {
  const json = repositoryJson(repo, owner, at);
  return {
    ...json,
    owner: { name: owner.login, email: emailOf(owner), ...accountJson(owner, at) },
    url: json['html_url'],
    created_at: seconds(repo.createdAt),
    pushed_at: seconds(repo.pushedAt),
    master_branch: repo.defaultBranch,
    stargazers: 0,
    ...(owner.type === 'Organization' ? { organization: owner.login } : {}),
  };
}

/** The app as installed on an account. */
export function installationJson(owner: Account, appId: number, at: Addresses): Json {
  return {
    id: owner.installationId,
    node_id: nodeId('IntegrationInstallation', owner.installationId),
    account: accountJson(owner, at),
    repository_selection: 'all',
    access_tokens_url: `${at.api}/app/installations/${owner.installationId}/access_tokens`,
    repositories_url: `${at.api}/installation/repositories`,
    html_url: `${at.html}/${owner.login}`,
    app_id: appId,
    app_slug: 'openfaas-cloud',
    target_id: owner.id,
    target_type: owner.type,
    permissions: appPermissions,
    events: ['push'],
    created_at: owner.createdAt,
    updated_at: owner.createdAt,
    single_file_name: null,
    suspended_at: null,
  };
}

/** The app itself. */
export function appJson(appId: number, at: Addresses): Json {
  return {
    id: appId,
    node_id: nodeId('Integration', appId),
    slug: 'openfaas-cloud',
    name: 'OpenFaaS Cloud',
    description: 'The app of this machine.',
    external_url: at.html,
    html_url: at.html,
    permissions: appPermissions,
    events: ['push'],
  };
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
