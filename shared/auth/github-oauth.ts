import * as v from 'valibot';
import { createCodeFlow } from './code-flow.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { OAuthConfig, OAuthProvider } from './oauth-provider.ts';
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
  const what = 'the organisations';

  /** All pages; `undefined` if the app may not read them. */
  const pages = async <Item>(
    http: OAuthHttp,
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
  const groups = async (http: OAuthHttp, token: string): Promise<Group[]> => {
    const path = '/user/memberships/orgs?state=active';
    const memberships = await pages(http, path, membershipsSchema, token);
    if (memberships !== undefined) {
      return memberships.map(({ organization, role }) => toGroup(organization, role === 'admin'));
    }
    const orgs = (await pages(http, '/user/orgs', orgsSchema, token)) ?? [];
    return orgs.map((org) => toGroup(org, false));
  };

  return createCodeFlow(config, {
    kind: 'GitHub',
    publicHost: 'github.com',
    defaultName: 'github',
    authorizePath: '/login/oauth/authorize',
    tokenPath: '/login/oauth/access_token',
    scope: 'read:org',
    async person(http, token) {
      const answer = await http.get(`${config.apiUrl}/user`, token, 'the user');
      const user = http.read(userSchema, answer, 'the user');
      return { ...user, groups: await groups(http, token) };
    },
  });
}

function toGroup({ id, login }: v.InferOutput<typeof orgSchema>, admin: boolean): Group {
  return { path: login, ...(id === undefined ? {} : { id }), admin };
}
