import type { Settings } from './config.ts';
import { type FunctionKey, hostLabel, type Owner, type RepoName, serviceName } from './names.ts';
import { parseSite } from './router/site.ts';

/** What a build log belongs to. */
export interface LogOf {
  readonly owner: Owner;
  readonly repo: RepoName;
  readonly sha: string;
  readonly function: string;
}

/** Addresses that people see in checks and answers. */
export interface PublicUrls {
  /** Where visitors reach a function. */
  function(owner: Owner, key: FunctionKey): string;
  /** Where a function's build log is. */
  log(log: LogOf): string;
  /** The page of a deployment, or what comes nearest to it. */
  deployment(of: { readonly owner: Owner; readonly repo: RepoName; readonly id: string }): string;
  /** The platform's own pages. */
  home(): string;
}

/**
 * Makes {@link PublicUrls}.
 *
 * @param config `publicUrl` is the gateway's address; with a `prettyUrl` such as
 * `https://user.example.com/function`, owners have hosts of their own instead, and so has `system`.
 * @throws CloudError `OFC_CONFIG` if `prettyUrl` is not of that form.
 */
export function createPublicUrls(config: { publicUrl: string; prettyUrl: string }): PublicUrls {
  if (config.prettyUrl === '') return gatewayUrls(config.publicUrl);
  const { scheme, domain, port, systemOrigin } = parseSite(config.prettyUrl);
  return {
    function: (owner, key) => `${scheme}://${hostLabel(owner)}.${domain}${port}/${key}`,
    log: (log) => `${systemOrigin}/pipeline-log?${logQuery(log)}`,
    // A slash in an owner would end a part of the path.
    deployment: ({ owner, repo, id }) =>
      `${systemOrigin}/dashboard/${owner.replaceAll('/', '~')}/deployments/${repo}/${id}`,
    home: () => `${systemOrigin}/`,
  };
}

/** Reads `gateway_public_url` and `gateway_pretty_url`. */
export function publicUrlSettings(settings: Settings): PublicUrls {
  return createPublicUrls({
    publicUrl: settings.url('gateway_public_url', 'http://127.0.0.1:8080'),
    prettyUrl: settings.text('gateway_pretty_url', ''),
  });
}

function gatewayUrls(publicUrl: string): PublicUrls {
  return {
    function: (owner, key) => `${publicUrl}/function/${serviceName(owner, key)}`,
    log: (log) => `${publicUrl}/function/pipeline-log?${logQuery(log)}`,
    deployment: () => `${publicUrl}/`,
    home: () => `${publicUrl}/`,
  };
}

function logQuery({ owner, repo, sha, function: name }: LogOf): string {
  return new URLSearchParams({ owner, repo, sha, function: name }).toString();
}
