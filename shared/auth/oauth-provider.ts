/** A person as the provider knows them. */
export interface Profile {
  /** The provider's stable user id. */
  readonly id: string;
  readonly login: string;
  /** Organisations or groups the person belongs to. */
  readonly groups: readonly string[];
}

/** Signs people in: OAuth 2 authorisation code (RFC 6749 §4.1) with PKCE (RFC 7636). */
export interface OAuthProvider {
  /** `github`; the first part of an identity's subject. */
  readonly name: string;
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
  }): Promise<Profile>;
}
