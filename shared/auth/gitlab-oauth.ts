import * as v from 'valibot';
import { createCodeFlow } from './code-flow.ts';
import type { OAuthConfig, OAuthProvider } from './oauth-provider.ts';

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
  return createCodeFlow(config, {
    kind: 'GitLab',
    publicHost: 'gitlab.com',
    defaultName: 'gitlab',
    authorizePath: '/oauth/authorize',
    tokenPath: '/oauth/token',
    scope: 'openid',
    async person(http, token) {
      const answer = await http.get(`${config.baseUrl}/oauth/userinfo`, token, 'the user');
      const {
        sub,
        nickname,
        groups,
        [ownedClaim]: owned,
      } = http.read(userInfoSchema, answer, 'the user');
      const admins = new Set(owned);
      return {
        id: sub,
        login: nickname,
        groups: groups.map((path) => ({ path, admin: isOwned(path, admins) })),
      };
    },
  });
}

/** The claim names groups that are owned directly; what lies below them is owned too. */
function isOwned(path: string, owned: ReadonlySet<string>): boolean {
  const parts = path.split('/');
  return parts.some((_, index) => owned.has(parts.slice(0, index + 1).join('/')));
}
