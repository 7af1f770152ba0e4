import { createGiteaOAuth } from '#shared/auth/gitea-oauth.ts';
import { createGithubOAuth } from '#shared/auth/github-oauth.ts';
import { createGitlabOAuth } from '#shared/auth/gitlab-oauth.ts';
import type { OAuthProvider } from '#shared/auth/oauth-provider.ts';
import type { Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';

/**
 * Where people sign in: the original's `oauth_provider` with its client, GitLab beside it if that has a
 * client too, and each Gitea and each further GitHub and GitLab of `scms` that has one.
 */
export function readProviders(settings: Settings): OAuthProvider[] {
  const kind = settings.parsed('oauth_provider', parseProvider, 'github');
  const baseUrl = settings.url('oauth_provider_base_url', `https://${kind}.com`);
  const apiUrl = settings.url('oauth_provider_api_url', 'https://api.github.com');
  const gitlab = {
    baseUrl: settings.url('gitlab_instance', 'https://gitlab.com'),
    clientId: settings.text('gitlab_client_id', ''),
    clientSecret: settings.optionalSecret('gitlab-client-secret') ?? '',
  };
  const further = furtherProviders(settings);
  const isBeside = gitlab.clientId !== '' || further.length > 0;
  const clientId = isBeside ? settings.text('client_id', '') : settings.text('client_id');
  const providers: OAuthProvider[] = [];
  if (clientId !== '' || !isBeside) {
    const client = { baseUrl, clientId, clientSecret: settings.secret('of-client-secret') };
    const isGitlab = kind === 'gitlab';
    providers.push(isGitlab ? createGitlabOAuth(client) : createGithubOAuth({ ...client, apiUrl }));
  }
  if (gitlab.clientId !== '') {
    if (gitlab.clientSecret === '') settings.secret('gitlab-client-secret');
    if (kind === 'gitlab' && clientId !== '') {
      throw new CloudError('OFC_CONFIG', 'GitLab is set twice: client_id and gitlab_client_id.');
    }
    providers.push(createGitlabOAuth(gitlab));
  }
  return [...providers, ...further];
}

/** Giteas, and others of `scms` with a name of their own, under which their settings stand. */
function furtherProviders(settings: Settings): OAuthProvider[] {
  const githubs = scmSettings(settings, 'github').flatMap(({ scm, settings: own }) => {
    if (scm === 'github') return [];
    const clientId = own.text('client_id', '');
    if (clientId === '') return [];
    const [baseUrl, apiUrl] = [own.url('github_url'), own.url('github_api_url')];
    const clientSecret = own.secret('of-client-secret');
    return createGithubOAuth({ name: scm, baseUrl, apiUrl, clientId, clientSecret });
  });
  const gitlabs = scmSettings(settings, 'gitlab').flatMap(({ scm, settings: own }) => {
    if (scm === 'gitlab') return [];
    const clientId = own.text('gitlab_client_id', '');
    if (clientId === '') return [];
    const clientSecret = own.secret('gitlab-client-secret');
    return createGitlabOAuth({
      name: scm,
      baseUrl: own.url('gitlab_instance'),
      clientId,
      clientSecret,
    });
  });
  const giteas = scmSettings(settings, 'gitea').flatMap(({ scm, settings: own }) => {
    const clientId = own.text('gitea_client_id', '');
    const baseUrl = own.url('gitea_url', 'https://gitea.com');
    const given = own.optionalSecret('gitea-client-secret');
    if (clientId === '') return [];
    const clientSecret = given ?? own.secret('gitea-client-secret');
    return createGiteaOAuth({ name: scm, baseUrl, clientId, clientSecret });
  });
  return [...githubs, ...gitlabs, ...giteas];
}

function parseProvider(name: string): 'github' | 'gitlab' {
  const kind = name.toLowerCase();
  if (kind === 'github' || kind === 'gitlab') return kind;
  throw new Error(`oauth_provider is "${name}", not "github" or "gitlab".`);
}
