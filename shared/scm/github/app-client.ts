import { Octokit } from '@octokit/rest';
import { retryAfterSeconds } from '../retry-after.ts';
import {
  createAppTokens,
  type GithubAppConfig,
  type GithubPermissions,
  type GithubScope,
  quiet,
} from './app-tokens.ts';
import { githubError } from './github-error.ts';

/** Acts as the GitHub App on one repo at a time. */
export interface GithubApp {
  /**
   * Calls the API with a token for one repo and no more than these permissions. Tokens are kept for
   * as long as they hold.
   *
   * @throws CloudError as in `githubError`.
   */
  act<T>(
    scope: GithubScope,
    permissions: GithubPermissions,
    call: (octokit: Octokit) => Promise<T>,
  ): Promise<T>;
}

/** Makes a {@link GithubApp}. */
export function createGithubApp(config: GithubAppConfig): GithubApp {
  const { apiUrl, timeoutMs = 10_000 } = config;
  const tokens = createAppTokens(config);
  const options = {
    baseUrl: apiUrl,
    userAgent: 'openfaas-cloud',
    log: quiet,
    request: {
      fetch: (url: string, init?: RequestInit) =>
        fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }),
    },
  };
  /** Rate limits that hold, by installation: GitHub is left alone until they are over. */
  const limited = new Map<number, { readonly until: number; readonly error: unknown }>();

  return {
    async act(scope, permissions, call) {
      const { installationId } = scope;
      const limit = limited.get(installationId);
      if (limit !== undefined && Date.now() < limit.until) throw githubError(limit.error);
      limited.delete(installationId);
      try {
        const token = await tokens(scope, permissions);
        return await call(new Octokit({ ...options, auth: token }));
      } catch (error) {
        const seconds = retryAfterSeconds(error);
        if (seconds !== undefined) {
          limited.set(installationId, { until: Date.now() + seconds * 1000, error });
        }
        throw githubError(error);
      }
    },
  };
}
