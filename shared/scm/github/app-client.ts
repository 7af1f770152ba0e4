import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { once } from '../../once.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import { githubError } from './github-error.ts';

/** The GitHub App with which we act. */
export interface GithubAppConfig {
  /** `https://api.github.com`, or that of another GitHub. */
  readonly apiUrl: string;
  readonly appId: string;
  /** PEM. */
  readonly privateKey: string;
  readonly timeoutMs?: number;
}

/** Where a token is good. */
export interface GithubScope {
  readonly installationId: number;
  readonly repoId: number;
}

/** What the token may do there; nothing else. */
export type GithubPermissions = Readonly<Record<string, 'read' | 'write'>>;

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

/**
 * Makes a {@link GithubApp}.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
 */
export function createGithubApp(config: GithubAppConfig): GithubApp {
  const { appId, privateKey, timeoutMs = 10_000 } = config;
  const options = {
    baseUrl: config.apiUrl,
    userAgent: 'openfaas-cloud',
    log: quiet,
    request: {
      fetch: (url: string, init?: RequestInit) =>
        fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }),
    },
  };
  // At the first use: the library refuses empty values at once, before all problems are listed.
  const authenticate = once(() => {
    const { request } = new Octokit(options);
    return createAppAuth({ appId, privateKey, request, log: quiet });
  });
  /** Rate limits that hold, by installation: GitHub is left alone until they are over. */
  const limited = new Map<number, { readonly until: number; readonly error: unknown }>();

  return {
    async act({ installationId, repoId }, permissions, call) {
      const limit = limited.get(installationId);
      if (limit !== undefined && Date.now() < limit.until) throw githubError(limit.error);
      limited.delete(installationId);
      try {
        const { token } = await authenticate()({
          type: 'installation',
          installationId,
          repositoryIds: [repoId],
          permissions,
        });
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

/** Failures come as errors; the library's own lines would stand in the log without a context. */
const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
