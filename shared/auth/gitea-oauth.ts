import * as v from 'valibot';
import { createCodeFlow } from './code-flow.ts';
import type { OAuthConfig, OAuthProvider } from './oauth-provider.ts';

const userInfoSchema = v.object({
  sub: v.pipe(v.union([v.number(), v.string()]), v.transform(String), v.regex(/^\d{1,20}$/)),
  preferred_username: v.string(),
  groups: v.optional(v.nullable(v.array(v.string()))),
});

/**
 * Makes an {@link OAuthProvider} for a Gitea or Forgejo. It asks for OpenID Connect's scopes only, so that
 * person and organisations come in one answer, and the platform never holds a token that could read a repo.
 *
 * @see https://docs.gitea.com/development/oauth2-provider
 */
export function createGiteaOAuth(config: OAuthConfig): OAuthProvider {
  return createCodeFlow(config, {
    kind: 'Gitea',
    publicHost: 'gitea.com',
    defaultName: 'gitea',
    authorizePath: '/login/oauth/authorize',
    tokenPath: '/login/oauth/access_token',
    scope: 'openid profile groups',
    async person(http, token) {
      const url = `${config.baseUrl}/login/oauth/userinfo`;
      const answer = await http.get(url, token, 'the user');
      const { sub, preferred_username, groups } = http.read(userInfoSchema, answer, 'the user');
      const all = groups ?? [];
      // An organisation, and behind a colon each of its teams; its owners are the team of that name.
      const organisations = all.filter((group) => !group.includes(':'));
      const owned = new Set(all.map((group) => group.toLowerCase()));
      return {
        id: sub,
        login: preferred_username,
        groups: organisations.map((path) => ({
          path,
          admin: owned.has(`${path.toLowerCase()}:owners`),
        })),
      };
    },
  });
}
