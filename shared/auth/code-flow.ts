import { createOAuthHttp, type OAuthHttp } from './oauth-http.ts';
import { type OAuthConfig, type OAuthProvider, providerTitle } from './oauth-provider.ts';
import type { Person } from './person.ts';

/** What one kind of provider has of its own; everything else is the same for all. */
interface CodeFlow {
  /** `GitHub`: see `providerTitle`. */
  readonly kind: string;
  readonly publicHost: string;
  /** The SCM's name where the configuration gives none. */
  readonly defaultName: string;
  /** Below the base URL. */
  readonly authorizePath: string;
  readonly tokenPath: string;
  readonly scope: string;
  /** Reads who a token belongs to, and their groups. */
  person(http: OAuthHttp, token: string): Promise<Omit<Person, 'provider'>>;
}

/** Makes an {@link OAuthProvider}: authorisation code (RFC 6749 §4.1) with PKCE by S256 (RFC 7636). */
export function createCodeFlow(config: OAuthConfig, flow: CodeFlow): OAuthProvider {
  const { baseUrl, clientId, name = flow.defaultName } = config;
  const title = providerTitle(flow.kind, baseUrl, flow.publicHost);
  const http = createOAuthHttp(title);
  return {
    name,
    title,
    authorizeUrl({ redirectUri, state, challenge }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: flow.scope,
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      });
      return `${baseUrl}${flow.authorizePath}?${query}`;
    },
    async profile(grant) {
      const token = await http.exchange(baseUrl + flow.tokenPath, config, grant);
      return { provider: name, ...(await flow.person(http, token)) };
    },
  };
}
