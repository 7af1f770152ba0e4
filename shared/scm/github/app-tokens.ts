import { createAppAuth } from '@octokit/auth-app';
import { request } from '@octokit/request';
import { once } from '../../once.ts';

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

/** Gives a token for one repo and no more than these permissions; fails as the library does. */
export type AppTokens = (scope: GithubScope, permissions: GithubPermissions) => Promise<string>;

/** A token that ends sooner is replaced: it has to last for whatever is begun with it. */
const minLeftMs = 10 * 60_000;

/**
 * Makes {@link AppTokens}. Tokens are kept in memory while they hold. A clock that differs from
 * GitHub's is allowed for.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
 */
export function createAppTokens(config: GithubAppConfig): AppTokens {
  const { apiUrl, appId, privateKey, timeoutMs = 10_000 } = config;
  // At the first use: the library refuses empty values at once, before all problems are listed.
  const authenticate = once(() => {
    const plain = request.defaults({
      baseUrl: apiUrl,
      headers: { 'user-agent': 'openfaas-cloud' },
      request: {
        fetch: (url: string, init?: RequestInit) =>
          fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }),
      },
    });
    const app = { appId, privateKey, log: quiet };
    // Only the library's hook reads the time in a refusal and tries again with that.
    const { hook } = createAppAuth({ ...app, request: plain });
    return createAppAuth({ ...app, request: plain.defaults({ request: { hook } }) });
  });
  return async ({ installationId, repoId }, permissions) => {
    const type = 'installation' as const;
    const wanted = { type, installationId, repositoryIds: [repoId], permissions };
    const known = await authenticate()(wanted);
    if (Date.parse(known.expiresAt) - Date.now() > minLeftMs) return known.token;
    return (await authenticate()({ ...wanted, refresh: true })).token;
  };
}

/** Failures come as errors; the library's own lines would stand in the log without a context. */
export const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
