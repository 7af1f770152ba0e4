import type { Person } from './person.ts';

/** A provider's log-in as it is registered there. */
export interface OAuthConfig {
  /** The SCM's name in `scms`; absent for the first of its kind. */
  readonly name?: string;
  /** `https://github.com`, `https://gitlab.com`, or one's own server. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Signs people in: OAuth 2 authorisation code (RFC 6749 §4.1) with PKCE (RFC 7636). */
export interface OAuthProvider {
  /** `github`, `gitlab`, `gitlab-work`: the SCM it belongs to, and the first part of an identity's subject. */
  readonly name: string;
  /** As people read it: `GitHub`, or `GitLab (git.example.com)`. */
  readonly title: string;
  /** The page on which the visitor agrees. */
  authorizeUrl(request: {
    readonly redirectUri: string;
    readonly state: string;
    readonly challenge: string;
  }): string;
  /**
   * Trades the code for an access token, reads who that is, and drops the token.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED` if the provider refuses the code, `OFC_UPSTREAM` if it
   * does not answer properly.
   */
  profile(grant: {
    readonly code: string;
    readonly verifier: string;
    readonly redirectUri: string;
  }): Promise<Person>;
}

/** `GitHub`, with the host's name if it is not the public one. */
export function providerTitle(kind: string, baseUrl: string, publicHost: string): string {
  const { host } = new URL(baseUrl);
  return host === publicHost ? kind : `${kind} (${host})`;
}
