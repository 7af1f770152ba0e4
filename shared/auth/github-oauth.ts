import * as v from 'valibot';
import { createOAuthHttp } from './oauth-http.ts';
import { type OAuthConfig, type OAuthProvider, providerTitle } from './oauth-provider.ts';
import type { Group } from './person.ts';

/** A GitHub App's or OAuth App's log-in. */
export interface GithubOAuthConfig extends OAuthConfig {
  /** `https://api.github.com`, or `https://<host>/api/v3`. */
  readonly apiUrl: string;
}

const id = v.pipe(v.union([v.number(), v.string()]), v.transform(String));
const userSchema = v.object({ id, login: v.string() });
const orgSchema = v.object({ id: v.optional(id), login: v.string() });
const orgsSchema = v.array(orgSchema);
const membershipsSchema = v.array(v.object({ organization: orgSchema, role: v.string() }));

const pageSize = 100;
/** Nobody is in more organisations than this times the page size; it bounds a log-in's calls. */
const maxPages = 50;

/**
 * Makes an {@link OAuthProvider} for GitHub and what speaks as it does.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
 */
export function createGithubOAuth(config: GithubOAuthConfig): OAuthProvider {
  const { name = 'github' } = config;
  const title = providerTitle('GitHub', config.baseUrl, 'github.com');
  const http = createOAuthHttp(title);
  const what = 'the organisations';

  /** All pages; `undefined` if the app may not read them. */
  const pages = async <Item>(
    path: string,
    schema: v.GenericSchema<unknown, Item[]>,
    token: string,
  ): Promise<Item[] | undefined> => {
    const items: Item[] = [];
    for (let page = 1; page <= maxPages; page++) {
      const url = `${config.apiUrl}${path}${path.includes('?') ? '&' : '?'}per_page=${pageSize}&page=${page}`;
      const answer = await http.get(url, token, what);
      if (answer.status === 403 || answer.status === 404) return undefined;
      const found = http.read(schema, answer, what);
      items.push(...found);
      if (found.length < pageSize) break;
    }
    return items;
  };
  /** Memberships say who owns an organisation; an app that may not read them sees its members' list. */
  const groups = async (token: string): Promise<Group[]> => {
    const path = '/user/memberships/orgs?state=active';
    const memberships = await pages(path, membershipsSchema, token);
    if (memberships !== undefined) {
      return memberships.map(({ organization, role }) => toGroup(organization, role === 'admin'));
    }
    const orgs = (await pages('/user/orgs', orgsSchema, token)) ?? [];
    return orgs.map((org) => toGroup(org, false));
  };

  return {
    name,
    title,
    authorizeUrl({ redirectUri, state, challenge }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: config.clientId,
        redirect_uri: redirectUri,
        scope: 'read:org',
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
      const answer = await http.get(`${config.apiUrl}/user`, token, 'the user');
      const user = http.read(userSchema, answer, 'the user');
      return { provider: name, ...user, groups: await groups(token) };
    },
  };
}

function toGroup({ id, login }: v.InferOutput<typeof orgSchema>, admin: boolean): Group {
  return { path: login, ...(id === undefined ? {} : { id }), admin };
}
