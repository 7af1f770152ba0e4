import * as v from 'valibot';
import { createOAuthHttp } from './oauth-http.ts';
import { type OAuthConfig, type OAuthProvider, providerTitle } from './oauth-provider.ts';

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
  const { name = 'gitea' } = config;
  const title = providerTitle('Gitea', config.baseUrl, 'gitea.com');
  const http = createOAuthHttp(title);
  return {
    name,
    title,
    authorizeUrl({ redirectUri, state, challenge }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: config.clientId,
        redirect_uri: redirectUri,
        scope: 'openid profile groups',
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      });
      return `${config.baseUrl}/login/oauth/authorize?${query}`;
    },
    async profile(grant) {
      const token = await http.exchange(
        `${config.baseUrl}/login/oauth/access_token`,
        config,
        grant,
      );
      const answer = await http.get(`${config.baseUrl}/login/oauth/userinfo`, token, 'the user');
      const { sub, preferred_username, groups } = http.read(userInfoSchema, answer, 'the user');
      const all = groups ?? [];
      // An organisation, and behind a colon each of its teams; its owners are the team of that name.
      const organisations = all.filter((group) => !group.includes(':'));
      const owned = new Set(all.map((group) => group.toLowerCase()));
      return {
        provider: name,
        id: sub,
        login: preferred_username,
        groups: organisations.map((path) => ({
          path,
          admin: owned.has(`${path.toLowerCase()}:owners`),
        })),
      };
    },
  };
}
