import * as v from 'valibot';
import { createOAuthHttp } from './oauth-http.ts';
import { type OAuthConfig, type OAuthProvider, providerTitle } from './oauth-provider.ts';

const ownedClaim = 'https://gitlab.org/claims/groups/owner';

const userInfoSchema = v.object({
  sub: v.pipe(v.union([v.number(), v.string()]), v.transform(String), v.regex(/^\d{1,20}$/)),
  nickname: v.string(),
  groups: v.optional(v.array(v.string()), []),
  [ownedClaim]: v.optional(v.array(v.string()), []),
});

/**
 * Makes an {@link OAuthProvider} for gitlab.com or a server of one's own. It asks for the scope
 * `openid` and nothing else: the person and all their groups, direct and inherited, come in one answer
 * without pages, and the platform never holds a token that could read a repo.
 *
 * @see https://docs.gitlab.com/integration/openid_connect_provider/
 * @see https://docs.gitlab.com/api/oauth2/#authorization-code-with-proof-key-for-code-exchange-pkce
 */
export function createGitlabOAuth(config: OAuthConfig): OAuthProvider {
  const { name = 'gitlab' } = config;
  const title = providerTitle('GitLab', config.baseUrl, 'gitlab.com');
  const http = createOAuthHttp(title);
  return {
    name,
    title,
    authorizeUrl({ redirectUri, state, challenge }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: config.clientId,
        redirect_uri: redirectUri,
        scope: 'openid',
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      });
      return `${config.baseUrl}/oauth/authorize?${query}`;
    },
    async profile(grant) {
      const token = await http.exchange(`${config.baseUrl}/oauth/token`, config, grant);
      const answer = await http.get(`${config.baseUrl}/oauth/userinfo`, token, 'the user');
      const {
        sub,
        nickname,
        groups,
        [ownedClaim]: owned,
      } = http.read(userInfoSchema, answer, 'the user');
      const admins = new Set(owned);
      return {
        provider: name,
        id: sub,
        login: nickname,
        groups: groups.map((path) => ({ path, admin: isOwned(path, admins) })),
      };
    },
  };
}

/** The claim names groups that are owned directly; what lies below them is owned too. */
function isOwned(path: string, owned: ReadonlySet<string>): boolean {
  const parts = path.split('/');
  return parts.some((_, index) => owned.has(parts.slice(0, index + 1).join('/')));
}
